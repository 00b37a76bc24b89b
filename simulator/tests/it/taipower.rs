//! Taipower: three files, three grains.

use serde_json::Value;
use simulator::{Fault, FaultKind, Options, Simulator, SnapshotFault, SnapshotFormat, values};

use crate::{get, options, start, utc};

const MONTHLY: &str = "/data/opendata/apply/file/d693001/001.csv";
const TEN_MINUTES: &str = "/data/opendata/apply/file/d006010/001.json";
const SNAPSHOT: &str = "/data/opendata/apply/file/d006001/001.json";

/// The file without its byte order mark, which must be there.
async fn file(simulator: &Simulator, path: &str) -> String {
    let answer = get(simulator, path).await;
    assert_eq!(answer.status, 200);
    answer.text().strip_prefix('\u{feff}').expect("a byte order mark").to_owned()
}

#[tokio::test]
async fn the_monthly_file_has_each_own_station_and_month_since_2024() {
    let simulator = start(options()).await;
    let csv = file(&simulator, MONTHLY).await;
    let mut lines = csv.lines();
    assert!(lines.next().unwrap().starts_with("年度/Year,月份/Month,"));
    let rows: Vec<Vec<_>> = lines.map(|line| line.split(',').collect()).collect();
    assert_eq!((rows[0][0], rows[0][1]), ("2024", "01"));
    assert_eq!((rows[rows.len() - 1][0], rows[rows.len() - 1][1]), ("2024", "05"), "June comes in July");
    for row in &rows {
        let expected = values::taipower_monthly_kwh(row[3], row[0].parse().unwrap(), row[1].parse().unwrap());
        assert_eq!(row[4], expected.map_or("-".to_owned(), |value| value.to_string()), "{row:?}");
    }
    assert!(rows.iter().any(|row| row[3] == "彰工風力Changgong Wind Power"), "no slash");
    assert!(rows.iter().any(|row| row[4] == "-"));
    assert_eq!(values::taipower_monthly_kwh("中屯風力", 2025, 4), Some(0.0));
}

#[tokio::test]
async fn a_cell_of_the_monthly_file_can_be_damaged() {
    let faults = vec![Fault::from(FaultKind::DamagedCell {})];
    let simulator = start(Options { now: Some(utc("2024-09-01T00:00:00Z")), faults, ..options() }).await;
    let csv = file(&simulator, MONTHLY).await;
    let damaged: Vec<_> = csv.lines().filter(|line| line.contains('"')).collect();
    assert_eq!(damaged.len(), 1);
    assert!(damaged[0].starts_with("2024,07,陸域風力/Onshore Wind,澎湖湖西風力/Penghu Huxi Wind Power,\""));
    assert!(damaged[0].ends_with(".00 2\""));
}

#[tokio::test]
async fn the_ten_minute_file_holds_three_months_of_every_unit() {
    let simulator = start(Options { now: Some(utc("2026-07-14T00:00:00Z")), ..options() }).await;
    let document: Value = serde_json::from_str(&file(&simulator, TEN_MINUTES).await).unwrap();
    let rows = document["records"]["NET_P"].as_array().unwrap();
    assert_eq!(rows.len(), 90 * 144 * 20, "December to February, 17 wind units and three others");
    let harbour: Vec<_> = rows.iter().filter(|row| row["UNIT_NAME"] == "中港").collect();
    assert_eq!(harbour.len(), 90 * 144);
    assert_eq!(harbour[0]["DATETIME"], "2025-12-01 00:00:00");
    assert_eq!(harbour[90 * 144 - 1]["DATETIME"], "2026-02-28 23:50:00");
    for row in harbour.iter().step_by(97) {
        let local = row["DATETIME"].as_str().unwrap().replace(' ', "T");
        let at = utc(&format!("{local}+08:00"));
        let value: f64 = row["NET_P"].as_str().unwrap().parse().unwrap();
        assert_eq!(Some(value), values::taipower_mw("台中港", at));
    }
}

#[tokio::test]
async fn the_ten_minute_file_is_written_while_it_is_read() {
    let simulator = start(Options { taipower_d006010_other_units: 10_000, ..options() }).await;
    // Some 12 GB whole: it could be neither built first nor read to its end.
    let mut response = reqwest::get(format!("{}{TEN_MINUTES}", simulator.url())).await.unwrap();
    let mut read = 0;
    while read < 1_000_000 {
        read += response.chunk().await.unwrap().unwrap().len();
    }
}

/// Type, name, capacity, output, share and note of each row.
async fn snapshot(options: Options) -> (String, Vec<[String; 6]>) {
    let simulator = start(options).await;
    let document: Value = serde_json::from_str(&file(&simulator, SNAPSHOT).await).unwrap();
    let keys = ["機組類型", "機組名稱", "裝置容量(MW)", "淨發電量(MW)", "淨發電量/裝置容量比(%)", "備註"];
    let cell = |value: &Value| value.as_str().unwrap().to_owned();
    let rows = document["aaData"].as_array().unwrap().iter().map(|row| match row {
        Value::Array(cells) => std::array::from_fn(|index| cell(&cells[index])),
        row => keys.map(|key| cell(&row[key])),
    });
    let time = document.get("DateTime").unwrap_or_else(|| &document[""]);
    (cell(time), rows.collect())
}

#[tokio::test]
async fn the_snapshot_has_the_shape_of_its_year() {
    for (format, time, subtotal, oil) in [
        (SnapshotFormat::Y2021, "2024-06-30 20:00", "小計", "燃油"),
        (SnapshotFormat::Y2024, "2024-06-30T20:00:00", "小計", "燃油"),
        (SnapshotFormat::Y2026, "2024-06-30T20:00:00", "小計(註5)", "燃料油"),
    ] {
        let now = Some(utc("2024-06-30T12:07:31Z"));
        let (at, rows) = snapshot(Options { now, taipower_format: format, ..options() }).await;
        assert_eq!(at, time, "local, on the grid of ten minutes");
        assert!(rows.iter().any(|row| row[1] == subtotal) && rows.iter().any(|row| row[0] == oil));
        let guanyuan = rows.iter().find(|row| row[1] == "觀園").unwrap();
        let expected = values::taipower_mw("觀園", utc("2024-06-30T12:00:00Z")).unwrap();
        assert_eq!(guanyuan[3], format!("{expected:.1}"));
        let wind: Vec<_> = rows.iter().filter(|row| row[0] == "風力").collect();
        let (sum, units) = wind.split_last().unwrap();
        let total: f64 = units.iter().map(|row| row[3].parse::<f64>().unwrap()).sum();
        assert!(sum[3].starts_with(&format!("{total:.1}(")), "{total} {}", sum[3]);
        assert!(units.iter().any(|row| row[1].ends_with("(註10)") && row[2] == "-" && row[4] == "-"));
        assert!(rows.iter().any(|row| row[3] == "N/A"));
        assert_eq!(rows.iter().filter(|row| row[1] == "其它台電自有").count(), 2, "a wind and a solar unit");
    }
}

#[tokio::test]
async fn snapshots_can_be_as_wrong_as_they_were() {
    let wrong = |mode| Options { faults: vec![FaultKind::BadSnapshot { mode }.into()], ..options() };
    let noon = Some(utc("2024-06-30T04:00:00Z"));
    let (_, rows) = snapshot(Options { now: noon, ..wrong(SnapshotFault::Thousandfold) }).await;
    let south = rows.iter().find(|row| row[1] == "南鹽光").unwrap();
    assert!(south[3].parse::<f64>().unwrap() > 1000.0 && south[5] == "資料維修中");
    let (_, rows) = snapshot(wrong(SnapshotFault::AllOne)).await;
    assert!(
        rows.iter().filter(|row| row[0] == "風力" && !row[1].starts_with("小計")).all(|row| row[3] == "1.0")
    );
    let (_, rows) = snapshot(wrong(SnapshotFault::NoContact)).await;
    let silent = rows.iter().find(|row| row[1] == "王功").unwrap();
    assert_eq!((silent[3].as_str(), silent[5].as_str()), ("0.0", "通訊異常"));
    let simulator = start(wrong(SnapshotFault::Html)).await;
    assert!(get(&simulator, SNAPSHOT).await.text().starts_with("<html>"));
}
