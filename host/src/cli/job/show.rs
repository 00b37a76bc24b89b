//! `backfill job show`, `tasks` and `logs`.

use std::{path::Path, process::ExitCode, time::Duration};

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use super::list::windfarm;
use crate::{
    cli::{context, logging, output},
    domain::{JobStatus, TaskStatus},
    store::{Job, JobSummary, Store, Task, TaskFilter},
};

/// Show a job: where it stands, what was found, what failed and why.
///
/// For example:
///   backfill job show 12
///   backfill job show 12 --follow
///   backfill job show 12 --json | jq .summary
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct Show {
    /// The job's id.
    id: i64,

    /// Watch it until it has ended; exit code 0 only if every task ended well.
    #[arg(long, conflicts_with = "json")]
    follow: bool,

    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// List the tasks of a job, in the order in which they were planned.
#[derive(Args)]
pub(in crate::cli) struct Tasks {
    /// The job's id.
    id: i64,

    /// Only tasks that stand here: pending, in_progress, completed, failed, skipped.
    #[arg(long)]
    status: Option<TaskStatus>,

    /// At most so many.
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: u32,

    /// Only tasks after this one: the last of the page before.
    #[arg(long, value_name = "ID", default_value_t = 0)]
    after: i64,

    /// Print JSON, a line per task.
    #[arg(long)]
    json: bool,
}

/// Print what a task's source said while it ran.
#[derive(Args)]
pub(in crate::cli) struct Logs {
    /// The task's id, as `backfill job tasks` shows it.
    task: i64,

    /// At most so many lines.
    #[arg(long, value_name = "N", default_value_t = 1000)]
    limit: u32,
}

/// So many failures are shown with a job; `job tasks --status failed` shows all.
const FAILURES: u32 = 10;

impl Show {
    pub(super) async fn act(self, config: &Path) -> anyhow::Result<ExitCode> {
        let config = context::load(config)?;
        let store = context::store(&config).await?;
        if self.follow {
            return follow(&store, self.id, config.worker.poll).await;
        }
        let (job, summary) = (store.job(self.id).await?, store.job_summary(self.id).await?);
        let failed = failures(&store, self.id).await?;
        if self.json {
            say!("{}", json!({ "job": job, "summary": summary, "failed": failed }))?;
        } else {
            print(&job, &summary, &failed)?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Tasks {
    pub(super) async fn act(self, config: &Path) -> anyhow::Result<ExitCode> {
        let config = context::load(config)?;
        let store = context::store(&config).await?;
        store.job(self.id).await?;
        let filter = TaskFilter {
            status: self.status,
            after: self.after,
            limit: Some(self.limit),
            ..TaskFilter::default()
        };
        let tasks = store.tasks(self.id, filter).await?;
        if self.json {
            for task in &tasks {
                say!("{}", json!(task))?;
            }
        } else {
            say!("{}", table(&tasks))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Logs {
    pub(super) async fn act(self, config: &Path) -> anyhow::Result<ExitCode> {
        let config = context::load(config)?;
        let store = context::store(&config).await?;
        store.task(self.task).await?;
        for line in store.logs(self.task, 0, self.limit).await? {
            say!("{} {:>5} {}", output::instant(line.at.timestamp()), line.level, line.message)?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

async fn failures(store: &Store, id: i64) -> anyhow::Result<Vec<Task>> {
    let filter =
        TaskFilter { status: Some(TaskStatus::Failed), limit: Some(FAILURES), ..TaskFilter::default() };
    Ok(store.tasks(id, filter).await?)
}

fn print(job: &Job, summary: &JobSummary, failed: &[Task]) -> anyhow::Result<()> {
    say!(
        "job {}: {}, {} to {}, {}{}",
        job.id,
        windfarm(job),
        output::instant(job.start_date.timestamp()),
        output::instant(job.end_date.timestamp()),
        job.status,
        if job.paused { " (paused)" } else { "" }
    )?;
    if let Some(why) = &job.error_message {
        say!("{why}")?;
    }
    let mut counts = output::table(["tasks", "pending", "in progress", "completed", "failed", "skipped"]);
    counts.add_row(
        [
            summary.total,
            summary.pending,
            summary.in_progress,
            summary.completed,
            summary.failed,
            summary.skipped,
        ]
        .map(|count| count.to_string()),
    );
    say!("{counts}")?;
    say!(
        "completed: {} written, {} unchanged, {} empty; records: {} inserted, {} updated, {} unchanged, {} rejected; \
         {} requests",
        summary.written,
        summary.unchanged,
        summary.empty,
        summary.records_inserted,
        summary.records_updated,
        summary.records_unchanged,
        summary.records_rejected,
        summary.requests
    )?;
    if !failed.is_empty() {
        say!("{}", table(failed))?;
        say!("`backfill job retry {}` runs failed tasks again; `backfill job logs TASK` tells more", job.id)?;
    }
    Ok(())
}

fn table(tasks: &[Task]) -> comfy_table::Table {
    let mut table =
        output::table(["task", "unit", "source", "month", "status", "attempts", "records", "message"]);
    for task in tasks {
        let status = match task.outcome {
            Some(outcome) => format!("{} ({outcome})", task.status),
            None => task.status.to_string(),
        };
        let message = task.error_message.as_deref().unwrap_or_default();
        table.add_row([
            task.id.to_string(),
            task.generation_unit_id.to_string(),
            task.source.clone(),
            task.month.to_string(),
            status,
            format!("{}/{}", task.attempt_count, task.max_attempts),
            task.records_fetched.to_string(),
            message.lines().next().unwrap_or_default().to_owned(),
        ]);
    }
    table
}

/// Watches a job until it has ended.
pub(super) async fn follow(store: &Store, id: i64, poll: Duration) -> anyhow::Result<ExitCode> {
    let job = store.job(id).await?;
    let bar = logging::bars().add(ProgressBar::new(job.total_tasks.unsigned_abs()));
    if let Ok(style) = ProgressStyle::with_template("job {prefix} [{bar:32}] {pos}/{len} {elapsed} {msg}") {
        bar.set_style(style.progress_chars("=> "));
    }
    bar.set_prefix(id.to_string());
    let job = loop {
        let job = store.job(id).await?;
        let done = job.completed_tasks + job.failed_tasks + job.skipped_tasks;
        bar.set_position(done.unsigned_abs());
        bar.set_message(format!("{} failed{}", job.failed_tasks, if job.paused { ", paused" } else { "" }));
        if job.status.ended() {
            break job;
        }
        tokio::time::sleep(poll).await;
    };
    bar.finish_and_clear();
    print(&job, &store.job_summary(id).await?, &failures(store, id).await?)?;
    Ok(if job.status == JobStatus::Completed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
