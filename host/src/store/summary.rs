//! Sums over a job's tasks, and the check that its counters are what they count.

use serde::Serialize;
use sqlx::FromRow;

use super::{Instant, Store, StoreError, connection::Connection, error::Doing, jobs, sql, stop};
use crate::domain::{TaskCounts, job_status};

/// A job's tasks in figures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromRow, Serialize, utoipa::ToSchema)]
pub struct JobSummary {
    /// All tasks.
    pub total: i64,
    /// Waiting.
    pub pending: i64,
    /// Under way.
    pub in_progress: i64,
    /// Ended well; the sum of the next three.
    pub completed: i64,
    /// Completed with something new.
    pub written: i64,
    /// Completed with nothing new.
    pub unchanged: i64,
    /// Completed because the upstream has nothing.
    pub empty: i64,
    /// Ended without their data.
    pub failed: i64,
    /// Not run.
    pub skipped: i64,
    /// Of these: stopped by a cancellation or a purge; a retry runs them.
    pub stopped: i64,
    /// Records returned.
    pub records_fetched: i64,
    /// Of these: new.
    pub records_inserted: i64,
    /// Of these: in the place of others.
    pub records_updated: i64,
    /// Of these: stored already.
    pub records_unchanged: i64,
    /// Of these: not fit to be stored.
    pub records_rejected: i64,
    /// Requests to upstreams, of all attempts.
    pub requests: i64,
}

/// By how much a job's counters differed from its tasks. All zero unless somebody wrote past the store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Drift {
    /// Of all tasks.
    pub total: i64,
    /// Of completed ones.
    pub completed: i64,
    /// Of failed ones.
    pub failed: i64,
    /// Of skipped ones.
    pub skipped: i64,
}

impl Store {
    /// A job's tasks, counted and summed.
    pub async fn job_summary(&self, id: i64) -> Result<JobSummary, StoreError> {
        const DOING: &str = "summing up a job";
        let mut conn = self.read(DOING).await?;
        sql::query(
            "SELECT COUNT(*) AS total,
                    COUNT(*) FILTER (WHERE status = 'pending') AS pending,
                    COUNT(*) FILTER (WHERE status = 'in_progress') AS in_progress,
                    COUNT(*) FILTER (WHERE status = 'completed') AS completed,
                    COUNT(*) FILTER (WHERE outcome = 'written') AS written,
                    COUNT(*) FILTER (WHERE outcome = 'unchanged') AS unchanged,
                    COUNT(*) FILTER (WHERE outcome = 'empty') AS empty,
                    COUNT(*) FILTER (WHERE status = 'failed') AS failed,
                    COUNT(*) FILTER (WHERE status = 'skipped') AS skipped,
                    COUNT(*) FILTER (WHERE status = 'skipped' AND error_code IN ($2, $3)) AS stopped,
                    CAST(COALESCE(SUM(records_fetched), 0) AS BIGINT) AS records_fetched,
                    CAST(COALESCE(SUM(records_inserted), 0) AS BIGINT) AS records_inserted,
                    CAST(COALESCE(SUM(records_updated), 0) AS BIGINT) AS records_updated,
                    CAST(COALESCE(SUM(records_unchanged), 0) AS BIGINT) AS records_unchanged,
                    CAST(COALESCE(SUM(records_rejected), 0) AS BIGINT) AS records_rejected,
                    (SELECT CAST(COALESCE(SUM(a.requests), 0) AS BIGINT) FROM task_attempts a JOIN backfill_tasks t ON t.id = a.task_id
                     WHERE t.job_id = $1) AS requests
             FROM backfill_tasks WHERE job_id = $1",
        )
        .bind(id)
        .bind(jobs::CANCELLED)
        .bind(jobs::PURGED)
        .one(&mut conn)
        .await
        .doing(DOING)
    }

    /// Counts a job's tasks anew, sets its counters right, and says by how much they were wrong.
    pub async fn recount_job(&self, id: i64, now: impl Into<Instant>) -> Result<Drift, StoreError> {
        const DOING: &str = "recounting a job";
        let now = now.into();
        let mut tx = self.change_queue(DOING).await?;
        stop::open_tasks(&mut tx, id).await.doing(DOING)?;
        let job = jobs::locked(&mut tx, id).await?;
        let kept = job.counts();
        let real = count(&mut tx, id).await.doing(DOING)?;
        let drift = Drift {
            total: kept.total - real.total,
            completed: kept.completed - real.completed,
            failed: kept.failed - real.failed,
            skipped: kept.skipped - real.skipped,
        };
        if drift != Drift::default() {
            let now = job.changed(now);
            let status = job_status(real, job.started_at.is_some(), job.was_stopped());
            sql::query(
                "UPDATE backfill_jobs SET total_tasks = $2, completed_tasks = $3, failed_tasks = $4,
                                          skipped_tasks = $5, updated_at = $6, status = $7, completed_at = $8
                 WHERE id = $1",
            )
            .bind(id)
            .bind(real.total)
            .bind(real.completed)
            .bind(real.failed)
            .bind(real.skipped)
            .bind(now)
            .bind(status)
            .bind(status.ended().then(|| job.completed_at.unwrap_or(now)))
            .execute(&mut tx)
            .await
            .doing(DOING)?;
            tx.commit().await.doing(DOING)?;
        }
        Ok(drift)
    }
}

async fn count(conn: &mut Connection, job_id: i64) -> sqlx::Result<TaskCounts> {
    let (total, completed, failed, skipped) = sql::query(
        "SELECT COUNT(*), COUNT(*) FILTER (WHERE status = 'completed'), COUNT(*) FILTER (WHERE status = 'failed'),
                COUNT(*) FILTER (WHERE status = 'skipped')
         FROM backfill_tasks WHERE job_id = $1",
    )
    .bind(job_id)
    .one(conn)
    .await?;
    Ok(TaskCounts { total, completed, failed, skipped })
}
