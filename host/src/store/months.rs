//! What asking for a unit's month last came to. It outlives jobs, and tells a gap that the upstream confirmed from one
//! that nobody ever asked for.

use super::{
    Claim, Instant,
    commit::{Transition, int},
    connection::Connection,
    sql,
};
use crate::domain::{TaskOutcome, TaskStatus, Window};

/// The code of a wait for what the upstream publishes later.
const NOT_YET_PUBLISHED: &str = "not-yet-published";

/// Records what an attempt came to, unless another attempt follows that may find more. `whole` is all of the month.
pub(super) async fn record(
    conn: &mut Connection,
    claim: &Claim,
    next: &Transition<'_>,
    whole: Window,
    now: Instant,
) -> sqlx::Result<()> {
    let outcome = match (next.finished.status, next.finished.outcome) {
        (_, Some(outcome)) => outcome.as_str(),
        (TaskStatus::Failed, None) => "failed",
        (_, None) if next.error.is_some_and(|(code, _)| code == NOT_YET_PUBLISHED) => "waiting",
        (_, None) => return Ok(()),
    };
    let all_of_it = claim.window.covers(whole.start, whole.end);
    let empty_since = (outcome == TaskOutcome::Empty.as_str() && all_of_it).then_some(now);
    sql::query(
        "INSERT INTO unit_months (generation_unit_id, month, outcome, error_code, error_message, rejected, empty_since,
                                  asked_at, task_id)
         VALUES ($1, $2, $3, $4, $5, $6, $7, COALESCE((SELECT started_at FROM task_attempts WHERE id = $10), $8), $9)
         ON CONFLICT (generation_unit_id, month) DO UPDATE
         SET outcome = excluded.outcome, error_code = excluded.error_code, error_message = excluded.error_message,
             rejected = excluded.rejected, asked_at = excluded.asked_at, task_id = excluded.task_id,
             empty_since = CASE WHEN excluded.empty_since IS NULL THEN NULL
                                ELSE COALESCE(unit_months.empty_since, excluded.empty_since) END",
    )
    .bind(claim.unit_id)
    .bind(claim.month)
    .bind(outcome)
    .bind(next.error.map(|(code, _)| code))
    .bind(next.error.map(|(_, message)| message))
    .bind(int(next.finished.written.rejected))
    .bind(empty_since)
    .bind(now)
    .bind(claim.task_id)
    // What failed is asked for again once its unit has changed: since it was read, which is when the attempt began.
    .bind((outcome == "failed").then_some(claim.attempt_id))
    .execute(conn)
    .await?;
    Ok(())
}
