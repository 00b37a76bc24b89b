//! What changes a job's course.

use std::{path::Path, process::ExitCode};

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::{
    cli::{context, deed::Deed},
    config::Config,
    planning,
    store::{Chosen, Store},
    worker,
};

#[derive(Subcommand)]
pub(in crate::cli) enum Change {
    /// Cancel a job: its open tasks are skipped, running guests are stopped. What is stored stays.
    ///
    /// When this returns, no request and no row follows for the job.
    Cancel(Which),
    /// Claim nothing more of a job for now; what runs ends as it would.
    Pause(Which),
    /// Undo a pause.
    Resume(Which),
    Retry(Retry),
    /// Take back tasks whose worker has died, without waiting for their leases to run out.
    ResetStuck(Which),
    /// Run a job's waiting tasks now, instead of when their wait is over.
    Process(Which),
    /// Count a job's tasks anew and say by how much its counters were wrong: 0, unless somebody wrote past the host.
    Refresh(Which),
    /// Delete a job that has ended, with its tasks and attempts. Measurements stay.
    Delete(Which),
}

#[derive(Args)]
pub(in crate::cli) struct Which {
    /// The job's id.
    id: i64,

    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Run tasks again that failed or were cancelled, with all their attempts before them.
///
/// For example:
///   backfill job retry 12
///   backfill job retry 12 --task 340 --task 341 --force
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct Retry {
    #[command(flatten)]
    which: Which,

    /// Only this task; may be given several times.
    #[arg(long = "task", value_name = "ID")]
    tasks: Vec<i64>,

    /// Also what failed for good: not available, invalid unit.
    #[arg(long)]
    force: bool,
}

/// Who acts, where nobody logs in.
const BY: &str = "the command line";

/// A worker that stopped without a word is taken for dead after this many leases.
const LEASES: u32 = 2;

impl Change {
    pub(super) async fn act(self, config: &Path) -> anyhow::Result<ExitCode> {
        let config = context::load(config)?;
        let store = context::store(&config).await?;
        let (command, &Which { id, json: as_json }) = match &self {
            Self::Cancel(which) => ("job cancel", which),
            Self::Pause(which) => ("job pause", which),
            Self::Resume(which) => ("job resume", which),
            Self::Retry(retry) => ("job retry", &retry.which),
            Self::ResetStuck(which) => ("job reset-stuck", which),
            Self::Process(which) => ("job process", which),
            Self::Refresh(which) => ("job refresh", which),
            Self::Delete(which) => ("job delete", which),
        };
        let detail = match &self {
            Self::Retry(retry) => json!({ "task_ids": retry.tasks, "force": retry.force }),
            _ => json!({}),
        };
        let changing = Deed::new(command, &format!("/backfill/jobs/{id}")).with(detail);
        let (said, value) = changing.done(&store, self.change(&config, &store)).await?;
        if as_json {
            say!("{value}")?;
        } else {
            say!("{said}")?;
        }
        Ok(ExitCode::SUCCESS)
    }

    /// Makes the change; says what it was, for people and for machines.
    async fn change(self, config: &Config, store: &Store) -> anyhow::Result<(String, Value)> {
        let now = store.now();
        Ok(match self {
            Self::Cancel(Which { id, .. }) => {
                let patience = config.worker.lease * LEASES;
                let (done, left) = worker::cancel(store, id, BY, patience).await?;
                let mut said = format!(
                    "job {id} is cancelled: {} tasks skipped, {} of them stopped",
                    done.skipped,
                    done.interrupted.len()
                );
                if left > 0 {
                    said += &format!("; {left} workers gave no answer, their leases have run out");
                }
                (
                    said,
                    json!({ "skipped": done.skipped, "interrupted": done.interrupted, "unanswered": left }),
                )
            }
            Self::Pause(Which { id, .. }) => {
                store.pause_job(id, now).await?;
                (format!("job {id} is paused; `backfill job resume {id}` goes on"), json!({ "paused": true }))
            }
            Self::Resume(Which { id, .. }) => {
                store.resume_job(id, now).await?;
                (format!("job {id} goes on"), json!({ "paused": false }))
            }
            Self::Retry(Retry { which: Which { id, .. }, tasks, force }) => {
                let chosen = if tasks.is_empty() { Chosen::All } else { Chosen::Tasks(&tasks) };
                let what = planning::Retry { job_id: id, chosen, force };
                let done = planning::retry(store, what, BY, config.server.max_open_tasks, now).await?;
                let mut said = format!("job {id}: {} tasks run again", done.reopened.len());
                if !done.permanent.is_empty() {
                    said += &format!("; {} failed for good, --force runs them too", done.permanent.len());
                }
                if done.paused {
                    said += &format!("; the job is paused, `backfill job resume {id}` goes on");
                }
                (
                    said,
                    json!({ "reopened": done.reopened, "permanent": done.permanent, "status": done.status }),
                )
            }
            Self::ResetStuck(Which { id, .. }) => {
                let taken = store.reset_stuck(id, now - config.worker.lease, now).await?;
                (
                    format!("job {id}: {} stuck tasks are ready again", taken.len()),
                    json!({ "reset": taken.iter().map(|task| task.task_id).collect::<Vec<_>>() }),
                )
            }
            Self::Process(Which { id, .. }) => {
                let woken = store.process_job(id, now).await?;
                (format!("job {id}: {woken} waiting tasks are ready now"), json!({ "ready": woken }))
            }
            Self::Refresh(Which { id, .. }) => {
                let drift = store.recount_job(id, now).await?;
                let said = format!(
                    "job {id}: its counters were wrong by {} of all, {} completed, {} failed, {} skipped",
                    drift.total, drift.completed, drift.failed, drift.skipped
                );
                (said, json!({ "drift": drift }))
            }
            Self::Delete(Which { id, .. }) => {
                store.delete_job(id, now).await?;
                (format!("job {id} is deleted; what it stored stays"), json!({ "deleted": id }))
            }
        })
    }
}
