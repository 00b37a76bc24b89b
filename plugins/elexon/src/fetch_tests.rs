use super::*;
use crate::testing::{answer, fixture, instant, month, unit, values};
use backfill_guest::Quantity;
use backfill_guest::http::{Error, Request};
use std::cell::RefCell;

const B1610: &str = r#"[{"bmUnit":"T_A-1","nationalGridBmUnitId":"A-1","settlementDate":"2024-03-15",
    "settlementPeriod":1,"halfHourEndTime":"2024-03-15T00:30:00","quantity":12.5}]"#;
/// One row with both ids and the next with the National Grid id alone.
const PN: &str = r#"[{"bmUnit":null,"nationalGridBmUnit":"A-1","settlementDate":"2024-03-15","settlementPeriod":2,
    "timeFrom":"2024-03-15T00:30:00Z","timeTo":"2024-03-15T01:00:00Z","levelFrom":30,"levelTo":30},
    {"bmUnit":"T_A-1","nationalGridBmUnit":"A-1","settlementDate":"2024-03-15","settlementPeriod":1,
    "timeFrom":"2024-03-15T00:00:00Z","timeTo":"2024-03-15T00:30:00Z","levelFrom":20,"levelTo":30}]"#;
const UNITS: &str = r#"[{"nationalGridBmUnit":"A-1","elexonBmUnit":"T_A-1","generationCapacity":"99.000"},
    {"nationalGridBmUnit":"B_1","elexonBmUnit":"E_BEE"},{"nationalGridBmUnit":"D-1","elexonBmUnit":"T_D-1"},
    {"nationalGridBmUnit":"D-1","elexonBmUnit":"E_D-1"}]"#;

/// Answers T_A-1 from the constants and everybody else with nothing, as upstream does; records the URLs.
struct Fake {
    units: &'static str,
    metered: &'static str,
    notified: &'static str,
    urls: RefCell<Vec<String>>,
}

fn fake() -> Fake {
    Fake { units: UNITS, metered: B1610, notified: PN, urls: RefCell::default() }
}

impl Upstream for Fake {
    fn ask(&self, requests: Vec<Request>) -> Vec<Result<Answer, Error>> {
        let one = |request: Request| {
            let url = request.url().to_owned();
            let asked_for_a = url.ends_with("bmUnit=T_A-1");
            let body = match () {
                () if url.contains("/reference/bmunits/all") => self.units,
                () if url.contains("/datasets/B1610/stream?") && asked_for_a => self.metered,
                () if url.contains("/datasets/PN/stream?") && asked_for_a => self.notified,
                () => "[]",
            };
            self.urls.borrow_mut().push(url);
            Ok(answer(200, body.as_bytes()))
        };
        requests.into_iter().map(one).collect()
    }
}

fn fetched(
    upstream: &Fake,
    code: &str,
    attributes: &[(&str, &str)],
    now: &str,
) -> (Result<Vec<Series>, Failure>, Notes) {
    let task = Task {
        unit: &unit(code, attributes),
        month: &month(2024, 3),
        datasets: &[Dataset::B1610, Dataset::Pn],
        base_url: "http://x",
        now: instant(now),
    };
    fetch(upstream, &task)
}

const LATER: &str = "2024-06-01T00:00Z";

fn assert_all_of_a(series: &[Series]) {
    assert_eq!(values(series, "generation", Quantity::Energy), [("2024-03-15T00:00:00Z".into(), 1800, 12.5)]);
    let notified = values(series, "notified", Quantity::Energy);
    assert_eq!(
        notified,
        [("2024-03-15T00:00:00Z".into(), 1800, 12.5), ("2024-03-15T00:30:00Z".into(), 1800, 15.0)]
    );
}

#[test]
fn an_elexon_code_costs_one_request_per_dataset_and_rows_without_it_are_found() {
    let upstream = fake();
    assert_all_of_a(&fetched(&upstream, "T_A-1", &[], LATER).0.unwrap());
    assert_eq!(
        upstream.urls.take(),
        ["B1610", "PN"].map(|name| format!(
            "http://x/bmrs/api/v1/datasets/{name}/stream?from=2024-02-29T00%3A00%3A00Z&to=2024-04-02T00%3A00%3A00Z&bmUnit=T_A-1"
        ))
    );
}

#[test]
fn a_national_grid_code_is_looked_up_first() {
    let upstream = fake();
    assert_all_of_a(&fetched(&upstream, "A-1", &[], LATER).0.unwrap());
    let urls = upstream.urls.take();
    assert_eq!((urls.len(), urls[0].as_str()), (3, "http://x/bmrs/api/v1/reference/bmunits/all"));
}

#[test]
fn the_attribute_saves_the_look_up() {
    let upstream = fake();
    assert_all_of_a(&fetched(&upstream, "A-1", &[("elexon_bm_unit", "T_A-1")], LATER).0.unwrap());
    assert_eq!(upstream.urls.take().len(), 2);
}

#[test]
fn a_national_grid_code_that_looks_like_an_elexon_one_is_resolved_when_nothing_came() {
    let units = r#"[{"nationalGridBmUnit":"A_1","elexonBmUnit":"T_A-1"}]"#;
    let upstream = Fake { units, notified: "[]", ..fake() };
    let series = fetched(&upstream, "A_1", &[], LATER).0.unwrap();
    assert_eq!(
        values(&series, "generation", Quantity::Energy),
        [("2024-03-15T00:00:00Z".into(), 1800, 12.5)]
    );
    assert_eq!(upstream.urls.take().len(), 5);
}

#[test]
fn rows_with_the_national_grid_id_alone_are_recognised_after_a_look_up() {
    let upstream = Fake {
        metered: "[]",
        notified: r#"[{"bmUnit":null,"nationalGridBmUnit":"A-1","settlementDate":"2024-03-15","settlementPeriod":1,
            "timeFrom":"2024-03-15T00:00:00Z","timeTo":"2024-03-15T00:30:00Z","levelFrom":20,"levelTo":30}]"#,
        ..fake()
    };
    let (series, notes) = fetched(&upstream, "T_A-1", &[], LATER);
    assert_eq!(values(&series.unwrap(), "notified", Quantity::Energy).len(), 1);
    assert!(notes.lines().iter().any(|(_, line)| line.contains("B1610 has no value of T_A-1")), "{notes:?}");
    assert_eq!(upstream.urls.take().len(), 3);
}

#[test]
fn nothing_of_a_listed_unit_is_no_data_once_it_should_be_there_and_not_yet_published_before() {
    let upstream = Fake { metered: "[]", notified: r#"{"data":[]}"#, ..fake() };
    let (early, in_time) = ("2024-04-08T23:59:59Z", "2024-04-09T00:00:00Z");
    let outcome = fetched(&upstream, "T_A-1", &[], early).0;
    assert!(
        matches!(&outcome, Err(Failure::NotYetPublished(why)) if why.contains("2024-04-09")),
        "{outcome:?}"
    );
    let outcome = fetched(&upstream, "T_A-1", &[], in_time).0;
    assert!(matches!(&outcome, Err(Failure::NoData(why)) if why.contains("is listed")), "{outcome:?}");
}

#[test]
fn nothing_of_a_unit_that_is_not_listed_says_that_it_is_unknown() {
    for code in ["T_NOSUCH-1", "NOSUCH-1"] {
        let outcome = fetched(&fake(), code, &[], "2024-04-01T00:00Z").0;
        assert!(
            matches!(&outcome, Err(Failure::NoData(why)) if why.contains("knows no BM unit")),
            "{outcome:?}"
        );
    }
}

#[test]
fn an_empty_list_of_units_proves_nothing() {
    let outcome = fetched(&Fake { units: "[]", ..fake() }, "T_NOSUCH-1", &[], LATER).0;
    assert!(matches!(outcome, Err(Failure::Unavailable(_))), "{outcome:?}");
}

#[test]
fn a_national_grid_id_of_several_units_asks_for_the_attribute() {
    let outcome = fetched(&fake(), "D-1", &[], LATER).0;
    assert!(
        matches!(&outcome, Err(Failure::InvalidUnit(why)) if why.contains("E_D-1, T_D-1")),
        "{outcome:?}"
    );
}

#[test]
fn a_month_of_contradictions_only_is_malformed_and_not_empty() {
    let upstream = Fake {
        metered: r#"[{"bmUnit":"T_A-1","settlementDate":"2024-03-15","settlementPeriod":1,"quantity":1},
            {"bmUnit":"T_A-1","settlementDate":"2024-03-15","settlementPeriod":1,"quantity":2}]"#,
        notified: "[]",
        ..fake()
    };
    let outcome = fetched(&upstream, "T_A-1", &[], LATER).0;
    assert!(matches!(&outcome, Err(Failure::Malformed(why)) if why.contains("1 and 2 MWh")), "{outcome:?}");
    assert_eq!(upstream.urls.take().len(), 2);
}

#[test]
fn the_recorded_ramp_comes_through_whole() {
    let Some(ramp) = fixture("elexon/gs_pn_stream_ramp.json") else { return };
    struct Recorded(Vec<u8>);
    impl Upstream for Recorded {
        fn ask(&self, requests: Vec<Request>) -> Vec<Result<Answer, Error>> {
            requests.iter().map(|_| Ok(answer(200, &self.0))).collect()
        }
    }
    let task = Task {
        unit: &unit("DRAXX-1", &[("elexon_bm_unit", "T_DRAXX-1")]),
        month: &month(2026, 8),
        datasets: &[Dataset::Pn],
        base_url: "http://x",
        now: instant("2026-10-01T00:00Z"),
    };
    let series = fetch(&Recorded(ramp), &task).0.unwrap();
    let energy: Vec<_> = values(&series, "notified", Quantity::Energy).into_iter().map(|one| one.2).collect();
    let expected = [0.0, 50.616_667, 76.3, 181.0];
    assert!(
        energy.len() == 4 && energy.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6),
        "{energy:?}"
    );
    assert_eq!(values(&series, "notified-level-to", Quantity::SpotPower).len(), 6);
}
