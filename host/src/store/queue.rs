//! What is in the queue, source by source, and what keeps it from being worked off.

use serde::Serialize;
use sqlx::FromRow;

use super::{Instant, Store, StoreError, error::Doing, sql};

/// The open tasks of a source, and how the source fares.
#[derive(Clone, Debug, PartialEq, Eq, FromRow, Serialize, utoipa::ToSchema)]
pub struct SourceQueue {
    /// Id of the source.
    pub source: String,
    /// Tasks that could be claimed now.
    pub ready: i64,
    /// When the oldest of these was made.
    pub oldest_ready: Option<Instant>,
    /// Tasks that are not claimed before an instant.
    pub waiting: i64,
    /// The earliest of these instants.
    pub next_due: Option<Instant>,
    /// Tasks under way.
    pub running: i64,
    /// Tasks of paused jobs.
    pub held: i64,
    /// Nobody asks the upstream before: it asked to slow down.
    pub held_until: Option<Instant>,
    /// No task is claimed before: the upstream failed too often in a row.
    pub open_until: Option<Instant>,
    /// Why that is.
    pub open_cause: Option<String>,
    /// Passing failures in a row.
    pub failures_in_row: i64,
}

impl Store {
    /// The queue of every source that has open tasks or is held off, by source.
    pub async fn queue(&self, now: impl Into<Instant>) -> Result<Vec<SourceQueue>, StoreError> {
        const DOING: &str = "inspecting the queue";
        let mut conn = self.read(DOING).await?;
        sql::query(
            "WITH open AS (
                 SELECT source,
                        COUNT(*) FILTER (WHERE status = 'pending' AND NOT held
                                           AND (run_after IS NULL OR run_after <= $1)) AS ready,
                        MIN(created_at) FILTER (WHERE status = 'pending' AND NOT held
                                           AND (run_after IS NULL OR run_after <= $1)) AS oldest_ready,
                        COUNT(*) FILTER (WHERE status = 'pending' AND NOT held AND run_after > $1) AS waiting,
                        MIN(run_after) FILTER (WHERE status = 'pending' AND NOT held AND run_after > $1) AS next_due,
                        COUNT(*) FILTER (WHERE status = 'in_progress') AS running,
                        COUNT(*) FILTER (WHERE status = 'pending' AND held) AS held
                 FROM backfill_tasks WHERE status IN ('pending', 'in_progress') GROUP BY source
             ), sources AS (
                 SELECT source FROM open
                 UNION SELECT source FROM source_limits WHERE held_until > $1 OR open_until IS NOT NULL
             )
             SELECT s.source, COALESCE(o.ready, 0) AS ready, o.oldest_ready, COALESCE(o.waiting, 0) AS waiting,
                    o.next_due, COALESCE(o.running, 0) AS running, COALESCE(o.held, 0) AS held,
                    CASE WHEN l.held_until > $1 THEN l.held_until END AS held_until, l.open_until, l.open_cause,
                    COALESCE(l.failures_in_row, 0) AS failures_in_row
             FROM sources s
             LEFT JOIN open o ON o.source = s.source
             LEFT JOIN source_limits l ON l.source = s.source
             ORDER BY s.source",
        )
        .bind(now.into())
        .all(&mut conn)
        .await
        .doing(DOING)
    }
}
