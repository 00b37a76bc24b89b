//! The same small source in every language, and by the standard `fetch`: equal records, equal failures, one verdict.

use std::collections::BTreeSet;

use serde_json::Value;
use simulator::Options;

use crate::{
    project::Project,
    support::{Upstream, manifest, text},
};

/// What every project is asked: units and months that the simulator knows, and some that it doesn't.
const ASKED: [(&str, &str); 6] = [
    ("T_HOWAO-1", "2024-01"),
    ("T_HOWAO-1", "2024-03"),
    ("T_WLNYO-4", "2024-02"),
    ("T_DRAXX-1", "2023-10"),
    ("T_NOBODY-1", "2024-01"),
    ("not a unit", "2024-01"),
];

/// Answers that are none, by the unit that they are given to, and what the source has to say of them.
const FAILURES: [(&str, &str); 7] = [
    ("T_401", "unauthorized"),
    ("T_404", "unavailable"),
    ("T_410", "malformed"),
    ("T_429", "rate-limited"),
    ("T_503", "unavailable"),
    ("T_HTML", "malformed"),
    ("T_EMPTY", "no-data"),
];

async fn failing() -> Upstream {
    Upstream::start(|asked| {
        let code = asked.path.rsplit("bmUnit=").next().unwrap_or_default();
        match code.strip_prefix("T_").unwrap_or_default() {
            "HTML" => text(200, "<html>back soon</html>"),
            "EMPTY" => text(200, "[]"),
            status => {
                let mut answer = text(status.parse().expect("a status"), "no");
                answer.headers_mut().insert("retry-after", "17".parse().unwrap());
                answer
            }
        }
    })
    .await
}

#[tokio::test]
#[ignore = "builds projects in three languages: make test-authors"]
async fn the_same_source_in_every_language_gives_the_same_records_and_the_same_verdict() {
    let now = Some("2024-12-15T12:00:00Z".parse().unwrap());
    let simulator = simulator::start(Options { now, ..Options::default() }).await.unwrap();
    let failing = failing().await;
    // npm, pip and cargo wait for the network as much as they compute.
    let (rust, python, (javascript, fetch)) =
        tokio::join!(Project::made("in-rust", ""), Project::made("in-python", "--lang python"), async {
            let javascript = Project::made("in-javascript", "--lang javascript").await;
            (javascript, Project::made("by-fetch", "--lang javascript --fetch").await)
        });

    let mut expected = Vec::new();
    for (code, month) in ASKED {
        expected.push(rust.fetch(code, month, &simulator.url()).await);
    }
    let values = |(_, json): &(i32, Value)| json["series"][0]["measurements"].as_array().map(Vec::len);
    let counts: Vec<_> = expected.iter().map(values).collect();
    assert_eq!(counts, [Some(31 * 48), Some(31 * 48), Some(29 * 48), Some(31 * 48), None, None]);
    let cases: Vec<_> = expected[4..].iter().map(|(code, json)| (*code, failure(json))).collect();
    assert_eq!(cases, [(3, "no-data"), (3, "invalid-unit")]);
    for project in [&python, &javascript, &fetch] {
        for ((code, month), expected) in ASKED.iter().zip(&expected) {
            let (exit, made) = project.fetch(code, month, &simulator.url()).await;
            assert_eq!(exit, expected.0, "{} of {code} {month}", project.name);
            assert_eq!(made["series"], expected.1["series"], "{} of {code} {month}", project.name);
            assert_eq!(made["requests"], expected.1["requests"], "{} of {code} {month}", project.name);
            assert_eq!(failure(&made), failure(&expected.1), "{} of {code} {month}", project.name);
        }
    }
    for project in [&rust, &python, &javascript, &fetch] {
        for (code, case) in FAILURES {
            let (exit, made) = project.fetch(code, "2024-01", &failing.url()).await;
            assert_eq!((exit, failure(&made)), (3, case), "{} of {code}: {made}", project.name);
        }
    }
    let verdict = rust.verdict(&rust.component).await;
    assert!(verdict.len() >= 20, "{verdict:?}");
    for project in [&python, &javascript, &fetch] {
        assert_eq!(project.verdict(&project.component).await, verdict, "{}", project.name);
    }

    let packages = |lock: &str| lock.split("\n\n").map(str::trim).map(str::to_owned).collect::<BTreeSet<_>>();
    let own = std::fs::read_to_string(rust.workshop.path("in-rust/Cargo.lock")).unwrap();
    let given = std::fs::read_to_string(manifest("templates/source/rust/Cargo.lock")).unwrap();
    assert_eq!(
        packages(&own),
        packages(&given.replace("my-source", "in-rust")),
        "what is built is what is pinned"
    );
    rust.sh("cargo fmt --check && cargo clippy --all-targets -- -D warnings").await.succeeded();
    as_cargo_component_builds_it(&rust, &simulator.url(), &expected, &verdict).await;
}

/// The case of the failure that was printed; empty for a success.
fn failure(json: &Value) -> &str {
    json["failure"]["case"].as_str().unwrap_or_default()
}

async fn as_cargo_component_builds_it(
    rust: &Project,
    upstream: &str,
    expected: &[(i32, Value)],
    verdict: &[(String, String)],
) {
    if rust.sh("cargo component --version").await.code != Some(0) {
        let how = "BACKFILL_CARGO_COMPONENT=install make test-authors installs it";
        // Whoever had it installed does not want to go without.
        assert!(std::env::var_os("BACKFILL_CARGO_COMPONENT").is_none(), "cargo component is missing; {how}");
        eprintln!("SKIPPED: cargo component is missing; {how}");
        return;
    }
    rust.sh("cargo component build --release").await.succeeded();
    let built = "target/wasm32-wasip1/release/in_rust.wasm";
    for ((code, month), expected) in ASKED.iter().zip(expected) {
        assert_eq!(rust.fetch_by(built, code, month, upstream).await, *expected, "{code} {month}");
    }
    assert_eq!(rust.verdict(built).await, verdict);
}
