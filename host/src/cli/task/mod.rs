//! `backfill task`: one unit's month of a job, looked at closely.

mod replay;

use std::{path::Path, process::ExitCode};

use clap::Subcommand;

/// Tasks: run what is stored of them again.
#[derive(Subcommand)]
pub(super) enum TaskCommand {
    Replay(replay::Replay),
}

impl TaskCommand {
    pub(super) async fn act(self, config: &Path) -> anyhow::Result<ExitCode> {
        match self {
            Self::Replay(command) => command.act(config).await,
        }
    }
}
