//! Puts together what many documents, series and Periods say of one thing.

use std::ops::Range;

use backfill_guest::{Level, Measurement, Quantity, Series, time};

use crate::coverage;
use crate::notes::{Notes, listed};
use crate::psr;
use crate::timeseries::{Direction, TimeSeries};

/// Intervals that one fetch may gather, duplicates included: a month of minutes for every type, both ways.
const MAX_GATHERED: usize = 3_000_000;

/// Everything said so far of the unit or types wanted, inside the window.
pub struct Gathered {
    window: Range<i64>,
    strands: Vec<Strand>,
    total: usize,
    unsaid: u32,
}

/// Intervals of one production type and direction.
struct Strand {
    psr: Option<String>,
    direction: Direction,
    intervals: Vec<Measurement>,
}

impl Gathered {
    /// Nothing yet; only intervals wholly inside `window` (seconds of UTC, end exclusive) will be kept.
    pub fn new(window: Range<i64>) -> Self {
        Self { window, strands: Vec::new(), total: 0, unsaid: 0 }
    }

    /// Takes a series of a document. The error says what of it can't be read.
    pub fn add(&mut self, series: &mut TimeSeries) -> Result<(), String> {
        let direction = series.direction()?;
        let known = |strand: &Strand| strand.direction == direction && strand.psr == series.psr;
        let index = self.strands.iter().position(known).unwrap_or_else(|| {
            self.strands.push(Strand { psr: series.psr.clone(), direction, intervals: Vec::new() });
            self.strands.len() - 1
        });
        let Some(strand) = self.strands.get_mut(index) else { return Ok(()) };
        for period in &mut series.periods {
            let before = strand.intervals.len();
            self.unsaid += period.expand(series.curve, &self.window, &mut strand.intervals)?;
            self.total += strand.intervals.len() - before;
            if self.total > MAX_GATHERED {
                return Err(format!("more than {MAX_GATHERED} intervals for one month"));
            }
        }
        Ok(())
    }

    /// The series of the contract, ordered by start and without overlaps; those without a value are left out.
    /// What is missing or contradicts itself goes to the notes.
    pub fn finish(self, notes: &mut Notes) -> Vec<Series> {
        if self.unsaid > 0 {
            notes.add(
                Level::Warn,
                format!("{} positions are stated by no point; they are left as gaps", self.unsaid),
            );
        }
        let mut all: Vec<_> =
            self.strands.into_iter().filter_map(|strand| strand.finish(&self.window, notes)).collect();
        all.sort_by(|a, b| (&b.kind, &a.labels).cmp(&(&a.kind, &b.labels)));
        all
    }
}

impl Strand {
    fn finish(self, window: &Range<i64>, notes: &mut Notes) -> Option<Series> {
        let kind = match self.direction {
            Direction::Generation => "generation",
            Direction::Consumption => "consumption",
        };
        let mut series = Series::new(kind, Quantity::MeanPower);
        let mut title = kind.to_owned();
        if let Some(code) = self.psr {
            let name = psr::by_code(&code).map_or(code.as_str(), |known| known.name);
            series = series.label("production-type", name);
            title = format!("{kind} ({name})");
        }
        let (intervals, contradicted) = merge(self.intervals);
        if !contradicted.is_empty() {
            let starts = listed(contradicted.iter().map(|at| time::format_utc(*at)));
            notes.add(
                Level::Warn,
                format!("{title}: stated twice with different values or lengths, so left out: {starts}"),
            );
        }
        series.measurements = intervals;
        coverage::report(&series.measurements, self.direction, &title, window, notes);
        (!series.measurements.is_empty()).then_some(series)
    }
}

/// Orders intervals and keeps one of each that was stated the same several times. Where intervals overlap and are
/// not the same, all of them are left out: there is no telling which is right, and a mean would be neither. Returns
/// the starts of what was left out, too.
fn merge(mut intervals: Vec<Measurement>) -> (Vec<Measurement>, Vec<i64>) {
    let end = |interval: &Measurement| interval.start + i64::from(interval.seconds);
    intervals.sort_by_key(|interval| interval.start);
    let (mut merged, mut contradicted) = (Vec::with_capacity(intervals.len()), Vec::new());
    let mut rest = intervals.as_slice();
    while let Some((first, others)) = rest.split_first() {
        let mut until = end(first);
        let overlapping = others
            .iter()
            .take_while(|other| {
                let overlaps = other.start < until;
                if overlaps {
                    until = until.max(end(other));
                }
                overlaps
            })
            .count();
        let (cluster, after) = others.split_at(overlapping);
        let same = |other: &Measurement| {
            (other.start, other.seconds) == (first.start, first.seconds) && other.value == first.value
        };
        if cluster.iter().all(same) {
            merged.push(*first);
        } else {
            contradicted.push(first.start);
        }
        rest = after;
    }
    (merged, contradicted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(start: i64, seconds: u32, value: f64) -> Measurement {
        Measurement { start, seconds, value }
    }

    fn plain(intervals: &[Measurement]) -> Vec<(i64, u32, f64)> {
        intervals.iter().map(|m| (m.start, m.seconds, m.value)).collect()
    }

    #[test]
    fn the_same_said_twice_is_said_once() {
        let (merged, contradicted) = merge(vec![at(900, 900, 2.0), at(0, 900, 1.0), at(900, 900, 2.0)]);
        assert_eq!(plain(&merged), [(0, 900, 1.0), (900, 900, 2.0)]);
        assert!(contradicted.is_empty());
    }

    #[test]
    fn two_values_of_one_instant_are_neither_averaged_nor_chosen_from() {
        let (merged, contradicted) =
            merge(vec![at(0, 900, 1.0), at(900, 900, 2.0), at(0, 900, 3.0), at(0, 900, 1.0)]);
        assert_eq!(plain(&merged), [(900, 900, 2.0)]);
        assert_eq!(contradicted, [0]);
    }

    #[test]
    fn overlapping_resolutions_are_left_out_and_touching_ones_kept() {
        let (merged, contradicted) = merge(vec![at(0, 3600, 1.0), at(2700, 900, 1.0), at(3600, 900, 5.0)]);
        assert_eq!(plain(&merged), [(3600, 900, 5.0)]);
        assert_eq!(contradicted, [0]);
    }

    proptest! {
        #[test]
        fn whatever_is_said_the_result_is_ordered_without_overlaps_and_the_order_does_not_matter(
            mut said in proptest::collection::vec((0_i64..40, 1_u32..5, 0_u8..3), 0..60),
        ) {
            let intervals = |said: &[(i64, u32, u8)]| {
                said.iter().map(|&(start, length, value)| at(start * 900, length * 900, value.into())).collect()
            };
            let (merged, contradicted) = merge(intervals(&said));
            prop_assert!(merged.windows(2).all(|w| w[0].start + i64::from(w[0].seconds) <= w[1].start));
            said.reverse();
            let (again, contradicted_again) = merge(intervals(&said));
            prop_assert_eq!(plain(&merged), plain(&again));
            prop_assert_eq!(contradicted, contradicted_again);
        }
    }
}
