//! `backfill status`: all that goes on, on one screen.

use std::{path::Path, process::ExitCode};

use chrono::{DateTime, Utc};
use clap::Args;
use serde_json::json;

use super::{context, hosts, output, queue};
use crate::{
    domain::JobStatus,
    store::{Instant, Job, JobFilter, JobPage, Store, Worker},
};

/// So many jobs of each sort are shown.
const SHOWN: u32 = 8;

/// Show what goes on: hosts, the queue of each source, jobs under way, and what failed last.
///
/// For example:
///   backfill status
///   watch backfill status
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Status {
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Status {
    pub(super) async fn act(self, config: &Path) -> anyhow::Result<ExitCode> {
        let config = context::load(config)?;
        let store = context::store(&config).await?;
        let now = store.now();
        let workers = hosts::alive(&config, &store).await?;
        let queue = store.queue(now).await?;
        let open = jobs(&store, vec![JobStatus::InProgress, JobStatus::Pending]).await?;
        let failed = jobs(&store, vec![JobStatus::Failed, JobStatus::PartiallyCompleted]).await?;
        if self.json {
            say!(
                "{}",
                json!({
                    "workers": workers,
                    "sources": queue,
                    "open": { "total": open.total, "jobs": open.jobs },
                    "failed": { "total": failed.total, "jobs": failed.jobs },
                })
            )?;
            return Ok(ExitCode::SUCCESS);
        }
        say_workers(&workers, now)?;
        if !queue.is_empty() {
            say!("{}", queue::table(&queue, now))?;
        }
        say!("{} jobs open", open.total)?;
        for job in &open.jobs {
            say!("  {}", progress(job))?;
        }
        if failed.total > 0 {
            say!("{} jobs failed, the latest:", failed.total)?;
        }
        for job in &failed.jobs {
            let why = output::first_line(job.error_message.as_deref().unwrap_or_default());
            let ended = job.completed_at.map(when).unwrap_or_default();
            say!("  job {} {ended} {}: {why}", job.id, job.status)?;
        }
        store.close().await;
        Ok(ExitCode::SUCCESS)
    }
}

async fn jobs(store: &Store, status: Vec<JobStatus>) -> anyhow::Result<JobPage> {
    let filter = JobFilter { status, limit: Some(SHOWN), ..JobFilter::default() };
    Ok(store.jobs(&filter).await?)
}

fn say_workers(workers: &[Worker], now: DateTime<Utc>) -> anyhow::Result<()> {
    if workers.is_empty() {
        say!("{}", hosts::NONE)?;
        return Ok(());
    }
    let mut table = output::table(["host", "process", "version", "at once", "since", "last heard of"]);
    for worker in workers {
        table.add_row([
            worker.host.clone(),
            worker.pid.to_string(),
            worker.version.clone(),
            worker.concurrency.to_string(),
            when(worker.started_at),
            format!("{} s ago", (now - worker.heartbeat_at.utc()).num_seconds().max(0)),
        ]);
    }
    say!("{table}")?;
    Ok(())
}

fn when(at: Instant) -> String {
    output::instant(at.timestamp())
}

/// `job 7 [======>             ]  33% 12/36, 1 failed`.
fn progress(job: &Job) -> String {
    const WIDTH: i64 = 24;
    let ended = job.total_tasks - job.counts().open();
    let filled = ended * WIDTH / job.total_tasks.max(1);
    let bar: String = (0..WIDTH).map(|place| if place < filled { '=' } else { ' ' }).collect();
    let percent = ended * 100 / job.total_tasks.max(1);
    let failed = if job.failed_tasks > 0 { format!(", {} failed", job.failed_tasks) } else { String::new() };
    let paused = if job.paused { ", paused" } else { "" };
    format!("job {} [{bar}] {percent:>3}% {ended}/{}{failed}{paused}", job.id, job.total_tasks)
}
