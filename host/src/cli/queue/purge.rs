//! `backfill queue purge`: the emergency stop.

use std::{path::Path, process::ExitCode};

use clap::Args;
use serde_json::json;

use crate::{
    cli::{context, deed::Deed, words},
    domain::Priority,
    store,
};

/// Take every task that waits from the queue, in an emergency. What runs ends as it would; what is stored stays.
///
/// The tasks are skipped with the reason, and their jobs have failed as `purged`. `backfill job retry` takes a job up
/// again where it was stopped.
///
/// For example:
///   backfill queue purge --reason "wrong API key" --source entsoe
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct Purge {
    /// Why; kept with every task and job.
    #[arg(long, value_name = "TEXT")]
    reason: String,

    /// Only tasks of this source.
    #[arg(long, value_name = "ID")]
    source: Option<String>,

    /// Only tasks of jobs of this priority: high, normal or default.
    #[arg(long, value_parser = words::priority)]
    priority: Option<Priority>,

    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Purge {
    pub(super) async fn act(self, config: &Path) -> anyhow::Result<ExitCode> {
        let store = context::store(&context::load(config)?).await?;
        let purge = store::Purge {
            reason: &self.reason,
            by: "the command line",
            source: self.source.as_deref(),
            priority: self.priority,
        };
        let detail = json!({ "reason": self.reason, "source": self.source, "priority": self.priority });
        let purging = Deed::new("queue purge", "/queue").with(detail);
        let purged = purging.done(&store, store.purge_queue(&purge, store.now())).await?;
        let tasks: i64 = purged.iter().map(|job| job.tasks).sum();
        if self.json {
            let jobs: Vec<_> = purged
                .iter()
                .map(|job| json!({ "job": job.job_id, "tasks": job.tasks, "status": job.status }))
                .collect();
            say!("{}", json!({ "tasks": tasks, "jobs": jobs }))?;
        } else {
            for job in &purged {
                say!("job {}: {} tasks taken, {}", job.job_id, job.tasks, job.status)?;
            }
            say!("{tasks} tasks of {} jobs were taken from the queue", purged.len())?;
        }
        store.close().await;
        Ok(ExitCode::SUCCESS)
    }
}
