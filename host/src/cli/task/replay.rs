//! `backfill task replay`: a stored attempt once more, from the archive.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, bail};
use clap::Args;
use serde_json::json;

use crate::{
    cli::{
        context,
        other_component::{configured, with_component},
        output::Report,
    },
    config::Config,
    kit::replay::{Replayed, replay},
    source::Source,
    store::{Attempt, RegisteredUnit, Store, Task},
};

/// Values of another component may differ by so much of their size; of the same one, by nothing.
const TOLERANCE: f64 = 1e-9;

/// Run a stored attempt of a task again, from the archive: with its component, its clock and its answers. Nothing is
/// written, no upstream is asked.
///
/// Prints whether the same came of it, or the difference. Exit code 0 only if it is the same. Unit and settings are
/// taken as they are now. Runs of collecting schedules are no tasks, and can't be replayed.
///
/// For example:
///   backfill task replay 4711
///   backfill task replay 4711 --attempt 1 --format json
///   backfill task replay 4711 --candidate target/elexon.wasm    what another version makes of the same answers
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct Replay {
    /// The task's id, as `backfill job tasks` shows it.
    id: i64,

    /// Which attempt of it, 1 for the first; by default the last one in which the source ran.
    #[arg(long, value_name = "N")]
    attempt: Option<i64>,

    /// Run this component instead, and show what it makes of the same answers.
    #[arg(long, value_name = "FILE.wasm", conflicts_with = "component")]
    candidate: Option<PathBuf>,

    /// The attempt's component, where this host does not have it.
    #[arg(long, value_name = "FILE.wasm")]
    component: Option<PathBuf>,

    /// How to print it.
    #[arg(long, value_enum, default_value_t = Report::Table)]
    format: Report,
}

impl Replay {
    pub(super) async fn act(self, config: &Path) -> anyhow::Result<ExitCode> {
        let config = context::load(config)?;
        let store = context::store(&config).await?;
        let task = store.task(self.id).await?;
        let unit = store.unit(task.generation_unit_id).await?;
        let attempt = self.pick(&store.attempts(task.id).await?)?;
        let source = self.source(&config, &store, &task, &attempt).await?;
        let tolerance = if self.candidate.is_some() { TOLERANCE } else { 0.0 };
        let replayed = replay(&store, &source, (&task, &unit), &attempt, tolerance).await?;
        store.close().await;
        match self.format {
            Report::Json => say!(
                "{}",
                json!({ "source": task.source, "unit": unit.unit.code, "month": task.month.to_string(),
                        "started_at": attempt.started_at, "replay": replayed })
            )?,
            Report::Table => print(&task, &unit, &attempt, &replayed)?,
        }
        Ok(if replayed.is_equal() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    fn pick(&self, attempts: &[Attempt]) -> anyhow::Result<Attempt> {
        let found = match self.attempt {
            Some(number) => attempts.iter().find(|attempt| attempt.fence == number),
            None => {
                let ran = attempts.iter().rev().find(|attempt| attempt.component_digest.is_some());
                ran.or(attempts.last())
            }
        };
        let known =
            || attempts.iter().map(|attempt| attempt.fence.to_string()).collect::<Vec<_>>().join(", ");
        match (found, self.attempt) {
            (Some(attempt), _) => Ok(attempt.clone()),
            (None, Some(number)) if !attempts.is_empty() => {
                bail!("--attempt {number}: task {} has no such attempt; it has {}", self.id, known())
            }
            _ => bail!("task {} was never tried, so there is nothing to replay", self.id),
        }
    }

    /// The source as configured, with the component that is to run.
    async fn source(
        &self,
        config: &Config,
        store: &Store,
        task: &Task,
        attempt: &Attempt,
    ) -> anyhow::Result<Source> {
        let engine = context::engine(config)?;
        let shared = context::shared(config, store)?;
        let own = configured(config, &task.source)?;
        if let Some(candidate) = &self.candidate {
            return with_component(own, Some(candidate), &engine, &shared).await;
        }
        // An attempt in which no component ran says so itself, whatever component is at hand.
        let Some(digest) = &attempt.component_digest else {
            return with_component(own, None, &engine, &shared).await;
        };
        let file = self.component.clone().or_else(|| engine.kept(digest));
        let advice = || {
            format!(
                "the attempt ran the component {digest}, which this host does not have; name its file with \
                 --component FILE, run this on a host that ran it, or compare with another by --candidate FILE"
            )
        };
        let source = with_component(own, file.as_deref(), &engine, &shared).await.with_context(advice)?;
        if source.digest() != digest {
            let here = source.digest();
            match &self.component {
                Some(file) => bail!("--component {} is another one, {here}: {}", file.display(), advice()),
                None => bail!("{}: {}", task.source, advice()),
            }
        }
        Ok(source)
    }
}

fn print(task: &Task, unit: &RegisteredUnit, attempt: &Attempt, replayed: &Replayed) -> anyhow::Result<()> {
    say!("task {}, attempt {}: {} {} {}", task.id, attempt.fence, task.source, unit.unit.name, task.month)?;
    say!("  component {}", replayed.component_digest)?;
    say!("  clock     {}", attempt.started_at.to_rfc3339())?;
    say!(
        "  {} then; now {} records from {} requests and {} answers",
        if replayed.outcome.is_empty() { "under way" } else { &replayed.outcome },
        replayed.records,
        replayed.requests,
        replayed.answers
    )?;
    say!("{}", replayed.verdict)?;
    Ok(())
}
