//! Rows that the last attempt of a task was not allowed to store.

use serde::Serialize;
use serde_json::Value;
use sqlx::{FromRow, types::Json};

use super::{Claim, Store, StoreError, commit::int, connection::Connection, error::Doing, sql};
use crate::domain::Validated;

/// Rejected rows of a task that have their reason in common.
#[derive(Clone, Debug, PartialEq, FromRow, Serialize, utoipa::ToSchema)]
pub struct Rejection {
    /// Why, in a word.
    pub reason: String,
    /// How many.
    pub count: i64,
    /// Some of them.
    #[sqlx(json)]
    pub sample: Value,
}

/// Replaces what earlier attempts rejected.
pub(super) async fn record(
    conn: &mut Connection,
    claim: &Claim,
    validated: &Validated,
) -> Result<(), StoreError> {
    const DOING: &str = "recording rejected rows";
    if claim.fence > 1 {
        sql::query("DELETE FROM task_rejections WHERE task_id = $1")
            .bind(claim.task_id)
            .execute(conn)
            .await
            .doing(DOING)?;
    }
    for (reason, count) in &validated.rejected {
        let sample: Vec<_> = validated.sample.iter().filter(|row| row.reason == *reason).collect();
        sql::query("INSERT INTO task_rejections (task_id, reason, count, sample) VALUES ($1, $2, $3, $4)")
            .bind(claim.task_id)
            .bind(reason.as_str())
            .bind(int(*count))
            .bind(Json(sample))
            .execute(conn)
            .await
            .doing(DOING)?;
    }
    Ok(())
}

impl Store {
    /// What the last attempt of a task was not allowed to store.
    pub async fn rejections(&self, task_id: i64) -> Result<Vec<Rejection>, StoreError> {
        const DOING: &str = "reading rejected rows";
        let mut conn = self.read(DOING).await?;
        sql::query("SELECT reason, count, sample FROM task_rejections WHERE task_id = $1 ORDER BY count DESC, reason")
            .bind(task_id)
            .all(&mut conn)
            .await
            .doing(DOING)
    }
}
