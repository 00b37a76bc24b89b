//! Which rows of an answer may be stored.
//!
//! A source is somebody else's code reading somebody else's data, so every row is checked before the commit. A
//! bad row is left out, counted and shown, and the others are kept: one wrong value must not cost a month.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Labels, Measurement, Quantity, Series, Window};

/// How far mean power may exceed the rated capacity: turbines and meters do overshoot, wrong units do by factors
/// (monthly totals stored as hourly values were 458 times the capacity).
pub const PLAUSIBLE_OVER_CAPACITY: f64 = 1.3;

/// How many rejected rows of one reason are kept for people; the counts are always whole.
const SAMPLE_PER_REASON: u64 = 10;

/// Why a row is not stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RejectionReason {
    /// The value is not a number, or infinite.
    NotFinite,
    /// The interval has no length.
    EmptyInterval,
    /// The interval is not wholly inside the window asked for.
    OutsideWindow,
    /// It starts before the row before it.
    OutOfOrder,
    /// It starts with the row before it.
    Duplicate,
    /// It starts before the row before it ends.
    Overlap,
    /// More power than [`PLAUSIBLE_OVER_CAPACITY`] times the capacity, either way.
    ImplausiblePower,
    /// Another series of the same kind, quantity and labels in the same answer covers the same time.
    ConflictingSeries,
    /// Its series has no kind.
    UnnamedKind,
}

impl RejectionReason {
    /// The word in the store and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotFinite => "not-finite",
            Self::EmptyInterval => "empty-interval",
            Self::OutsideWindow => "outside-window",
            Self::OutOfOrder => "out-of-order",
            Self::Duplicate => "duplicate",
            Self::Overlap => "overlap",
            Self::ImplausiblePower => "implausible-power",
            Self::ConflictingSeries => "conflicting-series",
            Self::UnnamedKind => "unnamed-kind",
        }
    }
}

/// A row that is not stored.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Rejection {
    /// Of its series.
    pub kind: String,
    /// Of its series.
    pub quantity: Quantity,
    /// Of its series.
    pub labels: Labels,
    /// As the source gave it, seconds since 1970-01-01T00:00:00Z.
    pub start: i64,
    /// As the source gave it.
    pub seconds: u32,
    /// As the source gave it, as text: JSON has no infinity.
    pub value: String,
    /// Why.
    pub reason: RejectionReason,
}

/// An answer, divided.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Validated {
    /// Series to store: each identity once, rows ordered and without overlaps; none is empty.
    pub accepted: Vec<Series>,
    /// The first ten rejected rows of each reason.
    pub sample: Vec<Rejection>,
    /// How many rows were rejected, by reason.
    pub rejected: BTreeMap<RejectionReason, u64>,
}

impl Validated {
    /// Rows to store.
    pub fn accepted_rows(&self) -> u64 {
        self.accepted.iter().map(|series| series.measurements.len() as u64).sum()
    }

    /// Rows left out.
    pub fn rejected_rows(&self) -> u64 {
        self.rejected.values().sum()
    }

    /// Why nothing of it can be stored; none if something can.
    pub fn refusal(&self) -> Option<String> {
        let counted = self.rejected.iter().map(|(reason, count)| format!("{count} {}", reason.as_str()));
        let counted = || counted.collect::<Vec<_>>().join(", ");
        self.accepted.is_empty().then(|| format!("every value was rejected: {}", counted()))
    }

    fn reject(&mut self, series: &Series, row: &Measurement, reason: RejectionReason) {
        let count = self.rejected.entry(reason).or_default();
        *count += 1;
        if *count <= SAMPLE_PER_REASON {
            self.sample.push(Rejection {
                kind: series.kind.clone(),
                quantity: series.quantity,
                labels: series.labels.clone(),
                start: row.start,
                seconds: row.seconds,
                value: row.value.to_string(),
                reason,
            });
        }
    }
}

/// Divides an answer into what may be stored and what may not. A capacity that is unknown, or not above zero,
/// bounds nothing. Series of one identity are joined where their rows don't overlap; else the first stands.
pub fn validate(window: Window, capacity_mw: Option<f64>, answer: Vec<Series>) -> Validated {
    let bound =
        capacity_mw.filter(|capacity| *capacity > 0.0).map(|capacity| capacity * PLAUSIBLE_OVER_CAPACITY);
    let mut result = Validated::default();
    for mut series in answer {
        let rows = std::mem::take(&mut series.measurements);
        let mut kept: Vec<Measurement> = Vec::with_capacity(rows.len());
        for row in rows {
            match fault(&series, window, bound, kept.last(), &row) {
                Some(reason) => result.reject(&series, &row, reason),
                None => kept.push(row),
            }
        }
        join(&mut result, series, kept);
    }
    result
}

/// What is wrong with a row that would follow `last`, if anything.
fn fault(
    series: &Series,
    window: Window,
    bound: Option<f64>,
    last: Option<&Measurement>,
    row: &Measurement,
) -> Option<RejectionReason> {
    // The start is checked before its end is computed: a wild start would overflow.
    let inside = window.start <= row.start && row.start < window.end && row.end() <= window.end;
    let reason = if series.kind.is_empty() {
        RejectionReason::UnnamedKind
    } else if !row.value.is_finite() {
        RejectionReason::NotFinite
    } else if row.seconds == 0 {
        RejectionReason::EmptyInterval
    } else if !inside {
        RejectionReason::OutsideWindow
    } else if last.is_some_and(|last| row.start < last.start) {
        RejectionReason::OutOfOrder
    } else if last.is_some_and(|last| row.start == last.start) {
        RejectionReason::Duplicate
    } else if last.is_some_and(|last| row.start < last.end()) {
        RejectionReason::Overlap
    } else if bound.is_some_and(|bound| series.quantity.as_mw(row.value, row.seconds).abs() > bound) {
        RejectionReason::ImplausiblePower
    } else {
        return None;
    };
    Some(reason)
}

/// Adds rows to the accepted series of the same identity, all of them or none.
fn join(result: &mut Validated, mut series: Series, rows: Vec<Measurement>) {
    if rows.is_empty() {
        return;
    }
    let same = |other: &&mut Series| {
        other.kind == series.kind && other.quantity == series.quantity && other.labels == series.labels
    };
    let Some(first) = result.accepted.iter_mut().find(same) else {
        series.measurements = rows;
        result.accepted.push(series);
        return;
    };
    let mut both: Vec<_> = first.measurements.iter().chain(&rows).copied().collect();
    both.sort_by_key(|row| row.start);
    if both.is_sorted_by(|a, b| a.end() <= b.start) {
        first.measurements = both;
    } else {
        for row in &rows {
            result.reject(&series, row, RejectionReason::ConflictingSeries);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const WINDOW: Window = Window { start: 0, end: 36_000 };

    fn series(quantity: Quantity, rows: &[(i64, u32, f64)]) -> Series {
        Series {
            kind: "generation".to_owned(),
            quantity,
            labels: Labels::new(),
            measurements: rows
                .iter()
                .map(|&(start, seconds, value)| Measurement { start, seconds, value })
                .collect(),
        }
    }

    fn reasons(capacity: Option<f64>, answer: Vec<Series>) -> Vec<(i64, RejectionReason)> {
        validate(WINDOW, capacity, answer).sample.iter().map(|row| (row.start, row.reason)).collect()
    }

    #[test]
    fn each_bad_row_is_left_out_with_its_reason_and_the_others_stay() {
        let answer = series(
            Quantity::MeanPower,
            &[
                (-900, 900, 1.0),
                (0, 900, 1.0),
                (900, 0, 1.0),
                (900, 900, f64::NAN),
                (900, 900, f64::NEG_INFINITY),
                (900, 1800, 2.0),
                (900, 900, 2.0),
                (0, 900, 1.0),
                (1800, 900, 1.0),
                (2700, 900, 131.0),
                (3600, 900, -131.0),
                (4500, 900, 130.0),
                (35_100, 901, 1.0),
                (i64::MAX, u32::MAX, 1.0),
                (i64::MIN, 1, 1.0),
                (35_100, 900, 3.0),
            ],
        );
        let result = validate(WINDOW, Some(100.0), vec![answer]);
        let kept: Vec<_> = result.accepted[0].measurements.iter().map(|row| row.start).collect();
        assert_eq!(kept, [0, 900, 4500, 35_100]);
        let expected = [
            (RejectionReason::NotFinite, 2),
            (RejectionReason::EmptyInterval, 1),
            (RejectionReason::OutsideWindow, 4),
            (RejectionReason::OutOfOrder, 1),
            (RejectionReason::Duplicate, 1),
            (RejectionReason::Overlap, 1),
            (RejectionReason::ImplausiblePower, 2),
        ];
        assert_eq!(result.rejected, BTreeMap::from(expected));
    }

    #[test]
    fn energy_is_judged_as_the_power_that_it_means() {
        let half_hours = series(Quantity::Energy, &[(0, 1800, 65.0), (1800, 1800, 65.1), (3600, 1800, 50.0)]);
        assert_eq!(reasons(Some(100.0), vec![half_hours]), [(1800, RejectionReason::ImplausiblePower)]);
        let whole_window = series(Quantity::Energy, &[(0, 36_000, 1000.0)]);
        assert_eq!(reasons(Some(100.0), vec![whole_window]), []);
    }

    #[test]
    fn an_unknown_capacity_bounds_nothing() {
        for capacity in [None, Some(0.0), Some(-5.0), Some(f64::NAN)] {
            assert_eq!(reasons(capacity, vec![series(Quantity::MeanPower, &[(0, 900, 1e12)])]), []);
        }
    }

    #[test]
    fn series_of_one_identity_are_joined_if_disjoint_and_else_the_first_stands() {
        let (late, early) = ([(900, 900, 2.0)], [(0, 900, 1.0)]);
        let two = vec![series(Quantity::MeanPower, &late), series(Quantity::MeanPower, &early)];
        let joined = validate(WINDOW, None, two);
        assert_eq!(joined.accepted, [series(Quantity::MeanPower, &[(0, 900, 1.0), (900, 900, 2.0)])]);

        let conflict = vec![
            series(Quantity::MeanPower, &late),
            series(Quantity::MeanPower, &[(0, 900, 1.0), (900, 900, 3.0)]),
        ];
        let result = validate(WINDOW, None, conflict);
        assert_eq!(result.accepted, [series(Quantity::MeanPower, &late)]);
        assert_eq!(result.rejected, BTreeMap::from([(RejectionReason::ConflictingSeries, 2)]));
    }

    #[test]
    fn a_series_without_a_kind_is_left_out_whole() {
        let mut unnamed = series(Quantity::MeanPower, &[(0, 900, 1.0)]);
        unnamed.kind.clear();
        assert_eq!(reasons(None, vec![unnamed]), [(0, RejectionReason::UnnamedKind)]);
    }

    #[test]
    fn the_sample_is_bounded_and_the_count_is_not() {
        let rows: Vec<_> = (0..1000).map(|n| (n, 0, 1.0)).collect();
        let result = validate(WINDOW, None, vec![series(Quantity::MeanPower, &rows)]);
        assert_eq!((result.sample.len() as u64, result.rejected_rows()), (SAMPLE_PER_REASON, 1000));
    }

    fn any_series() -> impl Strategy<Value = Series> {
        let value = prop_oneof![Just(f64::NAN), Just(f64::INFINITY), -300.0..300.0f64];
        let start = prop_oneof![Just(i64::MAX), Just(i64::MIN), (-10..50i64).prop_map(|n| n * 900)];
        let seconds = prop_oneof![Just(0u32), Just(u32::MAX), Just(900), Just(1800)];
        (prop::bool::ANY, prop::collection::vec((start, seconds, value), 0..40), prop::bool::ANY).prop_map(
            |(energy, mut rows, sorted)| {
                if sorted {
                    rows.sort_by_key(|row| row.0);
                }
                series(if energy { Quantity::Energy } else { Quantity::MeanPower }, &rows)
            },
        )
    }

    proptest! {
        #[test]
        fn whatever_comes_in_accepted_rows_are_sound_and_every_row_is_accounted_for(
            answer in prop::collection::vec(any_series(), 0..5),
            capacity in prop::option::of(1.0..200.0f64),
        ) {
            let total: u64 = answer.iter().map(|series| series.measurements.len() as u64).sum();
            let result = validate(WINDOW, capacity, answer);
            prop_assert_eq!(result.accepted_rows() + result.rejected_rows(), total);
            for series in &result.accepted {
                prop_assert!(!series.measurements.is_empty());
                prop_assert!(series.measurements.is_sorted_by(|a, b| a.end() <= b.start));
                for row in &series.measurements {
                    prop_assert!(row.value.is_finite() && row.seconds > 0 && WINDOW.covers(row.start, row.end()));
                    let mw = series.quantity.as_mw(row.value, row.seconds).abs();
                    prop_assert!(capacity.is_none_or(|capacity| mw <= capacity * PLAUSIBLE_OVER_CAPACITY));
                }
            }
            // What was accepted is accepted again, unchanged.
            let again = validate(WINDOW, capacity, result.accepted.clone());
            prop_assert_eq!(again, Validated { accepted: result.accepted, ..Validated::default() });
        }
    }
}
