//! Why something of a unit's month is missing.

use chrono::{DateTime, Utc};

use super::{Calendar, EmptyConfirmation, Month, Window, words::words};

words! {
    /// Why something of a month is missing.
    Cause, "cause of a gap" {
        /// A task for it waits or runs.
        UnderWay = "under-way",
        /// The last task for it failed; `code` says how.
        Failed = "failed",
        /// Values came, and were not fit to be stored.
        Rejected = "rejected",
        /// The upstream publishes it later: it said so, or was last asked before all of it should have been there.
        NotYetPublished = "not-yet-published",
        /// The upstream was asked when it should have had all of it, and had no more.
        UpstreamHasNone = "upstream-has-none",
        /// The upstream's history begins later.
        BeforeHistory = "before-history",
        /// The month has not begun.
        Future = "future",
        /// As things are, nothing can be asked for the unit.
        Refused = "refused",
        /// Nobody asked for it, or not for all of it.
        NeverAsked = "never-asked",
    }
}

words! {
    /// What asking for a month last came to.
    AskedOutcome, "outcome of asking" {
        /// New values.
        Written = "written",
        /// Values, all of them known.
        Unchanged = "unchanged",
        /// The upstream's word that there is nothing.
        Empty = "empty",
        /// A task that ended without its data.
        Failed = "failed",
        /// The upstream's word that it publishes the month later.
        Waiting = "waiting",
    }
}

/// How asking for a month last went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asking {
    /// What it came to.
    pub outcome: AskedOutcome,
    /// When.
    pub at: DateTime<Utc>,
    /// Whether all of the month was asked for.
    pub whole: bool,
    /// Values that came and were not fit to be stored.
    pub rejected: i64,
    /// The first of the askings in a row for all of the month that found nothing.
    pub empty_since: Option<DateTime<Utc>>,
    /// The task that asked.
    pub task_id: Option<i64>,
}

/// What is known of a unit's month.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The month.
    pub month: Month,
    /// All of it.
    pub window: Window,
    /// Seconds of it that are stored.
    pub present: i64,
    /// The open task that fetches of it, if there is one.
    pub open_task: Option<i64>,
    /// How asking for it last went, if anybody asked.
    pub asked: Option<&'a Asking>,
    /// Whether nothing can be asked for the unit as things are.
    pub refused: bool,
}

impl Facts<'_> {
    /// Why something is missing; none if nothing is.
    pub fn cause(&self, calendar: Calendar, now: DateTime<Utc>) -> Option<Cause> {
        if self.present >= self.window.seconds() {
            return None;
        }
        Some(match (self.open_task, self.asked) {
            // A task that waits for the upstream to publish is open too.
            (Some(open), Some(asked))
                if asked.outcome == AskedOutcome::Waiting && asked.task_id == Some(open) =>
            {
                Cause::NotYetPublished
            }
            (Some(_), _) => Cause::UnderWay,
            (None, Some(asked)) => asked.cause(calendar.due(self.window)),
            (None, None) if calendar.first_month.is_some_and(|first| self.month < first) => {
                Cause::BeforeHistory
            }
            (None, None) if self.window.start >= now.timestamp() => Cause::Future,
            (None, None) if self.refused => Cause::Refused,
            (None, None) => Cause::NeverAsked,
        })
    }

    /// Whether an upstream that has nothing has said so often enough to be believed; none if that was not its answer.
    pub fn confirmed(&self, calendar: Calendar) -> Option<bool> {
        let asked = self.asked.filter(|asked| asked.outcome == AskedOutcome::Empty)?;
        let confirmation =
            asked.empty_since.map(|first_at| EmptyConfirmation { first_at, last_at: asked.at });
        Some(confirmation.is_some_and(|empty| empty.settles(calendar.due(self.window))))
    }
}

impl Asking {
    fn cause(&self, due: DateTime<Utc>) -> Cause {
        match self.outcome {
            AskedOutcome::Waiting => Cause::NotYetPublished,
            AskedOutcome::Failed if self.rejected == 0 => Cause::Failed,
            AskedOutcome::Failed => Cause::Rejected,
            _ if !self.whole => Cause::NeverAsked,
            _ if self.rejected > 0 => Cause::Rejected,
            _ if self.at < due => Cause::NotYetPublished,
            _ => Cause::UpstreamHasNone,
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use chrono_tz::Tz;

    use super::*;

    fn calendar() -> Calendar {
        let first_month = Some("2020-01".parse().unwrap());
        Calendar { zone: Tz::UTC, first_month, publication_lag_days: 5 }
    }

    fn day(text: &str) -> DateTime<Utc> {
        format!("{text}T00:00:00Z").parse().unwrap()
    }

    fn facts<'a>(month: &str, asked: Option<&'a Asking>) -> Facts<'a> {
        let month: Month = month.parse().unwrap();
        Facts { month, window: month.window(Tz::UTC), present: 0, open_task: None, asked, refused: false }
    }

    fn asking(outcome: AskedOutcome, at: &str) -> Asking {
        Asking { outcome, at: day(at), whole: true, rejected: 0, empty_since: None, task_id: Some(7) }
    }

    #[test]
    fn a_month_that_nobody_asked_for() {
        let now = day("2024-03-10");
        let cause = |facts: Facts<'_>| facts.cause(calendar(), now);
        assert_eq!(cause(facts("2019-12", None)), Some(Cause::BeforeHistory));
        assert_eq!(cause(facts("2020-01", None)), Some(Cause::NeverAsked));
        assert_eq!(cause(facts("2024-03", None)), Some(Cause::NeverAsked), "it has begun");
        assert_eq!(cause(facts("2024-04", None)), Some(Cause::Future));
        assert_eq!(cause(Facts { refused: true, ..facts("2020-01", None) }), Some(Cause::Refused));
        assert_eq!(cause(Facts { open_task: Some(1), ..facts("2020-01", None) }), Some(Cause::UnderWay));
        let full = facts("2020-01", None).window.seconds();
        assert_eq!(cause(Facts { present: full, ..facts("2020-01", None) }), None);
        assert_eq!(cause(Facts { present: full - 1, ..facts("2020-01", None) }), Some(Cause::NeverAsked));
    }

    #[test]
    fn what_asking_came_to_says_why_something_is_missing() {
        use AskedOutcome::*;
        let cause = |asking: Asking| facts("2024-01", Some(&asking)).cause(calendar(), day("2024-06-01"));
        for (outcome, early, late) in [
            (Waiting, Cause::NotYetPublished, Cause::NotYetPublished),
            (Failed, Cause::Failed, Cause::Failed),
            (Empty, Cause::NotYetPublished, Cause::UpstreamHasNone),
            (Written, Cause::NotYetPublished, Cause::UpstreamHasNone),
            (Unchanged, Cause::NotYetPublished, Cause::UpstreamHasNone),
        ] {
            assert_eq!(cause(asking(outcome, "2024-02-05")), Some(early), "{outcome}");
            assert_eq!(cause(asking(outcome, "2024-02-06")), Some(late), "{outcome}");
        }
        for outcome in [Failed, Written, Unchanged] {
            assert_eq!(cause(Asking { rejected: 3, ..asking(outcome, "2024-05-01") }), Some(Cause::Rejected));
        }
        for outcome in [Written, Unchanged, Empty] {
            assert_eq!(
                cause(Asking { whole: false, ..asking(outcome, "2024-05-01") }),
                Some(Cause::NeverAsked)
            );
        }
    }

    #[test]
    fn a_task_that_waits_for_the_upstream_is_told_from_one_that_is_under_way() {
        let waiting = asking(AskedOutcome::Waiting, "2024-02-02");
        let facts = facts("2024-01", Some(&waiting));
        let cause = |open_task| Facts { open_task, ..facts }.cause(calendar(), day("2024-02-03"));
        assert_eq!(cause(Some(7)), Some(Cause::NotYetPublished));
        assert_eq!(cause(Some(8)), Some(Cause::UnderWay));
    }

    #[test]
    fn an_empty_month_is_confirmed_by_the_second_answer_a_day_later() {
        let empty = |since: &str, at: &str| Asking {
            empty_since: Some(day(since)),
            ..asking(AskedOutcome::Empty, at)
        };
        let confirmed = |asking: Asking| facts("2024-01", Some(&asking)).confirmed(calendar());
        assert_eq!(confirmed(empty("2024-03-01", "2024-03-01")), Some(false));
        let twice = empty("2024-03-01", "2024-03-02");
        assert_eq!(confirmed(twice), Some(true));
        assert_eq!(confirmed(Asking { at: twice.at - TimeDelta::seconds(1), ..twice }), Some(false));
        assert_eq!(confirmed(asking(AskedOutcome::Written, "2024-03-02")), None);
    }
}
