//! `source check` and `source test`, as their users and machines read them.

use std::path::Path;

use serde_json::Value;

use crate::support::{guest, manifest, work_folder::WorkFolder};

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[tokio::test]
async fn a_component_is_looked_at_without_a_configuration() {
    let folder = WorkFolder::new("");
    let component = guest("fifth").display().to_string();
    let looked = folder.backfill(&["source", "check", &component]).await.succeeded();
    for part in [
        "✓ contract: backfill:source@1.0.0; exports adapter and catalog",
        "✓ imports",
        "✓ describe: Fifth 0.1.0",
        "a fresh instance in",
    ] {
        assert!(looked.out.contains(part), "{part} in {}", looked.out);
    }
    let report =
        json(&folder.backfill(&["source", "check", &component, "--format", "json"]).await.succeeded().out);
    assert_eq!(
        (&report["contract"], &report["optional"][0]),
        (&"backfill:source@1.0.0".into(), &"catalog".into())
    );

    folder.write("text.wasm", "not wasm");
    let refused = folder.backfill(&["source", "check", "text.wasm"]).await.failed();
    assert!(refused.out.contains("✗ component: not a WebAssembly file"), "{}", refused.out);
    let missing = folder.backfill(&["source", "check", "none.wasm"]).await.failed();
    assert!(missing.err.contains("none.wasm: build the component first"), "{}", missing.err);
}

/// A component in which some names are others of the same length.
fn renamed(component: &Path, names: &[(&str, &str)]) -> Vec<u8> {
    let mut bytes = std::fs::read(component).unwrap();
    for (from, to) in names {
        let places: Vec<_> =
            bytes.windows(from.len()).enumerate().filter(|(_, it)| *it == from.as_bytes()).collect();
        let places: Vec<_> = places.into_iter().map(|(at, _)| at).collect();
        assert!(from.len() == to.len() && !places.is_empty(), "{from}");
        for at in places {
            bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
        }
    }
    bytes
}

#[tokio::test]
async fn a_component_that_will_be_refused_is_told_why_and_what_to_do() {
    let folder = WorkFolder::new("");
    let look = async |names: &[(&str, &str)]| {
        std::fs::write(folder.path("it.wasm"), renamed(&guest("fifth"), names)).unwrap();
        folder.backfill(&["source", "check", "it.wasm"]).await.failed().out
    };
    let interfaces = ["adapter", "catalog", "http", "types", "host"];
    let newer: Vec<_> = interfaces
        .map(|name| (format!("backfill:source/{name}@1.0.0"), format!("backfill:source/{name}@2.0.0")))
        .into();
    let newer: Vec<_> = newer.iter().map(|(from, to)| (from.as_str(), to.as_str())).collect();
    let out = look(&newer).await;
    for part in
        ["it speaks backfill:source@2.0.0, and this host speaks backfill:source@1.0.0", "update the host"]
    {
        assert!(out.contains(part), "{part} in {out}");
    }
    let out = look(&[("wasi:io/streams@0.2", "wasi:io/streams@0.3")]).await;
    assert!(out.contains("✗ imports: the host has another version of wasi:io/streams@0.3."), "{out}");
    let out = look(&[("wasi:cli/exit@", "wasi:cly/exit@")]).await;
    assert!(out.contains("✗ imports: the host has no wasi:cly/exit@"), "{out}");
}

#[tokio::test]
async fn a_verdict_is_for_people_and_for_machines() {
    let folder = WorkFolder::new("");
    let component = guest("broken").display().to_string();
    let cases = manifest("tests/guests/broken/cases").display().to_string();
    let test = |more: &[&str]| {
        let arguments = [&["source", "test", &component, "--cases", &cases], more].concat();
        arguments.into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let run = async |more: &[&str]| {
        let arguments = test(more);
        folder.backfill(&arguments.iter().map(String::as_str).collect::<Vec<_>>()).await
    };
    let good = run(&[]).await.succeeded();
    assert!(good.out.contains("PASSED: ") && good.out.contains("0 failed, 0 skipped"), "{}", good.out);

    let fault = ["--set", "fault=drops-the-last", "--only", "month"];
    let bad = run(&[&fault[..], &["--verdict", "verdict.json"]].concat()).await.failed();
    for part in [
        "✗ month.tiles",
        "1 intervals are missing (of 744 expected), first 2024-01-31T23:00:00Z",
        "to mend: ",
    ] {
        assert!(bad.out.contains(part), "{part} in {}", bad.out);
    }
    let written = json(&std::fs::read_to_string(folder.path("verdict.json")).unwrap());
    let printed = json(&run(&[&fault[..], &["--format", "json"]].concat()).await.failed().out);
    for verdict in [written, printed] {
        assert_eq!((&verdict["passed"], &verdict["component"]["name"]), (&false.into(), &"Broken".into()));
        let tiles =
            verdict["checks"].as_array().unwrap().iter().find(|check| check["id"] == "month.tiles").unwrap();
        assert_eq!(tiles["outcome"], "failed");
        assert!(tiles["evidence"][0].as_str().unwrap().contains("unit \"north-1\", 2024-01"), "{tiles}");
    }
    let junit = run(&["--only", "describe", "--format", "junit"]).await.succeeded();
    assert!(
        junit.out.contains("<testcase classname=\"describe\" name=\"steady\"></testcase>"),
        "{}",
        junit.out
    );

    let nothing = run(&["--only", "describe", "--only", "weather"]).await.failed();
    assert!(nothing.err.contains("--only weather: no check begins so"), "{}", nothing.err);
    let setting = run(&["--set", "falt=x"]).await.failed();
    assert!(setting.out.contains("the source knows no such setting"), "{}", setting.out);
    let listed = folder.backfill(&["source", "test", "--list"]).await.succeeded();
    assert!(listed.out.contains("month.utc") && listed.out.contains("48 of 48 checks"), "{}", listed.out);
}

#[tokio::test]
async fn recorded_cases_are_checks_too_and_a_difference_is_shown_until_it_is_accepted() {
    let upstream = crate::support::Upstream::start(|_| crate::support::text(200, "1706745600,10\n")).await;
    let folder = WorkFolder::bare("");
    let component = guest("fifth").display().to_string();
    let base = format!("base_url={}", upstream.url());
    let fetch = ["source", "fetch", &component, "--code", "north", "--month", "2024-02", "--set", &base];
    folder.backfill(&[&fetch[..], &["--record", "cases", "--case", "one"]].concat()).await.succeeded();
    let test = ["source", "test", &component, "--cases", "cases", "--only", "case"];
    let same = folder.backfill(&test).await.succeeded();
    assert!(same.out.contains("✓ case.one") && same.out.contains("PASSED: 1 passed"), "{}", same.out);

    let none = folder.backfill(&[&test[..], &["--only", "case.two"]].concat()).await.failed();
    assert!(none.err.contains("--only case.two: no case in cases begins so"), "{}", none.err);

    folder.write("cases/one/answers/001.body", "1706745600,11\n");
    let differs = folder.backfill(&test).await.failed();
    for part in ["✗ case.one", "10 → 11 MW", "--accept"] {
        assert!(differs.out.contains(part), "{part} in {}", differs.out);
    }
    let verdict = json(&folder.backfill(&[&test[..], &["--format", "json"]].concat()).await.failed().out);
    assert_eq!((&verdict["checks"][0]["id"], &verdict["counts"]["failed"]), (&"case.one".into(), &1.into()));
    let accepted = folder.backfill(&[&test[..], &["--accept"]].concat()).await.succeeded();
    assert!(accepted.err.contains("accepted one"), "{}", accepted.err);
    folder.backfill(&test).await.succeeded();

    folder.write("cases/one/case.toml", "month = 13\n");
    let broken = folder.backfill(&test).await.failed();
    assert!(broken.err.contains("case.toml:1"), "{}", broken.err);
}

#[tokio::test]
async fn a_component_that_must_conform_and_does_not_is_not_used() {
    let folder = WorkFolder::bare("");
    let with = |name: &str, cases: &str| {
        format!(
            "[[source]]\nid = \"it\"\ncomponent = {:?}\nrequire_conformance = true\nconformance_cases = {:?}\n",
            guest(name),
            manifest(cases),
        )
    };
    folder.write("backfill.toml", &with("fifth", "tests/guests/fifth/cases"));
    folder.backfill(&["source", "list"]).await.succeeded();
    folder.write("backfill.toml", &with("hostile", "tests/guests/fifth/cases"));
    let refused = folder.backfill(&["source", "list"]).await.failed();
    // A table breaks its lines.
    let told = refused.out.replace(['│', '\n'], " ");
    let told: Vec<_> = told.split_whitespace().collect();
    assert!(told.join(" ").contains("of the conformance checks"), "{}", refused.out);
}
