//! Asia/Taipei: UTC+8 all year round (no summer time since 1979). Upstream's stamps are naive Taipei time.

use std::fmt;

use chrono::NaiveDate;

/// Taipei is this many seconds ahead of UTC.
const OFFSET: i64 = 8 * 3600;

/// UTC seconds of a naive Taipei stamp: `2026-04-10T10:10:00`, `2025-01-06 08:20`, `2025/01/06 24:00`.
pub(crate) fn parse_stamp(text: &str) -> Option<i64> {
    let (date, time) = text.trim().split_once(['T', ' '])?;
    let date = whole_numbers::<3>(date, ['-', '/'])?;
    let time = time.trim().split('.').next()?;
    let [hour, minute, second] = match whole_numbers::<3>(time, [':', ':']) {
        Some(parts) => parts,
        None => whole_numbers::<2>(time, [':', ':']).map(|[hour, minute]| [hour, minute, 0])?,
    };
    let [year, month, day] = date;
    let date = NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)?;
    // 24:00 is how some files write the midnight that ends a day.
    let in_day = minute < 60 && second < 60 && (hour < 24 || (hour, minute, second) == (24, 0, 0));
    in_day.then(|| midnight(date) + i64::from(hour * 3600 + minute * 60 + second))
}

fn whole_numbers<const N: usize>(text: &str, separators: [char; 2]) -> Option<[u32; N]> {
    let mut parts = text.split(separators);
    let mut numbers = [0; N];
    for number in &mut numbers {
        *number = parts.next()?.parse().ok()?;
    }
    parts.next().is_none().then_some(numbers)
}

fn midnight(date: NaiveDate) -> i64 {
    backfill_guest::time::midnight(date) - OFFSET
}

/// A calendar month of Taipei; ordered and counted in months.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct YearMonth {
    year: i32,
    /// 1 to 12.
    number: u32,
}

impl YearMonth {
    /// The month, if `number` is 1 to 12 and the year is one that a calendar knows.
    pub(crate) fn new(year: i32, number: u32) -> Option<Self> {
        NaiveDate::from_ymd_opt(year, number, 1).map(|_| Self { year, number })
    }

    /// The month that an instant of UTC falls into in Taipei.
    pub(crate) fn at(instant: i64) -> Option<Self> {
        use chrono::Datelike;
        let date = backfill_guest::time::utc_date(instant.checked_add(OFFSET)?)?;
        Self::new(date.year(), date.month())
    }

    pub(crate) fn previous(self) -> Option<Self> {
        match self.number {
            1 => Self::new(self.year.checked_sub(1)?, 12),
            number => Self::new(self.year, number - 1),
        }
    }

    /// Months from `earlier` to this one; negative if this one is the earlier.
    pub(crate) fn months_since(self, earlier: Self) -> i64 {
        let index = |month: Self| i64::from(month.year) * 12 + i64::from(month.number);
        index(self) - index(earlier)
    }

    /// `[start, end)` in seconds of UTC: from 16:00 on the last day of the month before.
    pub(crate) fn bounds(self) -> Option<(i64, i64)> {
        let first = NaiveDate::from_ymd_opt(self.year, self.number, 1)?;
        Some((midnight(first), midnight(first.checked_add_months(chrono::Months::new(1))?)))
    }
}

impl fmt::Display for YearMonth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_naive_stamp_is_taipei_time_eight_hours_ahead_of_utc() {
        let utc = backfill_guest::time::parse_utc("2026-04-10T02:10:00Z");
        for text in
            ["2026-04-10T10:10:00", "2026-04-10 10:10", "2026/04/10 10:10:00", "2026-04-10T10:10:00.000"]
        {
            assert_eq!(parse_stamp(text), utc, "{text}");
        }
    }

    #[test]
    fn twenty_four_hours_is_the_midnight_after() {
        assert_eq!(parse_stamp("2025-12-31 24:00"), parse_stamp("2026-01-01 00:00"));
    }

    #[test]
    fn what_is_no_stamp_is_refused() {
        for text in
            ["", "2026-04-10", "2026-02-30 10:10", "2026-04-10 24:10", "10:10", "2026-04-10 10:60", "�"]
        {
            assert_eq!(parse_stamp(text), None, "{text}");
        }
    }

    #[test]
    fn a_month_runs_from_sixteen_utc_of_the_day_before_it() {
        let month = YearMonth::new(2024, 2).unwrap();
        let (start, end) = month.bounds().unwrap();
        assert_eq!(backfill_guest::time::format_utc(start), "2024-01-31T16:00:00Z");
        assert_eq!(end - start, 29 * 86_400);
        assert_eq!(YearMonth::at(start), Some(month));
        assert_eq!(YearMonth::at(start - 1), month.previous());
    }

    #[test]
    fn months_are_counted_over_the_turn_of_the_year() {
        let january = YearMonth::new(2026, 1).unwrap();
        assert_eq!(january.previous(), YearMonth::new(2025, 12));
        assert_eq!(january.months_since(YearMonth::new(2025, 10).unwrap()), 3);
    }
}
