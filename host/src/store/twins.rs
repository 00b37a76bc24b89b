//! Tasks of other jobs for what was just fetched: they complete with it, so that nothing is fetched twice.

use serde_json::json;
use sqlx::{FromRow, types::Json};

use super::{
    Claim, Finished, Instant, StoreError, commit::DOING, commit::int, connection::Transaction, error::Doing,
    sql,
};
use crate::domain::TaskOutcome;

/// A task of another job that completed together with one that ran.
#[derive(Debug)]
pub(super) struct Twin {
    pub(super) id: i64,
    pub(super) job_id: i64,
    pub(super) outcome: TaskOutcome,
}

#[derive(FromRow)]
struct Row {
    id: i64,
    job_id: i64,
}

/// Waiting tasks of jobs other than `$3` for a month, `$2`, of a unit, `$1`, and a source, `$4`, that lie within a span,
/// `$5` to `$6`, and that an attempt, `$7`, serves. In words that make SQLite use the index of open tasks, and not that of
/// all which a unit ever had.
pub(super) const SAME_MONTH: &str = "
    SELECT id, job_id FROM backfill_tasks
    WHERE generation_unit_id = $1 AND month = $2 AND status = 'pending' AND NOT held AND job_id <> $3
      AND status IN ('pending', 'in_progress') AND source = $4 AND NOT start_date < $5 AND NOT end_date > $6
      AND (created_at <= (SELECT started_at FROM task_attempts WHERE id = $7)
           OR NOT (SELECT j.anew FROM backfill_jobs j WHERE j.id = job_id))
    ORDER BY id";

/// Completes the waiting tasks of the same unit and month that lie within what the attempt covered: those that were
/// made before it began, and those of jobs that were made since and do not want the month anew. A failure is not
/// shared: each job has its own attempts. The caller counts them.
pub(super) async fn complete(
    tx: &mut Transaction,
    claim: &Claim,
    finished: &Finished,
    now: Instant,
) -> Result<Vec<Twin>, StoreError> {
    let outcome = match finished.outcome {
        None => return Ok(Vec::new()),
        Some(outcome) => outcome.of_others(),
    };
    let text = format!("{SAME_MONTH} {}", tx.lock_free_rows());
    let twins: Vec<Row> = sql::query(text)
        .bind(claim.unit_id)
        .bind(claim.month)
        .bind(claim.job_id)
        .bind(&claim.source)
        .bind(Instant::from_seconds(claim.window.start))
        .bind(Instant::from_seconds(claim.window.end))
        .bind(claim.attempt_id)
        .all(tx)
        .await
        .doing(DOING)?;
    let stored = finished.written.fetched() - finished.written.rejected;
    for twin in &twins {
        sql::query(
            "UPDATE backfill_tasks SET status = 'completed', outcome = $2, run_after = NULL, records_fetched = $3,
                    records_inserted = 0, records_updated = 0, records_unchanged = $3, records_rejected = 0,
                    error_code = NULL, error_message = NULL, task_metadata = $4,
                    started_at = COALESCE(started_at, $5), completed_at = $5
             WHERE id = $1",
        )
        .bind(twin.id)
        .bind(outcome)
        .bind(int(stored))
        .bind(Json(json!({ "shared_with": claim.task_id })))
        .bind(now)
        .execute(tx)
        .await
        .doing(DOING)?;
    }
    Ok(twins.into_iter().map(|Row { id, job_id }| Twin { id, job_id, outcome }).collect())
}
