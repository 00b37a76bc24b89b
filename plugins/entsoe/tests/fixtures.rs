//! Recorded answers of the platform against the values that two other parsers got from them.
#![allow(clippy::unwrap_used, reason = "a helper that can't read its fixture has to fail the test")]

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use backfill_guest::{Failure, Month, Series, time};
use entsoe::answer::{Answer, Reply};
use entsoe::assemble::Gathered;
use entsoe::document::{self, Wanted};
use entsoe::fetch::fetch;
use entsoe::notes::Notes;
use entsoe::target::Target;
use entsoe::{archive, psr};

/// Values by start, of each key.
type Expected = BTreeMap<String, BTreeMap<i64, f64>>;

const LONG_AFTER: i64 = 1_780_000_000;

fn recorded(name: &str) -> Option<Vec<u8>> {
    let folder = std::env::var_os("BACKFILL_FIXTURES").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/fixtures"),
        PathBuf::from,
    );
    let path = folder.join("entsoe").join(name);
    let bytes = fs::read(&path).ok();
    if bytes.is_none() {
        eprintln!("SKIPPED: no recorded answer at {}", path.display());
    }
    bytes
}

fn reply(status: u16, body: Vec<u8>) -> Reply {
    Reply { status, retry_after: None, body }
}

/// What `expected/entsoe-py_*.csv` holds, by `key` of the series column and direction.
fn expected(name: &str, key: impl Fn(&str) -> String) -> Option<Expected> {
    let text = String::from_utf8(recorded(&format!("expected/entsoe-py_{name}.csv"))?).unwrap();
    let mut all = Expected::new();
    for line in text.lines().skip(1) {
        let mut columns = line.rsplitn(3, ',');
        let (value, start) = (columns.next().unwrap(), columns.next().unwrap());
        let series = columns.next().unwrap().trim_matches('"');
        let direction = if series.contains("Actual Consumption") { "consumption" } else { "generation" };
        all.entry(format!("{} {direction}", key(series)))
            .or_default()
            .insert(time::parse_utc(start).unwrap(), value.parse().unwrap());
    }
    Some(all)
}

/// Two weeks around a document: none of those recorded is longer than a day.
fn around(document: &[u8]) -> std::ops::Range<i64> {
    let text = String::from_utf8_lossy(document);
    let start = text.split_once("<start>").unwrap().1.split_once('<').unwrap().0;
    let start = time::parse_utc(start).unwrap();
    start - 7 * 86_400..start + 7 * 86_400
}

fn series_of(body: Vec<u8>, wanted: &Wanted) -> Vec<Series> {
    let mut gathered = Gathered::new(around(&body));
    let Answer::Documents(documents) = Answer::of(reply(200, body)) else { panic!("no document") };
    for document in documents {
        document::read(&document, wanted, &mut |series| gathered.add(series)).unwrap();
    }
    gathered.finish(&mut Notes::default())
}

fn values(series: &Series) -> BTreeMap<i64, f64> {
    series.measurements.iter().map(|m| (m.start, m.value)).collect()
}

/// The EIC is the last part of a column such as `Amer 9|Biomass|Actual Aggregated|49W000000000002F`.
fn unit_key(series: &str) -> String {
    series.rsplit('|').next().unwrap().to_owned()
}

/// The type is the first part of a column such as `Biomass|Actual Aggregated`.
fn type_key(series: &str) -> String {
    psr::parse_list(series.split('|').next().unwrap()).unwrap().concat()
}

#[test]
fn every_unit_of_a_day_is_met_point_for_point() {
    let Some(expected) = expected("a73_NL_2024-09-02", unit_key) else { return };
    let body = recorded("a73_NL_2024-09-02.xml").unwrap();
    assert_eq!(expected.len(), 42);
    for (key, points) in expected {
        let (unit, _) = key.split_once(' ').unwrap();
        let found = series_of(body.clone(), &Wanted::unit(unit));
        assert_eq!(found.len(), 1, "{key}");
        assert_eq!((found[0].kind.as_str(), values(&found[0])), ("generation", points), "{key}");
    }
}

#[test]
fn every_type_of_an_area_is_met_point_for_point_in_both_directions() {
    for name in ["a75_NL_2024-09-02", "a75_IT_NORD_2024-06-15", "a75_PL_2024-06-15", "pjh_a75_CZ_2016-01-01"]
    {
        let Some(mut expected) = expected(name, type_key) else { return };
        let body = recorded(&format!("{name}.xml")).unwrap();
        let mut all: Vec<_> = expected.keys().map(|key| psr::parse_list(&key[..3]).unwrap()[0]).collect();
        all.dedup();
        // Few types are searched for, many are found by reading everything: both ways have to agree.
        let few = all.chunks(3).map(|codes| series_of(body.clone(), &Wanted::types(codes)));
        let found: Vec<_> = few.flatten().collect();
        assert_eq!(found.len(), series_of(body.clone(), &Wanted::types(&all)).len(), "{name}");
        for series in found {
            let code = psr::parse_list(&series.labels[0].1).unwrap()[0];
            let points = expected.remove(&format!("{code} {}", series.kind));
            assert_eq!(points, Some(values(&series)), "{name} {code} {}", series.kind);
        }
        assert!(expected.is_empty(), "{name}: not found: {:?}", expected.keys());
    }
}

#[test]
fn energy_intervals_and_filled_positions_are_as_the_reference_counted() {
    let Some(table) = recorded("expected/ref_energy_MWh.csv") else { return };
    for line in String::from_utf8(table).unwrap().lines().skip(1) {
        let columns: Vec<_> = line.split(',').collect();
        let [fixture, key, direction, resolution, first, last, intervals, filled, _, mwh] = columns[..]
        else {
            panic!("{line}")
        };
        let Some(body) = recorded(fixture) else { return };
        let wanted = match psr::by_code(key) {
            Some(known) => Wanted::types(&[known.code]),
            None => Wanted::unit(key),
        };
        let (mut points, mut gathered) = (0, Gathered::new(around(&body)));
        document::read(&body, &wanted, &mut |series| {
            if (format!("{:?}", series.direction()?) == "Generation") == (direction == "in") {
                points += series.periods.iter().map(|period| period.points.len()).sum::<usize>();
            }
            gathered.add(series)
        })
        .unwrap();
        let kind = if direction == "in" { "generation" } else { "consumption" };
        let all = gathered.finish(&mut Notes::default());
        let series = all.iter().find(|series| series.kind == kind).unwrap_or_else(|| panic!("{line}"));
        let (found, end) = (&series.measurements, series.measurements.last().unwrap());
        assert_eq!(found.len().to_string(), intervals, "{line}");
        assert_eq!((found.len() - points).to_string(), filled, "{line}");
        assert_eq!(found[0].start, time::parse_utc(first).unwrap(), "{line}");
        assert_eq!(end.start + i64::from(end.seconds), time::parse_utc(last).unwrap(), "{line}");
        assert!(found.iter().all(|m| format!("PT{}M", m.seconds / 60) == resolution), "{line}");
        let energy: f64 = found.iter().map(|m| m.value * f64::from(m.seconds) / 3600.0).sum();
        assert!((energy - mwh.parse::<f64>().unwrap()).abs() < 0.001, "{line}: {energy}");
    }
}

#[test]
fn a_month_of_a_unit_is_fetched_from_recorded_answers() {
    let Some(expected) = expected("a73_NL_2024-09-02", unit_key) else { return };
    let (day, nothing) =
        (recorded("a73_NL_2024-09-02.xml").unwrap(), recorded("ack_no_data_a73_BE.xml").unwrap());
    let september = Month { year: 2024, number: 9, start: 1_725_148_800, end: 1_727_740_800 };
    for (key, points) in expected {
        let (eic, _) = key.split_once(' ').unwrap();
        let target = Target::Unit { eic: eic.into(), control_area: "10YNL----------L".into() };
        // The recorded day is one of local time, so that it answers for two days of UTC.
        let bodies = |first: i64| if first < september.start + 2 * 86_400 { &day } else { &nothing };
        let ask = |queries: &[entsoe::query::Query]| {
            let replies = queries.iter().map(|query| Ok(reply(200, bodies(query.interval.start).clone())));
            replies.collect::<Vec<_>>().into_iter()
        };
        let found = fetch(&target, &september, LONG_AFTER, ask, &mut Notes::default()).unwrap();
        assert_eq!((found.len(), values(&found[0])), (1, points), "{key}");
    }
}

#[test]
fn recorded_acknowledgements_and_refusals_are_told_apart() {
    for name in ["ack_no_data_a73_BE.xml", "ack_no_data_bad_area.xml", "ack_no_data_null_interval.xml"] {
        let Some(body) = recorded(name) else { return };
        for status in [200, 400] {
            assert!(matches!(Answer::of(reply(status, body.clone())), Answer::Empty), "{name}");
        }
    }
    let Some(body) = recorded("rab_ack_bad_request.xml") else { return };
    let refused = Answer::of(reply(400, body));
    assert!(
        matches!(refused, Answer::Failed(Failure::Malformed(said)) if said.contains("Bad request message from API"))
    );
    let Some(body) = recorded("rab_unauthorised.xml") else { return };
    let refused = Answer::of(reply(401, body));
    assert!(
        matches!(refused, Answer::Failed(Failure::Unauthorized(said)) if said.contains("security token"))
    );
}

#[test]
fn a_recorded_zip_is_unpacked_and_its_document_of_another_kind_refused() {
    let Some(zip) = recorded("pjh_zip_one_member.zip") else { return };
    let members = archive::unpack(&zip).unwrap();
    assert_eq!(members.iter().map(Vec::len).collect::<Vec<_>>(), [8694]);
    let answer = Answer::of(reply(200, zip));
    assert!(
        matches!(answer, Answer::Failed(Failure::Malformed(said)) if said.contains("Balancing_MarketDocument"))
    );
}
