//! Elexon: inclusive ends, settlement days, ramps.

use chrono::{NaiveDate, TimeDelta};
use serde_json::{Value, json};
use simulator::{Options, Simulator, values};

use crate::{get, options, start, utc};

const B1610: &str = "/bmrs/api/v1/datasets/B1610/stream";
const PN: &str = "/bmrs/api/v1/datasets/PN/stream";

async fn rows(simulator: &Simulator, path: &str) -> Vec<Value> {
    let answer = get(simulator, path).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json().as_array().unwrap().clone()
}

fn text<'row>(row: &'row Value, key: &str) -> &'row str {
    row[key].as_str().unwrap()
}

#[tokio::test]
async fn settlement_days_have_46_48_or_50_periods() {
    let simulator = start(Options { now: Some(utc("2025-06-30T00:00:00Z")), ..options() }).await;
    for (day, periods, start, end) in [
        ("2024-03-31", 46, "2024-03-31T00:00Z", "2024-03-31T22:30Z"),
        ("2024-07-15", 48, "2024-07-14T23:00Z", "2024-07-15T22:30Z"),
        ("2024-10-27", 50, "2024-10-26T23:00Z", "2024-10-27T23:30Z"),
    ] {
        let path = format!("{B1610}?from={start}&to={end}&bmUnit=T_HOWAO-1");
        let found = rows(&simulator, &path).await;
        let numbers: Vec<_> = found.iter().map(|row| row["settlementPeriod"].as_i64().unwrap()).collect();
        assert_eq!(numbers, (1..=periods).collect::<Vec<_>>(), "ascending");
        assert!(found.iter().all(|row| row["settlementDate"] == day));
        let date: NaiveDate = day.parse().unwrap();
        assert_eq!(values::settlement_periods(date), periods);
        for row in &found {
            let start =
                values::settlement_period_start(date, row["settlementPeriod"].as_i64().unwrap()).unwrap();
            let end = utc(&format!("{}Z", text(row, "halfHourEndTime")));
            assert_eq!(end, start + TimeDelta::minutes(30), "UTC, and the end");
            assert_eq!(row["quantity"].as_f64(), values::elexon_b1610_mwh("T_HOWAO-1", start));
        }
    }
}

#[tokio::test]
async fn both_ends_are_inclusive() {
    let simulator = start(options()).await;
    let day = "from=2024-01-05T00:00Z&to=2024-01-06T00:00Z&bmUnit=HOWAO-1";
    assert_eq!(rows(&simulator, &format!("{B1610}?{day}")).await.len(), 49);
    let periods: std::collections::BTreeSet<_> = rows(&simulator, &format!("{PN}?{day}"))
        .await
        .iter()
        .map(|row| (text(row, "settlementDate").to_owned(), row["settlementPeriod"].as_i64()))
        .collect();
    assert_eq!(periods.len(), 49);
}

#[tokio::test]
async fn notifications_come_last_first_and_cover_each_half_hour_with_ramps() {
    let simulator = start(options()).await;
    let path = format!("{PN}?from=2024-01-05T00:00Z&to=2024-01-05T23:30Z&bmUnit=T_HOWAO-1");
    let found = rows(&simulator, &path).await;
    let times: Vec<_> = found.iter().map(|row| text(row, "timeFrom")).collect();
    assert!(times.is_sorted_by(|one, other| one > other), "descending");
    let mut segments = Vec::new();
    for half_hour in (0..48).rev() {
        let start = utc("2024-01-05T00:00:00Z") + TimeDelta::minutes(30 * half_hour);
        let expected = values::elexon_pn_segments("T_HOWAO-1", start);
        let minutes: i64 = expected.iter().map(|segment| (segment.to - segment.from).num_minutes()).sum();
        assert_eq!(minutes, 30);
        segments.extend(expected.into_iter().rev());
    }
    assert!(segments.len() > 60, "several segments in many half hours");
    assert!(segments.iter().any(|segment| segment.level_from != segment.level_to), "ramps");
    let answered: Vec<_> = found
        .iter()
        .map(|row| values::PnSegment {
            from: utc(text(row, "timeFrom")),
            to: utc(text(row, "timeTo")),
            level_from: row["levelFrom"].as_i64().unwrap(),
            level_to: row["levelTo"].as_i64().unwrap(),
        })
        .collect();
    assert_eq!(answered, segments);
}

#[tokio::test]
async fn a_settlement_period_replaces_the_time_for_notifications_only() {
    let simulator = start(options()).await;
    let filter = "from=2024-06-01T13:30Z&to=2024-06-01T14:00Z&settlementPeriodFrom=3&settlementPeriodTo=3&bmUnit=T_HOWAO-1";
    let pn = rows(&simulator, &format!("{PN}?{filter}")).await;
    assert!(pn.iter().all(|row| row["settlementPeriod"] == 3));
    let b1610 = rows(&simulator, &format!("{B1610}?{filter}")).await;
    assert_eq!(b1610.iter().map(|row| row["settlementPeriod"].clone()).collect::<Vec<_>>(), [30, 31]);
}

#[tokio::test]
async fn metered_volumes_are_published_after_eight_days_and_the_run_grows_with_age() {
    let simulator = start(options()).await;
    let path = format!("{B1610}?from=2024-06-21T12:00Z&to=2024-06-25T12:00Z&bmUnit=T_HOWAO-1");
    let last = rows(&simulator, &path).await.pop().unwrap();
    assert_eq!((text(&last, "settlementDate"), last["settlementPeriod"].as_i64()), ("2024-06-22", Some(48)));
    assert_eq!(last["settlementRunType"], "II");
    let runs: Vec<_> =
        ["2024-06-15", "2024-05-25", "2024-04-15", "2024-02-15", "2023-11-01", "2023-01-01", "2021-01-01"]
            .into_iter()
            .map(|day| {
                values::elexon_settlement_run(day.parse().unwrap(), utc("2024-06-30T12:00:00Z")).unwrap()
            })
            .collect();
    assert_eq!(runs, ["II", "SF", "R1", "R2", "R3", "RF", "DF"]);
}

#[tokio::test]
async fn units_are_found_by_either_id_and_unknown_ones_are_passed_over() {
    let simulator = start(options()).await;
    let time = "from=2024-01-05T00:00Z&to=2024-01-05T00:00Z";
    let both =
        rows(&simulator, &format!("{B1610}?{time}&bmUnit=HOWAO-1&bmUnit=T_HOWAO-2&bmUnit=T_NONE-1")).await;
    assert_eq!(both.iter().map(|row| text(row, "bmUnit")).collect::<Vec<_>>(), ["T_HOWAO-1", "T_HOWAO-2"]);
    assert_eq!(rows(&simulator, &format!("{B1610}?{time}&bmUnit=T_NONE-1")).await, Vec::<Value>::new());
    let nameless = rows(&simulator, &format!("{PN}?{time}&bmUnit=ACHYW-1")).await;
    assert_eq!((&nameless[0]["bmUnit"], text(&nameless[0], "nationalGridBmUnit")), (&Value::Null, "ACHYW-1"));
    let strict = start(Options { elexon_ids_only: true, ..options() }).await;
    assert!(rows(&strict, &format!("{B1610}?{time}&bmUnit=HOWAO-1")).await.is_empty());
}

#[tokio::test]
async fn a_bad_date_is_a_problem_document_and_unknown_parameters_are_ignored() {
    let simulator = start(options()).await;
    let answer = get(&simulator, &format!("{B1610}?from=NOT_A_DATE&to=2024-01-05")).await;
    assert_eq!(answer.status, 400);
    assert!(answer.header("content-type").starts_with("application/problem+json"));
    let problem = answer.json();
    assert_eq!(problem["title"], "One or more validation errors occurred.");
    assert_eq!(problem["errors"]["From"][0], "The value 'NOT_A_DATE' is not valid for From.");
    assert_eq!(get(&simulator, &format!("{PN}?from=2024-01-05")).await.status, 400);
    let ignored = format!("{PN}?from=2024-01-05T00:00Z&to=2024-01-05T00:00Z&publishDateTimeFrom=NOT_A_DATE");
    assert_eq!(get(&simulator, &ignored).await.status, 200);
}

#[tokio::test]
async fn the_list_of_units_has_numbers_as_strings_nulls_and_a_double() {
    let simulator = start(options()).await;
    let units = rows(&simulator, "/bmrs/api/v1/reference/bmunits/all").await;
    let find = |id: &str| units.iter().filter(|unit| unit["nationalGridBmUnit"] == id).collect::<Vec<_>>();
    assert_eq!(find("HOWAO-1")[0]["generationCapacity"], "400.000");
    assert_eq!(find("ACHYW-1")[0]["elexonBmUnit"], Value::Null);
    assert_eq!(find("DWEXW-1")[0]["fuelType"], Value::Null);
    let double: Vec<_> = find("WLNYO-4").iter().map(|unit| unit["eic"].clone()).collect();
    assert_eq!(double.len(), 2);
    assert_ne!(double[0], double[1]);
    assert_eq!(units[0].as_object().unwrap().len(), 22);
    assert_eq!(find("SIMW-20")[0]["elexonBmUnit"], json!("T_SIMW-20"));
    assert_eq!(find("ASIMU001")[0]["generationCapacity"], "0.000", "a supplier generates nothing");
    assert_eq!(find("I_SIM-LINK1")[0]["interconnectorId"], "SIMLINK");
}
