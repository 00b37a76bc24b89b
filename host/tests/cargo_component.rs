//! What `cargo component build` makes of the four sources behaves as what `cargo build --target wasm32-wasip2` does.
//! `make test-cargo-component` builds both and runs this.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests fail like tests")]

mod support;

use std::path::PathBuf;

use backfill::{
    domain::{Failure, Series, Unit},
    egress::Reuse,
    source::{Fault, LogLevel, LogLine, Source},
};
use simulator::{Options, Simulator};
use support::{manifest, month, open, plugin, unit, work_folder::source_at};

/// Set by `make test-cargo-component`, which has built both just before.
const BUILT: &str = "BACKFILL_TEST_CARGO_COMPONENT";

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
    /// The pair of a source; none, said aloud, where nobody has built both.
    async fn of(id: &str) -> Option<Self> {
        if std::env::var_os(BUILT).is_none() {
            eprintln!("SKIPPED: {id}: `make test-cargo-component` builds what is compared here");
            return None;
        }
        let now = Some("2024-12-15T12:00:00Z".parse().unwrap());
        let simulator = simulator::start(Options { now, ..Options::default() }).await.unwrap();
        let built = manifest(&format!("../plugins/target/wasm32-wasip1/release/{id}.wasm"));
        let (wasip2, component) =
            (open_at(&simulator, id, &plugin(id)).await, open_at(&simulator, id, &built).await);
        assert_ne!(wasip2.digest(), component.digest(), "two builds are compared, not one with itself");
        Some(Self { simulator, wasip2, component })
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
    let Some(pair) = Pair::of(id).await else { return };
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
    let Some(pair) = Pair::of("taipower").await else { return };
    let units = ["離岸一期", "海能風", "觀園"].map(|code| unit(code, &[]));
    let [one, other] = pair.each().map(|source| source.collect(&units));
    let (one, other) = (one.await.unwrap().outcome, other.await.unwrap().outcome);
    assert_eq!(one, other);
    assert!(!one.unwrap().unwrap().is_empty());
}
