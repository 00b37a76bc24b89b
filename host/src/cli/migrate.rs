//! `backfill migrate`: brings the database's schema up to date.

use std::{path::Path, process::ExitCode};

use clap::Args;

use super::context;
use crate::store::Store;

/// Make the database's tables, or bring them up to date with this program.
///
/// Hosts refuse to start on a schema that is not theirs. Stop them, migrate once, start the new ones: several
/// processes may migrate at once, one of them does it. Nothing is lost, and a migration that fails changes nothing.
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Migrate {}

impl Migrate {
    pub(super) async fn act(self, config: &Path) -> anyhow::Result<ExitCode> {
        let config = context::load(config)?;
        let done = Store::migrate(&context::database_url(&config)).await?;
        if done.from == done.to {
            say!("{}: the schema is version {}, as it should be", done.database, done.to)?;
        } else {
            say!("{}: the schema was version {}, and is version {} now", done.database, done.from, done.to)?;
        }
        Ok(ExitCode::SUCCESS)
    }
}
