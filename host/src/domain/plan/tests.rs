use chrono::TimeDelta;
use chrono_tz::Tz;
use proptest::prelude::*;

use super::*;
use crate::domain::{Complete, EmptyConfirmation, FailureCase};

const DAY: i64 = 86_400;

fn month(text: &str) -> Month {
    text.parse().unwrap()
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn unit(id: i64, zone: Tz, first: Option<&str>) -> PlanUnit {
    PlanUnit {
        unit_id: id,
        source: "s".into(),
        calendar: Calendar { zone, first_month: first.map(month), publication_lag_days: 5 },
        refused: None,
    }
}

fn request(from: &str, to: &str) -> PlanRequest {
    let range = Range::of_months(month(from), month(to)).unwrap();
    PlanRequest { range, reprocess: Reprocess::Missing, order: Order::OldestFirst }
}

fn planned(units: &[PlanUnit], request: PlanRequest, now: &str) -> Plan {
    plan(units, request, &HashMap::new(), at(now))
}

fn names(plan: &Plan) -> Vec<(String, i64)> {
    plan.tasks.iter().map(|task| (task.month.to_string(), task.unit_id)).collect()
}

#[test]
fn two_units_and_three_months_are_six_tasks_month_by_month() {
    let units = [unit(1, Tz::UTC, None), unit(2, Tz::UTC, None)];
    let plan = planned(&units, request("2023-01", "2023-03"), "2024-01-01T00:00:00Z");
    let expected =
        [("2023-01", 1), ("2023-01", 2), ("2023-02", 1), ("2023-02", 2), ("2023-03", 1), ("2023-03", 2)];
    assert_eq!(names(&plan), expected.map(|(month, id)| (month.to_owned(), id)));
    assert!(plan.tasks.iter().all(|task| task.verdict == Verdict::Fetch));
    assert_eq!(plan.to_run(), 6);
}

#[test]
fn newest_first_turns_the_months_round_and_not_the_units() {
    let units = [unit(1, Tz::UTC, None), unit(2, Tz::UTC, None)];
    let newest = PlanRequest { order: Order::NewestFirst, ..request("2023-01", "2023-02") };
    let plan = planned(&units, newest, "2024-01-01T00:00:00Z");
    let expected = [("2023-02", 1), ("2023-02", 2), ("2023-01", 1), ("2023-01", 2)];
    assert_eq!(names(&plan), expected.map(|(month, id)| (month.to_owned(), id)));
}

#[test]
fn months_before_history_and_months_not_begun_are_invalid_with_the_reason() {
    let units = [unit(1, Tz::Asia__Taipei, Some("2024-02"))];
    // April begins in Taipei at this very instant: nothing of it can be there yet.
    let plan = planned(&units, request("2024-01", "2024-04"), "2024-03-31T16:00:00Z");
    let reasons: Vec<_> = plan.tasks.iter().map(|task| task.verdict.skipped()).collect();
    let expected = [
        Some("the upstream has no history before 2024-02"),
        None,
        None,
        Some("the month lies in the future"),
    ];
    assert_eq!(reasons, expected.map(|reason| reason.map(str::to_owned)));
    assert!(plan.tasks.iter().all(|task| ["fetch", "invalid"].contains(&task.verdict.word())));
}

#[test]
fn a_month_under_way_is_fetched_though_it_is_not_over() {
    let plan = planned(&[unit(1, Tz::UTC, None)], request("2024-03", "2024-03"), "2024-03-01T00:00:01Z");
    assert_eq!(plan.tasks[0].verdict, Verdict::Fetch);
}

#[test]
fn dates_cut_the_task_and_not_the_month_that_it_names() {
    let range = Range::of_dates("2024-01-31".parse().unwrap(), "2024-02-01".parse().unwrap()).unwrap();
    let plan = planned(
        &[unit(1, Tz::UTC, None), unit(2, Tz::Asia__Taipei, None)],
        PlanRequest { range, ..request("2024-01", "2024-02") },
        "2024-06-01T00:00:00Z",
    );
    assert_eq!(
        names(&plan).iter().map(|(month, _)| &month[..]).collect::<Vec<_>>(),
        ["2024-01", "2024-01", "2024-02", "2024-02"]
    );
    let last_of_january = at("2024-01-31T00:00:00Z").timestamp();
    let spans: Vec<_> = plan.tasks.iter().map(|task| (task.window.start, task.window.seconds())).collect();
    let taipei = last_of_january - 8 * 3600;
    assert_eq!(
        spans,
        [(last_of_january, DAY), (taipei, DAY), (last_of_january + DAY, DAY), (taipei + DAY, DAY)]
    );
}

/// What can decide a verdict, one choice of each.
#[derive(Debug)]
struct Case {
    reprocess: usize,
    refused: usize,
    history: usize,
    covered: usize,
    empty: usize,
    failed: usize,
    in_flight: usize,
}

impl Case {
    /// All of them, counted through like the digits of a number.
    fn every() -> impl Iterator<Item = Self> {
        let choices = [3, 4, 3, 3, 3, 3, 2];
        (0..choices.iter().product::<usize>()).map(move |mut number| {
            let [reprocess, refused, history, covered, empty, failed, in_flight] = choices.map(|choices| {
                let digit = number % choices;
                number /= choices;
                digit
            });
            Self { reprocess, refused, history, covered, empty, failed, in_flight }
        })
    }

    fn verdict(&self, month: Month) -> Verdict {
        let window = month.window(Tz::UTC);
        let empty =
            |last: &str| Some(EmptyConfirmation { first_at: at("2024-04-08T00:00:00Z"), last_at: at(last) });
        let refused = [
            None,
            Some(Refused::Inactive),
            Some(Refused::Unit("x".into())),
            Some(Refused::Source("y".into())),
        ];
        let known = Known {
            covered: [0, 900, window.seconds()][self.covered],
            empty: [None, empty("2024-04-08T00:00:00Z"), empty("2024-05-01T00:00:00Z")][self.empty],
            failed: [None, Some(FailureCase::Unavailable), Some(FailureCase::NotAvailable)][self.failed],
            in_flight: vec![[Window { end: window.end - 1, ..window }, window][self.in_flight]],
        };
        let unit = PlanUnit {
            refused: refused[self.refused].clone(),
            ..unit(7, Tz::UTC, [None, Some("2024-03"), Some("2024-04")][self.history])
        };
        let range = Range::of_months(month, month).unwrap();
        let reprocess = [Reprocess::Missing, Reprocess::MissingAndFailed, Reprocess::All][self.reprocess];
        let request = PlanRequest { range, reprocess, order: Order::OldestFirst };
        let known = HashMap::from([((7, month), known)]);
        plan(&[unit], request, &known, at("2024-06-01T00:00:00Z")).tasks.remove(0).verdict
    }
}

#[test]
fn verdicts_in_every_combination() {
    let mut seen = std::collections::HashSet::new();
    for case in Case::every() {
        let expected = match case {
            Case { refused: 1.., .. } | Case { history: 2, .. } => "invalid",
            Case { reprocess: 0 | 1, covered: 2, .. } => "skip-complete",
            Case { reprocess: 0 | 1, covered: 0, empty: 2, .. } => "skip-complete",
            Case { reprocess: 0, failed: 2, .. } => "invalid",
            Case { reprocess: 0 | 1, in_flight: 1, .. } => "skip-in-flight",
            _ => "fetch",
        };
        let verdict = case.verdict(month("2024-03"));
        assert_eq!(verdict.word(), expected, "{case:?}");
        assert_eq!(verdict.reason().is_none(), expected == "fetch", "{case:?}");
        assert_eq!(verdict.skipped().is_none(), ["fetch", "skip-in-flight"].contains(&expected), "{case:?}");
        seen.insert(expected);
    }
    assert_eq!(seen.len(), 4);
}

#[test]
fn the_reason_says_what_to_do() {
    let reason = |invalid: Invalid| Verdict::Invalid(invalid).reason().unwrap();
    assert_eq!(reason(Refused::Inactive.into()), "the unit is not active; activate it first");
    assert_eq!(
        reason(Invalid::FailedForGood { case: FailureCase::NotAvailable }),
        "failed for good (not-available); ask with reprocess missing+failed to try again"
    );
    assert_eq!(Verdict::SkipComplete(Complete::Stored).reason().unwrap(), "all of it is stored already");
}

#[test]
fn what_is_known_of_one_unit_and_month_says_nothing_of_others() {
    let full = Known { covered: i64::MAX, ..Known::default() };
    let known = HashMap::from([((1, month("2023-01")), full)]);
    let units = [unit(1, Tz::UTC, None), unit(2, Tz::UTC, None)];
    let plan = plan(&units, request("2023-01", "2023-02"), &known, at("2024-01-01T00:00:00Z"));
    let words: Vec<_> = plan.tasks.iter().map(|task| task.verdict.word()).collect();
    assert_eq!(words, ["skip-complete", "fetch", "fetch", "fetch"]);
    assert_eq!(plan.to_run(), 3);
}

#[test]
fn the_hash_names_a_plan_and_every_part_of_it() {
    let units = [unit(1, Tz::UTC, None), unit(2, Tz::UTC, None)];
    let asked = request("2023-01", "2023-02");
    let hash = |units: &[PlanUnit], request, now| planned(units, request, now).hash();
    let shown = hash(&units, asked, "2024-01-01T00:00:00Z");
    assert_eq!(shown, hash(&units, asked, "2024-02-01T00:00:00Z"), "time alone makes no other plan");
    assert!(shown.len() == 64 && shown.bytes().all(|b| b.is_ascii_hexdigit()));
    let known = Known { covered: i64::MAX, ..Known::default() };
    let others = [
        hash(&units[..1], asked, "2024-01-01T00:00:00Z"),
        hash(&[units[1].clone(), units[0].clone()], asked, "2024-01-01T00:00:00Z"),
        hash(&units, request("2023-01", "2023-03"), "2024-01-01T00:00:00Z"),
        hash(&units, PlanRequest { order: Order::NewestFirst, ..asked }, "2024-01-01T00:00:00Z"),
        hash(&units, PlanRequest { reprocess: Reprocess::All, ..asked }, "2024-01-01T00:00:00Z"),
        hash(
            &[units[0].clone(), PlanUnit { source: "t".into(), ..units[1].clone() }],
            asked,
            "2024-01-01T00:00:00Z",
        ),
        hash(&units, asked, "2023-02-01T00:00:00Z"),
        plan(&units, asked, &HashMap::from([((2, month("2023-02")), known)]), at("2024-01-01T00:00:00Z"))
            .hash(),
    ];
    let distinct: std::collections::HashSet<_> = others.iter().chain([&shown]).collect();
    assert_eq!(distinct.len(), others.len() + 1);
}

proptest! {
    #[test]
    fn tasks_of_every_unit_tile_the_range_whatever_the_verdicts(
        first in 0..365 * 60i64, length in 0..800i64, newest in prop::bool::ANY,
        zones in prop::collection::vec(prop::sample::select(chrono_tz::TZ_VARIANTS.to_vec()), 1..4),
        now in 0..60 * 365 * DAY,
    ) {
        let day = |days| chrono::NaiveDate::default() + TimeDelta::days(days);
        let range = Range::of_dates(day(first), day(first + length)).unwrap();
        let order = if newest { Order::NewestFirst } else { Order::OldestFirst };
        let request = PlanRequest { range, reprocess: Reprocess::Missing, order };
        let units: Vec<_> =
            (0i64..).zip(&zones).map(|(id, zone)| unit(id, *zone, Some("2000-01"))).collect();
        let plan = plan(&units, request, &HashMap::new(), DateTime::from_timestamp(now, 0).unwrap());
        for unit in &units {
            let mut own: Vec<_> = plan.tasks.iter().filter(|task| task.unit_id == unit.unit_id).collect();
            prop_assert!(own.is_sorted_by(|a, b| (a.month < b.month) != newest));
            own.sort_by_key(|task| task.month);
            let seconds: i64 = own.iter().map(|task| task.window.seconds()).sum();
            prop_assert_eq!(seconds, range.window(unit.calendar.zone).seconds());
            prop_assert!(own.is_sorted_by(|a, b| a.window.end == b.window.start));
        }
        let months: Vec<_> = plan.tasks.iter().map(|task| task.month).collect();
        prop_assert!(months.is_sorted_by(|a, b| if newest { a >= b } else { a <= b }), "months outermost");
    }
}
