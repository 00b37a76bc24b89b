//! B1610, actual generation output per unit: metered energy per settlement period.
//!
//! `quantity` is MWh in the half hour, positive, zero or negative (a unit that takes more than it gives). Values
//! are revised by settlement runs for 14 months and more; upstream serves the run in force only, and says
//! which since 2026. Each run is its own series, told apart by the label `settlement-run`.

use std::collections::{BTreeMap, BTreeSet};

use backfill_guest::{Failure, Month, Quantity, Series, time};
use serde::Deserialize;

use crate::answer::Text;
use crate::bm_unit::{BmUnit, Ids};
use crate::notes::{Notes, Tally};
use crate::settlement::{Calendar, PERIOD_SECONDS};

/// Settlement runs in the order that they supersede each other.
const RUNS: [&str; 7] = ["II", "SF", "R1", "R2", "R3", "RF", "DF"];

/// A row of B1610, less what isn't needed here.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Row<'a> {
    #[serde(borrow)]
    bm_unit: Option<Text<'a>>,
    #[serde(borrow)]
    national_grid_bm_unit_id: Option<Text<'a>>,
    #[serde(borrow)]
    settlement_date: Text<'a>,
    settlement_period: u32,
    /// UTC without saying so; the end of the half hour.
    #[serde(borrow)]
    half_hour_end_time: Option<Text<'a>>,
    #[serde(borrow)]
    settlement_run_type: Option<Text<'a>>,
    quantity: Option<f64>,
}

impl Row<'_> {
    pub(crate) fn ids(&self) -> Ids<'_> {
        Ids { elexon: self.bm_unit.as_deref(), national_grid: self.national_grid_bm_unit_id.as_deref() }
    }

    /// For messages.
    fn name(&self) -> String {
        format!("B1610 row {} {} SP{}", self.ids().name(), &*self.settlement_date, self.settlement_period)
    }

    /// Start of the half hour. Settlement date and period say it; `halfHourEndTime` must agree, since a row whose
    /// own fields differ may be an hour off, and so may every other row of the answer.
    fn start(&self, calendar: &mut Calendar) -> Result<i64, Failure> {
        let start = calendar
            .start(&self.settlement_date, self.settlement_period)
            .map_err(|why| Failure::Malformed(format!("{}: {why}", self.name())))?;
        let Some(end) = self.half_hour_end_time.as_deref() else { return Ok(start) };
        let expected = start + i64::from(PERIOD_SECONDS);
        if time::parse_utc(end) == Some(expected) {
            return Ok(start);
        }
        let expected = time::format_utc(expected);
        let name = self.name();
        Err(Failure::Malformed(format!(
            "{name}: halfHourEndTime is {end:?}, but that period ends at {expected}"
        )))
    }
}

/// A run's place in the order of runs, and its name; a row without a run comes first, an unknown run last.
fn run<'a>(row: &'a Row<'_>) -> (usize, Option<&'a str>) {
    match row.settlement_run_type.as_deref().map(str::trim).filter(|name| !name.is_empty()) {
        None => (0, None),
        Some(name) => (1 + RUNS.iter().position(|run| *run == name).unwrap_or(RUNS.len()), Some(name)),
    }
}

/// `generation` as energy, one series per settlement run; nothing if no row is about the unit and the month.
pub(crate) fn series(
    rows: &[Row<'_>],
    unit: &BmUnit,
    month: &Month,
    notes: &mut Notes,
) -> Result<Vec<Series>, Failure> {
    let mut calendar = Calendar::default();
    let mut runs: BTreeMap<_, Vec<(i64, f64)>> = BTreeMap::new();
    let (mut missing, mut others) = (Tally::default(), Tally::default());
    for row in rows {
        if !unit.is(row.ids()) {
            others.add(|| row.name());
            continue;
        }
        let start = row.start(&mut calendar)?;
        if start < month.start || start + i64::from(PERIOD_SECONDS) > month.end {
            continue;
        }
        match row.quantity {
            Some(quantity) => runs.entry(run(row)).or_default().push((start, quantity)),
            None => missing.add(|| row.name()),
        }
    }
    let mut conflicts = Tally::default();
    let series: Vec<_> = runs
        .into_iter()
        .map(|((_, run), values)| of_run(run, values, &mut conflicts))
        .filter(|series| !series.measurements.is_empty())
        .collect();
    notes.warn_of(&conflicts, "half hours of B1610 have several values in one run and are left out");
    notes.info_of(&missing, "rows of B1610 have no quantity");
    notes.info_of(&others, "rows of B1610 are about other units and are ignored");
    let expected = (month.end - month.start) / i64::from(PERIOD_SECONDS);
    let covered: BTreeSet<_> =
        series.iter().flat_map(|one| &one.measurements).map(|measurement| measurement.start).collect();
    if !series.is_empty() && covered.len() as i64 != expected {
        notes.info(format!("B1610 has {} of the {expected} half hours of {}", covered.len(), month.label()));
    }
    Ok(series)
}

/// The series of one run: in order, a repeated value once, and none where several contradict each other.
fn of_run(run: Option<&str>, mut values: Vec<(i64, f64)>, conflicts: &mut Tally) -> Series {
    values.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
    values.dedup();
    let mut series = Series::new("generation", Quantity::Energy);
    if let Some(run) = run {
        series = series.label("settlement-run", run);
    }
    for same_start in values.chunk_by(|a, b| a.0 == b.0) {
        match same_start {
            [(start, value)] => series.push(*start, PERIOD_SECONDS, *value),
            _ => conflicts.add(|| describe_conflict(run, same_start)),
        }
    }
    series
}

fn describe_conflict(run: Option<&str>, values: &[(i64, f64)]) -> String {
    let start = values.first().map_or_else(String::new, |(start, _)| time::format_utc(*start));
    let values: Vec<_> = values.iter().map(|(_, value)| value.to_string()).collect();
    format!("{start} run {}: {} MWh", run.unwrap_or("unnamed"), values.join(" and "))
}

#[cfg(test)]
#[path = "b1610_tests.rs"]
mod tests;
