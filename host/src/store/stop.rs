//! Stopping jobs: pausing, cancelling, deleting.

use serde_json::json;

use super::{
    Claim, Instant, Store, StoreError,
    connection::Connection,
    error::Doing,
    events::{self, EventKind, Subject},
    jobs::{self, CANCELLED},
    sql,
};
use crate::domain::{JobStatus, TaskCounts, job_status};

/// What a cancellation stopped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cancelled {
    /// Tasks that will not run.
    pub skipped: u64,
    /// Of these, the tasks that were under way; their workers can commit nothing and learn it when they renew.
    pub interrupted: Vec<i64>,
}

impl Store {
    /// Jobs that a worker ran in the foreground (`job_metadata.worker`) and left unfinished: it ended, or gave no
    /// sign of life since `silent_since`, and no worker serves all jobs. Nobody else will run them.
    pub async fn abandoned_jobs(&self, silent_since: impl Into<Instant>) -> Result<Vec<i64>, StoreError> {
        const DOING: &str = "looking for abandoned jobs";
        let mut conn = self.read(DOING).await?;
        sql::query(
            "SELECT j.id FROM backfill_jobs j LEFT JOIN workers w ON w.id = j.job_metadata ->> 'worker'
             WHERE j.status IN ('pending', 'in_progress') AND j.job_metadata ->> 'worker' IS NOT NULL
               AND (w.id IS NULL OR w.stopped_at IS NOT NULL OR w.heartbeat_at < $1)
               AND NOT EXISTS (SELECT 1 FROM workers other
                               WHERE other.serves AND other.stopped_at IS NULL AND other.heartbeat_at >= $1)
             ORDER BY j.id",
        )
        .bind(silent_since.into())
        .scalars(&mut conn)
        .await
        .doing(DOING)
    }

    /// Cancels a job that has not ended: its open tasks are skipped, also those under way, and the job has failed
    /// with reason `cancelled`. Once this returns, no row is written for the job. Its guests are told to stop; once
    /// [`Store::attempts_to_stop`] is 0, all have, and no request follows.
    pub async fn cancel_job(
        &self,
        id: i64,
        by: &str,
        now: impl Into<Instant>,
    ) -> Result<Cancelled, StoreError> {
        const DOING: &str = "cancelling a job";
        let now = now.into();
        let mut tx = self.change_queue(DOING).await?;
        let open = open_tasks(&mut tx, id).await.doing(DOING)?;
        let job = jobs::locked(&mut tx, id).await?;
        if job.status.ended() {
            return Err(StoreError::refused(DOING, format!("job {id} has ended already ({})", job.status)));
        }
        let now = job.changed(now);
        let message = format!("cancelled by {by}");
        let interrupted: Vec<i64> =
            open.iter().filter(|(_, under_way)| *under_way).map(|(task, _)| *task).collect();
        let skipped = sql::query(
            "UPDATE backfill_tasks SET status = 'skipped', lease_owner = NULL, lease_until = NULL,
                    run_after = NULL, error_code = $4, error_message = $2, completed_at = $3
             WHERE job_id = $1 AND status IN ('pending', 'in_progress')",
        )
        .bind(id)
        .bind(&message)
        .bind(now)
        .bind(CANCELLED)
        .execute(&mut tx)
        .await
        .doing(DOING)?;
        let counts = TaskCounts { skipped: job.skipped_tasks + skipped as i64, ..job.counts() };
        let status: JobStatus = job_status(counts, job.started_at.is_some(), true);
        sql::query(
            "UPDATE backfill_jobs SET status = $2, skipped_tasks = $3, reason = $6, error_message = $4,
                    updated_at = $5, completed_at = $5
             WHERE id = $1",
        )
        .bind(id)
        .bind(status)
        .bind(counts.skipped)
        .bind(&message)
        .bind(now)
        .bind(CANCELLED)
        .execute(&mut tx)
        .await
        .doing(DOING)?;
        let data = json!({ "by": by, "skipped": skipped, "interrupted": interrupted });
        events::append(&mut tx, EventKind::JobCancelled, Subject::job(id), data, now).await?;
        events::append_skipped(&mut tx, id, CANCELLED, &message, now, now).await?;
        let data = json!({ "status": status, "tasks": counts });
        events::append(&mut tx, EventKind::JobEnded, Subject::job(id), data, now).await?;
        tx.announce_cancel(id).await.doing(DOING)?;
        tx.commit().await.doing(DOING)?;
        Ok(Cancelled { skipped, interrupted })
    }

    /// How many attempts of a cancelled job run on, since their workers have not heard of it yet.
    pub async fn attempts_to_stop(&self, job_id: i64) -> Result<i64, StoreError> {
        const DOING: &str = "counting attempts of a cancelled job";
        let mut conn = self.read(DOING).await?;
        sql::query(
            "SELECT COUNT(*) FROM backfill_tasks t JOIN task_attempts a ON a.task_id = t.id AND a.ended_at IS NULL
             WHERE t.job_id = $1 AND t.status = 'skipped'",
        )
        .bind(job_id)
        .scalar(&mut conn)
        .await
        .doing(DOING)
    }

    /// Says that the attempt of a claim that was taken away has stopped. One whose lease ran out and that nobody has
    /// taken away yet is left to whoever takes the task back: it is lost, and nobody cancelled it.
    pub async fn stopped(&self, claim: &Claim, now: impl Into<Instant>) -> Result<(), StoreError> {
        const DOING: &str = "recording that an attempt has stopped";
        let mut tx = self.write_own(DOING).await?;
        sql::query(
            "UPDATE task_attempts SET ended_at = $2, outcome = 'cancelled'
             WHERE id = $1 AND task_id = $4 AND fence = $3 AND worker = $5 AND ended_at IS NULL
               AND NOT EXISTS (SELECT 1 FROM backfill_tasks t
                               WHERE t.id = task_id AND t.status = 'in_progress' AND t.fence = $3)",
        )
        .bind(claim.attempt_id)
        .bind(now.into())
        .bind(claim.fence)
        .bind(claim.task_id)
        .bind(&claim.owner)
        .execute(&mut tx)
        .await
        .doing(DOING)?;
        tx.commit().await.doing(DOING)
    }

    /// Ends the open attempts of tasks that were taken away and that nobody will say have stopped: their workers gave no
    /// sign of life since, or they were taken away before, longer ago than a lease, and none goes on for longer.
    pub async fn close_orphaned_attempts(
        &self,
        silent_since: impl Into<Instant>,
        now: impl Into<Instant>,
    ) -> Result<u64, StoreError> {
        const DOING: &str = "ending the attempts of dead workers";
        let mut tx = self.write_own(DOING).await?;
        let ended = sql::query(
            "UPDATE task_attempts SET ended_at = $2, outcome = 'cancelled'
             WHERE ended_at IS NULL
               AND EXISTS (SELECT 1 FROM backfill_tasks t
                           WHERE t.id = task_id AND t.status <> 'in_progress'
                             AND (t.completed_at < $1
                                  OR NOT EXISTS (SELECT 1 FROM workers w
                                                 WHERE w.id = worker AND w.stopped_at IS NULL
                                                   AND w.heartbeat_at >= $1)))",
        )
        .bind(silent_since.into())
        .bind(now.into())
        .execute(&mut tx)
        .await
        .doing(DOING)?;
        tx.commit().await.doing(DOING)?;
        Ok(ended)
    }

    /// Keeps a job's tasks from being claimed; those under way end as they would.
    pub async fn pause_job(&self, id: i64, now: impl Into<Instant>) -> Result<(), StoreError> {
        self.set_paused(id, true, now.into()).await
    }

    /// Undoes a pause.
    pub async fn resume_job(&self, id: i64, now: impl Into<Instant>) -> Result<(), StoreError> {
        self.set_paused(id, false, now.into()).await
    }

    async fn set_paused(&self, id: i64, paused: bool, now: Instant) -> Result<(), StoreError> {
        const DOING: &str = "pausing or resuming a job";
        let mut tx = self.change_queue(DOING).await?;
        open_tasks(&mut tx, id).await.doing(DOING)?;
        let job = jobs::locked(&mut tx, id).await?;
        if job.status.ended() {
            return Err(StoreError::refused(DOING, format!("job {id} has ended already ({})", job.status)));
        }
        if job.paused == paused {
            return Ok(());
        }
        let now = job.changed(now);
        hold(&mut tx, id, paused, now).await.doing(DOING)?;
        let kind = if paused { EventKind::JobPaused } else { EventKind::JobResumed };
        events::append(&mut tx, kind, Subject::job(id), json!({}), now).await?;
        tx.announce_work().await.doing(DOING)?;
        tx.commit().await.doing(DOING)
    }

    /// Deletes a job that has ended, with its tasks, attempts and logs. What it measured stays.
    pub async fn delete_job(&self, id: i64, now: impl Into<Instant>) -> Result<(), StoreError> {
        const DOING: &str = "deleting a job";
        let now = now.into();
        let mut tx = self.change_queue(DOING).await?;
        let job = jobs::locked(&mut tx, id).await?;
        if !job.status.ended() {
            let why = format!("job {id} has not ended ({}); cancel it first", job.status);
            return Err(StoreError::refused(DOING, why));
        }
        sql::query("DELETE FROM backfill_jobs WHERE id = $1").bind(id).execute(&mut tx).await.doing(DOING)?;
        let data = json!({ "windfarm_id": job.windfarm_id, "status": job.status });
        events::append(&mut tx, EventKind::JobDeleted, Subject::job(id), data, now).await?;
        tx.commit().await.doing(DOING)
    }
}

/// Locks the open tasks of a job: (id, whether it is under way), by id. No others become open while the queue is locked.
pub(super) async fn open_tasks(conn: &mut Connection, job_id: i64) -> sqlx::Result<Vec<(i64, bool)>> {
    let text = format!(
        "SELECT id, status = 'in_progress' FROM backfill_tasks
         WHERE job_id = $1 AND status IN ('pending', 'in_progress') ORDER BY id {}",
        conn.lock_rows()
    );
    sql::query(text).bind(job_id).all(conn).await
}

/// On the job for people, on its tasks for the index that claims read.
async fn hold(conn: &mut Connection, id: i64, paused: bool, now: Instant) -> sqlx::Result<()> {
    sql::query("UPDATE backfill_jobs SET paused = $2, updated_at = $3 WHERE id = $1")
        .bind(id)
        .bind(paused)
        .bind(now)
        .execute(conn)
        .await?;
    sql::query(
        "UPDATE backfill_tasks SET held = $2 WHERE job_id = $1 AND status IN ('pending', 'in_progress')",
    )
    .bind(id)
    .bind(paused)
    .execute(conn)
    .await?;
    Ok(())
}
