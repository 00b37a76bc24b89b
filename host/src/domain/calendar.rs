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

    fn lag(self) -> TimeDelta {
        TimeDelta::days(self.publication_lag_days.into())
    }
}
