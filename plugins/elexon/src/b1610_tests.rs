use super::*;
use crate::testing::{answer, fixture, instant, month, unit, values};

/// A row as upstream writes it, with the end of the half hour that a start in UTC implies.
fn row(date: &str, period: u32, start: &str, run: &str, quantity: &str) -> String {
    let end = time::format_utc(instant(start) + 1800).replace('Z', "");
    let run = if run.is_empty() { String::new() } else { format!(r#","settlementRunType":"{run}""#) };
    format!(
        r#"{{"dataset":"B1610","psrType":"Generation","bmUnit":"T_A-1","nationalGridBmUnitId":"A-1","settlementDate":
        "{date}","settlementPeriod":{period},"halfHourEndTime":"{end}","quantity":{quantity}{run}}}"#
    )
}

fn read(body: &str, month: &Month) -> (Result<Vec<Series>, Failure>, Notes) {
    let answer = answer(200, body.as_bytes());
    let unit = BmUnit::of(&unit("T_A-1", &[])).unwrap();
    let mut notes = Notes::default();
    let series = series(&answer.rows("B1610").unwrap(), &unit, month, &mut notes);
    (series, notes)
}

fn energy(rows: &[String], month: &Month) -> Vec<(String, u32, f64)> {
    let (series, _) = read(&format!("[{}]", rows.join(",")), month);
    values(&series.unwrap(), "generation", Quantity::Energy)
}

fn malformed(row: &str) -> String {
    match read(&format!("[{row}]"), &month(2024, 3)).0 {
        Err(Failure::Malformed(why)) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_recorded_stream_is_energy_with_its_run_and_starts_in_utc() {
    let Some(body) = fixture("elexon/gs_b1610_stream.json") else { return };
    let answer = answer(200, &body);
    let unit = BmUnit::of(&unit("T_DRAXX-1", &[])).unwrap();
    let rows = answer.rows("B1610").unwrap();
    let series = series(&rows, &unit, &month(2026, 8), &mut Notes::default()).unwrap();
    assert_eq!(series.len(), 1);
    assert_eq!(series[0].labels, [("settlement-run".to_owned(), "II".to_owned())]);
    let expected = ["2026-08-01T00:00:00Z", "2026-08-01T00:30:00Z", "2026-08-01T01:00:00Z"];
    let expected: Vec<_> = expected.iter().map(|start| ((*start).to_owned(), 1800, 0.0)).collect();
    assert_eq!(values(&series, "generation", Quantity::Energy), expected);
}

#[test]
fn summer_rows_are_not_shifted_by_the_hour_and_the_month_is_cut_in_utc() {
    let rows = [
        row("2024-07-01", 2, "2024-06-30T23:30Z", "", "1"),
        row("2024-07-01", 3, "2024-07-01T00:00Z", "", "2"),
        row("2024-08-01", 2, "2024-07-31T23:30Z", "", "3"),
        row("2024-08-01", 3, "2024-08-01T00:00Z", "", "4"),
    ];
    let expected =
        [("2024-07-01T00:00:00Z".to_owned(), 1800, 2.0), ("2024-07-31T23:30:00Z".to_owned(), 1800, 3.0)];
    assert_eq!(energy(&rows, &month(2024, 7)), expected);
}

#[test]
fn all_fifty_periods_of_the_october_day_are_kept() {
    let first = instant("2024-10-26T23:00Z");
    let rows: Vec<_> = (1..=50)
        .map(|sp| {
            row("2024-10-27", sp, &time::format_utc(first + i64::from(sp - 1) * 1800), "RF", &sp.to_string())
        })
        .collect();
    let kept = energy(&rows, &month(2024, 10));
    assert_eq!(kept.len(), 50);
    assert_eq!(kept[49], ("2024-10-27T23:30:00Z".to_owned(), 1800, 50.0));
}

#[test]
fn a_period_beyond_the_days_count_is_malformed_and_names_the_row() {
    let why = malformed(&row("2024-03-31", 47, "2024-03-31T23:00Z", "", "1"));
    assert!(why.contains("T_A-1 2024-03-31 SP47") && why.contains("1 to 46"), "{why}");
}

#[test]
fn an_end_time_that_disagrees_with_the_period_is_malformed() {
    let why = malformed(&row("2024-03-15", 1, "2024-03-15T01:00Z", "", "1"));
    assert!(why.contains("SP1") && why.contains("2024-03-15T01:30:00") && why.contains("00:30:00Z"), "{why}");
}

#[test]
fn negative_and_zero_are_values_and_null_is_none() {
    let rows = [
        row("2024-03-15", 1, "2024-03-15T00:00Z", "", "-1.25"),
        row("2024-03-15", 2, "2024-03-15T00:30Z", "", "0"),
        row("2024-03-15", 3, "2024-03-15T01:00Z", "", "null"),
    ];
    let kept: Vec<_> = energy(&rows, &month(2024, 3)).into_iter().map(|(_, _, value)| value).collect();
    assert_eq!(kept, [-1.25, 0.0]);
}

#[test]
fn each_settlement_run_is_its_own_series_in_the_order_of_runs() {
    let run = |name: &str, quantity: &str| row("2024-03-15", 1, "2024-03-15T00:00Z", name, quantity);
    let body = format!("[{},{},{},{}]", run("RF", "3"), run("SF", "2"), run("", "0"), run("II", "1"));
    let series = read(&body, &month(2024, 3)).0.unwrap();
    let labels: Vec<_> = series.iter().map(|one| one.labels.first().map(|(_, run)| run.as_str())).collect();
    assert_eq!(labels, [None, Some("II"), Some("SF"), Some("RF")]);
    assert_eq!(series.iter().map(|one| one.measurements[0].value).collect::<Vec<_>>(), [0.0, 1.0, 2.0, 3.0]);
}

#[test]
fn a_repeated_row_is_merged_and_a_contradicting_one_left_out_and_told() {
    let one = |period, start: &str, quantity: &str| row("2024-03-15", period, start, "SF", quantity);
    let body = format!(
        "[{},{},{},{}]",
        one(1, "2024-03-15T00:00Z", "5"),
        one(1, "2024-03-15T00:00Z", "5.0"),
        one(2, "2024-03-15T00:30Z", "6"),
        one(2, "2024-03-15T00:30Z", "7"),
    );
    let (series, notes) = read(&body, &month(2024, 3));
    assert_eq!(
        values(&series.unwrap(), "generation", Quantity::Energy),
        [("2024-03-15T00:00:00Z".into(), 1800, 5.0)]
    );
    let told = notes.contradiction().unwrap();
    assert!(told.contains("2024-03-15T00:30:00Z run SF: 6 and 7 MWh"), "{told}");
}

#[test]
fn rows_of_other_units_are_ignored_whatever_they_hold() {
    let other = row("2024-03-31", 50, "2024-03-15T00:00Z", "", "1").replace("A-1", "B-1");
    let (series, notes) = read(&format!("[{other}]"), &month(2024, 3));
    assert!(series.unwrap().is_empty());
    assert!(notes.contradiction().is_none() && notes.lines()[0].1.contains("other units"));
}

#[test]
fn a_gap_is_a_gap_and_is_told() {
    let (series, notes) =
        read(&format!("[{}]", row("2024-03-15", 1, "2024-03-15T00:00Z", "", "1")), &month(2024, 3));
    assert_eq!(series.unwrap()[0].measurements.len(), 1);
    assert!(notes.lines().iter().any(|(_, line)| line.contains("1 of the 1488 half hours")), "{notes:?}");
}
