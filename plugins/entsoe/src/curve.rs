//! From the points of a Period to intervals of time.
//!
//! Curve A01 states every position. Curve A03 ("variable sized block") leaves a position out when its value is
//! that of the one before, up to the end of the Period and never beyond: one point may stand for a whole day.

use std::ops::Range;

use backfill_guest::{Measurement, time};

/// Intervals that a Period may have: a month of seconds would be 2.7 million, a year of minutes 0.5 million.
const MAX_INTERVALS: i64 = 1_000_000;

/// How positions that are left out are to be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Curve {
    /// A01: a position left out is a gap.
    #[default]
    Fixed,
    /// A03: a position left out has the value of the one before.
    Blocks,
}

/// A point: its position, from 1, and its value in MW.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    pub position: u32,
    pub value: f64,
}

/// A Period: `[start, end)` in seconds of UTC, cut into intervals of `step` seconds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Period {
    pub start: i64,
    pub end: i64,
    pub step: u32,
    pub points: Vec<Point>,
}

impl Period {
    /// How many intervals the Period has. Refuses one of no or negative length, one that is no whole number of
    /// intervals, and one of absurdly many.
    fn intervals(&self) -> Result<u32, String> {
        let length = self.end.checked_sub(self.start).filter(|length| *length > 0 && self.step > 0);
        let Some(length) = length else { return Err(format!("{self} has no length")) };
        let step = i64::from(self.step);
        if length % step != 0 {
            return Err(format!("{self} is no whole number of {step} seconds"));
        }
        match u32::try_from(length / step) {
            Ok(count) if i64::from(count) <= MAX_INTERVALS => Ok(count),
            _ => Err(format!("{self} has more than {MAX_INTERVALS} intervals of {step} seconds")),
        }
    }

    /// Appends the intervals that lie inside `window`, and returns how many positions nothing was said of.
    ///
    /// A position stated twice is appended twice: whether the two agree is judged with everything else that was
    /// said of that instant. Points may come in any order.
    pub fn expand(
        &mut self,
        curve: Curve,
        window: &Range<i64>,
        into: &mut Vec<Measurement>,
    ) -> Result<u32, String> {
        let count = self.intervals()?;
        if !self.points.is_sorted_by_key(|point| point.position) {
            self.points.sort_by_key(|point| point.position);
        }
        for end in [self.points.first(), self.points.last()].into_iter().flatten() {
            if !(1..=count).contains(&end.position) {
                return Err(format!("position {} is outside {self} of {count} intervals", end.position));
            }
        }
        let step = i64::from(self.step);
        // Positions, from 0, of the intervals that lie inside the window.
        let first = (window.start - self.start + step - 1).div_euclid(step).max(0);
        let last = (window.end - self.start).div_euclid(step).min(i64::from(count));
        let mut stated = 0;
        for same in self.points.chunk_by(|a, b| a.position == b.position) {
            let (Some(point), rest) = (same.first(), &self.points) else { continue };
            let until = match curve {
                Curve::Fixed => point.position + 1,
                Curve::Blocks => {
                    let next = rest.partition_point(|other| other.position <= point.position);
                    rest.get(next).map_or(count + 1, |next| next.position)
                }
            };
            stated += until - point.position;
            let block = i64::from(point.position - 1).max(first)..i64::from(until - 1).min(last);
            for point in same {
                into.extend(block.clone().map(|index| Measurement {
                    start: self.start + index * step,
                    seconds: self.step,
                    value: point.value,
                }));
            }
        }
        Ok(count - stated)
    }
}

impl std::fmt::Display for Period {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the Period {}/{}", time::format_utc(self.start), time::format_utc(self.end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HOUR: i64 = 3600;
    const ALWAYS: Range<i64> = -1_000_000_000..10_000_000_000;

    fn period(hours: i64, points: &[(u32, f64)]) -> Period {
        let points = points.iter().map(|&(position, value)| Point { position, value }).collect();
        Period { start: 0, end: hours * HOUR, step: 3600, points }
    }

    fn hours(mut period: Period, curve: Curve, window: Range<i64>) -> (Vec<(i64, f64)>, u32) {
        let mut into = Vec::new();
        let missing = period.expand(curve, &window, &mut into).unwrap();
        (into.iter().map(|m| (m.start / HOUR, m.value)).collect(), missing)
    }

    #[test]
    fn blocks_repeat_the_value_before_up_to_the_end_of_the_period() {
        let (found, missing) = hours(period(6, &[(1, 5.0), (4, 7.5)]), Curve::Blocks, ALWAYS);
        assert_eq!(found, [(0, 5.0), (1, 5.0), (2, 5.0), (3, 7.5), (4, 7.5), (5, 7.5)]);
        assert_eq!(missing, 0);
    }

    #[test]
    fn a_fixed_curve_leaves_gaps() {
        let (found, missing) = hours(period(4, &[(1, 5.0), (3, -2.0)]), Curve::Fixed, ALWAYS);
        assert_eq!((found, missing), (vec![(0, 5.0), (2, -2.0)], 2));
    }

    #[test]
    fn nothing_is_known_before_the_first_point_of_a_block_curve_nor_without_points() {
        assert_eq!(hours(period(3, &[(2, 1.0)]), Curve::Blocks, ALWAYS), (vec![(1, 1.0), (2, 1.0)], 1));
        assert_eq!(hours(period(3, &[]), Curve::Blocks, ALWAYS), (vec![], 3));
    }

    #[test]
    fn points_in_any_order_mean_the_same() {
        let sorted = hours(period(5, &[(1, 1.0), (3, 3.0)]), Curve::Blocks, ALWAYS);
        assert_eq!(hours(period(5, &[(3, 3.0), (1, 1.0)]), Curve::Blocks, ALWAYS), sorted);
    }

    #[test]
    fn only_intervals_wholly_inside_the_window_are_kept() {
        let (found, _) = hours(period(5, &[(1, 1.0)]), Curve::Blocks, 1800..4 * HOUR + 1800);
        assert_eq!(found, [(1, 1.0), (2, 1.0), (3, 1.0)]);
        let (found, _) = hours(period(2, &[(1, 1.0)]), Curve::Fixed, 5 * HOUR..9 * HOUR);
        assert_eq!(found, []);
    }

    #[test]
    fn a_position_stated_twice_is_handed_on_twice_for_its_whole_block() {
        let (found, _) = hours(period(2, &[(1, 1.0), (1, 9.0)]), Curve::Blocks, ALWAYS);
        assert_eq!(found, [(0, 1.0), (1, 1.0), (0, 9.0), (1, 9.0)]);
    }

    #[test]
    fn faulty_periods_are_named() {
        for (mut faulty, said) in [
            (period(2, &[(3, 1.0)]), "position 3 is outside"),
            (period(2, &[(0, 1.0)]), "position 0 is outside"),
            (period(0, &[(1, 1.0)]), "has no length"),
            (period(-5, &[(1, 1.0)]), "has no length"),
            (Period { end: HOUR + 1, ..period(1, &[]) }, "no whole number"),
            (Period { step: 1, ..period(1_000, &[]) }, "more than 1000000 intervals"),
            (Period { start: i64::MIN, end: i64::MAX, ..period(1, &[]) }, "has no length"),
        ] {
            let error = faulty.expand(Curve::Blocks, &ALWAYS, &mut Vec::new()).unwrap_err();
            assert!(error.contains(said), "{error}");
        }
    }

    proptest! {
        #[test]
        fn a_block_curve_covers_everything_from_its_first_point_once_and_agrees_with_a_plain_fill(
            count in 1_u32..200,
            values in proptest::collection::btree_map(1_u32..200, -50.0..500.0, 0..60),
        ) {
            let points: Vec<_> = values.into_iter().filter(|(position, _)| *position <= count).collect();
            let (found, missing) = hours(period(i64::from(count), &points), Curve::Blocks, ALWAYS);
            let mut expected = Vec::new();
            let mut last = None;
            for position in 1..=count {
                last = points.iter().find(|(p, _)| *p == position).map(|(_, v)| *v).or(last);
                expected.extend(last.map(|value| (i64::from(position) - 1, value)));
            }
            prop_assert_eq!(missing as usize, count as usize - expected.len());
            prop_assert_eq!(found, expected);
        }

        #[test]
        fn windows_that_tile_give_what_one_window_gives(cut in 0_i64..48, first in 1_u32..10) {
            let one = period(48, &[(first, 1.5), (20, 2.5), (30, 0.0)]);
            let whole = hours(one.clone(), Curve::Blocks, 0..48 * HOUR).0;
            let mut parts = hours(one.clone(), Curve::Blocks, 0..cut * HOUR).0;
            parts.extend(hours(one, Curve::Blocks, cut * HOUR..48 * HOUR).0);
            prop_assert_eq!(parts, whole);
        }
    }
}
