//! What a source returns: series of measurements.

use std::{collections::BTreeMap, fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// What a value measures.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Quantity {
    /// MW, averaged over the interval.
    MeanPower,
    /// MW, read at the start of the interval.
    SpotPower,
    /// MWh delivered in the interval.
    Energy,
}

impl Quantity {
    /// The word used in the contract, the store and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MeanPower => "mean-power",
            Self::SpotPower => "spot-power",
            Self::Energy => "energy",
        }
    }

    /// The unit of its values.
    pub const fn unit(self) -> &'static str {
        match self {
            Self::MeanPower | Self::SpotPower => "MW",
            Self::Energy => "MWh",
        }
    }

    /// A value as mean power in MW over an interval of `seconds`.
    pub fn as_mw(self, value: f64, seconds: u32) -> f64 {
        match self {
            Self::MeanPower | Self::SpotPower => value,
            Self::Energy => value * 3600.0 / f64::from(seconds),
        }
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Quantity {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Self::MeanPower, Self::SpotPower, Self::Energy]
            .into_iter()
            .find(|quantity| quantity.as_str() == text)
            .ok_or_else(|| format!("unknown quantity {text:?}; expected mean-power, spot-power or energy"))
    }
}

/// What else tells a series from its siblings, e.g. `production-type` = `wind-offshore`. Sorted by name, so
/// that equal labels are equal text.
pub type Labels = BTreeMap<String, String>;

/// One value over `[start, start + seconds)`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measurement {
    /// Seconds since 1970-01-01T00:00:00Z.
    pub start: i64,
    /// Length of the interval, at least 1.
    pub seconds: u32,
    /// MW or MWh, as the series' quantity says.
    pub value: f64,
}

impl Measurement {
    /// The first instant after the interval.
    pub const fn end(&self) -> i64 {
        self.start + self.seconds as i64
    }
}

/// Measurements of one thing about one unit, ordered by start, without overlaps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// `generation`, `consumption`, `notified-level-from` …
    pub kind: String,
    /// What the values measure.
    pub quantity: Quantity,
    /// What else tells it from its siblings.
    pub labels: Labels,
    /// The values.
    pub measurements: Vec<Measurement>,
}

impl Series {
    /// The same with every value times a unit's share of what its source reports.
    #[must_use]
    pub fn share(mut self, share: f64) -> Self {
        self.measurements.iter_mut().for_each(|row| row.value *= share);
        self
    }
}
