//! The instants of local times, through clock changes.

use chrono::{DateTime, NaiveDateTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

/// When the clocks of a zone first show a local time: the earlier instant where they show it twice, and the end of
/// the gap where a clock change skips it.
pub(super) fn first_shown(local: NaiveDateTime, zone: Tz) -> DateTime<Utc> {
    zone.from_local_datetime(&local).earliest().map_or_else(|| end_of_gap(local, zone), |at| at.to_utc())
}

/// More than the clocks of any zone are, or ever were, away from UTC.
const FARTHEST: TimeDelta = TimeDelta::hours(36);

/// The clocks pass a skipped local time at one instant, which is searched for.
fn end_of_gap(local: NaiveDateTime, zone: Tz) -> DateTime<Utc> {
    let passed = |utc: NaiveDateTime| zone.from_utc_datetime(&utc).naive_local() >= local;
    let (mut before, mut after) = (local - FARTHEST, local + FARTHEST);
    while after - before > TimeDelta::seconds(1) {
        let middle = before + TimeDelta::seconds((after - before).num_seconds() / 2);
        if passed(middle) {
            after = middle;
        } else {
            before = middle;
        }
    }
    after.and_utc()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(local: &str, zone: Tz) -> String {
        first_shown(local.parse().unwrap(), zone).to_rfc3339()
    }

    #[test]
    fn a_plain_local_time_has_its_one_instant() {
        assert_eq!(shown("2024-07-01T00:00:00", Tz::Asia__Taipei), "2024-06-30T16:00:00+00:00");
    }

    #[test]
    fn a_time_shown_twice_is_the_earlier_instant() {
        assert_eq!(shown("2024-10-27T02:30:00", Tz::Europe__Berlin), "2024-10-27T00:30:00+00:00");
    }

    #[test]
    fn a_time_that_is_skipped_is_the_end_of_its_gap() {
        for local in ["2024-03-31T02:00:00", "2024-03-31T02:30:00", "2024-03-31T02:59:59"] {
            assert_eq!(shown(local, Tz::Europe__Berlin), "2024-03-31T01:00:00+00:00");
        }
        // Midnight itself, 44 minutes and a half, and a whole day.
        assert_eq!(shown("2024-03-31T00:00:00", Tz::Asia__Beirut), "2024-03-30T22:00:00+00:00");
        assert_eq!(shown("1972-01-07T00:00:00", Tz::Africa__Monrovia), "1972-01-07T00:44:30+00:00");
        for local in ["2011-12-30T00:00:00", "2011-12-31T00:00:00"] {
            assert_eq!(shown(local, Tz::Pacific__Apia), "2011-12-30T10:00:00+00:00");
        }
    }
}
