//! What the simulated upstreams are like.

use std::net::{Ipv4Addr, SocketAddr};

use chrono::{DateTime, Utc};

use crate::fault::Fault;

/// How ENTSO-E writes its curves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Curve {
    /// Every position present; a gap starts another time series.
    A01,
    /// A position that repeats the one before is left out; a gap starts another period.
    A03,
}

/// The shape of Taipower's snapshot, by the year it was in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum SnapshotFormat {
    /// Arrays of six, the time under an empty key.
    #[value(name = "2021")]
    Y2021,
    /// Objects with Chinese keys.
    #[value(name = "2024")]
    Y2024,
    /// The same, with renamed fuels, footnotes on subtotals and stray markup.
    #[value(name = "2026")]
    Y2026,
}

/// ENTSO-E's limit on requests, and what exceeding it costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    pub per_minute: usize,
    pub ban_seconds: u64,
}

impl Default for RateLimit {
    /// The published rule: 400 a minute, and a ban of ten minutes.
    fn default() -> Self {
        RateLimit { per_minute: 400, ban_seconds: 600 }
    }
}

/// The simulator's world. `Options::default()` listens on a free loopback port, lives now, accepts every
/// credential, and never fails.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where to listen; port 0 takes a free one.
    pub bind: SocketAddr,
    /// The present, for publication delays and rolling windows; `None` follows the clock.
    pub now: Option<DateTime<Utc>>,
    /// The only security token accepted; `None` accepts any and none.
    pub entsoe_token: Option<String>,
    pub entsoe_curve: Curve,
    /// `None` never answers 429.
    pub entsoe_rate_limit: Option<RateLimit>,
    /// Made-up generation units in each control area, beside the real ones. France has at least 120.
    pub units_per_area: usize,
    /// Made-up balancing mechanism units, beside the real ones.
    pub elexon_units: usize,
    /// Whether the streams take Elexon ids only, as the least generous reading of the documentation has it.
    pub elexon_ids_only: bool,
    /// The only API key accepted; `None` accepts any and none.
    pub eia_key: Option<String>,
    /// Made-up plants, beside the real ones.
    pub eia_plants: usize,
    pub taipower_format: SnapshotFormat,
    /// Units in the ten-minute file beside the 17 wind units: 1.3 MB each; 140 make 200 MB.
    pub taipower_d006010_other_units: usize,
    pub faults: Vec<Fault>,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            bind: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            now: None,
            entsoe_token: None,
            entsoe_curve: Curve::A03,
            entsoe_rate_limit: None,
            units_per_area: 12,
            elexon_units: 20,
            elexon_ids_only: false,
            eia_key: None,
            eia_plants: 40,
            taipower_format: SnapshotFormat::Y2026,
            taipower_d006010_other_units: 3,
            faults: Vec::new(),
        }
    }
}
