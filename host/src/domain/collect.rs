//! What an upstream without history shows now: what of it is believed, where it belongs, and when to ask again.

use std::{collections::BTreeMap, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;

use super::{Month, Series, Window};

/// How old a value may be. A feed that stands still for longer shows nothing of now; what it showed before is stored.
const BEHIND: TimeDelta = TimeDelta::hours(3);

/// How far ahead a value may reach: its interval begins now, by a clock that may differ from ours by minutes.
const AHEAD: TimeDelta = TimeDelta::hours(1);

/// Wait before the second try of a collector run; doubles with each further one.
const AGAIN: Duration = Duration::from_secs(30);

/// The longest wait between tries.
const LONGEST: Duration = Duration::from_secs(300);

/// The span in which values of now lie.
pub fn about_now(now: DateTime<Utc>) -> Window {
    Window { start: (now - BEHIND).timestamp(), end: (now + AHEAD).timestamp() }
}

/// Divides series by the months, of a zone's calendar, in which their rows start. Rows outside of the years that
/// have months are left out; [`about_now`] holds none.
pub fn by_month(series: &[Series], zone: Tz) -> BTreeMap<Month, Vec<Series>> {
    let mut months: BTreeMap<Month, Vec<Series>> = BTreeMap::new();
    for series in series {
        let mut parts: BTreeMap<Month, Series> = BTreeMap::new();
        for row in &series.measurements {
            let start = DateTime::from_timestamp(row.start, 0);
            let Some(month) = start.and_then(|start| Month::of(start, zone).ok()) else { continue };
            let part =
                parts.entry(month).or_insert_with(|| Series { measurements: Vec::new(), ..series.clone() });
            part.measurements.push(*row);
        }
        for (month, part) in parts {
            months.entry(month).or_default().push(part);
        }
    }
    months
}

/// When a run whose `attempt`-th try failed is tried again; not before the upstream wants to be asked, if it said so.
pub fn ask_again(attempt: u32, wanted: Option<Duration>, now: DateTime<Utc>) -> DateTime<Utc> {
    let wait = AGAIN.saturating_mul(2u32.saturating_pow(attempt.saturating_sub(1))).min(LONGEST);
    let wait = wait.max(wanted.unwrap_or_default());
    TimeDelta::from_std(wait)
        .ok()
        .and_then(|wait| now.checked_add_signed(wait))
        .unwrap_or(DateTime::<Utc>::MAX_UTC)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Labels, Measurement, Quantity, validate};

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn spot(starts: &[&str]) -> Series {
        let rows = starts.iter().map(|start| at(start).timestamp());
        Series {
            kind: "generation".to_owned(),
            quantity: Quantity::SpotPower,
            labels: Labels::new(),
            measurements: rows.map(|start| Measurement { start, seconds: 600, value: 1.0 }).collect(),
        }
    }

    #[test]
    fn what_is_hours_old_or_of_the_future_is_not_of_now() {
        let now = at("2024-05-01T12:00:00Z");
        for (start, accepted) in [
            ("2024-05-01T09:00:00Z", true),
            ("2024-05-01T08:59:59Z", false),
            ("2024-05-01T12:00:00Z", true),
            ("2024-05-01T12:50:00Z", true),
            ("2024-05-01T12:50:01Z", false),
            ("2023-05-01T12:00:00Z", false),
        ] {
            let validated = validate(about_now(now), None, vec![spot(&[start])]);
            assert_eq!(validated.accepted_rows() == 1, accepted, "{start}");
        }
    }

    #[test]
    fn rows_belong_to_the_month_in_which_they_start_by_the_upstreams_calendar() {
        // May begins in Taipei on 30 April at 16:00 UTC.
        let both = spot(&["2024-04-30T15:50:00Z", "2024-04-30T16:00:00Z", "2024-04-30T16:10:00Z"]);
        let months = by_month(std::slice::from_ref(&both), Tz::Asia__Taipei);
        let counts: Vec<_> =
            months.iter().map(|(month, series)| (month.to_string(), series[0].measurements.len())).collect();
        assert_eq!(counts, [("2024-04".to_owned(), 1), ("2024-05".to_owned(), 2)]);
        assert_eq!(by_month(&[both], Tz::UTC).len(), 1);
    }

    #[test]
    fn tries_come_after_30_60_120_240_seconds_and_then_every_five_minutes() {
        let now = at("2024-05-01T12:00:00Z");
        let wait = |attempt, wanted| (ask_again(attempt, wanted, now) - now).num_seconds();
        let waits: Vec<_> = (1..=6).map(|attempt| wait(attempt, None)).collect();
        assert_eq!(waits, [30, 60, 120, 240, 300, 300]);
        assert_eq!(wait(1, Some(Duration::from_secs(90))), 90);
        assert_eq!(wait(2, Some(Duration::from_secs(5))), 60);
        assert_eq!(wait(u32::MAX, None), 300);
        assert_eq!(ask_again(1, Some(Duration::MAX), now), DateTime::<Utc>::MAX_UTC);
    }
}
