//! The span that a backfill is asked for, and the months that tile it.

use std::fmt;

use chrono::{Datelike, Months, NaiveDate};
use chrono_tz::Tz;

use super::{
    Month, Window,
    month::{MonthError, day_start},
};

/// How many years one range may span.
const LONGEST_YEARS: u32 = 100;

/// Whole local days, from the first to the last.
///
/// Who asks names a last year, month or day that is *included*. Inside it becomes the first day *after* the range,
/// here and nowhere else: everything that computes with a range works on half-open spans, so that no filter ever
/// meets an inclusive end. A range has no zone; each source's calendar gives its days their instants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    first: NaiveDate,
    after: NaiveDate,
    first_month: Month,
    last_month: Month,
}

/// The part of a month that lies in a range: one task's worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tile {
    /// The month, by the source's calendar.
    pub month: Month,
    /// The span of UTC wanted of it: all of it, unless the range cuts it.
    pub window: Window,
}

/// Why a range can't be planned.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RangeError {
    /// It ends before it begins.
    #[error("the range ends with {last}, before it begins with {first}; swap them")]
    Inverted {
        /// As it was given.
        first: String,
        /// As it was given.
        last: String,
    },
    /// It reaches out of the calendar.
    #[error("the range reaches into the year {year}; give years from 1970 to 2999")]
    OutsideCalendar {
        /// The year that is outside.
        year: i64,
    },
    /// It is longer than anybody wants.
    #[error(
        "the range {first} to {last} spans more than {LONGEST_YEARS} years; give a shorter one, or several"
    )]
    TooLong {
        /// Its first day.
        first: NaiveDate,
        /// Its last day.
        last: NaiveDate,
    },
}

impl Range {
    /// From the first day of one year to the last day of another.
    ///
    /// # Errors
    /// See [`RangeError`].
    pub fn of_years(first: i64, last: i64) -> Result<Self, RangeError> {
        let month = |year: i64, number| {
            let outside = |_| RangeError::OutsideCalendar { year };
            u16::try_from(year).map_err(outside).and_then(|year16| {
                Month::new(year16, number).map_err(|_| RangeError::OutsideCalendar { year })
            })
        };
        let (from, to) = (month(first, 1)?, month(last, 12)?);
        if last < first {
            return Err(inverted(first, last));
        }
        Self::of_months(from, to)
    }

    /// From the first day of one month to the last day of another.
    ///
    /// # Errors
    /// See [`RangeError`].
    pub fn of_months(first: Month, last: Month) -> Result<Self, RangeError> {
        if last < first {
            return Err(inverted(first, last));
        }
        Self::new(first.first_day(), last.day_after(), first, last)
    }

    /// From one day to another.
    ///
    /// # Errors
    /// See [`RangeError`].
    pub fn of_dates(first: NaiveDate, last: NaiveDate) -> Result<Self, RangeError> {
        let month = |date: NaiveDate| {
            Month::of_date(date)
                .map_err(|_: MonthError| RangeError::OutsideCalendar { year: date.year().into() })
        };
        let (from, to) = (month(first)?, month(last)?);
        if last < first {
            return Err(inverted(first, last));
        }
        // A day of a month that there is has one after it.
        Self::new(first, last.succ_opt().unwrap_or(NaiveDate::MAX), from, to)
    }

    fn new(
        first: NaiveDate,
        after: NaiveDate,
        first_month: Month,
        last_month: Month,
    ) -> Result<Self, RangeError> {
        let range = Self { first, after, first_month, last_month };
        if after > first + Months::new(LONGEST_YEARS * 12) {
            return Err(RangeError::TooLong { first, last: range.last_day() });
        }
        Ok(range)
    }

    /// Its first day.
    pub const fn first_day(self) -> NaiveDate {
        self.first
    }

    /// Its last day, included: for people only.
    pub fn last_day(self) -> NaiveDate {
        self.after.pred_opt().unwrap_or(self.first)
    }

    /// The months that it touches.
    pub fn months(self) -> impl DoubleEndedIterator<Item = Month> {
        let months: Vec<_> = self.first_month.through(self.last_month).collect();
        months.into_iter()
    }

    /// Its first and last day in a month, both included; none if it does not touch the month.
    pub fn days(self, month: Month) -> Option<(NaiveDate, NaiveDate)> {
        let first = month.first_day().max(self.first);
        let last = month.day_after().min(self.after).pred_opt()?;
        (first <= last).then_some((first, last))
    }

    /// The span of UTC that it covers by a zone's calendar.
    pub fn window(self, zone: Tz) -> Window {
        Window { start: day_start(self.first, zone), end: day_start(self.after, zone) }
    }

    /// What is wanted of a month. None where the range does not touch the month, or touches it only in a day
    /// that the zone skipped (30 December 2011 in Samoa).
    pub fn tile(self, month: Month, zone: Tz) -> Option<Tile> {
        let start = day_start(month.first_day().max(self.first), zone);
        let end = day_start(month.day_after().min(self.after), zone);
        (start < end).then_some(Tile { month, window: Window { start, end } })
    }

    /// Its months by a zone's calendar. They touch each other, and together they are its [`Range::window`].
    pub fn tiles(self, zone: Tz) -> impl Iterator<Item = Tile> {
        self.months().filter_map(move |month| self.tile(month, zone))
    }
}

fn inverted(first: impl fmt::Display, last: impl fmt::Display) -> RangeError {
    RangeError::Inverted { first: first.to_string(), last: last.to_string() }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} to {}", self.first, self.last_day())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn month(text: &str) -> Month {
        text.parse().unwrap()
    }

    #[test]
    fn years_months_and_dates_that_mean_the_same_are_the_same() {
        let years = Range::of_years(2022, 2023).unwrap();
        assert_eq!(years, Range::of_months(month("2022-01"), month("2023-12")).unwrap());
        assert_eq!(years, Range::of_dates(day("2022-01-01"), day("2023-12-31")).unwrap());
        assert_eq!(years.to_string(), "2022-01-01 to 2023-12-31");
        assert_eq!(years.months().count(), 24);
    }

    #[test]
    fn the_last_day_is_included_whole() {
        let one = Range::of_dates(day("2024-02-29"), day("2024-02-29")).unwrap();
        let tiles: Vec<_> = one.tiles(Tz::UTC).collect();
        let window = Window { start: 1_709_164_800, end: 1_709_164_800 + 86_400 };
        assert_eq!(tiles, [Tile { month: month("2024-02"), window }]);
        let last = Range::of_years(2999, 2999).unwrap();
        assert_eq!(last.window(Tz::UTC).seconds(), 365 * 86_400);
        assert_eq!(Range::of_years(1970, 1970).unwrap().window(Tz::UTC).start, 0);
    }

    #[test]
    fn dates_cut_the_first_and_the_last_month_and_no_other() {
        let range = Range::of_dates(day("2024-01-20"), day("2024-03-10")).unwrap();
        let days: Vec<_> = range
            .tiles(Tz::America__New_York)
            .map(|tile| (tile.month.to_string(), tile.window.seconds() as f64 / 86_400.0))
            .collect();
        // Summer time begins on 10 March: that day has 23 hours.
        let expected = [("2024-01", 12.0), ("2024-02", 29.0), ("2024-03", 10.0 - 1.0 / 24.0)];
        assert_eq!(days, expected.map(|(month, days)| (month.to_owned(), days)));
        assert_eq!(range.tile(month("2024-04"), Tz::UTC), None);
    }

    #[test]
    fn a_day_that_a_zone_skipped_has_no_tile() {
        let skipped = Range::of_dates(day("2011-12-30"), day("2011-12-30")).unwrap();
        assert_eq!(skipped.tiles(Tz::Pacific__Apia).count(), 0);
        assert_eq!(skipped.tiles(Tz::UTC).count(), 1);
    }

    #[test]
    fn a_range_that_can_not_be_is_refused_with_what_to_do() {
        let message = |range: Result<Range, RangeError>| range.unwrap_err().to_string();
        assert_eq!(
            message(Range::of_years(2024, 2023)),
            "the range ends with 2023, before it begins with 2024; swap them"
        );
        assert_eq!(
            message(Range::of_months(month("2024-02"), month("2024-01"))),
            "the range ends with 2024-01, before it begins with 2024-02; swap them"
        );
        assert_eq!(
            message(Range::of_dates(day("2024-02-02"), day("2024-02-01"))),
            "the range ends with 2024-02-01, before it begins with 2024-02-02; swap them"
        );
        assert_eq!(
            message(Range::of_years(1900, 2099)),
            "the range reaches into the year 1900; give years from 1970 to 2999"
        );
        for year in [i64::MIN, -1, 0, 1969, 3000, 20_230, 65_536 + 2023, i64::MAX] {
            assert_eq!(Range::of_years(year, year), Err(RangeError::OutsideCalendar { year }));
        }
        for date in [NaiveDate::MIN, day("1969-12-31"), day("3000-01-01"), NaiveDate::MAX] {
            assert!(matches!(Range::of_dates(date, date), Err(RangeError::OutsideCalendar { .. })), "{date}");
        }
        assert!(Range::of_years(2000, 2099).is_ok());
        assert_eq!(
            message(Range::of_dates(day("2000-01-01"), day("2100-01-01"))),
            "the range 2000-01-01 to 2100-01-01 spans more than 100 years; give a shorter one, or several"
        );
    }

    fn any_day() -> impl Strategy<Value = NaiveDate> {
        (0..365 * 100i64).prop_map(|days| day("1970-01-01") + chrono::TimeDelta::days(days))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn tiles_cover_any_range_exactly_in_every_zone(
            first in any_day(), length in 0..1500i64,
            zone in proptest::sample::select(chrono_tz::TZ_VARIANTS.to_vec()),
        ) {
            let range = Range::of_dates(first, first + chrono::TimeDelta::days(length)).unwrap();
            let (whole, tiles) = (range.window(zone), range.tiles(zone).collect::<Vec<_>>());
            prop_assert!(tiles.is_sorted_by(|a, b| a.month < b.month), "one tile a month");
            prop_assert!(tiles.is_sorted_by(|a, b| a.window.end == b.window.start), "neither gap nor overlap");
            let is_part = |tile: &Tile| {
                let month = tile.month.window(zone);
                tile.window.seconds() > 0 && month.covers(tile.window.start, tile.window.end)
            };
            prop_assert!(tiles.iter().all(is_part));
            match (tiles.first(), tiles.last()) {
                (Some(first), Some(last)) => {
                    prop_assert_eq!((first.window.start, last.window.end), (whole.start, whole.end));
                }
                _ => prop_assert_eq!(whole.seconds(), 0, "only a skipped day has no tile"),
            }
        }
    }
}
