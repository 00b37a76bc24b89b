//! Schedules: when they fire, and what a firing is to fetch.

mod age;
mod settings;
mod timetable;
mod windows;

use chrono::{DateTime, TimeDelta, Utc};

pub use self::{
    age::Age,
    settings::{
        CollectSettings, IncrementalSettings, ReviseSettings, ScheduleSettings, SettingsError, Subjects,
    },
    timetable::{Timetable, TimetableError},
    windows::{incremental, revise},
};
use super::words::words;

words! {
    /// What a schedule does.
    ScheduleKind, "schedule kind" {
        /// Fetches what was published since.
        Incremental = "incremental",
        /// Fetches months again when they have reached certain ages, since upstreams correct themselves.
        Revise = "revise",
        /// Asks sources without history what they show now.
        Collect = "collect",
    }
}

words! {
    /// What becomes of a firing while the schedule's last job is still open.
    Overlap, "overlap policy" {
        /// Nothing: it is left out, and reported.
        Skip = "skip",
        /// A job of its own all the same, behind the other one.
        Queue = "queue",
    }
}

impl Overlap {
    /// Whether a firing makes a job.
    pub const fn starts(self, last_job_is_open: bool) -> bool {
        matches!(self, Self::Queue) || !last_job_is_open
    }
}

/// How many missed firings are counted; more than that are no news.
const MOST_COUNTED: usize = 1000;

/// Whoever fires looks every half a minute; what is later than this by minutes was missed.
const LATE: TimeDelta = TimeDelta::minutes(2);

/// A firing that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Firing {
    /// When it should have happened: the first time that nothing did.
    pub scheduled_for: DateTime<Utc>,
    /// How many further ones were missed since, up to a thousand. This one makes up for all of them.
    pub missed: usize,
}

impl Firing {
    /// The firing that makes up for one that was due at `scheduled_for` and for those that came after it.
    pub fn since(timetable: &Timetable, scheduled_for: DateTime<Utc>, now: DateTime<Utc>) -> Self {
        let missed = due(timetable, scheduled_for, now).map_or(0, |next| next.missed + 1);
        Self { scheduled_for, missed }
    }

    /// Whether firings were missed: this one comes so late that nothing that fires can have run when it was due, or
    /// makes up for others too.
    pub fn was_missed(&self, now: DateTime<Utc>) -> bool {
        self.missed > 0 || now - self.scheduled_for > LATE
    }
}

/// The one firing that makes up for all that were due after `since`, the last firing or else the schedule's creation,
/// and not after `now`. The next one is then the first after `now`.
pub fn due(timetable: &Timetable, since: DateTime<Utc>, now: DateTime<Utc>) -> Option<Firing> {
    let scheduled_for = timetable.next_after(since).filter(|first| *first <= now)?;
    let further = std::iter::successors(timetable.next_after(scheduled_for), |at| timetable.next_after(*at));
    let missed = further.take_while(|at| *at <= now).take(MOST_COUNTED).count();
    Some(Firing { scheduled_for, missed })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn nothing_is_due_before_its_time_and_then_it_is_once() {
        let hourly = Timetable::parse("0 * * * *", "UTC").unwrap();
        let last = at("2024-01-01T10:00:00Z");
        assert_eq!(due(&hourly, last, last), None);
        assert_eq!(due(&hourly, last, at("2024-01-01T10:59:59Z")), None);
        let eleven = at("2024-01-01T11:00:00Z");
        assert_eq!(due(&hourly, last, eleven), Some(Firing { scheduled_for: eleven, missed: 0 }));
        assert_eq!(due(&hourly, eleven, eleven), None);
    }

    #[test]
    fn missed_firings_are_made_up_for_by_one_that_tells_of_them() {
        let hourly = Timetable::parse("0 * * * *", "UTC").unwrap();
        let (last, now) = (at("2024-01-01T10:00:00Z"), at("2024-01-01T15:30:00Z"));
        let firing = due(&hourly, last, now).unwrap();
        assert_eq!(firing, Firing { scheduled_for: at("2024-01-01T11:00:00Z"), missed: 4 });
        assert_eq!(due(&hourly, now, now), None);
    }

    #[test]
    fn a_firing_knows_how_many_it_makes_up_for_and_whether_it_is_late() {
        let hourly = Timetable::parse("0 * * * *", "UTC").unwrap();
        let eleven = at("2024-01-01T11:00:00Z");
        for (now, missed, was_missed) in [
            ("2024-01-01T11:00:00Z", 0, false),
            ("2024-01-01T11:02:00Z", 0, false),
            ("2024-01-01T11:02:01Z", 0, true),
            ("2024-01-01T12:00:00Z", 1, true),
            ("2024-01-01T15:30:00Z", 4, true),
        ] {
            let firing = Firing::since(&hourly, eleven, at(now));
            assert_eq!(firing, Firing { scheduled_for: eleven, missed }, "{now}");
            assert_eq!(firing.was_missed(at(now)), was_missed, "{now}");
        }
        // Asked for by hand, between two of its times.
        let asked = Firing::since(&hourly, at("2024-01-01T11:20:00Z"), at("2024-01-01T11:20:05Z"));
        assert_eq!(asked.missed, 0);
    }

    #[test]
    fn a_year_without_a_host_is_counted_up_to_a_thousand() {
        let often = Timetable::parse("* * * * *", "Europe/Berlin").unwrap();
        let firing = due(&often, at("2023-01-01T00:00:00Z"), at("2024-01-01T00:00:00Z")).unwrap();
        assert_eq!(firing, Firing { scheduled_for: at("2023-01-01T00:01:00Z"), missed: 1000 });
    }

    #[test]
    fn only_skip_and_an_open_job_leave_a_firing_out() {
        assert!(!Overlap::Skip.starts(true));
        assert!(Overlap::Skip.starts(false) && Overlap::Queue.starts(true) && Overlap::Queue.starts(false));
    }
}
