//! `simulator`: the four upstreams on a loopback port, until interrupted.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use anyhow::Context;
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use clap::Parser;
use simulator::{Curve, Fault, Options, RateLimit, SPEC_HELP, SnapshotFormat};
use tokio::signal::unix::{SignalKind, signal};

/// The four upstream APIs (ENTSO-E, Elexon, EIA, Taipower) on one loopback port.
///
/// Paths, parameters, limits, paging and errors are the upstreams'; values are made up, the same ones for
/// the same unit and time. Prints `listening on http://…` when ready and stops on SIGTERM or Ctrl-C.
#[derive(Debug, Parser)]
#[command(version, after_long_help = SPEC_HELP)]
struct Arguments {
    /// Port to listen on; 0 takes a free one.
    #[arg(long, default_value_t = 8900)]
    port: u16,
    /// Address to listen on.
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    address: IpAddr,
    /// The present, as YYYY-MM-DD or YYYY-MM-DDThh:mm:ssZ: decides what is published. Follows the clock
    /// when left out.
    #[arg(long, value_parser = instant)]
    now: Option<DateTime<Utc>>,
    /// A fault, for instance kind=status,status=503,times=2; can be repeated. --help explains them all.
    #[arg(long = "fault", value_name = "KIND,…")]
    faults: Vec<Fault>,
    /// The only security token that ENTSO-E accepts; any or none when left out.
    #[arg(long, value_name = "TOKEN", env = "SIMULATOR_ENTSOE_TOKEN", hide_env_values = true)]
    entsoe_token: Option<String>,
    /// The curve type of ENTSO-E's answers.
    #[arg(long, value_enum, ignore_case = true, default_value_t = Curve::A03)]
    entsoe_curve: Curve,
    /// ENTSO-E answers 429 after so many requests in a minute, and then for --entsoe-ban. Upstream: 400.
    #[arg(long, value_name = "REQUESTS")]
    entsoe_rate: Option<usize>,
    /// Seconds that the ban lasts.
    #[arg(long, value_name = "SECONDS", default_value_t = RateLimit::default().ban_seconds)]
    entsoe_ban: u64,
    /// Made-up ENTSO-E units in each control area; France has at least 120.
    #[arg(long, value_name = "N", default_value_t = Options::default().units_per_area)]
    units_per_area: usize,
    /// Made-up Elexon units.
    #[arg(long, value_name = "N", default_value_t = Options::default().elexon_units)]
    elexon_units: usize,
    /// Elexon's streams find units by Elexon id only, not by National Grid id.
    #[arg(long)]
    elexon_ids_only: bool,
    /// The only API key that the EIA accepts; any or none when left out.
    #[arg(long, value_name = "KEY", env = "SIMULATOR_EIA_KEY", hide_env_values = true)]
    eia_key: Option<String>,
    /// Made-up EIA plants.
    #[arg(long, value_name = "N", default_value_t = Options::default().eia_plants)]
    eia_plants: usize,
    /// The year whose shape Taipower's snapshot has.
    #[arg(long, value_enum, default_value_t = SnapshotFormat::Y2026)]
    taipower_format: SnapshotFormat,
    /// Units in Taipower's ten-minute file beside the 17 wind units; 140 make about 200 MB.
    #[arg(long, value_name = "N", default_value_t = Options::default().taipower_d006010_other_units)]
    taipower_other_units: usize,
}

fn instant(text: &str) -> Result<DateTime<Utc>, String> {
    let day =
        || NaiveDate::parse_from_str(text, "%Y-%m-%d").map(|day| day.and_time(NaiveTime::MIN).and_utc());
    let instant = DateTime::parse_from_rfc3339(text).map(|at| at.to_utc());
    instant.or_else(|_| day()).map_err(|_| "expected 2024-05-01 or 2024-05-01T12:00:00Z".to_owned())
}

impl Arguments {
    fn options(self) -> Options {
        Options {
            bind: SocketAddr::from((self.address, self.port)),
            now: self.now,
            entsoe_token: self.entsoe_token,
            entsoe_curve: self.entsoe_curve,
            entsoe_rate_limit: self
                .entsoe_rate
                .map(|per_minute| RateLimit { per_minute, ban_seconds: self.entsoe_ban }),
            units_per_area: self.units_per_area,
            elexon_units: self.elexon_units,
            elexon_ids_only: self.elexon_ids_only,
            eia_key: self.eia_key,
            eia_plants: self.eia_plants,
            taipower_format: self.taipower_format,
            taipower_d006010_other_units: self.taipower_other_units,
            faults: self.faults,
        }
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut terminated = signal(SignalKind::terminate()).context("can't wait for SIGTERM")?;
    let simulator = simulator::start(Arguments::parse().options()).await?;
    println!("listening on {}", simulator.url());
    tokio::select! {
        _ = terminated.recv() => {}
        interrupted = tokio::signal::ctrl_c() => interrupted.context("can't wait for Ctrl-C")?,
    }
    simulator.stop().await;
    Ok(())
}
