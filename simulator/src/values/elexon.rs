//! Elexon: metered MWh (B1610), notified levels (PN), and the settlement calendar.

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Europe::London;

use super::round;
use crate::catalogue::elexon::{self, BmUnit};
use crate::noise;

/// Metered energy of the half hour that starts at `start`, MWh, three decimals; slightly negative in a
/// calm. `None` for an unknown unit. Either id will do.
#[must_use]
pub fn elexon_b1610_mwh(bm_unit: &str, start: DateTime<Utc>) -> Option<f64> {
    elexon::find(bm_unit).map(|unit| b1610_mwh(&unit, start))
}

pub(crate) fn b1610_mwh(unit: &BmUnit, start: DateTime<Utc>) -> f64 {
    let middle = super::floor(start, 30) + TimeDelta::minutes(15);
    let capacity = capacity(unit);
    let output = output(unit, middle);
    // What is notified and not metered was bid down; what is negative is the station's own use.
    let metered = if output == 0.0 { -0.003 } else { output * 0.97 };
    round(capacity * metered * 0.5, 3)
}

/// A straight ramp between two notified levels, MW.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PnSegment {
    pub from: DateTime<Utc>,
    pub to: DateTime<Utc>,
    pub level_from: i64,
    pub level_to: i64,
}

impl PnSegment {
    /// Energy under the ramp, MWh.
    #[must_use]
    pub fn mwh(&self) -> f64 {
        let hours = (self.to - self.from).num_seconds() as f64 / 3600.0;
        (self.level_from + self.level_to) as f64 / 2.0 * hours
    }
}

/// The segments of the half hour that starts at `start`, in order: one to four, without gaps, exactly 30
/// minutes together, each beginning at the level where the one before ends. None for an unknown unit.
#[must_use]
pub fn elexon_pn_segments(bm_unit: &str, start: DateTime<Utc>) -> Vec<PnSegment> {
    elexon::find(bm_unit).map(|unit| pn_segments(&unit, start)).unwrap_or_default()
}

pub(crate) fn pn_segments(unit: &BmUnit, start: DateTime<Utc>) -> Vec<PnSegment> {
    let start = super::floor(start, 30);
    let key = format!("pn {}", unit.national_grid);
    let bends = noise::hash(&key, start.timestamp()) % 4;
    let mut minutes = vec![0, 30];
    for bend in 0..bends {
        minutes.push(1 + (noise::hash(&key, start.timestamp() + 1 + bend as i64) % 29) as i64);
    }
    minutes.sort_unstable();
    minutes.dedup();
    let points: Vec<_> = minutes
        .into_iter()
        .map(|minute| {
            let at = start + TimeDelta::minutes(minute);
            (at, (capacity(unit) * output(unit, at)).round() as i64)
        })
        .collect();
    points
        .iter()
        .zip(points.iter().skip(1))
        .map(|(&(from, level_from), &(to, level_to))| PnSegment { from, to, level_from, level_to })
        .collect()
}

fn capacity(unit: &BmUnit) -> f64 {
    unit.capacity_mw.unwrap_or(50.0)
}

fn output(unit: &BmUnit, at: DateTime<Utc>) -> f64 {
    match unit.fuel_type {
        Some("BIOMASS") => noise::steady(&unit.national_grid, at),
        _ => noise::wind("GB", &unit.national_grid, at),
    }
}

fn midnight(date: NaiveDate) -> Option<DateTime<Utc>> {
    // British clocks change at 01:00 UTC, so that midnight always exists once.
    London.from_local_datetime(&date.and_time(NaiveTime::MIN)).single().map(|local| local.to_utc())
}

/// Half hours of a settlement day: 48, 46 in March's last Sunday, 50 in October's.
#[must_use]
pub fn settlement_periods(date: NaiveDate) -> i64 {
    let next = date.succ_opt().and_then(midnight);
    match (midnight(date), next) {
        (Some(start), Some(end)) => (end - start).num_minutes() / 30,
        _ => 48,
    }
}

/// Start of a settlement period, UTC: local midnight in London plus half hours. `None` where the day has
/// no such period.
#[must_use]
pub fn settlement_period_start(date: NaiveDate, period: i64) -> Option<DateTime<Utc>> {
    if !(1..=settlement_periods(date)).contains(&period) {
        return None;
    }
    Some(midnight(date)? + TimeDelta::minutes(30 * (period - 1)))
}

/// The settlement date and period that hold `at`.
pub(crate) fn settlement_of(at: DateTime<Utc>) -> (NaiveDate, i64) {
    let date = at.with_timezone(&London).date_naive();
    let since = midnight(date).map_or(0, |midnight| (at - midnight).num_minutes());
    (date, since / 30 + 1)
}

/// The settlement run in force `now` for a settlement date: `None` until the interim run (II) comes out,
/// eight days after the day began; then SF, R1, R2, R3, RF and, after two years and a half, DF.
#[must_use]
pub fn elexon_settlement_run(date: NaiveDate, now: DateTime<Utc>) -> Option<&'static str> {
    const RUNS: [(i64, &str); 7] =
        [(900, "DF"), (420, "RF"), (220, "R3"), (120, "R2"), (60, "R1"), (25, "SF"), (8, "II")];
    let age = (now - midnight(date)?).num_days();
    RUNS.iter().find(|(days, _)| age >= *days).map(|(_, run)| *run)
}
