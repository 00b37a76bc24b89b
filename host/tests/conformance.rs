//! The conformance kit: a good component passes every check, and for each check there is a fault that it finds.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests fail like tests")]

mod support;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use backfill::{
    egress::Shared,
    kit::conformance::{CHECKS, Exam, Outcome, Verdict, judge},
    source::{self, Source},
};
use support::{engine, guest, manifest, plugin};

async fn open(path: &Path) -> Source {
    let shared = Shared::new(std::sync::Arc::<backfill::egress::LocalAllowance>::default());
    source::open_file(path, &BTreeMap::new(), engine(), &shared).await.unwrap()
}

fn cases_of_guest(name: &str) -> PathBuf {
    manifest(&format!("tests/guests/{name}/cases"))
}

/// Every check that did not pass, with what was told of it.
fn told(verdict: &Verdict) -> String {
    let told = verdict.checks.iter().filter_map(|check| match &check.outcome {
        Outcome::Passed => None,
        Outcome::Skipped { why } => Some(format!("- {} skipped: {why}\n", check.id)),
        Outcome::Failed { evidence, .. } => Some(format!("✗ {}: {}\n", check.id, evidence.join("\n    "))),
    });
    format!(
        "{} {:?} in {} s\n{}",
        verdict.component.name,
        verdict.counts,
        verdict.seconds,
        told.collect::<String>()
    )
}

/// A fault of the guest `broken`, and a check that has to find it.
const FAULTS: &[(&str, &str)] = &[
    ("describe.complete", "says-nothing"),
    ("describe.steady", "fickle"),
    ("describe.asks-nothing", "describes-by-asking"),
    ("describe.no-secret", "asks-a-secret"),
    ("unit.odd-codes", "panics-at-a-code"),
    ("unit.asks-nothing", "checks-by-asking"),
    ("unit.refused", "trusts-every-code"),
    ("unit.listed", "too-strict"),
    ("unit.unknown", "invents-units"),
    ("failure.unauthorized", "refusal-is-no-data"),
    ("failure.rate-limited", "forgets-the-seconds"),
    ("failure.unavailable", "errors-are-no-data"),
    ("failure.unreachable", "panics-without-an-answer"),
    ("failure.too-large", "panics-at-a-large-answer"),
    ("failure.denied", "denied-is-no-data"),
    ("failure.garbage", "skips-what-it-can-not-read"),
    ("failure.html", "a-page-is-no-data"),
    ("failure.empty-body", "empty-is-a-success"),
    ("failure.truncated", "takes-a-part-for-the-whole"),
    ("failure.bounded", "insists"),
    ("failure.halfway", "half-is-enough"),
    ("month.series", "names-it-otherwise"),
    ("month.tiles", "drops-the-last"),
    ("month.utc", "takes-summer-time-for-utc"),
    ("month.ordered", "backwards"),
    ("month.no-overlap", "stretches"),
    ("month.inside", "rounds-outward"),
    ("month.values", "forgets-the-unit"),
    ("month.deterministic", "dices"),
    ("month.halves", "takes-the-month-by-its-name"),
    ("month.leap-february", "february-has-28-days"),
    ("month.february", "february-has-29-days"),
    ("month.dst-london", "takes-summer-time-for-utc"),
    ("month.dst-new-york", "takes-summer-time-for-utc"),
    ("month.dst-lord-howe", "takes-summer-time-for-utc"),
    ("month.first", "begins-later"),
    ("month.empty", "empty-is-a-success"),
    ("month.partial", "fills-with-zeros"),
    ("month.future", "invents-the-future"),
    ("month.nulls", "nothing-is-zero"),
    ("month.duplicates", "keeps-repeats"),
    ("month.disorder", "leaves-them-unsorted"),
    ("requests.steady", "busts-caches"),
    ("requests.credentials", "sends-a-key"),
    ("requests.hosts", "asks-elsewhere"),
    ("requests.base-url", "ignores-base-url"),
    ("caps.respected", "hungry"),
    ("upstream.answers", "asks-more"),
];

#[tokio::test]
async fn a_good_source_passes_every_check_and_none_is_skipped() {
    let source = open(&guest("broken")).await;
    let verdict = judge(&source, Some(&cases_of_guest("broken"))).await.unwrap();
    assert_eq!(verdict.counts.passed, CHECKS.len(), "{}", told(&verdict));
    assert!(verdict.passed && verdict.component.digest == source.digest());
}

#[tokio::test]
async fn each_check_finds_a_source_that_breaks_its_rule() {
    let source = open(&guest("broken")).await;
    let cases = cases_of_guest("broken");
    let shown: BTreeSet<_> = FAULTS.iter().map(|(check, _)| *check).collect();
    let all: BTreeSet<_> = CHECKS.iter().map(|check| check.id).collect();
    assert_eq!(shown, all, "every check has a fault that it finds");
    let mut missed = String::new();
    for (check, fault) in FAULTS {
        let settings = BTreeMap::from([("fault".to_owned(), (*fault).to_owned())]);
        let exam = Exam { cases: Some(&cases), settings, only: vec![(*check).to_owned()], ..Exam::default() };
        let verdict = exam.judge(&source).await;
        let found = verdict.failures().any(|failed| failed.id == *check);
        if !found {
            missed += &format!("{check} does not find {fault}: {}\n", told(&verdict));
        }
    }
    assert!(missed.is_empty(), "{missed}");
}

#[tokio::test]
async fn every_component_of_this_repository_passes() {
    let plugins = ["eia", "taipower", "elexon", "entsoe"];
    let plugin_cases = |name: &str| manifest(&format!("../plugins/{name}/cases"));
    let mut all = vec![(guest("fifth"), cases_of_guest("fifth"))];
    all.extend(plugins.map(|name| (plugin(name), plugin_cases(name))));
    let mut wrong = String::new();
    for (component, cases) in all {
        let verdict = judge(&open(&component).await, Some(&cases)).await.unwrap();
        if !verdict.passed || verdict.checks.iter().any(|check| skipped_for_nothing(&check.outcome)) {
            wrong += &told(&verdict);
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// A check may be skipped for a reason of the source's own, and not for want of something that could be there.
fn skipped_for_nothing(outcome: &Outcome) -> bool {
    let own = [
        "upstream.toml says",
        "it has no setting base_url",
        "describe names no first-month",
        "check-unit refuses none",
    ];
    matches!(outcome, Outcome::Skipped { why } if !own.iter().any(|words| why.starts_with(words)))
}

#[tokio::test]
async fn without_a_made_up_upstream_the_checks_of_failures_are_made_and_the_others_say_what_they_lack() {
    let verdict = judge(&open(&guest("fifth")).await, None).await.unwrap();
    assert!(verdict.passed, "{}", told(&verdict));
    assert!(verdict.counts.passed >= 20, "{}", told(&verdict));
    let months = verdict.checks.iter().filter(|check| check.id.starts_with("month."));
    for check in months {
        let Outcome::Skipped { why } = &check.outcome else { panic!("{} was judged", check.id) };
        assert!(why.contains("upstream.toml"), "{why}");
    }
}

#[tokio::test]
async fn a_file_that_can_not_be_read_is_told_and_fails_the_verdict() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("upstream.toml"), "[[unit]]\ncode = 1\n").unwrap();
    let verdict = judge(&open(&guest("fifth")).await, Some(folder.path())).await.unwrap();
    let failed: Vec<_> = verdict.failures().map(|check| check.id.as_ref()).collect();
    assert_eq!(failed, ["upstream.answers"], "{}", told(&verdict));
    assert!(told(&verdict).contains("upstream.toml"), "{}", told(&verdict));
}

#[test]
fn the_document_names_every_check_with_its_rule() {
    let document = fs::read_to_string(manifest("../docs/conformance.md")).unwrap();
    let checks = document.split("\n## ").find(|section| section.starts_with("The checks")).unwrap();
    let described: Vec<_> = checks
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once("` | "))
        .map(|(id, rest)| (id, rest.trim_end_matches(" |").to_owned()))
        .collect();
    let all: Vec<_> =
        CHECKS.iter().map(|check| (check.id, format!("{} | {}", check.rule, check.mend))).collect();
    assert_eq!(described, all);
    let example = fs::read_to_string(cases_of_guest("fifth").join("upstream.toml")).unwrap();
    assert!(document.contains(&example), "the example is the file of the guest `fifth`");
}
