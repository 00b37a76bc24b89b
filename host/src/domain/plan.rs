//! From wind farm and range to tasks: one task per unit and month, tiling the range exactly.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::{Month, Window};

/// A unit to plan for: its row in the registry and the source that serves it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanUnit {
    /// Row id of the generation unit.
    pub unit_id: i64,
    /// Id of its source.
    pub source: String,
    /// Zone whose calendar months its upstream reports in.
    pub zone: Tz,
    /// First month that the upstream has.
    pub first_month: Option<Month>,
}

/// One unit's month, and whether it is to be fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedTask {
    /// Row id of the generation unit.
    pub unit_id: i64,
    /// Id of its source.
    pub source: String,
    /// The month, by the upstream's calendar.
    pub month: Month,
    /// The span of UTC that it covers.
    pub window: Window,
    /// Why it is not fetched, if it is not.
    pub skip: Option<Skip>,
}

/// Why a unit's month is left out from the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Skip {
    /// The upstream's history begins later.
    #[error("the upstream has no history before {first}")]
    BeforeHistory {
        /// Its first month.
        first: Month,
    },
    /// The month has not begun.
    #[error("the month lies in the future")]
    Future,
}

/// Every unit × month of a range, both ends included, months outermost so that all units of one month, which
/// often share their upstream's answers, run together.
pub fn plan(units: &[PlanUnit], from: Month, to: Month, now: DateTime<Utc>) -> Vec<PlannedTask> {
    from.through(to).flat_map(|month| units.iter().map(move |unit| planned(unit, month, now))).collect()
}

fn planned(unit: &PlanUnit, month: Month, now: DateTime<Utc>) -> PlannedTask {
    let window = month.window(unit.zone);
    let skip = match unit.first_month {
        Some(first) if month < first => Some(Skip::BeforeHistory { first }),
        _ if window.start >= now.timestamp() => Some(Skip::Future),
        _ => None,
    };
    PlannedTask { unit_id: unit.unit_id, source: unit.source.clone(), month, window, skip }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn month(text: &str) -> Month {
        text.parse().unwrap()
    }

    fn unit(id: i64, zone: Tz, first: Option<&str>) -> PlanUnit {
        PlanUnit { unit_id: id, source: "s".into(), zone, first_month: first.map(month) }
    }

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn two_units_and_three_months_are_six_tasks_month_by_month() {
        let units = [unit(1, Tz::UTC, None), unit(2, Tz::UTC, None)];
        let tasks = plan(&units, month("2023-01"), month("2023-03"), at("2024-01-01T00:00:00Z"));
        let order: Vec<_> = tasks.iter().map(|task| (task.month.to_string(), task.unit_id)).collect();
        let expected =
            [("2023-01", 1), ("2023-01", 2), ("2023-02", 1), ("2023-02", 2), ("2023-03", 1), ("2023-03", 2)];
        assert_eq!(order, expected.map(|(month, id)| (month.to_owned(), id)));
        assert!(tasks.iter().all(|task| task.skip.is_none()));
    }

    #[test]
    fn months_before_history_and_months_not_begun_are_skipped_with_the_reason() {
        let units = [unit(1, Tz::Asia__Taipei, Some("2024-02"))];
        let tasks = plan(&units, month("2024-01"), month("2024-04"), at("2024-03-31T16:00:00Z"));
        let skips: Vec<_> = tasks.iter().map(|task| task.skip).collect();
        let first = month("2024-02");
        // April has begun in Taipei at this very instant? Not before it: the month is empty still.
        assert_eq!(skips, [Some(Skip::BeforeHistory { first }), None, None, Some(Skip::Future)]);
    }

    proptest! {
        #[test]
        fn tasks_of_a_unit_tile_the_range_without_gap_or_overlap(
            year in 1990u16..2060, number in 1u8..=12, months in 0usize..40,
            zone in proptest::sample::select(vec![Tz::UTC, Tz::Asia__Taipei, Tz::Europe__London, Tz::America__New_York]),
        ) {
            let from = Month::new(year, number).unwrap();
            let to = (0..months).fold(from, |month, _| month.next());
            let tasks = plan(&[unit(1, zone, None)], from, to, at("2100-01-01T00:00:00Z"));
            prop_assert_eq!(tasks.len(), months + 1);
            prop_assert_eq!(tasks[0].window.start, from.window(zone).start);
            prop_assert_eq!(tasks[months].window.end, to.window(zone).end);
            for pair in tasks.windows(2) {
                prop_assert_eq!(pair[0].window.end, pair[1].window.start);
            }
        }
    }
}
