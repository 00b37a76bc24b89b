//! What differs between two outcomes: series by series, in numbers for machines and in words for people.

use std::{collections::BTreeMap, fmt};

use chrono::{DateTime, SecondsFormat};
use serde::Serialize;

use super::made::Made;
use crate::domain::{Labels, Measurement, Quantity};

/// So many measurements of a series are told of one by one; all are counted.
const EXAMPLES: usize = 10;

/// What differs.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Difference {
    /// Where one of the two is a failure, or both are: the failure before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure_before: Option<String>,
    /// And after.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure_after: Option<String>,
    /// Measurements that are new.
    pub added: u64,
    /// Measurements that are gone.
    pub removed: u64,
    /// Measurements that start as before, with another value or length.
    pub changed: u64,
    /// Where.
    pub series: Vec<SeriesDifference>,
}

/// What differs in a series.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SeriesDifference {
    /// The code of its unit, where there are many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// What is measured.
    pub kind: String,
    /// How.
    pub quantity: Quantity,
    /// What else tells it from its siblings.
    pub labels: Labels,
    /// Measurements that are new.
    pub added: u64,
    /// Measurements that are gone.
    pub removed: u64,
    /// Measurements that start as before, with another value or length.
    pub changed: u64,
    /// The first of them.
    pub examples: Vec<Example>,
}

/// A measurement before and after.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Example {
    /// Where its interval begins, in seconds since 1970-01-01T00:00:00Z.
    pub start: i64,
    /// What was there.
    pub old: Option<Reading>,
    /// What is there.
    pub new: Option<Reading>,
}

/// A value over the length of its interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Reading {
    /// Length of the interval.
    pub seconds: u32,
    /// The value.
    pub value: f64,
}

type Identity = (Option<String>, String, Quantity, Labels);

impl Difference {
    /// Compares. Structure, times, labels and failures count exactly, values up to `tolerance` times their size.
    /// Series count by what they are and not by their place.
    pub fn between(old: &Made, new: &Made, tolerance: f64) -> Self {
        let failure = |made: &Made| match made {
            Made::Failure { case, message } => Some(format!("{case}: {message}")),
            Made::Series(_) | Made::Units(_) => None,
        };
        let (failure_before, failure_after) = match (failure(old), failure(new)) {
            (before, after) if before == after => (None, None),
            different => different,
        };
        let (old, new) = (by_identity(old), by_identity(new));
        let identities: std::collections::BTreeSet<_> = old.keys().chain(new.keys()).collect();
        let none = Vec::new();
        let mut all = Self { failure_before, failure_after, ..Self::default() };
        for identity in identities {
            let rows = (old.get(identity).unwrap_or(&none), new.get(identity).unwrap_or(&none));
            let series = SeriesDifference::between(identity, rows.0, rows.1, tolerance);
            if series.added + series.removed + series.changed > 0 {
                all.added += series.added;
                all.removed += series.removed;
                all.changed += series.changed;
                all.series.push(series);
            }
        }
        all
    }

    /// In one line, in numbers.
    pub fn summary(&self) -> String {
        let failure = match (&self.failure_before, &self.failure_after) {
            (Some(_), Some(_)) => Some("another failure"),
            (None, Some(_)) => Some("a failure in place of records"),
            (Some(_), None) => Some("records in place of a failure"),
            (None, None) => None,
        };
        let counts = counts(self.added, self.removed, self.changed);
        let parts = failure.map(str::to_owned).into_iter().chain((!counts.is_empty()).then_some(counts));
        parts.collect::<Vec<_>>().join("; ")
    }

    /// Whether there is none.
    pub fn is_none(&self) -> bool {
        self.failure_before.is_none() && self.failure_after.is_none() && self.series.is_empty()
    }
}

fn by_identity(made: &Made) -> BTreeMap<Identity, Vec<Measurement>> {
    let mut all: BTreeMap<Identity, Vec<Measurement>> = BTreeMap::new();
    for (unit, series) in made.series() {
        let identity = (unit.map(str::to_owned), series.kind.clone(), series.quantity, series.labels.clone());
        all.entry(identity).or_default().extend(&series.measurements);
    }
    all.values_mut().for_each(|rows| rows.sort_by_key(|row| row.start));
    all
}

impl SeriesDifference {
    fn between(
        (unit, kind, quantity, labels): &Identity,
        old: &[Measurement],
        new: &[Measurement],
        tolerance: f64,
    ) -> Self {
        let mut found = Self {
            unit: unit.clone(),
            kind: kind.clone(),
            quantity: *quantity,
            labels: labels.clone(),
            added: 0,
            removed: 0,
            changed: 0,
            examples: Vec::new(),
        };
        let (mut old, mut new) = (old.iter().peekable(), new.iter().peekable());
        loop {
            let pair = match (old.peek(), new.peek()) {
                (None, None) => return found,
                (Some(before), Some(after)) if before.start == after.start => (old.next(), new.next()),
                (Some(before), Some(after)) if before.start > after.start => (None, new.next()),
                (None, Some(_)) => (None, new.next()),
                (Some(_), _) => (old.next(), None),
            };
            found.take(pair.0, pair.1, tolerance);
        }
    }

    fn take(&mut self, old: Option<&Measurement>, new: Option<&Measurement>, tolerance: f64) {
        let Some(start) = old.or(new).map(|row| row.start) else { return };
        let count = match (old, new) {
            (Some(old), Some(new))
                if old.seconds == new.seconds && alike(old.value, new.value, tolerance) =>
            {
                return;
            }
            (Some(_), Some(_)) => &mut self.changed,
            (Some(_), None) => &mut self.removed,
            (None, _) => &mut self.added,
        };
        *count += 1;
        if self.examples.len() < EXAMPLES {
            let reading = |row: &Measurement| Reading { seconds: row.seconds, value: row.value };
            self.examples.push(Example { start, old: old.map(reading), new: new.map(reading) });
        }
    }

    fn all(&self) -> u64 {
        self.added + self.removed + self.changed
    }
}

/// Whether two values are one. What is no number is like itself alone.
fn alike(old: f64, new: f64, tolerance: f64) -> bool {
    old == new
        || (old.is_nan() && new.is_nan())
        || (old - new).abs() <= tolerance * old.abs().max(new.abs()) && (old - new).is_finite()
}

/// `3 added, 1 changed`; nothing of what is not there.
fn counts(added: u64, removed: u64, changed: u64) -> String {
    let counts = [(added, "added"), (removed, "removed"), (changed, "changed")];
    let counts = counts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}"));
    counts.collect::<Vec<_>>().join(", ")
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.failure_before, &self.failure_after) {
            (Some(before), Some(after)) => writeln!(f, "another failure: {before}\n  now: {after}")?,
            (None, Some(after)) => writeln!(f, "a failure in place of records: {after}")?,
            (Some(before), None) => writeln!(f, "records in place of a failure: {before}")?,
            (None, None) => {}
        }
        self.series.iter().try_for_each(|series| write!(f, "{series}"))
    }
}

impl fmt::Display for SeriesDifference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(unit) = &self.unit {
            write!(f, "{unit} ")?;
        }
        write!(f, "{} {}", self.kind, self.quantity)?;
        for (name, value) in &self.labels {
            write!(f, " {name}={value}")?;
        }
        writeln!(f, ": {}", counts(self.added, self.removed, self.changed))?;
        let unit = self.quantity.unit();
        for Example { start, old, new } in &self.examples {
            let at = DateTime::from_timestamp(*start, 0)
                .map_or_else(|| start.to_string(), |at| at.to_rfc3339_opts(SecondsFormat::Secs, true));
            match (old, new) {
                (Some(old), Some(new)) if old.seconds != new.seconds => {
                    writeln!(
                        f,
                        "  {at}  {} {unit} over {} s → {} {unit} over {} s",
                        old.value, old.seconds, new.value, new.seconds
                    )?;
                }
                (Some(old), Some(new)) => writeln!(f, "  {at}  {} → {} {unit}", old.value, new.value)?,
                (Some(old), None) => writeln!(f, "  {at}  removed: {} {unit}", old.value)?,
                (None, Some(new)) => writeln!(f, "  {at}  added: {} {unit}", new.value)?,
                (None, None) => {}
            }
        }
        match self.all().saturating_sub(self.examples.len() as u64) {
            0 => Ok(()),
            more => writeln!(f, "  … and {more} more"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Series;

    fn made(kind: &str, rows: &[(i64, u32, f64)]) -> Made {
        let rows = rows.iter().map(|&(start, seconds, value)| Measurement { start, seconds, value });
        let (kind, quantity, labels) = (kind.to_owned(), Quantity::MeanPower, Labels::new());
        Made::Series(vec![Series { kind, quantity, labels, measurements: rows.collect() }])
    }

    #[test]
    fn each_measurement_is_the_same_or_added_or_removed_or_changed() {
        let old = made("generation", &[(0, 900, 1.0), (900, 900, 2.0), (1800, 900, 3.0), (2700, 900, 4.0)]);
        let new =
            made("generation", &[(900, 900, 2.0), (1800, 900, 3.5), (2700, 1800, 4.0), (4500, 900, 5.0)]);
        let found = Difference::between(&old, &new, 1e-9);
        assert_eq!((found.added, found.removed, found.changed), (1, 1, 2));
        assert_eq!(
            found.to_string(),
            "generation mean-power: 1 added, 1 removed, 2 changed\n\
             \x20 1970-01-01T00:00:00Z  removed: 1 MW\n\
             \x20 1970-01-01T00:30:00Z  3 → 3.5 MW\n\
             \x20 1970-01-01T00:45:00Z  4 MW over 900 s → 4 MW over 1800 s\n\
             \x20 1970-01-01T01:15:00Z  added: 5 MW\n"
        );
        assert!(Difference::between(&old, &old, 0.0).is_none());
    }

    #[test]
    fn a_series_of_another_name_is_another_series() {
        let rows = [(0, 900, 1.0), (900, 900, 2.0)];
        let found = Difference::between(&made("a", &rows), &made("b", &rows), 1e-9);
        assert_eq!((found.added, found.removed, found.changed, found.series.len()), (2, 2, 0, 2));
    }

    #[test]
    fn values_may_differ_by_the_tolerance_and_no_more() {
        let differs = |old, new, tolerance| {
            !Difference::between(&made("a", &[(0, 900, old)]), &made("a", &[(0, 900, new)]), tolerance)
                .is_none()
        };
        assert!(!differs(1e6, 1e6 + 1e-4, 1e-9) && differs(1e6, 1e6 + 1e-2, 1e-9));
        assert!(differs(1.0, 1.0 + f64::EPSILON, 0.0) && !differs(0.0, -0.0, 0.0));
        assert!(!differs(f64::NAN, f64::NAN, 0.0) && differs(f64::NAN, 0.0, 1e-9));
        assert!(differs(f64::INFINITY, f64::MAX, 1e-9) && !differs(f64::INFINITY, f64::INFINITY, 0.0));
    }

    #[test]
    fn failures_are_told_in_words() {
        let (records, none) = (made("a", &[(0, 900, 1.0)]), Made::failure("no-data", "nothing"));
        let text = |old, new| Difference::between(old, new, 0.0).to_string();
        assert_eq!(
            text(&records, &none),
            "a failure in place of records: no-data: nothing\na mean-power: 1 removed\n  1970-01-01T00:00:00Z  removed: 1 MW\n"
        );
        assert!(text(&none, &records).starts_with("records in place of a failure: no-data: nothing\n"));
        let other = Made::failure("no-data", "nothing at all");
        assert_eq!(
            text(&none, &other),
            "another failure: no-data: nothing\n  now: no-data: nothing at all\n"
        );
        assert!(Difference::between(&none, &none, 0.0).is_none());
    }

    #[test]
    fn the_first_ten_are_shown_and_all_are_counted() {
        let rows: Vec<_> = (0..25).map(|n| (n * 900, 900, 1.0)).collect();
        let text = Difference::between(&made("a", &rows), &made("a", &[]), 0.0).to_string();
        assert_eq!(text.lines().count(), 12);
        assert!(text.ends_with("  … and 15 more\n"), "{text}");
    }
}
