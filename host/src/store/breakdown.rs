//! How far a job is with each of its units and months.

use serde::Serialize;
use sqlx::FromRow;

use super::{Store, StoreError, error::Doing, sql};

/// A unit's tasks of a job, counted by where they stand.
#[derive(Clone, Debug, PartialEq, Eq, FromRow, Serialize, utoipa::ToSchema)]
pub struct UnitProgress {
    /// Id of the unit's source.
    pub source: String,
    /// Row id of the unit.
    pub generation_unit_id: i64,
    /// Its code.
    pub code: String,
    /// Its name.
    pub name: String,
    /// All its tasks.
    pub total: i64,
    /// Waiting.
    pub pending: i64,
    /// Under way.
    pub in_progress: i64,
    /// Ended well.
    pub completed: i64,
    /// Ended without their data.
    pub failed: i64,
    /// Not run.
    pub skipped: i64,
    /// New records.
    pub records_inserted: i64,
    /// Records in the place of others.
    pub records_updated: i64,
    /// Records that were stored already.
    pub records_unchanged: i64,
    /// Records that were not fit to be stored.
    pub records_rejected: i64,
}

/// A month's tasks of a job, counted by where they stand.
#[derive(Clone, Debug, PartialEq, Eq, FromRow, Serialize, utoipa::ToSchema)]
pub struct MonthProgress {
    /// The month.
    #[schema(example = "2024-01")]
    pub month: String,
    /// All its tasks.
    pub total: i64,
    /// Waiting.
    pub pending: i64,
    /// Under way.
    pub in_progress: i64,
    /// Ended well.
    pub completed: i64,
    /// Ended without their data.
    pub failed: i64,
    /// Not run.
    pub skipped: i64,
}

impl Store {
    /// A job's tasks by month.
    pub async fn job_months(&self, id: i64) -> Result<Vec<MonthProgress>, StoreError> {
        const DOING: &str = "breaking a job down by month";
        let mut conn = self.read(DOING).await?;
        sql::query(
            "SELECT month,
                    COUNT(*) AS total,
                    COUNT(*) FILTER (WHERE status = 'pending') AS pending,
                    COUNT(*) FILTER (WHERE status = 'in_progress') AS in_progress,
                    COUNT(*) FILTER (WHERE status = 'completed') AS completed,
                    COUNT(*) FILTER (WHERE status = 'failed') AS failed,
                    COUNT(*) FILTER (WHERE status = 'skipped') AS skipped
             FROM backfill_tasks WHERE job_id = $1 GROUP BY month ORDER BY month",
        )
        .bind(id)
        .all(&mut conn)
        .await
        .doing(DOING)
    }

    /// A job's tasks by unit, in the order of source, code and name.
    pub async fn job_breakdown(&self, id: i64) -> Result<Vec<UnitProgress>, StoreError> {
        const DOING: &str = "breaking a job down by unit";
        let mut conn = self.read(DOING).await?;
        sql::query(
            "SELECT t.source, t.generation_unit_id, u.code, u.name, t.total, t.pending, t.in_progress, t.completed,
                    t.failed, t.skipped, t.records_inserted, t.records_updated, t.records_unchanged,
                    t.records_rejected
             FROM (SELECT source, generation_unit_id,
                          COUNT(*) AS total,
                          COUNT(*) FILTER (WHERE status = 'pending') AS pending,
                          COUNT(*) FILTER (WHERE status = 'in_progress') AS in_progress,
                          COUNT(*) FILTER (WHERE status = 'completed') AS completed,
                          COUNT(*) FILTER (WHERE status = 'failed') AS failed,
                          COUNT(*) FILTER (WHERE status = 'skipped') AS skipped,
                          CAST(SUM(records_inserted) AS BIGINT) AS records_inserted,
                          CAST(SUM(records_updated) AS BIGINT) AS records_updated,
                          CAST(SUM(records_unchanged) AS BIGINT) AS records_unchanged,
                          CAST(SUM(records_rejected) AS BIGINT) AS records_rejected
                   FROM backfill_tasks WHERE job_id = $1 GROUP BY source, generation_unit_id) t
             JOIN generation_units u ON u.id = t.generation_unit_id
             ORDER BY t.source, u.code, u.name",
        )
        .bind(id)
        .all(&mut conn)
        .await
        .doing(DOING)
    }
}
