//! `backfill job list`.

use std::{path::Path, process::ExitCode};

use clap::Args;
use serde_json::json;

use crate::{
    cli::{context, output},
    domain::JobStatus,
    store::{Job, JobFilter},
};

/// List jobs, the newest first.
///
/// For example:
///   backfill job list --status in_progress --status pending
///   backfill job list --windfarm Anholt --json
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct List {
    /// Only jobs of this wind farm.
    #[arg(long, value_name = "NAME")]
    windfarm: Option<String>,

    /// Only jobs that stand here: pending, in_progress, completed, failed, partially_completed; may be given several
    /// times.
    #[arg(long = "status", value_name = "STATUS")]
    statuses: Vec<JobStatus>,

    /// Only jobs with tasks of this source.
    #[arg(long, value_name = "ID")]
    source: Option<String>,

    /// At most so many, up to 100.
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: u32,

    /// Only jobs older than this one: the last of the page before.
    #[arg(long, value_name = "ID")]
    before: Option<i64>,

    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl List {
    pub(super) async fn act(self, config: &Path) -> anyhow::Result<ExitCode> {
        let config = context::load(config)?;
        let store = context::store(&config).await?;
        let windfarm_id = match &self.windfarm {
            Some(name) => Some(store.windfarm_by_name(name).await?.id),
            None => None,
        };
        let filter = JobFilter {
            windfarm_id,
            status: self.statuses,
            source: self.source,
            before: self.before,
            limit: Some(self.limit),
            ..JobFilter::default()
        };
        let page = store.jobs(&filter).await?;
        if self.json {
            say!("{}", json!({ "jobs": page.jobs, "total": page.total }))?;
            return Ok(ExitCode::SUCCESS);
        }
        let mut table = output::table([
            "id",
            "wind farm",
            "from",
            "to",
            "status",
            "done",
            "failed",
            "skipped",
            "created",
        ]);
        for job in &page.jobs {
            table.add_row([
                job.id.to_string(),
                windfarm(job),
                output::instant(job.start_date.timestamp()),
                output::instant(job.end_date.timestamp()),
                if job.paused { format!("{} (paused)", job.status) } else { job.status.to_string() },
                format!("{}/{}", job.completed_tasks, job.total_tasks),
                job.failed_tasks.to_string(),
                job.skipped_tasks.to_string(),
                output::instant(job.created_at.timestamp()),
            ]);
        }
        say!("{table}")?;
        say!("{} of {} jobs", page.jobs.len(), page.total)?;
        Ok(ExitCode::SUCCESS)
    }
}

/// What the job is about, for people.
pub(super) fn windfarm(job: &Job) -> String {
    let named = job.job_metadata["windfarm"].as_str();
    named.map_or_else(|| format!("wind farm {}", job.windfarm_id), str::to_owned)
}
