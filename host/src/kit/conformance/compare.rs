//! What a source returned beside what it should have: each kind of difference by itself, told so that it can be found.

use std::collections::{BTreeMap, HashMap};

use super::bench::{instant, length};
use crate::domain::{Measurement, Series, Window};

/// Differences by kind; each entry is a sentence.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Differences {
    /// Series that are there and should not be, or the other way round.
    pub(super) series: Vec<String>,
    /// Intervals missing, made up, or given twice.
    pub(super) tiles: Vec<String>,
    /// Values at another time.
    pub(super) shifted: Vec<String>,
    pub(super) disorder: Vec<String>,
    pub(super) overlaps: Vec<String>,
    pub(super) outside: Vec<String>,
    pub(super) values: Vec<String>,
}

impl Differences {
    /// All of them, the most telling first.
    pub(super) fn all(self) -> Vec<String> {
        let Self { series, tiles, shifted, disorder, overlaps, outside, values } = self;
        [series, shifted, outside, disorder, overlaps, tiles, values].concat()
    }
}

/// How far a value may be off, in parts of it: rounding of sums and factors.
const TOLERANCE: f64 = 1e-6;

pub(super) fn compare(expected: &[Series], returned: &[Series], window: Window) -> Differences {
    let mut found = Differences::default();
    let mut seen: Vec<&Series> = Vec::new();
    for series in returned {
        let name = name(series);
        if seen.iter().any(|other| same(other, series)) {
            found.series.push(format!("{name} comes twice; one series has all of its values"));
        }
        seen.push(series);
        shape(series, &name, window, &mut found);
        match expected.iter().find(|other| same(other, series)) {
            Some(expected) => content(expected, series, &name, &mut found),
            None => found.series.push(format!("{name} is not expected; expected {}", names(expected))),
        }
    }
    for series in expected.iter().filter(|series| !series.measurements.is_empty()) {
        if !returned.iter().any(|other| same(other, series)) {
            found.series.push(format!("{} is missing; returned {}", name(series), names(returned)));
        }
    }
    found
}

fn same(one: &Series, other: &Series) -> bool {
    (&one.kind, one.quantity, &one.labels) == (&other.kind, other.quantity, &other.labels)
}

fn name(series: &Series) -> String {
    let labels: String = series.labels.iter().map(|(name, value)| format!(" {name}={value}")).collect();
    format!("{} ({}{labels})", series.kind, series.quantity)
}

fn names(series: &[Series]) -> String {
    let names: Vec<_> = series.iter().map(name).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

/// What is wrong with rows whatever they should have been.
fn shape(series: &Series, name: &str, window: Window, found: &mut Differences) {
    let rows = &series.measurements;
    let outside: Vec<_> = rows
        .iter()
        .filter(|row| row.start < window.start || row.start.saturating_add(row.seconds.into()) > window.end)
        .collect();
    if let Some(first) = outside.first() {
        found.outside.push(format!(
            "{name}: {} of {} values are not wholly inside of the window, the first {}",
            outside.len(),
            rows.len(),
            interval(first)
        ));
    }
    let backward: Vec<_> = rows.windows(2).filter(|pair| pair[1].start < pair[0].start).collect();
    if let Some(pair) = backward.first() {
        found.disorder.push(format!(
            "{name}: {} times a value starts before the one that it follows, first {} after {}",
            backward.len(),
            instant(pair[1].start),
            instant(pair[0].start)
        ));
    }
    let mut sorted: Vec<_> = rows.clone();
    sorted.sort_by_key(|row| (row.start, row.seconds));
    let over: Vec<_> = sorted.windows(2).filter(|pair| pair[1].start < pair[0].end()).collect();
    if let Some(pair) = over.first() {
        found.overlaps.push(format!(
            "{name}: {} values start before another one ends, first {} beside {}",
            over.len(),
            interval(&pair[1]),
            interval(&pair[0])
        ));
    }
    if let Some(row) = rows.iter().find(|row| !row.value.is_finite() || row.seconds == 0) {
        found.values.push(format!("{name}: {} over {} s is no measurement", row.value, row.seconds));
    }
}

fn content(expected: &Series, returned: &Series, name: &str, found: &mut Differences) {
    let key = |row: &Measurement| (row.start, row.seconds);
    let wanted: BTreeMap<_, _> = expected.measurements.iter().map(|row| (key(row), row.value)).collect();
    let mut counts: BTreeMap<(i64, u32), usize> = BTreeMap::new();
    for row in &returned.measurements {
        *counts.entry(key(row)).or_default() += 1;
    }
    let total = wanted.len();
    let mut tell = |what: &str, all: Vec<&(i64, u32)>| {
        let Some((start, seconds)) = all.first() else { return };
        let first = interval(&Measurement { start: *start, seconds: *seconds, value: 0.0 });
        found
            .tiles
            .push(format!("{name}: {} intervals {what} (of {total} expected), first {first}", all.len()));
    };
    tell("are missing", wanted.keys().filter(|key| !counts.contains_key(key)).collect());
    tell("are made up", counts.keys().filter(|key| !wanted.contains_key(key)).collect());
    tell("come twice", counts.iter().filter(|(_, count)| **count > 1).map(|(key, _)| key).collect());
    if let Some(late) = shift(expected, returned) {
        found.shifted.push(format!(
            "{name}: values come {} {} than the upstream has them",
            length(late.abs()),
            if late > 0 { "later" } else { "earlier" }
        ));
    }
    let differs = |row: &&Measurement| wanted.get(&key(row)).is_some_and(|value| !close(*value, row.value));
    let wrong: Vec<_> = returned.measurements.iter().filter(differs).collect();
    if let Some(row) = wrong.first() {
        let value = wanted.get(&key(row)).copied().unwrap_or_default();
        found.values.push(format!(
            "{name}: {} of {total} values are not the upstream's, first at {}: {} instead of {value}",
            wrong.len(),
            instant(row.start),
            row.value
        ));
    }
}

fn close(expected: f64, returned: f64) -> bool {
    (expected - returned).abs() <= TOLERANCE * expected.abs().max(1e-3)
}

/// By how much most values are off in time, if they are: made-up values hardly ever repeat, so that each tells its time.
fn shift(expected: &Series, returned: &Series) -> Option<i64> {
    let rounded = |value: f64| (value * 1e6).round() as i64;
    let mut times: HashMap<i64, Option<i64>> = HashMap::new();
    for row in &expected.measurements {
        times.entry(rounded(row.value)).and_modify(|time| *time = None).or_insert(Some(row.start));
    }
    let mut shifts: HashMap<i64, usize> = HashMap::new();
    for row in &returned.measurements {
        if let Some(Some(start)) = times.get(&rounded(row.value)) {
            *shifts.entry(row.start.saturating_sub(*start)).or_default() += 1;
        }
    }
    let (shift, count) = shifts.into_iter().max_by_key(|(shift, count)| (*count, -shift.abs()))?;
    (shift != 0 && count * 2 > returned.measurements.len().min(expected.measurements.len())).then_some(shift)
}

fn interval(row: &Measurement) -> String {
    format!("{} for {}", instant(row.start), length(row.seconds.into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Labels, Quantity};

    const WINDOW: Window = Window { start: 0, end: 36_000 };

    fn series(rows: impl IntoIterator<Item = (i64, f64)>) -> Series {
        let row = |(hour, value)| Measurement { start: hour * 3600, seconds: 3600, value };
        Series {
            kind: "generation".into(),
            quantity: Quantity::Energy,
            labels: Labels::new(),
            measurements: rows.into_iter().map(row).collect(),
        }
    }

    fn hours() -> Vec<(i64, f64)> {
        (0..10).map(|hour| (hour, 1.5 + hour as f64)).collect()
    }

    fn of(returned: Vec<(i64, f64)>) -> Differences {
        compare(&[series(hours())], &[series(returned)], WINDOW)
    }

    #[test]
    fn what_is_as_expected_has_no_difference() {
        assert_eq!(of(hours()), Differences::default());
    }

    #[test]
    fn each_difference_is_told_by_its_kind() {
        let found = of(hours().into_iter().filter(|(hour, _)| *hour != 3).collect());
        assert_eq!(
            found.tiles,
            [
                "generation (energy): 1 intervals are missing (of 10 expected), first 1970-01-01T03:00:00Z for 1 h"
            ]
        );
        let later = of(hours().into_iter().map(|(hour, value)| (hour + 1, value)).collect());
        assert!(later.shifted[0].contains("1 h later") && later.outside[0].contains("1 of 10"), "{later:?}");
        let mut backward = hours();
        backward.swap(4, 5);
        assert!(of(backward).disorder[0].contains("1 times"));
        let mut twice = hours();
        twice.insert(2, (1, 2.5));
        let twice = of(twice);
        assert!(twice.tiles[0].contains("come twice") && twice.overlaps[0].contains("1 values"), "{twice:?}");
        let mut wrong = hours();
        wrong[7].1 = 0.0;
        assert!(of(wrong).values[0].contains("0 instead of 8.5"));
        let other = Series { kind: "consumption".into(), ..series(hours()) };
        let found = compare(&[series(hours())], &[other], WINDOW);
        assert!(found.series[0].contains("not expected") && found.series[1].contains("missing"), "{found:?}");
    }

    #[test]
    fn rounding_is_no_difference() {
        assert_eq!(
            of(hours().into_iter().map(|(h, v)| (h, v * 3.0 / 3.0 + 1e-9)).collect()),
            Differences::default()
        );
    }
}
