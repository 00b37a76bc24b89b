//! `backfill job …`: making jobs, looking at them, changing their course.

mod change;
mod create;
mod list;
mod show;

use std::{path::Path, process::ExitCode};

use clap::Subcommand;

/// Jobs: make them, look at them, change their course.
#[derive(Subcommand)]
pub(in crate::cli) enum Job {
    Create(create::Create),
    List(list::List),
    Show(show::Show),
    Tasks(show::Tasks),
    Logs(show::Logs),
    #[command(flatten)]
    Change(change::Change),
}

impl Job {
    pub(super) async fn act(self, config: &Path) -> anyhow::Result<ExitCode> {
        match self {
            Self::Create(command) => command.act(config).await,
            Self::List(command) => command.act(config).await,
            Self::Show(command) => command.act(config).await,
            Self::Tasks(command) => command.act(config).await,
            Self::Logs(command) => command.act(config).await,
            Self::Change(command) => command.act(config).await,
        }
    }
}
