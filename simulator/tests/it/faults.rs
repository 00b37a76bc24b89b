//! Each kind of fault, as a client meets it.

use std::time::{Duration, Instant};

use chrono::TimeDelta;
use serde_json::Value;
use simulator::{Fault, FaultKind, Options, Simulator, values};

use crate::entsoe::{parse, query};
use crate::{get, options, start, try_get, utc};

const UNITS: &str = "/bmrs/api/v1/reference/bmunits/all";

async fn with(spec: &str) -> Simulator {
    start(Options { faults: vec![spec.parse().unwrap()], ..options() }).await
}

fn day() -> String {
    query("A73", "10Y1001A1001A796", "202401050000", "202401060000")
}

#[tokio::test]
async fn a_status_strikes_as_often_as_it_says() {
    let simulator = with("kind=status,status=503,retry-after=7,body=busy,times=2,api=elexon").await;
    let mut answers = Vec::new();
    for _ in 0..3 {
        answers.push(get(&simulator, UNITS).await);
    }
    assert_eq!(answers.iter().map(|answer| answer.status).collect::<Vec<_>>(), [503, 503, 200]);
    assert_eq!((answers[0].header("retry-after"), answers[0].text()), ("7", "busy"));
    let faults: Vec<_> = simulator.log().into_iter().map(|entry| entry.fault).collect();
    assert_eq!(faults, [Some("status".to_owned()), Some("status".to_owned()), None]);
}

#[tokio::test]
async fn latency_delays_an_answer() {
    let simulator = with("kind=latency,milliseconds=300").await;
    let begun = Instant::now();
    assert_eq!(get(&simulator, UNITS).await.status, 200);
    assert!(begun.elapsed() >= Duration::from_millis(300));
    let log = simulator.log();
    let took = log[0].ended.unwrap() - log[0].at;
    assert!(took.num_milliseconds() >= 300, "who has the answer finds its end in the log: {took}");
}

#[tokio::test]
async fn a_request_is_in_flight_from_its_arrival_to_the_end_of_its_answer() {
    let simulator = with("kind=latency,milliseconds=3600000").await;
    let release = async {
        while simulator.in_flight() < 2 {
            tokio::task::yield_now().await;
        }
        assert!(simulator.log().is_empty(), "none is answered yet");
        simulator.set_faults(vec![]);
    };
    let (one, other, ()) = tokio::join!(get(&simulator, UNITS), get(&simulator, UNITS), release);
    assert_eq!((one.status, other.status), (200, 200));
    assert_eq!(simulator.in_flight(), 0);
    let log = simulator.log();
    assert_eq!(log.iter().map(|entry| entry.in_flight).max(), Some(2));
    assert!(log[0].ended > Some(log[1].at) && log[1].ended > Some(log[0].at), "side by side");
}

#[tokio::test]
async fn a_latency_ends_when_the_faults_are_replaced() {
    let simulator = with("kind=latency,milliseconds=3600000,match=held").await;
    let release = async {
        while simulator.log().iter().all(|entry| entry.in_flight < 2) {
            get(&simulator, UNITS).await;
        }
        simulator.set_faults(vec![]);
    };
    let held = format!("{UNITS}?held");
    let (answer, ()) = tokio::join!(get(&simulator, &held), release);
    assert_eq!(answer.status, 200);
    assert!(simulator.log().iter().any(|entry| entry.fault.as_deref() == Some("latency")));
}

#[tokio::test]
async fn who_goes_away_before_the_answer_is_in_the_log_too() {
    let simulator = with("kind=latency,milliseconds=60000,match=gone").await;
    let mut stream = tokio::net::TcpStream::connect(simulator.addr()).await.unwrap();
    let request = format!("GET {UNITS}?gone HTTP/1.1\r\nHost: simulator\r\n\r\n");
    tokio::io::AsyncWriteExt::write_all(&mut stream, request.as_bytes()).await.unwrap();
    while simulator.log().iter().all(|entry| entry.in_flight < 2) {
        get(&simulator, UNITS).await;
    }
    drop(stream);
    let begun = Instant::now();
    while simulator.log().iter().all(|entry| entry.status != 0) {
        assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", simulator.log());
        tokio::task::yield_now().await;
    }
    let log = simulator.log();
    let gone = log.iter().find(|entry| entry.status == 0).unwrap();
    assert!(gone.ended > Some(gone.at) && gone.fault.as_deref() == Some("latency"));
}

#[tokio::test]
async fn a_connection_can_be_cut_before_the_head() {
    let simulator = with("kind=cut-before-head,times=1").await;
    let error = try_get(&simulator, UNITS).await.err().unwrap();
    assert!(error.is_request(), "{error:?}");
    assert_eq!(simulator.log()[0].status, 0);
    assert_eq!(get(&simulator, UNITS).await.status, 200);
}

#[tokio::test]
async fn a_connection_can_be_cut_amid_the_body() {
    for spec in ["kind=cut-mid-body", "kind=cut-mid-body,after=100"] {
        let simulator = with(spec).await;
        let mut response = reqwest::get(format!("{}{UNITS}", simulator.url())).await.unwrap();
        assert_eq!(response.status(), 200);
        let mut read = 0;
        let error = loop {
            match response.chunk().await {
                Ok(Some(chunk)) => read += chunk.len(),
                Ok(None) => panic!("the body ended as if whole"),
                Err(error) => break error,
            }
        };
        assert!(error.is_body() || error.is_decode(), "{error:?}");
        assert!(read >= 100, "{read}");
    }
}

#[tokio::test]
async fn a_streamed_body_can_be_cut_too() {
    let simulator = with("kind=cut-mid-body,after=200000").await;
    let error = try_get(&simulator, "/data/opendata/apply/file/d006010/001.json").await.err().unwrap();
    assert!(error.is_body() || error.is_decode(), "{error:?}");
}

#[tokio::test]
async fn a_body_can_be_truncated_garbage_or_empty() {
    let whole = get(&start(options()).await, UNITS).await;
    let half = get(&with("kind=truncated-body").await, UNITS).await;
    assert_eq!(half.body, whole.body[..whole.body.len() / 2]);
    let garbage = get(&with("kind=garbage-body").await, UNITS).await;
    assert_eq!(garbage.status, 200);
    assert!(std::str::from_utf8(&garbage.body).is_err());
    let empty = get(&with("kind=empty-body").await, UNITS).await;
    assert_eq!((empty.status, empty.body.len()), (200, 0));
}

#[tokio::test]
async fn a_body_can_begin_well_and_never_end() {
    let simulator = with("kind=endless-body").await;
    let mut response = reqwest::get(format!("{}{}", simulator.url(), day())).await.unwrap();
    let first = response.chunk().await.unwrap().unwrap();
    assert!(first.starts_with(b"<?xml"));
    let mut read = first.len();
    while read < 20_000_000 {
        read += response.chunk().await.unwrap().unwrap().len();
    }
}

#[tokio::test]
async fn everything_can_be_published_later() {
    let last = async |simulator: &Simulator| {
        let path =
            "/bmrs/api/v1/datasets/B1610/stream?from=2024-06-01T00:00Z&to=2024-06-30T00:00Z&bmUnit=T_HOWAO-1";
        let rows = get(simulator, path).await.json();
        rows.as_array().unwrap().last().unwrap()["settlementDate"].as_str().unwrap().to_owned()
    };
    assert_eq!(last(&start(options()).await).await, "2024-06-22");
    assert_eq!(last(&with("kind=late,days=10").await).await, "2024-06-12");
    let entsoe = get(&with("kind=late,days=365").await, &day()).await;
    assert!(entsoe.text().contains("No matching data found"));
}

#[tokio::test]
async fn a_known_share_of_the_values_is_revised_by_a_known_function() {
    let simulator = with("kind=revised,share=0.3,factor=0.5").await;
    let revision = values::Revision { share: 0.3, factor: 0.5 };
    let unit = "45W000000000126K";
    let found = parse(get(&simulator, &format!("{}&registeredResource={unit}", day())).await.text());
    let mut touched = 0;
    for (at, _, value) in &found[0].values {
        let original = values::entsoe_unit_mw(unit, *at).unwrap();
        assert_eq!(*value, revision.apply(unit, *at, original, 2), "{at}");
        touched += usize::from(revision.touches(unit, *at));
    }
    assert!((10..=50).contains(&touched), "{touched} of 96");
    let path =
        "/bmrs/api/v1/datasets/B1610/stream?from=2024-01-05T00:00Z&to=2024-01-05T12:00Z&bmUnit=T_HOWAO-1";
    for (number, row) in (0..).zip(get(&simulator, path).await.json().as_array().unwrap()) {
        let start = utc("2024-01-05T00:00:00Z") + TimeDelta::minutes(30 * number);
        let original = values::elexon_b1610_mwh("T_HOWAO-1", start).unwrap();
        assert_eq!(row["quantity"].as_f64(), Some(revision.apply("HOWAO-1", start, original, 3)));
    }
}

#[tokio::test]
async fn each_upstream_says_in_its_own_way_that_there_is_nothing() {
    let simulator = with("kind=empty-answer").await;
    assert!(get(&simulator, &day()).await.text().contains("No matching data found"));
    assert_eq!(get(&simulator, UNITS).await.text(), "[]");
    let eia = get(&simulator, "/v2/electricity/facility-fuel/data/?data[0]=generation").await.json();
    assert_eq!(
        (&eia["response"]["total"], &eia["response"]["data"]),
        (&Value::from("0"), &serde_json::json!([]))
    );
    let monthly = get(&simulator, "/data/opendata/apply/file/d693001/001.csv").await;
    assert_eq!(monthly.text().lines().count(), 1, "only the header");
    let history = get(&simulator, "/data/opendata/apply/file/d006010/001.json").await;
    assert!(history.text().ends_with(r#"{"records":{"NET_P":[]}}"#));
}

#[tokio::test]
async fn entsoe_can_refuse_in_any_words_and_zip_its_document() {
    let simulator =
        with("kind=acknowledgement,text=The amount of requested data exceeds allowed limit.").await;
    let answer = get(&simulator, &day()).await;
    assert_eq!(answer.status, 400);
    assert!(answer.text().contains("<text>The amount of requested data exceeds allowed limit.</text>"));
    let zipped = get(&with("kind=zip").await, &day()).await;
    assert_eq!(zipped.header("content-type"), "application/zip");
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(zipped.body)).unwrap();
    assert_eq!(archive.len(), 1);
    let text = std::io::read_to_string(archive.by_index(0).unwrap()).unwrap();
    assert!(parse(&text).len() >= 7);
}

#[tokio::test]
async fn several_faults_strike_one_request_and_can_be_replaced() {
    let simulator = with("kind=latency,milliseconds=1").await;
    let status = FaultKind::Status { status: 500, retry_after: None, body: None };
    simulator.set_faults(vec![FaultKind::Latency { milliseconds: 1 }.into(), Fault::from(status)]);
    assert_eq!(get(&simulator, UNITS).await.status, 500);
    assert_eq!(simulator.log()[0].fault.as_deref(), Some("latency+status"));
    simulator.set_faults(Vec::new());
    simulator.clear_log();
    assert_eq!(get(&simulator, UNITS).await.status, 200);
    assert_eq!(simulator.log().len(), 1);
}
