//! `backfill completions`: a script that completes the command line in a shell.

use std::{io, process::ExitCode};

use clap::{Args, CommandFactory};
use clap_complete::Shell;

/// Print a completion script for a shell.
///
/// For example:
///   backfill completions bash > /etc/bash_completion.d/backfill
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Completions {
    /// The shell.
    #[arg(value_enum)]
    shell: Shell,
}

impl Completions {
    pub(super) fn act(self) -> anyhow::Result<ExitCode> {
        clap_complete::generate(self.shell, &mut super::Arguments::command(), "backfill", &mut io::stdout());
        Ok(ExitCode::SUCCESS)
    }
}
