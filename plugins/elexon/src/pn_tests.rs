use super::*;
use crate::testing::{answer, fixture, instant, month, unit, values};
use backfill_guest::Quantity;

fn read(body: &[u8], code: &str, month: &Month) -> (Result<Vec<Series>, Failure>, Notes) {
    let answer = answer(200, body);
    let unit = BmUnit::of(&unit(code, &[])).unwrap();
    let mut notes = Notes::default();
    let series = series(&answer.rows("PN").unwrap(), &unit, month, &mut notes);
    (series, notes)
}

fn row(date: &str, period: u32, from: &str, to: &str, levels: (&str, &str)) -> String {
    let (level_from, level_to) = levels;
    format!(
        r#"{{"dataset":"PN","settlementDate":"{date}","settlementPeriod":{period},"timeFrom":"{from}","timeTo":"{to}",
        "levelFrom":{level_from},"levelTo":{level_to},"nationalGridBmUnit":"A-1","bmUnit":"T_A-1"}}"#
    )
}

#[test]
fn recorded_streams_have_the_energy_of_the_reference_for_every_settlement_period() {
    let Some(expected) = fixture("elexon/expected/ref_pn_energy.csv") else { return };
    let mut compared = 0;
    for line in String::from_utf8(expected).unwrap().lines().skip(1) {
        let cells: Vec<_> = line.split(',').collect();
        let [file, code, date, period, _, _, mwh] = cells[..] else { panic!("{line}") };
        let Some(body) = fixture(&format!("elexon/{file}")) else { return };
        // Settlement dates of 1 August reach into July in UTC.
        let whole = Month { start: instant("2026-07-01T00:00Z"), ..month(2026, 8) };
        let (series, _) = read(&body, code, &whole);
        let start = Calendar::default().start(date, period.parse().unwrap()).unwrap();
        let energy = values(&series.unwrap(), "notified", Quantity::Energy);
        let found = energy.iter().find(|one| one.0 == time::format_utc(start)).expect(line);
        assert!((found.2 - mwh.parse::<f64>().unwrap()).abs() < 1e-6, "{line}: {found:?}");
        assert_eq!(found.1, 1800);
        compared += 1;
    }
    assert_eq!(compared, 8);
}

#[test]
fn the_month_is_cut_in_utc_and_descending_rows_are_sorted() {
    let Some(body) = fixture("elexon/gs_pn_stream.json") else { return };
    let series = read(&body, "T_DRAXX-1", &month(2026, 8)).0.unwrap();
    let starts: Vec<_> =
        values(&series, "notified", Quantity::MeanPower).into_iter().map(|one| one.0).collect();
    assert_eq!(starts, ["2026-08-01T00:00:00Z", "2026-08-01T00:30:00Z", "2026-08-01T01:00:00Z"]);
}

#[test]
fn a_national_grid_code_finds_rows_without_an_elexon_id() {
    let body = row("2024-03-15", 1, "2024-03-15T00:00:00Z", "2024-03-15T00:30:00Z", ("4", "6"));
    let body = format!("[{}]", body.replace(r#""T_A-1""#, "null"));
    let series = read(body.as_bytes(), "A-1", &month(2024, 3)).0.unwrap();
    assert_eq!(values(&series, "notified", Quantity::Energy), [("2024-03-15T00:00:00Z".into(), 1800, 2.5)]);
}

#[test]
fn a_period_beyond_the_days_count_is_malformed_and_names_the_row() {
    let body = row("2024-03-31", 47, "2024-03-31T23:00:00Z", "2024-03-31T23:30:00Z", ("1", "1"));
    match read(format!("[{body}]").as_bytes(), "T_A-1", &month(2024, 3)).0 {
        Err(Failure::Malformed(why)) => assert!(why.contains("T_A-1 2024-03-31 SP47"), "{why}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_segment_outside_its_period_or_backwards_is_told_and_left_out() {
    let hour_late = row("2024-07-15", 1, "2024-07-15T00:00:00Z", "2024-07-15T00:30:00Z", ("1", "1"));
    let backwards = row("2024-07-15", 3, "2024-07-15T00:30:00Z", "2024-07-15T00:00:00Z", ("1", "1"));
    let (series, notes) = read(format!("[{hour_late},{backwards}]").as_bytes(), "T_A-1", &month(2024, 7));
    assert!(series.unwrap().is_empty());
    assert!(notes.contradiction().unwrap().starts_with("2 segments of PN don't lie in their"), "{notes:?}");
}

#[test]
fn a_step_in_no_time_and_a_missing_level_give_no_value() {
    let step = row("2024-03-15", 1, "2024-03-15T00:10:00Z", "2024-03-15T00:10:00Z", ("1", "9"));
    let missing = row("2024-03-15", 1, "2024-03-15T00:10:00Z", "2024-03-15T00:30:00Z", ("null", "9"));
    let before = row("2024-03-15", 1, "2024-03-15T00:00:00Z", "2024-03-15T00:10:00Z", ("1", "1"));
    let (series, notes) = read(format!("[{step},{missing},{before}]").as_bytes(), "T_A-1", &month(2024, 3));
    let series = series.unwrap();
    assert_eq!(values(&series, "notified", Quantity::MeanPower), [("2024-03-15T00:00:00Z".into(), 600, 1.0)]);
    assert!(values(&series, "notified", Quantity::Energy).is_empty());
    assert!(notes.contradiction().is_none());
}

#[test]
fn a_time_that_is_none_is_malformed() {
    let body = row("2024-03-15", 1, "midnight", "2024-03-15T00:30:00Z", ("1", "1"));
    let why = read(format!("[{body}]").as_bytes(), "T_A-1", &month(2024, 3)).0.unwrap_err();
    assert!(matches!(&why, Failure::Malformed(text) if text.contains("timeFrom \"midnight\"")), "{why:?}");
}
