//! Calendar months and the spans of UTC that they cover in an upstream's own zone.

use std::{fmt, str::FromStr};

use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, Utc};
use chrono_tz::Tz;

use super::local_time::first_shown;

/// A calendar month, `YYYY-MM`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Month {
    year: u16,
    number: u8,
}

/// A half-open span of UTC, `[start, end)`, in seconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Window {
    /// The first instant inside.
    pub start: i64,
    /// The first instant after.
    pub end: i64,
}

impl Window {
    /// Whether an interval lies inside as a whole.
    pub const fn covers(&self, start: i64, end: i64) -> bool {
        self.start <= start && end <= self.end
    }

    /// Its length.
    pub const fn seconds(self) -> i64 {
        self.end - self.start
    }
}

/// Why a text is no month.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a month; expected YYYY-MM between 1970-01 and 2999-12, e.g. 2024-03")]
pub struct MonthError {
    text: String,
}

impl Month {
    /// January 1970, before which there is none.
    pub const FIRST: Self = Self { year: 1970, number: 1 };

    /// A month of the years 1970 to 2999.
    pub fn new(year: u16, number: u8) -> Result<Self, MonthError> {
        if (1970..=2999).contains(&year) && (1..=12).contains(&number) {
            Ok(Self { year, number })
        } else {
            Err(MonthError { text: format!("{year:04}-{number:02}") })
        }
    }

    /// The month that an instant falls in, by the calendar of `zone`.
    pub fn of(at: DateTime<Utc>, zone: Tz) -> Result<Self, MonthError> {
        Self::of_date(at.with_timezone(&zone).date_naive())
    }

    /// The month that a date falls in.
    pub fn of_date(date: NaiveDate) -> Result<Self, MonthError> {
        let year = u16::try_from(date.year()).map_err(|_| MonthError { text: date.to_string() })?;
        Self::new(year, date.month() as u8)
    }

    /// Its year.
    pub const fn year(self) -> u16 {
        self.year
    }

    /// 1 to 12.
    pub const fn number(self) -> u8 {
        self.number
    }

    /// Months since the year 0, for keys and distances.
    pub const fn index(self) -> u32 {
        self.year as u32 * 12 + self.number as u32 - 1
    }

    /// The month after it; December 2999 is followed by itself, which ends every range.
    pub fn next(self) -> Self {
        match (self.year, self.number) {
            (2999, 12) => self,
            (year, 12) => Self { year: year + 1, number: 1 },
            (year, number) => Self { year, number: number + 1 },
        }
    }

    /// The month before it; January 1970 comes after itself.
    pub(super) fn before(self) -> Self {
        match (self.year, self.number) {
            (1970, 1) => self,
            (year, 1) => Self { year: year - 1, number: 12 },
            (year, number) => Self { year, number: number - 1 },
        }
    }

    /// All months from this one to `last`, both included; none if `last` is earlier.
    pub fn through(self, last: Self) -> impl Iterator<Item = Self> {
        let mut next = (self <= last).then_some(self);
        std::iter::from_fn(move || {
            let month = next?;
            next = (month < last).then(|| month.next());
            Some(month)
        })
    }

    /// The span of UTC from its first local midnight to the next month's, in the upstream's zone.
    pub fn window(self, zone: Tz) -> Window {
        Window { start: day_start(self.first_day(), zone), end: day_start(self.day_after(), zone) }
    }

    /// Its first day.
    pub fn first_day(self) -> NaiveDate {
        // Every month that can be made has one.
        NaiveDate::from_ymd_opt(self.year.into(), self.number.into(), 1).unwrap_or(NaiveDate::MAX)
    }

    /// The first day after it, also of December 2999.
    pub(super) fn day_after(self) -> NaiveDate {
        self.first_day() + chrono::Months::new(1)
    }
}

/// The first instant of a local day.
pub(super) fn day_start(day: NaiveDate, zone: Tz) -> i64 {
    first_shown(day.and_time(NaiveTime::MIN), zone).timestamp()
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.number)
    }
}

impl FromStr for Month {
    type Err = MonthError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || MonthError { text: text.to_owned() };
        let (year, number) = text.split_once('-').ok_or_else(error)?;
        if year.len() != 4 || number.len() != 2 || !text.bytes().all(|b| b.is_ascii_digit() || b == b'-') {
            return Err(error());
        }
        Self::new(year.parse().map_err(|_| error())?, number.parse().map_err(|_| error())?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn month(text: &str) -> Month {
        text.parse().unwrap()
    }

    #[test]
    fn only_four_digits_dash_two_digits_is_a_month() {
        for text in
            ["2024-3", "2024-13", "2024-00", "24-03", "2024/03", "2024-03-01", "", "+024-03", "1969-12"]
        {
            assert!(text.parse::<Month>().is_err(), "{text}");
        }
        assert_eq!(month("2024-03").to_string(), "2024-03");
    }

    #[test]
    fn windows_of_neighbouring_months_touch_in_every_zone() {
        for zone in [Tz::UTC, Tz::Asia__Taipei, Tz::Europe__London, Tz::America__New_York, Tz::Asia__Beirut] {
            for month in month("2019-01").through(month("2026-12")) {
                assert_eq!(month.window(zone).end, month.next().window(zone).start, "{month} {zone}");
            }
        }
    }

    #[test]
    fn a_taipei_month_starts_eight_hours_before_the_utc_one() {
        let window = month("2024-03").window(Tz::Asia__Taipei);
        assert_eq!(window.start, month("2024-03").window(Tz::UTC).start - 8 * 3600);
        assert_eq!(window.end - window.start, 31 * 86_400);
    }

    #[test]
    fn a_range_includes_both_ends_and_an_inverted_one_is_empty() {
        let all: Vec<_> = month("2023-11").through(month("2024-02")).map(|m| m.to_string()).collect();
        assert_eq!(all, ["2023-11", "2023-12", "2024-01", "2024-02"]);
        assert_eq!(month("2024-02").through(month("2024-01")).count(), 0);
        assert_eq!(month("2999-12").through(month("2999-12")).count(), 1);
    }
}
