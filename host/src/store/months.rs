//! What asking for a unit's month last came to. It outlives jobs, and tells a gap that the upstream confirmed from one
//! that nobody ever asked for.

use super::{
    Claim, Instant,
    commit::{Transition, int},
    connection::Connection,
    sql,
};
use crate::domain::{TaskOutcome, TaskStatus};

/// The code of a wait for what the upstream publishes later.
const NOT_YET_PUBLISHED: &str = "not-yet-published";

/// Records what an attempt came to, unless another attempt follows that may find more.
pub(super) async fn record(
    conn: &mut Connection,
    claim: &Claim,
    next: &Transition<'_>,
    now: Instant,
) -> sqlx::Result<()> {
    let outcome = match (next.finished.status, next.finished.outcome) {
        (_, Some(outcome)) => outcome.as_str(),
        (TaskStatus::Failed, None) => "failed",
        (_, None) if next.error.is_some_and(|(code, _)| code == NOT_YET_PUBLISHED) => "waiting",
        (_, None) => return Ok(()),
    };
    // Emptiness that is confirmed again within a day is no new evidence.
    sql::query(
        "INSERT INTO unit_months (generation_unit_id, month, outcome, error_code, error_message, rejected, empty_count,
                                  asked_at, task_id)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         ON CONFLICT (generation_unit_id, month) DO UPDATE
         SET outcome = excluded.outcome, error_code = excluded.error_code, error_message = excluded.error_message,
             rejected = excluded.rejected, task_id = excluded.task_id,
             empty_count = CASE WHEN excluded.outcome <> 'empty' THEN 0
                                WHEN unit_months.outcome = 'empty' AND unit_months.asked_at > $10
                                THEN unit_months.empty_count
                                ELSE unit_months.empty_count + 1 END,
             asked_at = CASE WHEN excluded.outcome = 'empty' AND unit_months.outcome = 'empty'
                                  AND unit_months.asked_at > $10
                             THEN unit_months.asked_at ELSE excluded.asked_at END",
    )
    .bind(claim.unit_id)
    .bind(claim.month)
    .bind(outcome)
    .bind(next.error.map(|(code, _)| code))
    .bind(next.error.map(|(_, message)| message))
    .bind(int(next.finished.written.rejected))
    .bind(i64::from(next.finished.outcome == Some(TaskOutcome::Empty)))
    .bind(now)
    .bind(claim.task_id)
    .bind(Instant::from(now.utc() - chrono::TimeDelta::days(1)))
    .execute(conn)
    .await?;
    Ok(())
}
