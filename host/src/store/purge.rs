//! The emergency stop: everything that waits is taken from the queue.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::json;

use super::{
    Instant, Store, StoreError,
    connection::Connection,
    error::Doing,
    events::{self, Subject},
    jobs::{self, Job, PURGED},
    sql,
};
use crate::domain::{EventKind, JobStatus, Priority, TaskCounts, job_status};

const DOING: &str = "purging the queue";

/// What to take from the queue, and why.
#[derive(Clone, Copy, Debug)]
pub struct Purge<'a> {
    /// Kept with every task and job, for people.
    pub reason: &'a str,
    /// Who does it.
    pub by: &'a str,
    /// Only tasks of this source.
    pub source: Option<&'a str>,
    /// Only tasks of jobs of this priority.
    pub priority: Option<Priority>,
}

/// What was taken from one job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Purged {
    /// The job.
    pub job_id: i64,
    /// Its tasks that will not run.
    pub tasks: i64,
    /// Where the job stands now: failed, unless tasks of it are left.
    pub status: JobStatus,
}

impl Store {
    /// Takes every pending task from the queue: it is skipped, with the code `purged` and the reason. What runs ends as
    /// it would. A job that lost tasks has failed with reason `purged` once nothing of it is left; a retry takes it up
    /// again where it was stopped.
    pub async fn purge_queue(
        &self,
        purge: &Purge<'_>,
        now: impl Into<Instant>,
    ) -> Result<Vec<Purged>, StoreError> {
        let now = now.into();
        if purge.reason.trim().is_empty() {
            return Err(StoreError::refused(DOING, "give a reason: it is kept with every task"));
        }
        let message = format!("purged by {}: {}", purge.by, purge.reason);
        let mut tx = self.change_queue(DOING).await?;
        let mut taken: BTreeMap<i64, i64> = BTreeMap::new();
        for job_id in skip(&mut tx, purge, &message, now).await.doing(DOING)? {
            *taken.entry(job_id).or_default() += 1;
        }
        let mut purged = Vec::with_capacity(taken.len());
        for job in jobs::lock(&mut tx, taken.keys().copied().collect()).await? {
            let skipped_at = now;
            let now = job.changed(now);
            let tasks = taken.get(&job.id).copied().unwrap_or(0);
            let status = count(&mut tx, &job, tasks, &message, now).await?;
            let data = json!({ "by": purge.by, "reason": purge.reason, "tasks": tasks });
            events::append(&mut tx, EventKind::JobPurged, Subject::job(job.id), data, now).await?;
            events::append_skipped(&mut tx, job.id, PURGED, &message, skipped_at, now).await?;
            if status.ended() {
                let skipped = TaskCounts { skipped: job.skipped_tasks + tasks, ..job.counts() };
                let data = json!({ "status": status, "tasks": skipped });
                events::append(&mut tx, EventKind::JobEnded, Subject::job(job.id), data, now).await?;
            }
            purged.push(Purged { job_id: job.id, tasks, status });
        }
        tx.commit().await.doing(DOING)?;
        Ok(purged)
    }
}

/// Skips the tasks; gives the job of each.
async fn skip(
    conn: &mut Connection,
    purge: &Purge<'_>,
    message: &str,
    now: Instant,
) -> sqlx::Result<Vec<i64>> {
    sql::query(
        "UPDATE backfill_tasks SET status = 'skipped', run_after = NULL, error_code = $1, error_message = $2,
                completed_at = $3
         WHERE status = 'pending' AND ($4 IS NULL OR source = $4)
           AND ($5 IS NULL OR job_id IN (SELECT id FROM backfill_jobs
                                         WHERE status IN ('pending', 'in_progress') AND priority = $5))
         RETURNING job_id",
    )
    .bind(PURGED)
    .bind(message)
    .bind(now)
    .bind(purge.source)
    .bind(purge.priority)
    .scalars(conn)
    .await
}

async fn count(
    conn: &mut Connection,
    job: &Job,
    tasks: i64,
    message: &str,
    now: Instant,
) -> Result<JobStatus, StoreError> {
    let counts = TaskCounts { skipped: job.skipped_tasks + tasks, ..job.counts() };
    let status = job_status(counts, job.started_at.is_some(), true);
    sql::query(
        "UPDATE backfill_jobs SET status = $2, skipped_tasks = $3, reason = $4, error_message = $5, updated_at = $6,
                completed_at = $7
         WHERE id = $1",
    )
    .bind(job.id)
    .bind(status)
    .bind(counts.skipped)
    .bind(PURGED)
    .bind(message)
    .bind(now)
    .bind(status.ended().then_some(now))
    .execute(conn)
    .await
    .doing(DOING)?;
    Ok(status)
}
