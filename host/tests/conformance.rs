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

/// A check, a fault of the guest `broken` that it has to find, and what it has to say of it.
const FAULTS: &[(&str, &str, &str)] = &[
    ("describe.complete", "says-nothing", "summary"),
    ("describe.steady", "fickle", "and then"),
    ("describe.asks-nothing", "describes-by-asking", "tried to make 1 requests"),
    ("describe.no-secret", "asks-a-secret", "\"api_key\""),
    ("unit.odd-codes", "panics-at-a-code", "codes are ASCII"),
    ("unit.asks-nothing", "checks-by-asking", "tried to make 1 requests"),
    ("unit.refused", "trusts-every-code", "fetch answered no-data"),
    ("unit.listed", "too-strict", "unit \"north-1\" with attributes {}: it is refused"),
    ("unit.unknown", "invents-units", "success with"),
    ("failure.unauthorized", "refusal-is-no-data", "no-data: refused; expected unauthorized"),
    ("failure.rate-limited", "forgets-the-seconds", "expected rate-limited(17)"),
    ("failure.unavailable", "errors-are-no-data", "no-data: HTTP 500; expected unavailable"),
    ("failure.unreachable", "panics-without-an-answer", "no answer at all, trap"),
    ("failure.too-large", "panics-at-a-large-answer", "no answer at all, trap"),
    ("failure.denied", "denied-is-no-data", "expected not-available or unavailable"),
    ("failure.garbage", "skips-what-it-can-not-read", "expected malformed or unavailable"),
    ("failure.html", "a-page-is-no-data", "no-data: a page"),
    ("failure.empty-body", "empty-is-a-success", "success without a value"),
    ("failure.truncated", "takes-a-part-for-the-whole", "success with"),
    ("failure.bounded", "insists", "was asked 21 times"),
    ("failure.halfway", "half-is-enough", "intervals are missing"),
    ("month.series", "names-it-otherwise", "output (energy) is not expected"),
    ("month.tiles", "drops-the-last", "1 intervals are missing"),
    ("month.utc", "takes-summer-time-for-utc", "values come 1 h later"),
    ("month.ordered", "backwards", "starts before the one that it follows"),
    ("month.no-overlap", "stretches", "start before another one ends"),
    ("month.inside", "rounds-outward", "not wholly inside of the window"),
    ("month.values", "forgets-the-unit", "values are not the upstream's"),
    ("month.deterministic", "dices", "and at another time"),
    ("month.halves", "takes-the-month-by-its-name", "the part 2024-01-"),
    ("month.leap-february", "february-has-28-days", "24 intervals are missing"),
    ("month.february", "february-has-29-days", "24 of 696 values are not wholly inside"),
    ("month.dst-london", "forgets-london-summer", "values come 1 h later"),
    ("month.dst-new-york", "forgets-new-york-summer", "values come 1 h earlier"),
    ("month.dst-lord-howe", "forgets-half-hours", "values come 30 min later"),
    ("month.first", "begins-later", "not-available: history begins in 2020"),
    ("month.empty", "empty-is-a-success", "success without a value"),
    ("month.partial", "fills-with-zeros", "intervals are made up"),
    ("month.future", "invents-the-future", "success with 1 values"),
    ("month.nulls", "nothing-is-zero", "intervals are made up"),
    ("month.duplicates", "keeps-repeats", "come twice"),
    ("month.disorder", "leaves-them-unsorted", "starts before the one that it follows"),
    ("requests.steady", "busts-caches", "twenty minutes later"),
    ("requests.credentials", "sends-a-key", "\"api_key\""),
    ("requests.hosts", "asks-elsewhere", "other.example.net"),
    ("requests.base-url", "ignores-base-url", "and it asked https://output.example.org"),
    ("caps.respected", "hungry", "caps.memory"),
    ("caps.respected", "asks-far-too-often", "requests, more than nine tenths"),
    ("caps.respected", "writes-a-novel", "bytes of log"),
    ("caps.respected", "returns-far-too-much", "caps.measurements"),
    ("upstream.answers", "asks-more", "/health"),
];

#[tokio::test]
async fn a_good_source_passes_every_check_and_none_is_skipped() {
    let source = open(&guest("broken")).await;
    let verdict = judge(&source, Some(&cases_of_guest("broken"))).await.unwrap();
    assert_eq!(verdict.counts.passed, CHECKS.len(), "{}", told(&verdict));
    assert!(verdict.passed && verdict.component.digest == source.digest());
}

/// What the checks whose ids begin so find of a fault.
async fn judged(source: &Source, fault: &str, only: &str) -> Verdict {
    let cases = cases_of_guest("broken");
    let settings = BTreeMap::from([("fault".to_owned(), fault.to_owned())]);
    let exam = Exam { cases: Some(&cases), settings, only: vec![only.to_owned()], ..Exam::default() };
    exam.judge(source).await
}

#[tokio::test]
async fn each_check_finds_a_source_that_breaks_its_rule_and_says_what_it_saw() {
    let source = open(&guest("broken")).await;
    let shown: BTreeSet<_> = FAULTS.iter().map(|(check, ..)| *check).collect();
    let all: BTreeSet<_> = CHECKS.iter().map(|check| check.id).collect();
    assert_eq!(shown, all, "every check has a fault that it finds");
    let mut missed = String::new();
    for (check, fault, said) in FAULTS {
        let verdict = judged(&source, fault, check).await;
        let found = verdict.failures().find(|failed| failed.id == *check);
        let evidence = match found.map(|failed| &failed.outcome) {
            Some(Outcome::Failed { evidence, .. }) => evidence.join("\n"),
            _ => String::new(),
        };
        if !evidence.contains(said) {
            missed += &format!("{check} does not say {said:?} of {fault}: {}\n", told(&verdict));
        }
    }
    assert!(missed.is_empty(), "{missed}");
}

#[tokio::test]
async fn a_fault_in_the_months_of_one_zone_is_found_by_the_check_of_that_zone_alone() {
    let source = open(&guest("broken")).await;
    for (check, fault, _) in FAULTS.iter().filter(|(check, ..)| check.starts_with("month.dst-")) {
        let verdict = judged(&source, fault, "month").await;
        let failed: Vec<_> = verdict.failures().map(|failed| failed.id.as_ref()).collect();
        assert_eq!(failed, [*check], "{fault}: {}", told(&verdict));
    }
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
