//! ENTSO-E: mean MW per unit (A73) and per area and type (A75).

use chrono::{DateTime, NaiveDate, TimeDelta, Timelike, Utc};

use super::round;
use crate::catalogue::entsoe::{self, Unit};
use crate::catalogue::entsoe_areas::{self, Area};
use crate::noise;

/// Which way the energy flows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Into the area: `inBiddingZone_Domain`.
    Generation,
    /// Out of it: `outBiddingZone_Domain`.
    Consumption,
}

/// Mean generation of a unit over the interval of its resolution that holds `start`, MW, two decimals.
/// `None` for an unknown EIC and in the unit's gaps.
#[must_use]
pub fn entsoe_unit_mw(eic: &str, start: DateTime<Utc>) -> Option<f64> {
    unit_mw(&entsoe::find(eic)?, start)
}

/// Mean consumption of a unit (station use in a calm), MW, two decimals; `None` where none is published.
#[must_use]
pub fn entsoe_unit_consumption_mw(eic: &str, start: DateTime<Utc>) -> Option<f64> {
    unit_consumption_mw(&entsoe::find(eic)?, start)
}

pub(crate) fn unit_mw(unit: &Unit, start: DateTime<Utc>) -> Option<f64> {
    let start = super::floor(start, unit.resolution_minutes);
    (!is_gap(unit, start)).then(|| round(unit.capacity_mw * output(unit, start), 2))
}

pub(crate) fn unit_consumption_mw(unit: &Unit, start: DateTime<Utc>) -> Option<f64> {
    if !unit.consumes {
        return None;
    }
    let generation = unit_mw(unit, start)?;
    Some(if generation == 0.0 { round(unit.capacity_mw * 0.004, 2) } else { 0.0 })
}

/// 03:00 to 05:00 UTC of about every fifth day.
fn is_gap(unit: &Unit, start: DateTime<Utc>) -> bool {
    unit.has_gaps
        && (3..5).contains(&start.hour())
        && noise::hash(&unit.eic, start.timestamp().div_euclid(86_400)).is_multiple_of(5)
}

/// A fifth of the intervals repeat the one before, as a telemetry hold does; curve A03 leaves them out.
fn output(unit: &Unit, start: DateTime<Utc>) -> f64 {
    let step = TimeDelta::minutes(unit.resolution_minutes);
    let held = noise::hash(&unit.eic, start.timestamp()).is_multiple_of(5);
    let at = if held { start - step } else { start };
    match unit.psr_type {
        Some("B16") => noise::solar(unit.area, &unit.eic, 12.0, at),
        Some("B04") => noise::steady(&unit.eic, at),
        _ => noise::wind(unit.area, &unit.eic, at),
    }
}

/// Types published for an area, with the share of their capacity in `area_capacity_mw`.
pub(crate) const TYPES: &[(&str, f64)] =
    &[("B04", 6000.0), ("B10", 1500.0), ("B14", 4000.0), ("B16", 7000.0), ("B18", 3000.0), ("B19", 9000.0)];

/// Installed MW of a type in an area; `None` where the area has none of it.
#[must_use]
pub fn entsoe_area_capacity_mw(area: &str, psr_type: &str) -> Option<f64> {
    area_capacity_mw(entsoe_areas::find(area)?, psr_type)
}

fn area_capacity_mw(area: &Area, psr_type: &str) -> Option<f64> {
    if psr_type == "B18" && !area.has_offshore_wind() {
        return None;
    }
    let (_, typical) = TYPES.iter().find(|(known, _)| *known == psr_type)?;
    Some((typical * (0.3 + noise::unit(area.eic, typical.to_bits() as i64))).round())
}

/// Minutes between the values of an area at `at`. France went from hours to quarter hours on
/// 2025-01-09 (local time).
#[must_use]
pub fn entsoe_area_resolution_minutes(area: &str, at: DateTime<Utc>) -> Option<i64> {
    entsoe_areas::find(area).map(|area| area_resolution_minutes(area, at))
}

pub(crate) fn area_resolution_minutes(area: &Area, at: DateTime<Utc>) -> i64 {
    let changed = NaiveDate::from_ymd_opt(2025, 1, 8).and_then(|day| day.and_hms_opt(23, 0, 0));
    let before = changed.is_some_and(|changed| at < changed.and_utc());
    if area.short == "FR" && before { 60 } else { area.resolution_minutes }
}

/// Mean MW of a type in an area over the area's interval that holds `start`, two decimals. Only pumped
/// storage (B10) and wind (B18, B19) have a consumption. `None` where the area doesn't publish it.
#[must_use]
pub fn entsoe_area_mw(area: &str, psr_type: &str, direction: Direction, start: DateTime<Utc>) -> Option<f64> {
    area_mw(entsoe_areas::find(area)?, psr_type, direction, start)
}

pub(crate) fn area_mw(
    area: &Area,
    psr_type: &str,
    direction: Direction,
    start: DateTime<Utc>,
) -> Option<f64> {
    let capacity = area_capacity_mw(area, psr_type)?;
    let start = super::floor(start, area_resolution_minutes(area, start));
    let name = format!("{} {psr_type}", area.eic);
    let output = match psr_type {
        "B16" => noise::solar(area.eic, &name, 12.0, start),
        "B18" | "B19" => noise::wind(area.eic, &name, start),
        // Pumps at night, generates by day.
        "B10" if start.hour() < 6 => 0.0,
        _ => noise::steady(&name, start),
    };
    let share = match (direction, psr_type) {
        (Direction::Generation, _) => output,
        (Direction::Consumption, "B10") => {
            if output == 0.0 {
                0.8
            } else {
                0.0
            }
        }
        (Direction::Consumption, "B18" | "B19") => {
            if output < 0.02 {
                0.002
            } else {
                0.0
            }
        }
        (Direction::Consumption, _) => return None,
    };
    Some(round(capacity * share, 2))
}
