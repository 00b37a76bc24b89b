//! `backfill run` as people run it: the real binary, the real components, a real SQLite file, and the upstreams
//! simulated on loopback, whose every value is known beforehand.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests fail like tests")]

#[path = "../support/mod.rs"]
mod support;

mod expected;
mod faults;
mod interrupted;
mod log;
mod secrets;
mod sharing;
mod tls;
mod values;

use chrono::{DateTime, Utc};
use simulator::{Fault, Options, Simulator};
use support::work_folder::{WorkFolder, source_at};

/// The simulated present: every month used here is long published.
fn present() -> DateTime<Utc> {
    "2024-12-15T12:00:00Z".parse().unwrap()
}

async fn simulator() -> Simulator {
    simulator::start(Options { now: Some(present()), ..Options::default() }).await.unwrap()
}

/// A folder whose sources are these of the simulator.
fn folder_at(simulator: &Simulator, ids: &[&str], more: &str) -> WorkFolder {
    let sources: Vec<_> = ids.iter().map(|id| source_at(id, &simulator.url(), more)).collect();
    WorkFolder::new(&sources.concat())
}

/// A fault as the simulator's command line writes it.
fn fault(spec: &str) -> Vec<Fault> {
    vec![spec.parse().unwrap()]
}

const EIA_PLANT: &str = "windfarm,source,code,fuel2002\nSanta Isabel,eia,61014,WND\n";

const ANHOLT: &str = "windfarm,source,code,name,capacity_mw,area\nAnholt,entsoe,45W000000000046I,Anholt,400,10Y1001A1001A796\n";
