//! Settlement date and period → UTC.
//!
//! Half hours are numbered from 1 at local midnight (Europe/London). The numbering goes on through the clock
//! change, so a day has 48 periods, 46 when clocks go forward and 50 when they go back, and no hour is
//! repeated or lost: period n always begins (n − 1) half hours after local midnight.

use backfill_guest::time::{european_summer_offset, midnight};
use chrono::NaiveDate;

/// Length of a settlement period.
pub(crate) const PERIOD_SECONDS: u32 = 1800;

const PERIOD: i64 = PERIOD_SECONDS as i64;

/// One settlement day in UTC.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SettlementDay {
    start: i64,
    periods: u32,
}

impl SettlementDay {
    fn of(date: NaiveDate) -> Self {
        let start = local_midnight(date);
        // The calendar's last representable day has no next one; its length then is the usual.
        let end = date.succ_opt().map_or(start + 48 * PERIOD, local_midnight);
        Self { start, periods: u32::try_from((end - start) / PERIOD).unwrap_or(0) }
    }

    fn period(self, number: u32) -> Option<i64> {
        (1..=self.periods).contains(&number).then(|| self.start + (i64::from(number) - 1) * PERIOD)
    }
}

/// Offset one hour before UTC midnight and at local midnight are the same, as clocks change at 01:00 UTC only.
fn local_midnight(date: NaiveDate) -> i64 {
    let utc = midnight(date);
    utc - european_summer_offset(utc - 3600)
}

/// Turns the settlement dates and periods of an answer into instants. Rows come in runs of one date, so the
/// last day is kept.
#[derive(Default)]
pub(crate) struct Calendar {
    last: Option<(String, SettlementDay)>,
}

impl Calendar {
    /// Start in UTC of a settlement period. `date` is `YYYY-MM-DD`. The error says what is wrong with the two.
    pub(crate) fn start(&mut self, date: &str, period: u32) -> Result<i64, String> {
        let day = self.day(date)?;
        day.period(period).ok_or_else(|| {
            format!("settlement period {period} does not exist: {date} has periods 1 to {}", day.periods)
        })
    }

    fn day(&mut self, date: &str) -> Result<SettlementDay, String> {
        match &self.last {
            Some((last, day)) if last == date => Ok(*day),
            _ => {
                let parsed = NaiveDate::parse_from_str(date, "%Y-%m-%d")
                    .map_err(|_| format!("settlement date {date:?} is not a date (YYYY-MM-DD)"))?;
                let day = SettlementDay::of(parsed);
                self.last = Some((date.to_owned(), day));
                Ok(day)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{fixture, instant};
    use std::collections::BTreeMap;

    fn start(date: &str, period: u32) -> Result<i64, String> {
        Calendar::default().start(date, period)
    }

    #[test]
    fn every_period_of_the_reference_table_begins_where_it_says() {
        let Some(table) = fixture("elexon/expected/ref_settlement_periods.csv") else { return };
        let mut calendar = Calendar::default();
        let mut counts = BTreeMap::new();
        let mut rows = 0;
        for line in String::from_utf8(table).unwrap().lines().skip(1) {
            let cells: Vec<_> = line.split(',').collect();
            let [date, period, utc, periods] = cells[..] else { panic!("{line}") };
            assert_eq!(calendar.start(date, period.parse().unwrap()), Ok(instant(utc)), "{line}");
            counts.insert(date.to_owned(), periods.parse::<u32>().unwrap());
            rows += 1;
        }
        assert_eq!(rows, 480);
        for (date, periods) in counts {
            assert!(start(&date, periods).is_ok());
            assert!(start(&date, periods + 1).is_err_and(|why| why.contains(&format!("1 to {periods}"))));
        }
    }

    #[test]
    fn a_summer_day_begins_an_hour_before_utc_midnight() {
        assert_eq!(start("2024-07-01", 1), Ok(instant("2024-06-30T23:00Z")));
        assert_eq!(start("2024-07-01", 48), Ok(instant("2024-07-01T22:30Z")));
        assert_eq!(start("2024-01-01", 1), Ok(instant("2024-01-01T00:00Z")));
    }

    #[test]
    fn the_day_that_clocks_go_back_has_fifty_half_hours_without_a_repeat() {
        let starts: Vec<_> = (1..=50).map(|period| start("2024-10-27", period).unwrap()).collect();
        assert_eq!(starts[0], instant("2024-10-26T23:00Z"));
        assert_eq!(starts[49], instant("2024-10-27T23:30Z"));
        assert!(starts.windows(2).all(|pair| pair[1] - pair[0] == 1800));
        assert!(start("2024-10-27", 51).is_err());
    }

    #[test]
    fn the_day_that_clocks_go_forward_has_forty_six_half_hours() {
        assert_eq!(start("2024-03-31", 3), Ok(instant("2024-03-31T01:00Z")));
        assert_eq!(start("2024-03-31", 46), Ok(instant("2024-03-31T22:30Z")));
        assert!(start("2024-03-31", 47).is_err());
    }

    #[test]
    fn periods_and_dates_that_do_not_exist_are_refused() {
        assert!(start("2024-01-01", 0).is_err());
        assert!(start("2024-01-01", 49).is_err());
        assert!(start("2024-02-30", 1).is_err_and(|why| why.contains("2024-02-30")));
        assert!(start("01/02/2024", 1).is_err());
    }
}
