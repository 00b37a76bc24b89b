//! `backfill openapi`: the description of the HTTP API.

use std::process::ExitCode;

use clap::Args;

use crate::api;

/// Print the description of the HTTP API (OpenAPI 3.1), as `backfill serve` answers it at /openapi.json.
///
/// For example:
///   backfill openapi > openapi.json
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(super) struct OpenApi {}

impl OpenApi {
    pub(super) fn act(self) -> anyhow::Result<ExitCode> {
        say!("{}", serde_json::to_string_pretty(&api::description())?)?;
        Ok(ExitCode::SUCCESS)
    }
}
