//! Which edits of the contract components bear: each line of the table in `wit/CHANGES.md`, with this host as the later
//! one. The component is of a contract that lacks what the edit added.

use backfill::source::Unusable;

use crate::{
    derived::{component, current, edited, later, versioned},
    support::open,
};

/// What becomes of a component in this host: nothing, where it got as far as being asked what it is (the components of
/// these tests answer nothing), or why it was refused.
async fn refusal(component: &[u8]) -> Option<String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("source.wasm");
    std::fs::write(&file, component).unwrap();
    let toml = format!("[[source]]\nid = \"edited\"\ncomponent = {file:?}\nhosts = []\n");
    match open(&toml, &[]).await {
        Err(Unusable::Load(error)) => {
            let text = error.to_string();
            let asked = text.contains("describe failed") && text.contains("unreachable");
            (!asked).then_some(text)
        }
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("a component that answers nothing was loaded"),
    }
}

/// A component of today's contract without something.
fn without(from: &str, to: &str) -> Vec<u8> {
    component(&edited(&current(), from, to), "full-source")
}

#[tokio::test]
async fn a_component_of_this_contract_is_asked_what_it_is() {
    assert_eq!(refusal(&component(&current(), "full-source")).await, None);
    assert_eq!(refusal(&component(&current(), "source")).await, None);
}

#[tokio::test]
async fn additions_to_what_sources_import_and_optional_interfaces_are_borne() {
    for (from, to) in [
        // A function in an imported interface.
        ("    setting: func(name: string) -> option<string>;\n", ""),
        ("    send-all: func(requests: list<request>) -> list<result<response, error>>;\n", ""),
        // A method of an imported resource.
        ("        bytes: func() -> result<list<u8>, error>;\n", ""),
        // An imported interface.
        ("    import host;\n", ""),
        // An optional interface.
        ("    export collector;\n", ""),
        ("    export catalog;\n", ""),
    ] {
        assert_eq!(refusal(&without(from, to)).await, None, "without {from:?}");
    }
    let plain = versioned(&current(), "1.1.0");
    assert_eq!(
        refusal(&component(&plain, "full-source")).await,
        None,
        "a later version that uses nothing new"
    );
}

#[tokio::test]
async fn additions_to_what_sources_export_and_to_types_are_refused() {
    for (from, to) in [
        // A function in an exported interface.
        ("    check-unit: func(unit: unit) -> result<_, string>;\n", ""),
        ("    list-units: func() -> result<list<unit>, failure>;\n", "    other: func();\n"),
        // A field in a record, of what is given and of what is returned.
        ("        name: string,\n        /// MW.", "        /// MW."),
        ("        seconds: u32,\n        value: f64,", "        value: f64,"),
        (
            "        headers: list<tuple<string, string>>,\n        body: option<list<u8>>,",
            "        body: option<list<u8>>,",
        ),
        // A case in an enum, a case in a variant.
        ("        spot-power,\n", ""),
        ("        malformed(string),\n", ""),
        ("        too-large(u64),\n", ""),
        ("    enum level { debug, info, warn, error }", "    enum level { debug, info, warn }"),
    ] {
        let refused = refusal(&without(from, to)).await;
        let optional = from.contains("list-units");
        assert_eq!(refused.is_none(), optional, "without {from:?}: {refused:?}");
        if let Some(why) = refused {
            assert!(why.contains("backfill:source@1.0.0") && why.contains("wit/source.wit"), "{why}");
        }
    }
}

#[tokio::test]
async fn a_component_that_uses_what_is_newer_is_refused_with_both_versions_and_what_to_do() {
    let later = later(&current());
    let interface = edited(&later, "    progress: func(share: f64);\n", "");
    let function = edited(&later, "    import clock;\n", "");
    for (contract, lacking) in [(interface, "backfill:source/clock"), (function, "progress")] {
        let newer = refusal(&component(&contract, "full-source")).await.unwrap();
        for part in ["backfill:source@1.1.0", "backfill:source@1.0.0", lacking, "update the host"] {
            assert!(newer.contains(part), "{part}: {newer}");
        }
    }
    for (version, advice) in [("2.0.0", "update the host"), ("0.9.0", "build it again against")] {
        let other = refusal(&component(&versioned(&current(), version), "full-source")).await.unwrap();
        for part in [&format!("backfill:source@{version}"), "backfill:source@1.0.0", advice] {
            assert!(other.contains(part), "{part}: {other}");
        }
    }
}
