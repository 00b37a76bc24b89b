//! Making a job run now.

use serde_json::json;

use super::{
    Instant, Store, StoreError,
    error::Doing,
    events::{self, EventKind, Subject},
    jobs, sql, stop,
};

impl Store {
    /// Lets a job's waiting tasks be claimed at once and wakes the workers; gives how many waited. It runs no more
    /// tasks than the limits allow, asks nothing of an upstream that holds everybody off, and lifts no pause.
    pub async fn process_job(&self, id: i64, now: impl Into<Instant>) -> Result<u64, StoreError> {
        const DOING: &str = "processing a job";
        let now = now.into();
        let mut tx = self.change_queue(DOING).await?;
        stop::open_tasks(&mut tx, id).await.doing(DOING)?;
        let job = jobs::locked(&mut tx, id).await?;
        if job.status.ended() {
            let why = format!("job {id} has ended already ({}); retry it if tasks failed", job.status);
            return Err(StoreError::refused(DOING, why));
        }
        if job.paused {
            return Err(StoreError::refused(DOING, format!("job {id} is paused; resume it")));
        }
        let now = job.changed(now);
        let waited = sql::query(
            "UPDATE backfill_tasks SET run_after = NULL
             WHERE job_id = $1 AND status = 'pending' AND run_after IS NOT NULL",
        )
        .bind(id)
        .execute(&mut tx)
        .await
        .doing(DOING)?;
        sql::query("UPDATE backfill_jobs SET job_metadata = $2, updated_at = $3 WHERE id = $1")
            .bind(id)
            .bind(jobs::for_any_worker(&job.job_metadata))
            .bind(now)
            .execute(&mut tx)
            .await
            .doing(DOING)?;
        events::append(&mut tx, EventKind::JobHastened, Subject::job(id), json!({ "tasks": waited }), now)
            .await?;
        tx.announce_work().await.doing(DOING)?;
        tx.commit().await.doing(DOING)?;
        Ok(waited)
    }
}
