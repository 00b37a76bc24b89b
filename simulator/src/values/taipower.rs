//! Taipower: net kWh per own station and month, and MW per unit at an instant.

use chrono::{DateTime, Datelike, NaiveDate, TimeDelta, Utc};

use super::round;
use crate::catalogue::taipower::{SUN, UNITS, WIND, find_station};
use crate::noise;

/// Net energy of one of Taipower's own stations in a month (Asia/Taipei), whole kWh. Any name of the
/// station will do. `None` for unknown stations, for months before 2024-01, and where the file has `-`
/// (中屯 before 2025-04; `0` from then on).
#[must_use]
pub fn taipower_monthly_kwh(station: &str, year: i32, month: u32) -> Option<f64> {
    let station = find_station(station)?;
    let first = NaiveDate::from_ymd_opt(year, month, 1).filter(|_| year >= 2024)?;
    if station.chinese == "中屯風力" {
        return ((year, month) >= (2025, 4)).then_some(0.0);
    }
    let chance = noise::unit(station.name, i64::from(year) * 12 + i64::from(month));
    let season = (std::f64::consts::TAU * (f64::from(month) - 1.0) / 12.0).cos();
    let factor = if station.energy_type.starts_with(SUN) {
        0.15 + 0.03 * chance - 0.03 * season
    } else {
        0.3 + 0.1 * chance + 0.15 * season
    };
    let hours = 24.0 * f64::from(first.num_days_in_month());
    Some(round(station.capacity_mw * 1000.0 * hours * factor, 0))
}

/// Net output of a unit at an instant, MW, one decimal: the same in the snapshots and in the ten-minute
/// file, at multiples of ten minutes. The unit's name is that of either file, without footnotes; where
/// a wind and a solar unit share it (其它台電自有), this is the wind unit. `None` for unknown names.
#[must_use]
pub fn taipower_mw(unit: &str, at: DateTime<Utc>) -> Option<f64> {
    let name = if unit == "中港" { "台中港" } else { unit };
    let listed = || UNITS.iter().filter(|listed| strip(listed.name) == name);
    match listed().find(|listed| listed.fuel == WIND).or_else(|| listed().next()) {
        Some(listed) => unit_mw(listed.fuel, name, listed.capacity_mw, at),
        None => {
            let station = find_station(name).filter(|station| station.short == Some(name))?;
            unit_mw(WIND, name, Some(station.capacity_mw), at)
        }
    }
}

/// As [`taipower_mw`], for a unit of this fuel. A unit under test gives up to 60 MW. `None` for what has
/// no real-time value (small hydro).
pub(crate) fn unit_mw(fuel: &str, name: &str, capacity_mw: Option<f64>, at: DateTime<Utc>) -> Option<f64> {
    let capacity = capacity_mw.unwrap_or(60.0);
    let at = super::floor(at, 10);
    let key = format!("{fuel} {}", strip(name));
    // The sun stands highest over Taiwan at four in the morning, UTC.
    let output = match fuel {
        WIND => noise::wind("TW", &key, at),
        SUN => noise::solar("TW", &key, 4.0, at),
        "水力" if name.contains("小水力") => return None,
        "儲能負載" => -noise::steady(&key, at + TimeDelta::hours(12)),
        _ => noise::steady(&key, at),
    };
    Some(round(capacity * output, 1))
}

/// A name without its footnote.
pub(crate) fn strip(name: &str) -> &str {
    name.split_once("(註").map_or(name, |(name, _)| name)
}
