//! A generation unit as the registry knows it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// One generating unit of one source.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Unit {
    /// The upstream's own identifier: an EIC, a BM unit, a plant code, a station name.
    pub code: String,
    /// What people call it.
    pub name: String,
    /// Rated capacity in MW, where it is known.
    pub capacity_mw: Option<f64>,
    /// Registry metadata that the source reads, e.g. `area` = `10Y1001A1001A796`.
    pub attributes: BTreeMap<String, String>,
}
