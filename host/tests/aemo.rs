//! A source outside of `plugins`, written with the author's kit alone: AEMO's monthly zips of all units.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests fail like tests")]

mod support;

use std::{
    collections::BTreeMap,
    io::{Cursor, Write as _},
    path::PathBuf,
    sync::Arc,
};

use axum::body::Bytes;
use backfill::{
    egress::{LocalAllowance, Shared},
    kit::cases::Cases,
    source,
};
use chrono::{TimeDelta, TimeZone as _, Utc};
use support::{Upstream, built, engine, manifest, text, work_folder::WorkFolder};

/// Five-minute intervals of January.
const INTERVALS: i64 = 31 * 288;

fn component() -> PathBuf {
    built(manifest("../sources/aemo/target/wasm32-wasip2/release/aemo.wasm"), "make sources")
}

fn cases() -> PathBuf {
    manifest("../sources/aemo/cases")
}

/// January 2024 as AEMO has it: intervals named by their end in market time, all units in one file. ARWF1 climbs by a quarter of
/// a MW, a pump of Wivenhoe draws, and ten others stand between.
fn january() -> Vec<u8> {
    let mut rows = String::from(
        "C,SETP.WORLD,DVD_DISPATCH_UNIT_SCADA,AEMO,PUBLIC,2024/02/07,00:00:20,0,,0\r\n\
         I,DISPATCH,UNIT_SCADA,1,SETTLEMENTDATE,DUID,SCADAVALUE\r\n",
    );
    let midnight = Utc.with_ymd_and_hms(2024, 1, 1, 0, 0, 0).unwrap();
    for interval in 0..INTERVALS {
        let end = (midnight + TimeDelta::minutes(5 * (interval + 1))).format("%Y/%m/%d %H:%M:%S");
        let mut row = |duid: &str, value: f64| {
            rows.push_str(&format!("D,DISPATCH,UNIT_SCADA,1,\"{end}\",{duid},{value}\r\n"));
        };
        row("ARWF1", (interval % 800) as f64 / 4.0);
        row("W/HOE#1", -0.5);
        (10..20).for_each(|other| row(&format!("ARWF{other}"), 7.0));
    }
    rows.push_str("C,\"END OF REPORT\",107139\r\n");
    let mut file = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    file.start_file("PUBLIC_DVD_DISPATCH_UNIT_SCADA_202401010000.CSV", options).unwrap();
    file.write_all(rows.as_bytes()).unwrap();
    file.finish().unwrap().into_inner()
}

#[tokio::test]
async fn it_is_a_source_and_conforms() {
    let (component, cases) = (component(), cases());
    let (component, cases) = (component.to_str().unwrap(), cases.to_str().unwrap());
    let folder = WorkFolder::bare("");
    folder.backfill(&["source", "check", component]).await.succeeded();
    let tested = folder.backfill(&["source", "test", component, "--cases", cases]).await.succeeded();
    assert!(tested.out.contains(" 0 failed, 0 skipped"), "{}", tested.out);
}

#[tokio::test]
async fn its_recorded_cases_come_out_as_expected() {
    let shared = Shared::new(Arc::<LocalAllowance>::default());
    let source = source::open_file(&component(), &BTreeMap::new(), engine(), &shared).await.unwrap();
    let outcomes = Cases::open(&cases()).unwrap().run(&source).await;
    assert_eq!(outcomes.len(), 3);
    for outcome in outcomes {
        assert!(outcome.passed(), "{outcome}");
    }
}

#[tokio::test]
async fn units_of_a_month_are_served_by_one_request_for_their_file() {
    let zip = Bytes::from(january());
    let upstream = Upstream::start(move |asked| match asked.path.as_str() {
        path if path.ends_with("/PUBLIC_DVD_DISPATCH_UNIT_SCADA_202401010000.zip") => text(200, zip.clone()),
        _ => text(404, ""),
    })
    .await;
    let url = upstream.url();
    let folder = WorkFolder::new(&format!(
        "[[source]]\nid = \"aemo\"\ncomponent = {:?}\nhosts = [{url:?}]\n[source.settings]\nbase_url = {url:?}\n",
        component()
    ));
    let registry = "windfarm,source,code,capacity_mw\nNEM,aemo,ARWF1,241\nNEM,aemo,W/HOE#1,285\n";
    folder.import(registry).await;
    let ran = folder.run("NEM", "2024-01", "2024-01").await.succeeded();
    assert_eq!(
        ["tasks", "completed", "empty", "failed", "requests"].map(|name| ran.figure(name)),
        [2, 2, 0, 0, 1],
        "{}",
        ran.last_line()
    );
    assert_eq!(upstream.asked().len(), 1, "the file is asked for once, whoever needs it");

    let stored = folder.stored().await;
    assert_eq!(stored.len(), 2 * INTERVALS as usize);
    // January begins in Brisbane ten hours before it does in UTC.
    let begin = Utc.with_ymd_and_hms(2023, 12, 31, 14, 0, 0).unwrap();
    let ararat: Vec<_> = stored.iter().filter(|row| row.unit_code == "ARWF1").collect();
    assert_eq!(ararat.len(), INTERVALS as usize);
    for (interval, row) in ararat.iter().enumerate() {
        let start = begin + TimeDelta::minutes(5 * interval as i64);
        let start = start.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
        let value = (interval % 800) as f64 / 4.0;
        assert_eq!(
            (row.start.as_str(), row.seconds, row.value, row.unit.as_str(), row.quantity.as_str()),
            (start.as_str(), 300, value, "MW", "spot-power")
        );
    }
    let pumps =
        stored.iter().filter(|row| row.unit_code == "W/HOE#1" && row.value.to_bits() == (-0.5_f64).to_bits());
    assert_eq!(pumps.count(), INTERVALS as usize);

    // What is in no row of a whole file is nothing, and that is confirmed by asking for the file once more.
    folder.import("windfarm,source,code,capacity_mw\nGone,aemo,NONE1,1\n").await;
    let ran = folder.run("Gone", "2024-01", "2024-01").await.succeeded();
    assert_eq!(
        ["completed", "empty", "requests"].map(|name| ran.figure(name)),
        [1, 1, 1],
        "{}",
        ran.last_line()
    );
    assert_eq!(upstream.asked().len(), 2);
}
