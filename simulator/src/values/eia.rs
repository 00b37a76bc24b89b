//! EIA: net MWh per plant and month, and per balancing authority and hour.

use chrono::{DateTime, Datelike, NaiveDate, TimeDelta, Utc};

use super::round;
use crate::catalogue::eia::{self, Fuel, Plant, RESPONDENTS};
use crate::noise;

/// Net generation of a plant in a month, MWh. `fuel` is an EIA code (`WND`, `SUN` …) or `ALL`. Whole
/// numbers for some plants, two decimals for others, as upstream has both; negative for batteries.
/// `None` where the plant or its fuel is unknown, or the month is none.
#[must_use]
pub fn eia_plant_mwh(plant: &str, fuel: &str, year: i32, month: u32) -> Option<f64> {
    plant_mwh(&eia::find(plant)?, fuel, year, month)
}

/// Gross generation, MWh: net and 2 % of station use.
#[must_use]
pub fn eia_plant_gross_mwh(plant: &str, fuel: &str, year: i32, month: u32) -> Option<f64> {
    eia_plant_mwh(plant, fuel, year, month).map(gross)
}

pub(crate) fn gross(net: f64) -> f64 {
    round(net + net.abs() * 0.02, 2)
}

pub(crate) fn plant_mwh(plant: &Plant, fuel: &str, year: i32, month: u32) -> Option<f64> {
    if fuel == "ALL" {
        let each: Option<Vec<_>> =
            plant.fuels.iter().map(|fuel| fuel_mwh(plant, fuel, year, month)).collect();
        return Some(round(each?.iter().sum(), 2));
    }
    fuel_mwh(plant, plant.fuels.iter().find(|known| known.code == fuel)?, year, month)
}

fn fuel_mwh(plant: &Plant, fuel: &Fuel, year: i32, month: u32) -> Option<f64> {
    let first = NaiveDate::from_ymd_opt(year, month, 1)?;
    let hours = 24.0 * f64::from(first.num_days_in_month());
    let key = format!("{} {}", plant.code, fuel.code);
    let chance = noise::unit(&key, i64::from(year) * 12 + i64::from(month));
    let (typical, northern_winter) = match fuel.code {
        "WND" => (0.33, 0.06),
        "SUN" => (0.24, -0.07),
        "MWH" => (-0.01, 0.0),
        _ => (0.6, 0.0),
    };
    let season = (std::f64::consts::TAU * (f64::from(month) - 1.0) / 12.0).cos();
    let factor = typical * (0.8 + 0.4 * chance) + northern_winter * season;
    // Plants with an even last digit report whole megawatt hours.
    let decimals = if plant.code.ends_with(['0', '2', '4', '6', '8']) { 0 } else { 2 };
    Some(round(fuel.capacity_mw * hours * factor, decimals))
}

/// Net generation of a balancing authority, whole MWh, in the hour that **ends** at `period_end`;
/// sometimes slightly negative. `None` for unknown codes and for the nulls of authorities that have some.
#[must_use]
pub fn eia_ba_mwh(respondent: &str, fuel_type: &str, period_end: DateTime<Utc>) -> Option<f64> {
    let known = RESPONDENTS.iter().find(|known| known.code == respondent)?;
    eia::FUEL_TYPES.iter().find(|(code, _)| *code == fuel_type)?;
    let end = super::floor(period_end, 60);
    let key = format!("{respondent} {fuel_type}");
    if known.has_nulls && noise::hash(&key, end.timestamp()).is_multiple_of(97) {
        return None;
    }
    let middle = end - TimeDelta::minutes(30);
    // The sun stands highest at about 20:00 UTC between California and Texas.
    let output = match fuel_type {
        "WND" => noise::wind(respondent, &key, middle),
        "SUN" | "SNB" => noise::solar(respondent, &key, 19.5, middle),
        _ => noise::steady(&key, middle),
    };
    let own_use = if output == 0.0 { -0.002 } else { 0.0 };
    Some(round(known.scale_mw * (output + own_use), 0))
}
