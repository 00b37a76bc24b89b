//! Tests against recorded answers of EIA. They are not part of this repository: `BACKFILL_FIXTURES` names their
//! folder, else it is looked for beside the repository.

use std::path::PathBuf;

use backfill_guest::time::parse_utc;
use backfill_guest::{Failure, Month, Series};

use crate::answer::page;
use crate::listing::collect;
use crate::wanted::{Authority, Plant};
use crate::{Found, authority, plant};

const NOW: i64 = 1_800_000_000; // 2027

/// A recorded answer, or none, said aloud, where there are no recordings.
fn recorded(name: &str) -> Option<Vec<u8>> {
    let beside = || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/fixtures"));
    let folder = std::env::var_os("BACKFILL_FIXTURES").map_or_else(beside, PathBuf::from).join("eia");
    if !folder.is_dir() {
        eprintln!(
            "SKIPPED: no recorded answers in {}; set BACKFILL_FIXTURES to their folder",
            folder.display()
        );
        return None;
    }
    Some(std::fs::read(folder.join(name)).unwrap())
}

fn at(text: &str) -> i64 {
    parse_utc(text).unwrap()
}

/// A month (not December) of the plant, from an upstream that answers every page with the recorded first page of 6,949 rows.
fn puerto_rico(body: &[u8], code: &str, fuels: &[&str], year: u16, number: u8) -> Result<Found, Failure> {
    let start = at(&format!("{year}-{number:02}-01T00:00Z"));
    let end = at(&format!("{year}-{:02}-01T00:00Z", number + 1));
    let month = Month { year, number, start, end };
    let plant = Plant { code: code.into(), fuels: fuels.iter().map(|&fuel| fuel.to_owned()).collect() };
    let listing = collect(|_| page(200, None, body))?;
    plant::read(listing, &plant, &month, plant::whole_month(&month)?, NOW)
}

fn hours(body: &[u8], fueltype: &str, start: &str, end: &str) -> Result<Found, Failure> {
    let authority = Authority { respondent: "PACW".into(), fueltype: fueltype.into() };
    let month = Month { year: 0, number: 1, start: at(start), end: at(end) };
    authority::read(collect(|_| page(200, None, body))?, &authority, &authority::hours(&month)?, NOW)
}

fn energy(found: &Found) -> Vec<(&str, f64)> {
    let value = |one: &Series| one.measurements.iter().map(|one| one.value).sum();
    found.series.iter().map(|one| (one.labels[0].1.as_str(), value(one))).collect()
}

#[test]
fn a_wind_plant_is_not_counted_twice_among_all_its_roll_ups() {
    let Some(body) = recorded("facility-fuel_PR_monthly_2025.json") else { return };
    for (number, expected) in [(1, 10126.0), (2, 17186.0), (3, 15473.0), (4, 12484.0)] {
        for fuels in [&["WND"][..], &["SUN", "WND"]] {
            let found = puerto_rico(&body, "61014", fuels, 2021, number).unwrap();
            assert_eq!(energy(&found), [("WND", expected)], "2021-{number:02}");
            assert!(found.notes.iter().any(|note| note.contains("repeated its rows")), "{:?}", found.notes);
        }
    }
}

#[test]
fn a_month_that_is_not_on_the_first_page_is_not_taken_for_one_without_data() {
    let Some(body) = recorded("facility-fuel_PR_monthly_2025.json") else { return };
    assert!(matches!(puerto_rico(&body, "61014", &["WND"], 2021, 5), Err(Failure::Malformed(_))));
}

#[test]
fn hours_of_two_days_in_january_leave_the_first_period_to_december() {
    let Some(body) = recorded("fuel-type-data_PACW_20240101-20240102.json") else { return };
    let january = hours(&body, "SUN", "2024-01-01T00:00Z", "2024-02-01T00:00Z").unwrap();
    let [series] = &january.series[..] else { panic!("{} series", january.series.len()) };
    let starts: Vec<_> = series.measurements.iter().map(|one| one.start).collect();
    let first = at("2024-01-01T00:00Z");
    assert_eq!(starts, (0..24).map(|hour| first + hour * 3600).collect::<Vec<_>>());

    let december = hours(&body, "SUN", "2023-12-01T00:00Z", "2024-01-01T00:00Z").unwrap();
    assert_eq!(energy(&december), [("SUN", 43.0)]);
}

#[test]
fn the_sun_over_oregon_is_highest_around_noon_of_its_own_time() {
    let Some(body) = recorded("fuel-type-data_PACW_20240101-20240103.json") else { return };
    for day in ["2024-01-01", "2024-01-02"] {
        let (from, noon) = (at(&format!("{day}T08:00Z")), at(&format!("{day}T20:00Z")));
        let found = hours(&body, "SUN", &format!("{day}T08:00Z"), "2024-02-01T00:00Z").unwrap();
        let day =
            found.series[0].measurements.iter().filter(|one| (from..from + 86_400).contains(&one.start));
        let peak = day.max_by(|a, b| a.value.total_cmp(&b.value)).unwrap();
        assert!((peak.start - noon).abs() <= 2 * 3600, "{} of {}", peak.value, peak.start);
    }
}

#[test]
fn negative_hours_of_wind_are_kept() {
    let Some(body) = recorded("fuel-type-data_PACW_20240101-20240102.json") else { return };
    let found = hours(&body, "WND", "2024-01-01T00:00Z", "2024-02-01T00:00Z").unwrap();
    let last = found.series[0].measurements.last().unwrap();
    assert_eq!((last.start, last.value), (at("2024-01-01T23:00Z"), -2.0));
}

#[test]
fn recorded_refusals_are_told_apart_by_their_bodies() {
    let Some(body) = recorded("error_403_API_KEY_INVALID.json") else { return };
    let refused = page::<plant::Row>(403, None, &body);
    assert!(matches!(refused, Err(Failure::Unauthorized(why)) if why.contains("API_KEY_INVALID")));
    let Some(body) = recorded("error_500_body_404_not_found.json") else { return };
    assert!(matches!(page::<plant::Row>(500, None, &body), Err(Failure::NotAvailable(_))));
}
