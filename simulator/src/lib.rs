//! The four upstreams (ENTSO-E, Elexon, EIA, Taipower) on one loopback server.
//!
//! Paths, parameters, limits, paging and errors are the upstreams'; the values are made up, by pure
//! functions of unit and time in [`values`], so that a test knows each of them. Nothing is recorded and
//! nothing is fetched. What goes wrong goes wrong on demand, see [`Fault`].
//!
//! ```no_run
//! # async fn example() -> anyhow::Result<()> {
//! let simulator = simulator::start(simulator::Options::default()).await?;
//! println!("{}/api?documentType=A73&…", simulator.url());
//! simulator.stop().await;
//! # Ok(()) }
//! ```

mod admin;
pub mod catalogue;
mod clock;
mod eia;
mod elexon;
mod entsoe;
mod fault;
mod log;
mod noise;
mod options;
mod query;
mod server;
mod taipower;
pub mod values;
mod world;

pub use fault::{Api, Fault, FaultKind, SPEC_HELP, SnapshotFault};
pub use log::LogEntry;
pub use options::{Curve, Options, RateLimit, SnapshotFormat};
pub use server::{Simulator, start};
