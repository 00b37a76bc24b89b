//! `backfill queue`: what waits, and the emergency stop.

mod inspect;
mod purge;

use std::{path::Path, process::ExitCode};

use clap::Subcommand;

pub(super) use inspect::table;

/// The queue of tasks: look at it, empty it.
#[derive(Subcommand)]
pub(super) enum Queue {
    Inspect(inspect::Inspect),
    Purge(purge::Purge),
}

impl Queue {
    pub(super) async fn act(self, config: &Path) -> anyhow::Result<ExitCode> {
        match self {
            Self::Inspect(command) => command.act(config).await,
            Self::Purge(command) => command.act(config).await,
        }
    }
}
