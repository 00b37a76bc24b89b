//! From one live report to a value for each unit that is asked for.

use std::collections::BTreeMap;

use backfill_guest::{Failure, Level, Quantity, Series, Unit};

use crate::energy_type::EnergyType;
use crate::faults;
use crate::snapshot::{Row, Snapshot};
use crate::{ten_minute, unit};

/// A report whose stamp is this far from the clock, in seconds, is worth a line in the log.
const STALE_FROM: i64 = 3600;

/// The values by unit code, or why there are none; and what the log should say.
pub(crate) struct Collected {
    pub(crate) outcome: Result<Vec<(String, Vec<Series>)>, Failure>,
    pub(crate) notes: Vec<(Level, String)>,
}

/// Why a unit has no value in this report.
enum Without {
    /// Its type's block, or its own value, is faulty.
    Refused(String),
    /// Not measured, not shown, or not told apart.
    Nothing(String),
}

/// Picks the units' values, each keyed by the report's own stamp, so that a report that is read twice, or a
/// feed that stands still, adds nothing. `now` is in seconds of UTC.
///
/// Fails with `malformed` if faults left nothing, and with `no-data` if there was nothing to begin with.
pub(crate) fn collect(snapshot: &Snapshot, units: &[Unit], now: i64) -> Collected {
    let refused = faults::refused_types(snapshot);
    let mut notes = about(snapshot, now);
    for (energy_type, reason) in &refused {
        notes.push((Level::Error, format!("the report's {energy_type} values are refused: {reason}")));
    }
    let mut values: BTreeMap<&str, Vec<(&Row, f64)>> = BTreeMap::new();
    let (mut faulty, mut nothing) = (Vec::new(), Vec::new());
    for unit in units {
        match value(snapshot, &refused, unit) {
            Ok(found) => values.entry(&unit.code).or_default().push(found),
            Err(Without::Refused(why)) => faulty.push(format!("{}: {why}", unit.code)),
            Err(Without::Nothing(why)) => nothing.push(format!("{}: {why}", unit.code)),
        }
    }
    let mut series = Vec::new();
    for (code, found) in values {
        match &found[..] {
            // Phases of one station share its code and its value.
            [(first, output), others @ ..] if others.iter().all(|(row, _)| row.station == first.station) => {
                series.push((code.to_owned(), vec![spot_power(snapshot.at, *output)]));
            }
            _ => nothing.push(format!(
                "{code}: units of this code mean different stations; give them different codes, e.g. with 風力 or 太陽光電 at the end",
            )),
        }
    }
    let outcome = match (series.is_empty(), faulty.is_empty(), nothing.is_empty()) {
        (true, false, _) => Err(Failure::Malformed(format!("the report is faulty: {}", faulty.join("; ")))),
        (true, true, false) => Err(Failure::NoData(nothing.join("; "))),
        _ => Ok(series),
    };
    notes.extend(faulty.into_iter().chain(nothing).map(|note| (Level::Warn, note)));
    Collected { outcome, notes }
}

/// What the log should say of the report as a whole.
fn about(snapshot: &Snapshot, now: i64) -> Vec<(Level, String)> {
    let mut notes = Vec::new();
    if (now - snapshot.at).abs() > STALE_FROM {
        notes.push((
            Level::Warn,
            format!(
                "the report is of {}, {} minutes from the clock: the feed stands still, or the clock is wrong",
                backfill_guest::time::format_utc(snapshot.at),
                (now - snapshot.at).abs() / 60,
            ),
        ));
    }
    if snapshot.unreadable > 0 {
        notes.push((Level::Warn, format!("{} rows of the report have no known shape", snapshot.unreadable)));
    }
    notes
}

fn value<'a>(
    snapshot: &'a Snapshot,
    refused: &BTreeMap<EnergyType, String>,
    unit: &Unit,
) -> Result<(&'a Row, f64), Without> {
    let wanted = unit::in_short_names(unit).map_err(Without::Nothing)?;
    let station = wanted.choose(snapshot.rows.iter().map(|row| &row.station)).map_err(Without::Nothing)?;
    let row = snapshot.rows.iter().find(|row| Some(&row.station) == station);
    let row = row.ok_or_else(|| Without::Nothing("the report shows no such unit".to_owned()))?;
    if let Some(reason) = refused.get(&row.station.energy_type) {
        return Err(Without::Refused(format!(
            "all {} values are refused: {reason}",
            row.station.energy_type
        )));
    }
    let output = row.output().ok_or_else(|| {
        let note = if row.note.is_empty() { "N/A" } else { &row.note };
        Without::Nothing(format!("no value was measured ({note})"))
    })?;
    match faults::over_capacity(row, output, unit.capacity_mw) {
        Some(reason) => Err(Without::Refused(reason)),
        None => Ok((row, output)),
    }
}

fn spot_power(at: i64, output: f64) -> Series {
    let mut series = Series::new("generation", Quantity::SpotPower).label("origin", "snapshot");
    series.push(at, ten_minute::STEP, output);
    series
}

#[cfg(test)]
mod tests;
