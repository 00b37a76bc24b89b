//! When an upstream has what, as its source describes it.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;

use super::{Month, Window};

/// A source's calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Calendar {
    /// Zone whose months its upstream reports in.
    pub zone: Tz,
    /// First month that the upstream has.
    pub first_month: Option<Month>,
    /// Days after a month's end until the upstream normally has all of it.
    pub publication_lag_days: u16,
}

impl Calendar {
    /// When the upstream should have all of a window.
    pub(super) fn due(self, window: Window) -> DateTime<Utc> {
        let end = DateTime::from_timestamp(window.end, 0).unwrap_or(DateTime::<Utc>::MAX_UTC);
        end.checked_add_signed(self.lag()).unwrap_or(DateTime::<Utc>::MAX_UTC)
    }

    /// The first local day of which the upstream may not have all yet.
    pub(super) fn first_unpublished_day(self, now: DateTime<Utc>) -> NaiveDate {
        let published = now.checked_sub_signed(self.lag()).unwrap_or(DateTime::<Utc>::MIN_UTC);
        published.with_timezone(&self.zone).date_naive()
    }

    /// The last month that the upstream should have all of; its first month if that comes later.
    pub fn last_published_month(self, now: DateTime<Utc>) -> Month {
        let last = Month::of_date(self.first_unpublished_day(now)).map_or(Month::FIRST, Month::before);
        self.first_month.map_or(last, |first| first.max(last))
    }

    fn lag(self) -> TimeDelta {
        TimeDelta::days(self.publication_lag_days.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_published_month_lies_behind_the_lag_by_the_clocks_of_the_zone() {
        let of = |zone, lag, first: Option<&str>, now: &str| {
            let first_month = first.map(|month| month.parse().unwrap());
            let calendar = Calendar { zone, first_month, publication_lag_days: lag };
            calendar.last_published_month(now.parse().unwrap()).to_string()
        };
        let taipei = chrono_tz::Asia::Taipei;
        assert_eq!(of(chrono_tz::UTC, 0, None, "2024-03-01T00:00:00Z"), "2024-02");
        assert_eq!(of(chrono_tz::UTC, 0, None, "2024-02-29T23:59:59Z"), "2024-01");
        assert_eq!(of(taipei, 0, None, "2024-02-29T16:00:00Z"), "2024-02");
        assert_eq!(of(chrono_tz::UTC, 60, None, "2024-03-31T00:00:00Z"), "2023-12");
        assert_eq!(of(chrono_tz::UTC, 0, Some("2025-01"), "2024-03-31T00:00:00Z"), "2025-01");
    }
}
