use backfill_guest::Measurement;

use super::*;
use crate::fixtures::recorded;
use crate::unit::tests::unit;

const EXCERPT: &str = "d693001_monthly_per_station_excerpt_2025-01_2025-04.csv";
const DAMAGED: &str = "d693001_damaged_cells_excerpt.csv";

fn taipei_month(year: i32, number: u32) -> YearMonth {
    YearMonth::new(year, number).unwrap()
}

fn month(month: YearMonth) -> Month {
    let (start, end) = month.bounds().unwrap();
    let label = month.to_string();
    Month { year: label[..4].parse().unwrap(), number: label[5..].parse().unwrap(), start, end }
}

fn settled(unit: &Unit, of: YearMonth, monthly: Monthly, ten_minute: Option<TenMinute>) -> Settled {
    settle(unit, &month(of), of, monthly, ten_minute)
}

/// What a recorded monthly file gives for a code, without ten-minute values.
fn from_recording(file: &str, code: &str, of: YearMonth) -> Option<Result<Vec<Series>, Failure>> {
    let table = Table::parse(&recorded(file)?).unwrap();
    let unit = unit(code, &[]);
    let monthly = monthly_value::find(&table, &unit::in_monthly_names(&unit).unwrap(), of).unwrap();
    Some(settled(&unit, of, monthly, None).outcome)
}

fn ten_minutes() -> TenMinute {
    let (start, _) = taipei_month(2025, 2).bounds().unwrap();
    TenMinute {
        known: true,
        measurements: vec![Measurement { start, seconds: 600, value: 7.5 }],
        ..TenMinute::default()
    }
}

fn origins(series: &[Series]) -> Vec<&str> {
    series.iter().map(|series| series.labels[0].1.as_str()).collect()
}

#[test]
fn recorded_months_become_one_energy_over_the_taipei_month() {
    for (code, number, kwh) in [
        ("離岸一期風力/Offshore Phase1 Wind Power", 2, 45_673_572.0),
        ("離岸一期", 4, 16_203_100.0),
        ("彰工風力", 1, 31_416_637.0),
        ("彰工", 1, 31_416_637.0),
        ("台中港", 3, 7_680_953.0),
        ("中港", 3, 7_680_953.0),
        ("臺中港區風力", 3, 7_680_953.0),
        ("雲麥", 1, 8_732_345.0),
        ("淡水3.5萬噸配水池太陽光電", 1, 21_834.0),
        ("龍潭E/S太陽光電/Longtan E/S Solars", 3, 14_929.0),
        ("彰濱光", 1, 9_212_677.0),
        ("仁澤地熱", 2, 293_356.0),
    ] {
        let of = taipei_month(2025, number);
        let Some(outcome) = from_recording(EXCERPT, code, of) else { return };
        let series = outcome.unwrap_or_else(|failure| panic!("{code}: {failure:?}"));
        let (start, end) = of.bounds().unwrap();
        assert_eq!(series.len(), 1, "{code}");
        assert_eq!((series[0].kind.as_str(), series[0].quantity), ("generation", Quantity::Energy));
        assert_eq!(series[0].labels, [("origin".to_owned(), "monthly-official".to_owned())]);
        let [point] = &series[0].measurements[..] else { panic!("{code}: one value a month") };
        assert_eq!(
            (point.start, i64::from(point.seconds), point.value),
            (start, end - start, kwh / 1000.0),
            "{code}"
        );
    }
}

#[test]
fn no_two_stations_of_a_recorded_month_are_taken_for_one() {
    let Some(bytes) = recorded(EXCERPT) else { return };
    let table = Table::parse(&bytes).unwrap();
    assert_eq!((table.rows.len(), table.unreadable.len()), (140, 0));
    let mut seen = std::collections::HashSet::new();
    assert!(table.rows.iter().all(|row| seen.insert((row.month, &row.station))));
}

#[test]
fn a_recorded_dash_is_no_data_and_a_recorded_zero_is_a_value() {
    let Some(dash) = from_recording(EXCERPT, "中屯風力", taipei_month(2025, 3)) else { return };
    assert!(matches!(dash, Err(Failure::NoData(why)) if why.contains("\"-\"")));
    let zero = from_recording(EXCERPT, "中屯風力", taipei_month(2025, 4)).unwrap().unwrap();
    assert_eq!(zero[0].measurements[0].value, 0.0);
    let zero = from_recording(EXCERPT, "蘭嶼貯存場太陽光電", taipei_month(2025, 3)).unwrap().unwrap();
    assert_eq!(zero[0].measurements[0].value, 0.0);
}

#[test]
fn the_recorded_copy_of_january_s_solar_is_not_stored_as_february() {
    let Some(outcome) = from_recording(EXCERPT, "台南鹽田太陽光電", taipei_month(2025, 2)) else {
        return;
    };
    assert!(
        matches!(outcome, Err(Failure::Malformed(why)) if why.contains("copied") && why.contains("2025-01"))
    );
    for number in [1, 3] {
        assert!(from_recording(EXCERPT, "台南鹽田太陽光電", taipei_month(2025, number)).unwrap().is_ok());
    }
    // Wind of the same month is its own.
    assert!(from_recording(EXCERPT, "石門風力", taipei_month(2025, 2)).unwrap().is_ok());
}

#[test]
fn a_recorded_damaged_cell_is_malformed_and_named() {
    let of = taipei_month(2024, 7);
    let Some(outcome) = from_recording(DAMAGED, "澎湖湖西風力", of) else { return };
    let Err(Failure::Malformed(why)) = outcome else { panic!("{outcome:?}") };
    assert!(why.contains("357,156.00 2") && why.contains("line 2") && why.contains("2024-07"), "{why}");
    let sound = from_recording(DAMAGED, "林口風力", taipei_month(2024, 1)).unwrap().unwrap();
    assert_eq!(sound[0].measurements[0].value, 1208.274);
}

#[test]
fn a_recorded_block_that_ends_early_is_not_yet_published() {
    let Some(solar) = from_recording(EXCERPT, "台南鹽田太陽光電", taipei_month(2025, 4)) else {
        return;
    };
    assert!(matches!(solar, Err(Failure::NotYetPublished(why)) if why.contains("2025-03")));
    let wind = from_recording(EXCERPT, "石門風力", taipei_month(2025, 5)).unwrap();
    assert!(matches!(wind, Err(Failure::NotYetPublished(why)) if why.contains("2025-04")));
}

#[test]
fn a_private_farm_is_not_available_and_sent_to_the_collector() {
    let Some(outcome) = from_recording(EXCERPT, "海能風", taipei_month(2025, 2)) else { return };
    assert!(matches!(outcome, Err(Failure::NotAvailable(why)) if why.contains("run the collector")));
}

#[test]
fn both_histories_stand_side_by_side() {
    let of = taipei_month(2025, 2);
    let settled = settled(&unit("觀園", &[]), of, Monthly::Energy(9.0), Some(ten_minutes()));
    let series = settled.outcome.unwrap();
    assert_eq!(origins(&series), ["monthly-official", "10min-official"]);
    assert_eq!(series[1].quantity, Quantity::SpotPower);
}

#[test]
fn ten_minute_values_stand_alone_where_the_month_is_missing_or_refused() {
    let of = taipei_month(2025, 2);
    let missing = [
        Monthly::Unknown,
        Monthly::Missing("-".into()),
        Monthly::NotYet("later".into()),
        Monthly::Refused("damaged".into()),
    ];
    for monthly in missing {
        let settled = settled(&unit("觀園", &[]), of, monthly, Some(ten_minutes()));
        assert_eq!(origins(&settled.outcome.unwrap()), ["10min-official"]);
        assert!(settled.notes.iter().any(|(_, note)| note.contains("no monthly value")));
    }
}

#[test]
fn a_unit_that_the_ten_minute_file_knows_without_a_value_is_no_data() {
    let known = TenMinute { known: true, ..TenMinute::default() };
    let settled = settled(&unit("林口#1", &[]), taipei_month(2025, 2), Monthly::Unknown, Some(known));
    assert!(matches!(settled.outcome, Err(Failure::NoData(_))));
}

#[test]
fn a_part_of_a_month_has_no_monthly_value() {
    let of = taipei_month(2025, 2);
    let mut part = month(of);
    part.start += 86_400;
    let settled = settle(&unit("觀園", &[]), &part, of, Monthly::Energy(9.0), None);
    assert!(matches!(settled.outcome, Err(Failure::NotAvailable(why)) if why.contains("part")));
}
