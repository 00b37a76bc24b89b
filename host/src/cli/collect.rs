//! `backfill source collect`: what an upstream without history shows now.

use std::{path::Path, process::ExitCode};

use anyhow::bail;
use clap::Args;

use super::{
    one_source::{OneSource, pair},
    output::{self, Format},
    record::Record,
};
use crate::{
    domain::Unit,
    kit::{Made, cases::Ask},
};

/// Ask a source that collects what its upstream shows now, without a database.
///
/// For example:
///   backfill source collect taipower --code 離岸一期 --code 觀園
///   backfill source collect taipower --code 觀園 --record cases
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Collect {
    #[command(flatten)]
    source: OneSource,

    #[command(flatten)]
    record: Record,

    /// A unit's code at the upstream; as many as are wanted.
    #[arg(long = "code", required = true)]
    codes: Vec<String>,

    /// An attribute of every one of these units.
    #[arg(long = "attribute", value_name = "NAME=VALUE", value_parser = pair)]
    attributes: Vec<(String, String)>,

    /// How to print it.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

impl Collect {
    pub(super) async fn act(self, config: &Path) -> anyhow::Result<ExitCode> {
        let source = self.source.open(config).await?;
        let units: Vec<_> = self
            .codes
            .into_iter()
            .map(|code| Unit {
                name: code.clone(),
                code,
                capacity_mw: None,
                attributes: self.attributes.iter().cloned().collect(),
            })
            .collect();
        let first = units.first().map_or("", |unit| &unit.code);
        let (source, tape) = self.record.begin(source, &[first, "now"])?;
        let Some(call) = source.collect(&units).await else {
            bail!("source {} has history and collects nothing; use `source fetch`", source.id());
        };
        if let Some(tape) = tape {
            tape.keep(&source, Ask::Collect { units }, Made::of_collect(call.outcome.clone()))?;
        }
        match call.outcome {
            Ok(Ok(collected)) => output::collected(&collected, call.usage.requests.into(), self.format),
            Ok(Err(failure)) => output::failure(failure.case().as_str(), &failure.message(), self.format),
            Err(fault) => output::failure(fault.code(), &fault.to_string(), self.format),
        }
    }
}
