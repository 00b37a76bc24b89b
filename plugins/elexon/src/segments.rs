//! Segments of a notified level, and the series they make.

use backfill_guest::{Quantity, Series, time};

use crate::notes::{Notes, Tally};
use crate::settlement::PERIOD_SECONDS;

/// A level that goes in a straight line from `from` to `to` (MW) over `seconds` from `start`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Segment {
    /// Start of the settlement period that it belongs to and lies in.
    pub(crate) period: i64,
    pub(crate) start: i64,
    pub(crate) seconds: u32,
    pub(crate) from: f64,
    pub(crate) to: f64,
}

impl Segment {
    fn end(&self) -> i64 {
        self.start + i64::from(self.seconds)
    }

    /// MW; of a straight line the mean is the middle.
    fn mean(&self) -> f64 {
        (self.from + self.to) / 2.0
    }
}

/// Four series of segments in any order:
/// - `notified`, mean power: one value a segment;
/// - `notified`, energy: the exact area under the segments of a settlement period, where they cover all of it;
/// - `notified-level-from` and `notified-level-to`, spot power: the level at the start and at the end of each
///   segment. Both carry the segment as their interval, so that the two and the mean can be put side by side.
///
/// Identical segments are one (requests overlap). Segments that overlap otherwise contradict each other: none of
/// them is stored, and neither is the energy of their period.
pub(crate) fn series(segments: Vec<Segment>, notes: &mut Notes) -> Vec<Series> {
    let segments = without_overlaps(segments, notes);
    if segments.is_empty() {
        return Vec::new();
    }
    let mut mean = Series::new("notified", Quantity::MeanPower);
    let mut level_from = Series::new("notified-level-from", Quantity::SpotPower);
    let mut level_to = Series::new("notified-level-to", Quantity::SpotPower);
    for segment in &segments {
        mean.push(segment.start, segment.seconds, segment.mean());
        level_from.push(segment.start, segment.seconds, segment.from);
        level_to.push(segment.start, segment.seconds, segment.to);
    }
    let energy = energy(&segments, notes);
    let all = [mean, energy, level_from, level_to];
    all.into_iter().filter(|series| !series.measurements.is_empty()).collect()
}

/// In order of start, each once, less those that share time with another.
fn without_overlaps(mut segments: Vec<Segment>, notes: &mut Notes) -> Vec<Segment> {
    segments.sort_by(|a, b| {
        let levels = |one: &Segment, other: &Segment| {
            one.from.total_cmp(&other.from).then(one.to.total_cmp(&other.to))
        };
        (a.start, a.seconds).cmp(&(b.start, b.seconds)).then_with(|| levels(a, b))
    });
    segments.dedup();
    let mut overlaps = Tally::default();
    let mut kept = Vec::with_capacity(segments.len());
    let mut rest = segments.as_slice();
    while let Some((first, after)) = rest.split_first() {
        let mut end = first.end();
        let mut others = 0;
        for next in after.iter().take_while(|next| {
            let shares = next.start < end;
            end = end.max(next.end());
            shares
        }) {
            overlaps.add(|| format!("{} and {}", describe(first), describe(next)));
            others += 1;
        }
        if others == 0 {
            kept.push(*first);
        }
        rest = after.get(others..).unwrap_or_default();
    }
    notes.warn_of(&overlaps, "segments of PN overlap others; neither is stored");
    kept
}

/// MWh per settlement period: Σ (from + to) / 2 × hours.
fn energy(segments: &[Segment], notes: &mut Notes) -> Series {
    let mut energy = Series::new("notified", Quantity::Energy);
    let mut partial = Tally::default();
    for of_period in segments.chunk_by(|a, b| a.period == b.period) {
        let Some(first) = of_period.first() else { continue };
        let covered: u32 = of_period.iter().map(|segment| segment.seconds).sum();
        if covered == PERIOD_SECONDS {
            // Multiplied first and divided once: whole MW and seconds stay exact until the last step.
            let doubled: f64 = of_period.iter().map(|one| (one.from + one.to) * f64::from(one.seconds)).sum();
            energy.push(first.period, PERIOD_SECONDS, doubled / 7200.0);
        } else {
            partial.add(|| format!("{} ({covered} of 1800 seconds)", time::format_utc(first.period)));
        }
    }
    notes.info_of(&partial, "settlement periods are not wholly covered by PN and have no energy");
    energy
}

fn describe(segment: &Segment) -> String {
    let Segment { from, to, .. } = segment;
    let (start, end) = (time::format_utc(segment.start), time::format_utc(segment.end()));
    format!("{start} to {end} ({from} to {to} MW)")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::values;

    fn segment(start: i64, end: i64, from: f64, to: f64) -> Segment {
        Segment { period: start / 1800 * 1800, start, seconds: u32::try_from(end - start).unwrap(), from, to }
    }

    fn made(segments: &[Segment]) -> (Vec<Series>, Notes) {
        let mut notes = Notes::default();
        (series(segments.to_vec(), &mut notes), notes)
    }

    #[test]
    fn a_ramp_has_the_energy_under_its_line() {
        let (series, _) = made(&[segment(60, 1800, 100.0, 106.0), segment(0, 60, 0.0, 100.0)]);
        let energy = &values(&series, "notified", Quantity::Energy)[0];
        assert!((energy.2 - 50.616_666_666_666_67).abs() < 1e-12, "{energy:?}");
        let means: Vec<_> =
            values(&series, "notified", Quantity::MeanPower).iter().map(|one| (one.1, one.2)).collect();
        assert_eq!(means, [(60, 50.0), (1740, 103.0)]);
    }

    #[test]
    fn levels_are_kept_as_given_over_their_segment() {
        let (series, _) = made(&[segment(0, 60, -49.0, -30.0)]);
        let start = "1970-01-01T00:00:00Z".to_owned();
        assert_eq!(values(&series, "notified-level-from", Quantity::SpotPower), [(start.clone(), 60, -49.0)]);
        assert_eq!(values(&series, "notified-level-to", Quantity::SpotPower), [(start, 60, -30.0)]);
    }

    #[test]
    fn a_period_that_is_not_wholly_covered_has_no_energy() {
        let (series, notes) = made(&[segment(0, 60, 1.0, 1.0), segment(1800, 3600, 2.0, 2.0)]);
        assert_eq!(
            values(&series, "notified", Quantity::Energy),
            [("1970-01-01T00:30:00Z".into(), 1800, 1.0)]
        );
        assert_eq!(values(&series, "notified", Quantity::MeanPower).len(), 2);
        assert!(notes.lines()[0].1.contains("60 of 1800 seconds") && notes.contradiction().is_none());
    }

    #[test]
    fn the_same_segment_twice_is_one() {
        let (series, notes) = made(&[segment(0, 1800, 5.0, 5.0), segment(0, 1800, 5.0, 5.0)]);
        assert_eq!(values(&series, "notified", Quantity::Energy).len(), 1);
        assert!(notes.lines().is_empty());
    }

    #[test]
    fn segments_that_overlap_are_told_and_not_stored() {
        let (series, notes) = made(&[
            segment(0, 1800, 5.0, 5.0),
            segment(600, 700, 6.0, 6.0),
            segment(900, 1800, 7.0, 7.0),
            segment(1800, 3600, 8.0, 8.0),
        ]);
        assert_eq!(
            values(&series, "notified", Quantity::MeanPower),
            [("1970-01-01T00:30:00Z".into(), 1800, 8.0)]
        );
        assert_eq!(values(&series, "notified", Quantity::Energy).len(), 1);
        assert!(notes.contradiction().unwrap().starts_with("2 segments of PN overlap"), "{notes:?}");
    }

    #[test]
    fn two_levels_for_one_segment_leave_nothing() {
        let (series, notes) = made(&[segment(0, 1800, 5.0, 5.0), segment(0, 1800, 5.0, 6.0)]);
        assert!(series.is_empty() && notes.contradiction().is_some());
    }
}
