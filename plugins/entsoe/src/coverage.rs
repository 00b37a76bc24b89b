//! Whether what came is complete. An answer with HTTP 200 proves nothing: the platform has cut answers short in
//! silence (at 1,000 points, winter 2025/26), and operators fill gaps weeks later.

use std::ops::Range;

use backfill_guest::{Level, Measurement, time};

use crate::notes::{Notes, listed};
use crate::query::utc_days;
use crate::timeseries::Direction;

/// Compares, day by day of UTC, the time that values cover with the time asked for. A day covered in part is a
/// warning for generation, since that is how an answer cut short looks; a day without values is a gap. Consumption
/// comes and goes, so that its gaps are worth a line for the curious only.
pub fn report(
    intervals: &[Measurement],
    direction: Direction,
    title: &str,
    window: &Range<i64>,
    notes: &mut Notes,
) {
    let (mut partial, mut without) = (Vec::new(), Vec::new());
    let mut rest = intervals;
    for day in utc_days(window.clone()) {
        let (inside, after) = rest.split_at(rest.partition_point(|interval| interval.start < day.end));
        rest = after;
        let covered: i64 = inside.iter().map(|interval| i64::from(interval.seconds)).sum();
        let length = day.end - day.start;
        let date = || time::format_utc(day.start).chars().take(10).collect::<String>();
        if inside.is_empty() {
            without.push(date());
        } else if covered < length {
            partial.push(format!("{} ({} of {} min)", date(), covered / 60, length / 60));
        }
    }
    let (cut_short, gap) = match direction {
        Direction::Generation => (Level::Warn, Level::Info),
        Direction::Consumption => (Level::Debug, Level::Debug),
    };
    if !partial.is_empty() {
        notes.add(cut_short, format!("{title}: covered in part: {}", listed(partial.into_iter())));
    }
    if !without.is_empty() {
        notes.add(gap, format!("{title}: no values on: {}", listed(without.into_iter())));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hourly(hours: impl Iterator<Item = i64>) -> Vec<Measurement> {
        hours.map(|hour| Measurement { start: hour * 3600, seconds: 3600, value: 1.0 }).collect()
    }

    fn lines(intervals: &[Measurement], direction: Direction) -> Vec<(Level, String)> {
        let mut notes = Notes::default();
        report(intervals, direction, "generation", &(0..3 * 86_400), &mut notes);
        notes.0
    }

    #[test]
    fn full_days_need_no_word() {
        assert!(lines(&hourly(0..72), Direction::Generation).is_empty());
    }

    #[test]
    fn a_day_cut_short_is_a_warning_and_a_day_without_values_is_told() {
        let found = lines(&hourly((0..24).chain(48..60)), Direction::Generation);
        assert!(matches!(&found[0], (Level::Warn, line) if line.contains("1970-01-03 (720 of 1440 min)")));
        assert!(matches!(&found[1], (Level::Info, line) if line.contains("no values on: 1970-01-02")));
    }

    #[test]
    fn consumption_that_comes_and_goes_is_no_warning() {
        assert!(lines(&hourly(3..5), Direction::Consumption).iter().all(|(level, _)| *level == Level::Debug));
    }
}
