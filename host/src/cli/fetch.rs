//! `backfill source fetch`: one call in the real sandbox, no database.

use std::{path::Path, process::ExitCode};

use clap::Args;

use super::{
    one_source::{OneSource, pair},
    output::{self, Format},
    record::Record,
};
use crate::{
    domain::{Month, Unit, validate},
    egress::Reuse,
    kit::{Made, cases::Ask},
};

/// Fetch one unit's month in the real sandbox, without a database.
///
/// For example:
///   backfill source fetch elexon --code T_HOWAO-1 --month 2024-01 --format table
///   backfill source fetch entsoe --code 45W000000000046I --capacity 400 --month 2024-01
///   backfill source fetch entsoe --code DK_1 --attribute production_type=wind-offshore --month 2024-01
///   backfill source fetch target/my_source.wasm --code north-ridge --month 2024-01
///   backfill source fetch elexon --code T_HOWAO-1 --month 2024-01 --record cases
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Fetch {
    #[command(flatten)]
    source: OneSource,

    #[command(flatten)]
    record: Record,

    /// The unit's code at the upstream: an EIC, a BM unit, a plant code, a station name.
    #[arg(long)]
    code: String,

    /// Rated capacity in MW; values that it makes implausible are reported.
    #[arg(long, value_name = "MW")]
    capacity: Option<f64>,

    /// An attribute of the unit that the source reads.
    #[arg(long = "attribute", value_name = "NAME=VALUE", value_parser = pair)]
    attributes: Vec<(String, String)>,

    /// The month, by the upstream's own calendar.
    #[arg(long, value_name = "YYYY-MM")]
    month: Month,

    /// How to print it.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

impl Fetch {
    pub(super) async fn act(self, config: &Path) -> anyhow::Result<ExitCode> {
        let source = self.source.open(config).await?;
        let unit = Unit {
            name: self.code.clone(),
            code: self.code,
            capacity_mw: self.capacity,
            attributes: self.attributes.into_iter().collect(),
        };
        if let Err(why) = source.check_unit(&unit).await? {
            return output::failure("invalid-unit", &why, self.format);
        }
        let (source, tape) = self.record.begin(source, &[&unit.code, &self.month.to_string()])?;
        let window = source.window(self.month);
        let call = source.fetch(&unit, self.month, window, Reuse::Fresh).await;
        tracing::info!(
            requests = call.usage.requests,
            bytes = call.usage.bytes,
            cpu_ms = call.cpu.as_secs_f64() * 1e3,
            wall_ms = call.wall.as_secs_f64() * 1e3,
            memory = call.peak_memory,
            "{} {}: done",
            source.id(),
            unit.code
        );
        if let Some(tape) = tape {
            let ask = Ask::Fetch { unit: unit.clone(), month: self.month, window: None };
            tape.keep(&source, ask, Made::of_fetch(call.outcome.clone()))?;
        }
        match call.outcome {
            Ok(Ok(series)) => {
                let validated = validate(window, unit.capacity_mw, series.clone());
                for (reason, count) in &validated.rejected {
                    tracing::warn!("{count} values would not be stored: {}", reason.as_str());
                }
                output::series(&series, call.usage.requests.into(), self.format)
            }
            Ok(Err(failure)) => output::failure(failure.case().as_str(), &failure.message(), self.format),
            Err(fault) => output::failure(fault.code(), &fault.to_string(), self.format),
        }
    }
}
