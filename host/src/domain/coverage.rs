//! What is known of a unit's month already, and whether that settles it.
//!
//! Whether data is missing is decided on the intervals that are stored, not on what tasks said: a task that
//! completed proves nothing once rows were deleted, and rows that came by another way are data too.

use chrono::{DateTime, TimeDelta, Utc};

use super::{FailureCase, Quantity, Window, words::words};

words! {
    /// Which months of a range are fetched (again).
    Reprocess, "reprocess mode" {
        /// Those of which data is missing, but not those that failed for good.
        Missing = "missing",
        /// Those too: perhaps the unit was mended, or a new version of the source knows more.
        MissingAndFailed = "missing+failed",
        /// Every one.
        All = "all",
    }
}

/// What is known of one unit's part of a month.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// Seconds of the task's window that stored intervals cover; see [`covered`].
    pub covered: i64,
    /// That upstream said that there is nothing, for all of the window or more.
    pub empty: Option<EmptyConfirmation>,
    /// How the last task of the unit and month failed, if it did and if the unit was not changed since.
    pub failed: Option<FailureCase>,
    /// What open tasks of other jobs fetch of the unit and month.
    pub in_flight: Vec<Window>,
}

/// When tasks ended with the upstream's word that there is nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EmptyConfirmation {
    /// The first such end.
    pub first_at: DateTime<Utc>,
    /// The last one; the same where there was only one.
    pub last_at: DateTime<Utc>,
}

/// How far apart two confirmations have to be so that one outage can't have caused both.
const APART: TimeDelta = TimeDelta::days(1);

impl EmptyConfirmation {
    /// Whether nobody need ask again.
    ///
    /// An upstream's empty answer is no proof: a broken one is empty too, and before a month is published all are.
    /// So it counts if it was given twice, at least a day apart, the later time after `due`, when the month
    /// should have been complete. Whatever is empty for a reason is thus asked for twice and not for ever.
    pub fn settles(self, due: DateTime<Utc>) -> bool {
        self.last_at - self.first_at >= APART && self.last_at >= due
    }
}

/// A stored series of a unit, and how much of a window its intervals cover.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredSeries<'a> {
    /// `generation`, `consumption` …
    pub kind: &'a str,
    /// What its values measure.
    pub quantity: Quantity,
    /// Seconds of the window inside its intervals; 0 for a series that has rows elsewhere only.
    pub seconds: i64,
}

/// How many seconds of a window a unit's data covers, given *all* series of the unit, those without a row in
/// the window included.
///
/// The series that counts is the fullest of the most telling sort that the unit has anywhere: generation measured
/// over intervals; else generation read at instants; else whatever there is. So consumption that comes now and
/// then asks for no fetch, a notified schedule that is there before the month is over stands in for no meter, and
/// a collector's snapshots for no official figure. Series of one sort are not added up: they may well tell of
/// the same hours.
pub fn covered<'a>(series: impl IntoIterator<Item = StoredSeries<'a>>) -> i64 {
    telling(series).map_or(0, |(_, series)| series.seconds)
}

/// The series that counts, by the rule of [`covered`], with its place among those given.
pub fn telling<'a>(series: impl IntoIterator<Item = StoredSeries<'a>>) -> Option<(usize, StoredSeries<'a>)> {
    let rank = |series: &StoredSeries<'_>| match (series.kind, series.quantity) {
        ("generation", Quantity::MeanPower | Quantity::Energy) => 2,
        ("generation", Quantity::SpotPower) => 1,
        _ => 0,
    };
    series.into_iter().enumerate().max_by_key(|(_, series)| (rank(series), series.seconds))
}

/// Why nothing is missing of a month.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Complete {
    /// Its intervals are stored.
    #[error("all of it is stored already")]
    Stored,
    /// There are none.
    #[error("the upstream has said more than once that it has nothing")]
    Empty,
}

impl Known {
    /// Why nothing is missing of a window, if nothing is. What is not over can't be complete: how much has been
    /// published since the last look is unknown. `due` is when all of it should have been published.
    pub(super) fn complete(
        &self,
        window: Window,
        due: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Option<Complete> {
        if window.end > now.timestamp() {
            None
        } else if self.covered >= window.seconds() {
            Some(Complete::Stored)
        } else if self.covered == 0 && self.empty.is_some_and(|empty| empty.settles(due)) {
            Some(Complete::Empty)
        } else {
            None
        }
    }

    /// How it failed, if asking again can't help.
    pub(super) fn failed_for_good(&self) -> Option<FailureCase> {
        self.failed.filter(|case| case.is_permanent())
    }

    /// Whether an open task of another job fetches all of a window.
    pub(super) fn fetched_elsewhere(&self, window: Window) -> bool {
        self.in_flight.iter().any(|other| other.covers(window.start, window.end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 86_400;

    fn day(number: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::days(number)
    }

    fn stored(kind: &str, quantity: Quantity, seconds: i64) -> StoredSeries<'_> {
        StoredSeries { kind, quantity, seconds }
    }

    #[test]
    fn the_fullest_series_of_measured_generation_counts() {
        use Quantity::*;
        assert_eq!(covered([]), 0);
        let two_origins = [stored("generation", Energy, 10), stored("generation", MeanPower, 30)];
        assert_eq!(covered(two_origins), 30, "they are not added up");
        let sparse_consumption = [stored("generation", MeanPower, 30), stored("consumption", MeanPower, 2)];
        assert_eq!(covered(sparse_consumption), 30);
    }

    #[test]
    fn a_schedule_and_snapshots_stand_in_for_no_meter_that_the_unit_has() {
        use Quantity::*;
        let schedule = stored("notified", MeanPower, 30);
        let snapshots = stored("generation", SpotPower, 20);
        let meter = stored("generation", Energy, 0);
        assert_eq!(covered([schedule]), 30, "of a unit that has nothing else");
        assert_eq!(covered([schedule, snapshots]), 20);
        assert_eq!(covered([schedule, snapshots, meter]), 0);
    }

    #[test]
    fn an_empty_answer_settles_only_twice_a_day_apart_and_when_the_month_was_due() {
        let settles =
            |first, last| EmptyConfirmation { first_at: day(first), last_at: day(last) }.settles(day(100));
        for (first, last, expected) in [
            (200, 200, false),
            (98, 99, false),
            (10, 99, false),
            (99, 100, true),
            (10, 100, true),
            (200, 201, true),
        ] {
            assert_eq!(settles(first, last), expected, "{first} {last}");
        }
        let later_the_same_day =
            EmptyConfirmation { first_at: day(200), last_at: day(200) + TimeDelta::seconds(22) };
        assert!(!later_the_same_day.settles(day(100)));
    }

    #[test]
    fn what_is_complete_in_every_combination() {
        let window = Window { start: 0, end: 30 * DAY };
        let (due, full) = (day(35), window.seconds());
        let settled = EmptyConfirmation { first_at: day(40), last_at: day(50) };
        let once = EmptyConfirmation { last_at: day(40), ..settled };
        for (now, over) in [(day(29), false), (day(30) - TimeDelta::seconds(1), false), (day(30), true)] {
            for covered in [0, 1, full - 1, full, full + 1] {
                for empty in [None, Some(once), Some(settled)] {
                    let known = Known { covered, empty, ..Known::default() };
                    let expected = match (over, covered) {
                        (true, covered) if covered >= full => Some(Complete::Stored),
                        (true, 0) if empty == Some(settled) => Some(Complete::Empty),
                        _ => None,
                    };
                    assert_eq!(known.complete(window, due, now), expected, "{now} {known:?}");
                }
            }
        }
    }

    #[test]
    fn only_what_can_not_pass_has_failed_for_good() {
        use FailureCase::*;
        for case in FailureCase::ALL {
            let known = Known { failed: Some(*case), ..Known::default() };
            assert_eq!(
                known.failed_for_good().is_some(),
                matches!(case, NotAvailable | InvalidUnit),
                "{case}"
            );
        }
    }

    #[test]
    fn another_task_must_fetch_all_of_a_window_to_stand_in_for_it() {
        let known = Known { in_flight: vec![Window { start: 10, end: 20 }], ..Known::default() };
        for (start, end, expected) in [(10, 20, true), (12, 18, true), (9, 20, false), (10, 21, false)] {
            assert_eq!(known.fetched_elsewhere(Window { start, end }), expected);
        }
        assert!(!Known::default().fetched_elsewhere(Window { start: 10, end: 20 }));
    }
}
