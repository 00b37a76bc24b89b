use super::*;
use std::cell::RefCell;

const ANHOLT: &str = "45W000000000046I";
/// 2024-09-01T00:00Z and 2024-10-01T00:00Z.
const SEPTEMBER: Month = Month { year: 2024, number: 9, start: 1_725_148_800, end: 1_727_740_800 };
const LONG_AFTER: i64 = 1_780_000_000;

fn unit() -> Target {
    Target::Unit { eic: ANHOLT.into(), control_area: "10Y1001A1001A796".into() }
}

fn ok(body: String) -> Result<Reply, Failure> {
    Ok(Reply { status: 200, retry_after: None, body: body.into_bytes() })
}

fn ack(text: &str) -> Result<Reply, Failure> {
    ok(format!(
        "<Acknowledgement_MarketDocument><Reason><code>999</code><text>{text}</text></Reason></Acknowledgement_MarketDocument>"
    ))
}

fn no_data() -> Result<Reply, Failure> {
    ack("No matching data found for Data item X")
}

/// A document of one unit over an interval: one value for all of it, by curve A03.
fn document(unit: &str, start: i64, end: i64, value: &str) -> Result<Reply, Failure> {
    ok(format!(
        "<GL_MarketDocument><type>A73</type><TimeSeries><inBiddingZone_Domain.mRID>z</inBiddingZone_Domain.mRID>\
         <curveType>A03</curveType><MktPSRType><psrType>B18</psrType><PowerSystemResources><mRID>{unit}</mRID>\
         </PowerSystemResources></MktPSRType><Period><timeInterval><start>{}</start><end>{}</end></timeInterval>\
         <resolution>PT60M</resolution><Point><position>1</position><quantity>{value}</quantity></Point></Period>\
         </TimeSeries></GL_MarketDocument>",
        time::format_utc(start),
        time::format_utc(end),
    ))
}

fn whole(query: &Query) -> Result<Reply, Failure> {
    document(ANHOLT, query.interval.start, query.interval.end, "7.5")
}

struct Outcome {
    result: Result<Vec<Series>, Failure>,
    asked: Vec<Query>,
    notes: Vec<(Level, String)>,
}

fn run_at(now: i64, target: &Target, upstream: impl Fn(&Query) -> Result<Reply, Failure>) -> Outcome {
    let asked = RefCell::new(Vec::new());
    let mut notes = Notes::default();
    let ask = |queries: &[Query]| {
        asked.borrow_mut().extend_from_slice(queries);
        queries.iter().map(&upstream).collect::<Vec<_>>().into_iter()
    };
    let result = fetch(target, &SEPTEMBER, now, ask, &mut notes);
    Outcome { result, asked: asked.into_inner(), notes: notes.0 }
}

fn run(upstream: impl Fn(&Query) -> Result<Reply, Failure>) -> Outcome {
    run_at(LONG_AFTER, &unit(), upstream)
}

fn day(query: &Query) -> i64 {
    (query.interval.start - SEPTEMBER.start) / DAY + 1
}

#[test]
fn a_month_is_whole_and_ordered_and_asked_by_day() {
    let outcome = run(whole);
    let series = outcome.result.unwrap();
    assert_eq!((outcome.asked.len(), series.len(), series[0].measurements.len()), (30, 1, 720));
    assert_eq!(
        (series[0].kind.as_str(), series[0].quantity),
        ("generation", backfill_guest::Quantity::MeanPower)
    );
    assert_eq!(series[0].labels, [("production-type".to_owned(), "wind-offshore".to_owned())]);
    let starts: Vec<_> = series[0].measurements.iter().map(|m| m.start).collect();
    assert_eq!(starts, (SEPTEMBER.start..SEPTEMBER.end).step_by(3600).collect::<Vec<_>>());
    assert!(outcome.notes.is_empty());
}

#[test]
fn answers_wider_than_the_question_merge_and_stay_inside_the_month() {
    let outcome =
        run(|query| document(ANHOLT, query.interval.start - 7200, query.interval.end + 7200, "7.5"));
    let series = outcome.result.unwrap();
    assert_eq!(series[0].measurements.len(), 720);
    assert!(outcome.notes.is_empty());
}

#[test]
fn answers_that_contradict_each_other_leave_a_gap_and_a_warning() {
    let outcome = run(|query| {
        let value = if day(query) == 3 { "9" } else { "7.5" };
        document(ANHOLT, query.interval.start, query.interval.end + 3600, value)
    });
    assert_eq!(outcome.result.unwrap()[0].measurements.len(), 718);
    let warned = |text: &str| outcome.notes.iter().any(|(l, n)| *l == Level::Warn && n.contains(text));
    assert!(warned("2024-09-03T00:00:00Z, 2024-09-04T00:00:00Z") && warned("2024-09-03 (1380 of 1440 min)"));
}

#[test]
fn a_day_without_data_is_a_gap() {
    let outcome = run(|query| if day(query) == 5 { no_data() } else { whole(query) });
    let series = outcome.result.unwrap();
    assert_eq!(series[0].measurements.len(), 696);
    assert!(outcome.notes.iter().any(|(level, note)| *level == Level::Info && note.contains("2024-09-05")));
}

#[test]
fn a_month_without_any_is_no_data_and_says_of_how_much() {
    let outcome = run(|query| {
        if day(query) <= 3 {
            no_data()
        } else {
            document("45W000000000116N", query.interval.start, query.interval.end, "1")
        }
    });
    let Err(Failure::NoData(said)) = outcome.result else { panic!() };
    assert!(said.contains("of 30 requests 3 had no data at all, and in 27"), "{said}");
}

#[test]
fn emptiness_before_publication_is_due_is_not_final() {
    let outcome = run_at(SEPTEMBER.end + 4 * DAY, &unit(), |_| no_data());
    assert!(matches!(outcome.result, Err(Failure::NotYetPublished(said)) if said.contains("2024-10-06")));
    let outcome = run_at(SEPTEMBER.end + 5 * DAY, &unit(), |_| no_data());
    assert!(matches!(outcome.result, Err(Failure::NoData(_))));
    let outcome = run_at(SEPTEMBER.start - 1, &unit(), whole);
    assert!(matches!(outcome.result, Err(Failure::NotYetPublished(_))) && outcome.asked.is_empty());
}

#[test]
fn a_refused_interval_is_too_early_when_recent_and_a_fault_when_not() {
    let refused = |_: &Query| ack("Delivered time interval is not valid for this Data item.");
    let soon = run_at(SEPTEMBER.end + DAY, &unit(), refused);
    assert!(matches!(soon.result, Err(Failure::NotYetPublished(said)) if said.contains("Delivered time")));
    assert!(matches!(run(refused).result, Err(Failure::Malformed(_))));
}

#[test]
fn a_day_that_cannot_be_had_now_makes_all_of_it_unavailable() {
    let outcome =
        run(
            |query| if day(query) == 30 { Err(Failure::Unavailable("timeout".into())) } else { whole(query) },
        );
    let Err(Failure::Unavailable(said)) = outcome.result else { panic!() };
    assert!(
        said.contains("A73 of 10Y1001A1001A796 for 2024-09-30T00:00:00Z/") && said.contains("timeout"),
        "{said}"
    );
}

#[test]
fn of_several_failures_the_one_to_act_on_is_told() {
    let outcome = run(|query| match day(query) {
        1 => ok("garbage".into()),
        2 => Err(Failure::Unavailable("timeout".into())),
        3 => Ok(Reply { status: 401, retry_after: None, body: b"<html>Unauthorized".to_vec() }),
        _ => whole(query),
    });
    assert!(matches!(outcome.result, Err(Failure::Unauthorized(_))));
}

#[test]
fn a_question_that_is_too_much_is_halved_until_it_is_answered() {
    let outcome = run(|query| {
        if day(query) == 2 && query.interval.end - query.interval.start > 6 * 3600 {
            ack("The amount of requested data exceeds allowed limit")
        } else {
            whole(query)
        }
    });
    assert_eq!(outcome.result.unwrap()[0].measurements.len(), 720);
    assert_eq!(outcome.asked.len(), 30 + 2 + 4);
}

#[test]
fn halving_ends_with_upstreams_words() {
    let outcome = run(|_| ack("The amount of requested data exceeds allowed limit"));
    let Err(Failure::Malformed(said)) = outcome.result else { panic!() };
    assert!(said.contains("exceeds allowed limit"), "{said}");
}

#[test]
fn too_many_units_are_asked_by_type_then_by_unit_and_a_type_unknown_to_the_area_is_empty() {
    let too_many = || ack("The number of instances (149) exceeds the allowed maximum (100)");
    let outcome = run(|query| match (query.psr, &query.unit) {
        (None, _) => too_many(),
        (Some("B16"), _) => ack("psrType is not valid for this area"),
        (Some("B18"), None) => too_many(),
        (Some("B18"), Some(_)) => whole(query),
        _ => no_data(),
    });
    assert_eq!(outcome.result.unwrap()[0].measurements.len(), 720);
    assert_eq!(outcome.asked.len(), 30 + 3 * 30 + 30);
}

#[test]
fn a_type_unknown_to_the_area_is_not_available_when_nobody_narrowed_to_it() {
    let outcome = run(|_| ack("X is not valid for this area"));
    assert!(
        matches!(outcome.result, Err(Failure::NotAvailable(said)) if said.contains("not valid for this area"))
    );
}

#[test]
fn windows_that_are_no_part_of_a_month_are_refused_without_a_request() {
    for (start, end) in [(5, 5), (6, 5), (i64::MIN, i64::MAX), (0, 40 * DAY)] {
        let month = Month { start, end, ..SEPTEMBER };
        let result = fetch(&unit(), &month, LONG_AFTER, |_| std::iter::empty(), &mut Notes::default());
        assert!(matches!(result, Err(Failure::NotAvailable(_))), "{start} {end}");
    }
}
