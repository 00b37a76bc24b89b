//! What `cargo component build` makes of the sources behaves as what `cargo build --target wasm32-wasip2` does.
//! `make test-cargo-component` builds both and runs this; nobody else has both, so that elsewhere it is ignored.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests fail like tests")]

mod support;

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use backfill::{
    domain::{Failure, Series, Unit},
    egress::{LocalAllowance, Reuse, Shared},
    kit::conformance,
    source::{self, Fault, LogLevel, LogLine, Source},
};
use simulator::{Options, Simulator};
use support::{built, engine, manifest, month, open, plugin, unit, work_folder::source_at};

/// What went wrong with the upstream while it was asked; nothing at first.
const FAULTS: [&str; 6] = [
    "",
    "kind=status,status=503",
    "kind=status,status=401",
    "kind=garbage-body",
    "kind=truncated-body,after=700",
    "kind=empty-answer",
];

/// One source, as each of the two tools builds it.
struct Pair {
    simulator: Simulator,
    wasip2: Source,
    component: Source,
}

/// What came of a call, but for the time that it took.
type Told<T> = (Result<Result<T, Failure>, Fault>, u32, Vec<(LogLevel, String)>);

impl Pair {
    async fn of(id: &str) -> Self {
        let now = Some("2024-12-15T12:00:00Z".parse().unwrap());
        let simulator = simulator::start(Options { now, ..Options::default() }).await.unwrap();
        let built = by_cargo_component("plugins", id);
        let (wasip2, component) =
            (open_at(&simulator, id, &plugin(id)).await, open_at(&simulator, id, &built).await);
        assert_ne!(wasip2.digest(), component.digest(), "two builds are compared, not one with itself");
        Self { simulator, wasip2, component }
    }

    fn each(&self) -> [&Source; 2] {
        [&self.wasip2, &self.component]
    }

    /// Both say the same of themselves, of their upstream's units, and of units that they are shown.
    async fn describe_and_list_alike(&self, codes: &[Unit]) {
        assert_eq!(self.wasip2.description(), self.component.description());
        let [one, other] = self.each().map(|source| (source.collects(), source.has_catalog()));
        assert_eq!(one, other);
        assert!(one.1, "a catalogue");
        for unit in codes {
            let [one, other] = self.each().map(|source| source.check_unit(unit));
            assert_eq!(one.await, other.await, "{unit:?}");
        }
        for fault in FAULTS {
            let mut told: Vec<Told<Vec<Unit>>> = Vec::new();
            for source in self.each() {
                self.upstream(fault);
                let report = source.list_units().await.unwrap();
                let log = lines(report.log);
                told.push((report.outcome, report.usage.requests, log));
            }
            assert_eq!(told[0], told[1], "the catalogue under {fault:?}");
        }
    }

    /// Both make the same of a unit's month, whatever the upstream does. What came of it under the first fault.
    async fn fetch_alike(&self, unit: &Unit, text: &str, faults: &[&str]) -> Result<Vec<Series>, Failure> {
        let month = month(text);
        let mut first = None;
        for fault in faults {
            let mut told: Vec<Told<Vec<Series>>> = Vec::new();
            for source in self.each() {
                self.upstream(fault);
                let report = source.fetch(unit, month, source.window(month), Reuse::Never).await;
                let log = lines(report.log);
                told.push((report.outcome, report.usage.requests, log));
            }
            assert_eq!(told[0], told[1], "{} {text} under {fault:?}", unit.code);
            first = first.or_else(|| told.pop().map(|(outcome, ..)| outcome.unwrap()));
        }
        first.unwrap()
    }

    fn upstream(&self, fault: &str) {
        let faults = Some(fault).filter(|fault| !fault.is_empty()).map(|fault| fault.parse().unwrap());
        self.simulator.set_faults(faults.into_iter().collect());
    }
}

/// What `cargo component build` made of a source.
fn by_cargo_component(folder: &str, id: &str) -> PathBuf {
    built(
        manifest(&format!("../{folder}/target/wasm32-wasip1/release/{id}.wasm")),
        "make test-cargo-component",
    )
}

/// What was logged, in an order of its own: requests that run side by side end as they like.
fn lines(log: Vec<LogLine>) -> Vec<(LogLevel, String)> {
    let mut lines: Vec<_> = log.into_iter().map(|line| (line.level, line.text)).collect();
    lines.sort_by(|one, other| one.1.cmp(&other.1));
    lines
}

async fn open_at(simulator: &Simulator, id: &str, component: &PathBuf) -> Source {
    let toml = source_at(id, &simulator.url(), "");
    let component = format!("component = {component:?}");
    let toml = toml.replace(&format!("component = {:?}", plugin(id)), &component);
    assert!(toml.contains(&component));
    open(&toml, &[("CANARY", "canary")]).await.unwrap()
}

/// Months of units, and how those fail that do. The first is fetched from an upstream with every fault as well.
async fn compare(id: &str, months: &[(Unit, &str, Result<(), &str>)]) {
    let pair = Pair::of(id).await;
    let mut units: Vec<_> = months.iter().map(|(unit, ..)| unit.clone()).collect();
    units.extend(["", "not a code", "風力"].map(|code| unit(code, &[])));
    pair.describe_and_list_alike(&units).await;
    for (place, (unit, month, expected)) in months.iter().enumerate() {
        let faults = if place == 0 { &FAULTS[..] } else { &FAULTS[..1] };
        let came = pair.fetch_alike(unit, month, faults).await;
        let came = came.as_ref().map(drop).map_err(|failure| failure.case().as_str());
        assert_eq!(came, *expected, "{} {month}", unit.code);
    }
}

#[tokio::test]
#[ignore = "compares two builds: make test-cargo-component"]
async fn elexon() {
    compare(
        "elexon",
        &[
            (unit("T_HOWAO-1", &[]), "2024-03", Ok(())),
            (unit("HOWAO-2", &[]), "2024-10", Ok(())),
            (unit("T_NOSUCH-1", &[]), "2024-03", Err("no-data")),
            (unit("T_HOWAO-1", &[]), "2024-12", Ok(())),
        ],
    )
    .await;
}

#[tokio::test]
#[ignore = "compares two builds: make test-cargo-component"]
async fn entsoe() {
    compare(
        "entsoe",
        &[
            (unit("45W000000000126K", &[]), "2024-03", Ok(())),
            (unit("45W000000000207K", &[("area", "DK")]), "2024-10", Ok(())),
            (unit("DE_LU", &[("production_type", "wind-onshore,solar")]), "2024-03", Ok(())),
            (unit("11WD8ALPH1WW---G", &[("area", "DE_TENNET")]), "2024-03", Err("no-data")),
        ],
    )
    .await;
}

#[tokio::test]
#[ignore = "compares two builds: make test-cargo-component"]
async fn eia() {
    compare(
        "eia",
        &[
            (unit("61014", &[]), "2024-02", Ok(())),
            (unit("59817", &[("fuel2002", "SUN")]), "2024-02", Ok(())),
            (unit("West wind", &[("respondent", "PACW"), ("fueltype", "WND")]), "2024-03", Ok(())),
            (unit("61034", &[]), "2024-02", Err("no-data")),
        ],
    )
    .await;
}

#[tokio::test]
#[ignore = "compares two builds: make test-cargo-component"]
async fn taipower() {
    compare(
        "taipower",
        &[
            (unit("離岸一期風力", &[]), "2024-03", Ok(())),
            (unit("海能風", &[]), "2024-03", Err("not-available")),
            (unit("台中港", &[]), "2024-08", Ok(())),
        ],
    )
    .await;
    let pair = Pair::of("taipower").await;
    let units = ["離岸一期", "海能風", "觀園"].map(|code| unit(code, &[]));
    let [one, other] = pair.each().map(|source| source.collect(&units));
    let (one, other) = (one.await.unwrap().outcome, other.await.unwrap().outcome);
    assert_eq!(one, other);
    assert!(!one.unwrap().unwrap().is_empty());
}

#[tokio::test]
#[ignore = "compares two builds: make test-cargo-component"]
async fn aemo() {
    let wasip2 = built(manifest("../sources/aemo/target/wasm32-wasip2/release/aemo.wasm"), "make sources");
    let cases = manifest("../sources/aemo/cases");
    let mut told = Vec::new();
    let mut digests = Vec::new();
    for component in [wasip2, by_cargo_component("sources/aemo", "aemo")] {
        let shared = Shared::new(Arc::<LocalAllowance>::default());
        let source = source::open_file(&component, &BTreeMap::new(), engine(), &shared).await.unwrap();
        // Its recorded cases are among what it is judged by.
        let verdict = conformance::judge(&source, Some(&cases)).await.unwrap();
        assert!(verdict.passed && verdict.counts.skipped == 0, "{verdict:?}");
        let checks: Vec<_> = verdict.checks.into_iter().map(|check| (check.id, check.outcome)).collect();
        told.push((source.description().clone(), checks));
        digests.push(source.digest().to_owned());
    }
    assert_ne!(digests[0], digests[1], "two builds are compared, not one with itself");
    assert_eq!(told[0], told[1]);
}
