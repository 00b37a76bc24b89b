//! Tasks whose worker died or stalled: taken back, and given up once they have taken many workers with them.

use serde_json::json;
use sqlx::FromRow;

use super::{
    Instant, StoreError,
    bulk::bulk,
    claim::DOING,
    connection::Transaction,
    error::Doing,
    events::{self, EventKind, NewEvent, Subject},
    jobs::{self, Job},
    sql,
};
use crate::domain::TaskStatus;

/// So many leases in a row that ran out: the task is what brings its workers down.
const GIVEN_UP_AFTER: i64 = 10;

/// The code of a task that was given up.
const WORKERS_LOST: &str = "workers-lost";

/// A task whose lease ran out.
#[derive(Debug, FromRow)]
pub(super) struct Lost {
    pub(super) id: i64,
    pub(super) job_id: i64,
    source: String,
    lost_count: i64,
    pub(super) worker: Option<String>,
}

/// Columns of [`Lost`], of tasks `t` that are about to be taken back.
pub(super) const COLUMNS: &str =
    "t.id, t.job_id, t.source, t.lost_count + 1 AS lost_count, t.lease_owner AS worker";

/// Tasks whose lease ran out are pending again. That costs no attempt: it is the worker that failed, not the task.
/// The caller locks their jobs, then [`tell`]s.
pub(super) async fn take_back(tx: &mut Transaction, now: Instant) -> Result<Vec<Lost>, StoreError> {
    let text = format!(
        "SELECT {COLUMNS} FROM backfill_tasks t WHERE t.lease_until <= $1 ORDER BY t.id {}",
        tx.lock_free_rows()
    );
    let lost: Vec<Lost> = sql::query(text).bind(now).all(tx).await.doing(DOING)?;
    end_leases(tx, &lost, now).await?;
    Ok(lost)
}

/// Ends the leases of tasks that the caller has locked.
pub(super) async fn end_leases(tx: &mut Transaction, lost: &[Lost], now: Instant) -> Result<(), StoreError> {
    bulk(
        "WITH lost (task_id) AS ({rows})
         UPDATE backfill_tasks SET status = 'pending', lease_owner = NULL, lease_until = NULL,
                                   lost_count = lost_count + 1
         FROM lost WHERE id = task_id",
    )
    .column(lost.iter().map(|task| task.id))
    .execute(tx)
    .await
    .doing(DOING)?;
    bulk(
        "WITH lost (lost_task, now) AS ({rows})
         UPDATE task_attempts SET ended_at = now, outcome = 'lost' FROM lost
         WHERE task_id = lost_task AND ended_at IS NULL",
    )
    .column(lost.iter().map(|task| task.id))
    .column(lost.iter().map(|_| Some(now)))
    .execute(tx)
    .await
    .doing(DOING)?;
    for task in lost.iter().filter(|task| task.is_given_up()) {
        sql::query(
            "UPDATE backfill_tasks SET status = 'failed', completed_at = $2, error_code = $3, error_message = $4
             WHERE id = $1",
        )
        .bind(task.id)
        .bind(now)
        .bind(WORKERS_LOST)
        .bind(task.message())
        .execute(tx)
        .await
        .doing(DOING)?;
    }
    Ok(())
}

/// Records what was taken back, and counts what was given up in its jobs, which the caller has locked.
pub(super) async fn tell(
    tx: &mut Transaction,
    lost: &[Lost],
    locked: &[Job],
    now: Instant,
) -> Result<(), StoreError> {
    let news: Vec<_> = lost
        .iter()
        .map(|task| {
            let subject = Subject::task(task.job_id, task.id, &task.source);
            if task.is_given_up() {
                let data = json!({ "code": WORKERS_LOST, "message": task.message() });
                NewEvent::new(EventKind::TaskFailed, subject, data)
            } else {
                NewEvent::new(EventKind::TaskLost, subject, json!({ "worker": task.worker }))
            }
        })
        .collect();
    events::append_all(tx, &news, now).await?;
    for job in locked {
        let given_up = lost.iter().filter(|task| task.job_id == job.id && task.is_given_up()).count();
        if given_up > 0 {
            jobs::count(tx, job, &vec![TaskStatus::Failed; given_up], now).await?;
        }
    }
    Ok(())
}

impl Lost {
    pub(super) const fn is_given_up(&self) -> bool {
        self.lost_count >= GIVEN_UP_AFTER
    }

    fn message(&self) -> String {
        format!(
            "{} workers in a row died or stalled while they ran it; see their logs and the task's, then retry it",
            self.lost_count
        )
    }
}
