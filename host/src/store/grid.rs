//! Where each of a job's tasks stands, and no more: what a grid of units and months is drawn from.

use serde::Serialize;
use sqlx::FromRow;

use super::{Store, StoreError, error::Doing, sql};
use crate::domain::{TaskOutcome, TaskStatus};

/// Where a unit's month stands.
#[derive(Clone, Debug, PartialEq, Eq, FromRow, Serialize, utoipa::ToSchema)]
pub struct GridCell {
    /// The task.
    pub task_id: i64,
    /// Its unit.
    pub generation_unit_id: i64,
    /// The month, by the upstream's calendar.
    #[schema(example = "2024-01")]
    pub month: String,
    /// Where it stands.
    pub status: TaskStatus,
    /// What was found, if it completed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<TaskOutcome>,
    /// Why it failed, waits or was skipped, in a word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_code: Option<String>,
}

impl Store {
    /// A job's tasks after this one, in the order in which they were planned.
    pub async fn job_grid(&self, id: i64, after: i64, limit: u32) -> Result<Vec<GridCell>, StoreError> {
        const DOING: &str = "reading where a job's tasks stand";
        let mut conn = self.read(DOING).await?;
        sql::query(
            "SELECT id AS task_id, generation_unit_id, month, status, outcome, error_code
             FROM backfill_tasks WHERE job_id = $1 AND id > $2 ORDER BY id LIMIT $3",
        )
        .bind(id)
        .bind(after)
        .bind(i64::from(limit))
        .all(&mut conn)
        .await
        .doing(DOING)
    }
}
