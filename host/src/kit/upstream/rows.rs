//! What the made-up upstream measures: a value for every interval, a pure function of unit, series and start.

use std::str::FromStr;

use chrono::{DateTime, Days, Months, NaiveDate, NaiveTime};
use chrono_tz::Tz;

use super::times;
use crate::domain::Window;

/// How long the upstream's intervals are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// So many seconds, counted from 1970-01-01T00:00Z.
    Seconds(u32),
    /// Days of a calendar.
    Day,
    /// Months of a calendar.
    Month,
}

/// One interval of the upstream.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Row {
    /// Seconds since 1970.
    pub start: i64,
    /// The first instant after it.
    pub end: i64,
    /// As the upstream reports it; none is reported as missing.
    pub value: Option<f64>,
}

impl FromStr for Step {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "1d" | "day" => return Ok(Self::Day),
            "1month" | "month" => return Ok(Self::Month),
            _ => {}
        }
        let error = || format!("{text:?}: expected a length such as \"15m\", \"1h\", \"1d\" or \"month\"");
        let length = humantime::parse_duration(text).map_err(|_| error())?;
        let whole = length.subsec_nanos() == 0 && (1..=86_400).contains(&length.as_secs());
        u32::try_from(length.as_secs()).ok().filter(|_| whole).map(Self::Seconds).ok_or_else(error)
    }
}

impl Step {
    /// The intervals that start within a window, by the calendar of `zone`.
    pub(super) fn intervals(self, window: Window, zone: Tz) -> Vec<(i64, i64)> {
        match self {
            Self::Seconds(seconds) => {
                let seconds = i64::from(seconds);
                let first = (window.start + seconds - 1).div_euclid(seconds) * seconds;
                (0..)
                    .map(|n| first + n * seconds)
                    .take_while(|start| *start < window.end)
                    .map(|start| (start, start + seconds))
                    .collect()
            }
            Self::Day => calendar(window, zone, |day| day.checked_add_days(Days::new(1))),
            Self::Month => calendar(window, zone, |day| day.checked_add_months(Months::new(1))),
        }
    }

    /// Seconds, where they are always the same.
    pub const fn seconds(self) -> Option<u32> {
        match self {
            Self::Seconds(seconds) => Some(seconds),
            Self::Day | Self::Month => None,
        }
    }
}

fn calendar(window: Window, zone: Tz, next: impl Fn(NaiveDate) -> Option<NaiveDate>) -> Vec<(i64, i64)> {
    let Some(at) = DateTime::from_timestamp(window.start, 0) else { return Vec::new() };
    let date = at.with_timezone(&zone).date_naive();
    // From the first of the month before, which every step meets.
    let mut day = chrono::Datelike::with_day(&date, 1);
    let mut found = Vec::new();
    let midnight = |day: NaiveDate| times::local(day.and_time(NaiveTime::MIN), zone);
    while let Some(this) = day {
        let after = next(this);
        let (Some(start), Some(end)) = (midnight(this), after.and_then(midnight)) else { break };
        if start >= window.end {
            break;
        }
        if start >= window.start {
            found.push((start, end));
        }
        day = after;
    }
    found
}

/// A number from names and an instant: the same on every machine, at every time (FNV-1a, then mixed).
pub(super) fn noise(names: &[&str], at: i64) -> u64 {
    let bytes = names.iter().flat_map(|name| name.bytes().chain([0xff])).chain(at.to_le_bytes());
    let hash = bytes
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
    let mixed = (hash ^ (hash >> 31)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed ^ (mixed >> 29)
}

/// A value above zero and up to `most`, with so many decimals. Neighbours hardly ever agree, so that a shift shows.
pub(super) fn value(unit: &str, series: &str, start: i64, most: f64, decimals: u32) -> f64 {
    let scale = 10_f64.powi(decimals.min(9).cast_signed());
    let steps = (most * scale).floor().clamp(1.0, 1e15) as u64;
    (1 + noise(&[unit, series], start) % steps) as f64 / scale
}

#[cfg(test)]
mod tests {
    use super::*;

    fn month(text: &str, zone: Tz) -> Window {
        text.parse::<crate::domain::Month>().unwrap().window(zone)
    }

    #[test]
    fn steps_fill_a_window_from_the_first_that_starts_in_it() {
        let hour = "1h".parse::<Step>().unwrap();
        assert_eq!(hour.intervals(month("2024-02", Tz::UTC), Tz::UTC).len(), 29 * 24);
        let cut = Window { start: 1800, end: 9000 };
        assert_eq!(hour.intervals(cut, Tz::UTC), [(3600, 7200), (7200, 10_800)]);
    }

    #[test]
    fn calendar_steps_follow_the_zone() {
        let zone = Tz::Europe__London;
        let days = Step::Day.intervals(month("2024-03", zone), zone);
        assert_eq!(days.len(), 31);
        assert_eq!(days.iter().filter(|(start, end)| end - start == 23 * 3600).count(), 1);
        let window = month("2024-03", zone);
        assert_eq!(Step::Month.intervals(window, zone), [(window.start, window.end)]);
        assert_eq!(Step::Month.intervals(Window { start: window.start + 1, ..window }, zone), []);
    }

    #[test]
    fn lengths_that_no_upstream_has_are_refused() {
        for text in ["0s", "2d", "", "500ms", "an hour"] {
            assert!(text.parse::<Step>().is_err(), "{text}");
        }
        assert_eq!("15m".parse(), Ok(Step::Seconds(900)));
    }

    #[test]
    fn values_are_above_zero_within_bounds_and_hardly_ever_their_neighbours() {
        let values: Vec<_> = (0..2000).map(|hour| value("a", "", hour * 3600, 50.0, 3)).collect();
        assert!(values.iter().all(|value| *value > 0.0 && *value <= 50.0));
        assert!(values.windows(2).filter(|pair| pair[0] == pair[1]).count() < 5);
        assert_eq!(values[7], value("a", "", 7 * 3600, 50.0, 3));
        assert_ne!(value("b", "", 0, 50.0, 3), values[0]);
    }
}
