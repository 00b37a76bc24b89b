//! Every value that the simulator publishes, as a pure function of unit and time.
//!
//! A test that knows the unit and the time knows the value, to the last digit as printed. `None` means
//! that the upstream has no such value: an unknown unit, or an hour that it never published.

pub mod eia;
pub mod elexon;
pub mod entsoe;
pub mod taipower;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

pub use eia::{eia_ba_mwh, eia_plant_gross_mwh, eia_plant_mwh};
pub use elexon::{
    PnSegment, elexon_b1610_mwh, elexon_pn_segments, elexon_settlement_run, settlement_period_start,
    settlement_periods,
};
pub use entsoe::{
    Direction, entsoe_area_capacity_mw, entsoe_area_mw, entsoe_area_resolution_minutes,
    entsoe_unit_consumption_mw, entsoe_unit_mw,
};
pub use taipower::{taipower_monthly_kwh, taipower_mw};

use crate::noise;

/// A later correction by the upstream: a share of the values of each unit, the same ones each time,
/// multiplied. Zeros stay.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Revision {
    /// Share of the values changed, 0 to 1.
    pub share: f64,
    pub factor: f64,
}

impl Revision {
    /// Whether the value of `id` that starts at `start` is among those corrected. `id` is the EIC, the
    /// National Grid id, the plant code, Taipower's name as [`crate::catalogue::taipower`] has it; for
    /// values per area or authority, `AREA/TYPE`.
    #[must_use]
    pub fn touches(&self, id: &str, start: DateTime<Utc>) -> bool {
        noise::unit(&format!("revision {id}"), start.timestamp()) < self.share
    }

    /// `value`, corrected where it must be, rounded to `decimals`.
    #[must_use]
    pub fn apply(&self, id: &str, start: DateTime<Utc>, value: f64, decimals: i32) -> f64 {
        if self.touches(id, start) { round(value * self.factor, decimals) } else { value }
    }
}

/// `value` corrected where there is a `revision`.
pub(crate) fn revised(
    revision: Option<Revision>,
    id: &str,
    start: DateTime<Utc>,
    value: f64,
    decimals: i32,
) -> f64 {
    revision.map_or(value, |revision| revision.apply(id, start, value, decimals))
}

/// Rounds half away from zero, and never gives a negative zero.
pub(crate) fn round(value: f64, decimals: i32) -> f64 {
    let scale = 10_f64.powi(decimals);
    (value * scale).round() / scale + 0.0
}

/// The start of the grid cell of `minutes` that holds `at`.
pub(crate) fn floor(at: DateTime<Utc>, minutes: i64) -> DateTime<Utc> {
    at - chrono::TimeDelta::seconds(at.timestamp().rem_euclid(minutes * 60))
        - chrono::TimeDelta::nanoseconds(i64::from(at.timestamp_subsec_nanos()))
}
