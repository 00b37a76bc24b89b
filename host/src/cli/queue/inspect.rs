//! `backfill queue inspect`: what waits, source by source, and what holds it up.

use std::{path::Path, process::ExitCode, time::Duration};

use chrono::{DateTime, Utc};
use clap::Args;
use serde_json::json;

use crate::{
    cli::{context, hosts, output},
    store::{Instant, SourceQueue},
};

/// Show what is in the queue, source by source, and what holds it up.
///
/// Ready tasks wait for a worker; waiting ones for their time; held ones are of paused jobs.
///
/// For example:
///   backfill queue inspect
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct Inspect {
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Inspect {
    pub(super) async fn act(self, config: &Path) -> anyhow::Result<ExitCode> {
        let config = context::load(config)?;
        let store = context::store(&config).await?;
        let now = store.now();
        let queue = store.queue(now).await?;
        let hosts = hosts::alive(&config, &store).await?;
        if self.json {
            say!("{}", json!({ "sources": queue, "workers": hosts }))?;
            return Ok(ExitCode::SUCCESS);
        }
        if queue.is_empty() {
            say!("the queue is empty")?;
        } else {
            say!("{}", table(&queue, now))?;
        }
        if hosts.is_empty() {
            say!("{}", hosts::NONE)?;
        } else {
            let places: u64 = hosts.iter().map(|host| u64::from(host.concurrency)).sum();
            say!("{} hosts, {places} tasks at once", hosts.len())?;
        }
        store.close().await;
        Ok(ExitCode::SUCCESS)
    }
}

/// A row for every source.
pub(in crate::cli) fn table(queue: &[SourceQueue], now: DateTime<Utc>) -> comfy_table::Table {
    let mut table =
        output::table(["source", "ready", "oldest", "waiting", "next", "running", "held", "held up by"]);
    for source in queue {
        table.add_row([
            source.source.clone(),
            source.ready.to_string(),
            source.oldest_ready.map(|at| ago(at, now)).unwrap_or_default(),
            source.waiting.to_string(),
            source.next_due.map(|at| until(at, now)).unwrap_or_default(),
            source.running.to_string(),
            source.held.to_string(),
            held_up(source, now),
        ]);
    }
    table
}

fn held_up(source: &SourceQueue, now: DateTime<Utc>) -> String {
    let cause = || source.open_cause.as_deref().unwrap_or("failures");
    match (source.open_until, source.held_until) {
        (Some(at), _) if at.utc() > now => format!("{}; tried again {}", cause(), until(at, now)),
        (Some(_), _) => format!("{}; one task is tried", cause()),
        (None, Some(at)) => format!("the upstream asks to slow down, {}", until(at, now)),
        (None, None) if source.failures_in_row > 0 => format!("{} failures in a row", source.failures_in_row),
        (None, None) => String::new(),
    }
}

fn ago(at: Instant, now: DateTime<Utc>) -> String {
    format!("{} ago", seconds(now - at.utc()))
}

fn until(at: Instant, now: DateTime<Utc>) -> String {
    format!("in {}", seconds(at.utc() - now))
}

/// Whole seconds, as people say them.
fn seconds(span: chrono::TimeDelta) -> humantime::FormattedDuration {
    humantime::format_duration(Duration::from_secs(span.num_seconds().max(0).unsigned_abs()))
}
