//! Attempts of a task, and the answers that each rested on, read.

use serde::Serialize;
use sqlx::FromRow;

use super::{Instant, Store, StoreError, error::Doing, sql};
use crate::domain::Month;

/// One attempt of a task.
#[derive(Clone, Debug, PartialEq, Eq, FromRow, Serialize, utoipa::ToSchema)]
pub struct Attempt {
    /// Row id: measurements name it as their writer.
    pub id: i64,
    /// The fence of its claim.
    pub fence: i64,
    /// The worker that made it.
    pub worker: String,
    /// When it began.
    pub started_at: Instant,
    /// When it ended, if it has.
    pub ended_at: Option<Instant>,
    /// How: `written`, `unchanged`, `empty`, `failed`, `released`, `lost` or `cancelled`.
    pub outcome: Option<String>,
    /// SHA-256 of the component that ran.
    pub component_digest: Option<String>,
    /// Requests that went to the upstream.
    pub requests: i64,
    /// Bytes that it read.
    pub response_bytes: i64,
    /// CPU time of the component, in microseconds.
    pub cpu_us: i64,
    /// What went wrong, in a word.
    pub error_code: Option<String>,
    /// The same for people.
    pub error_message: Option<String>,
}

/// An answer of an upstream that an attempt used.
#[derive(Clone, Debug, PartialEq, Eq, FromRow, Serialize, utoipa::ToSchema)]
pub struct UsedAnswer {
    /// The attempt that used it.
    pub attempt_id: i64,
    /// Row id.
    pub id: i64,
    /// `GET` or `POST`.
    pub method: String,
    /// The URL asked, without secrets.
    pub url: String,
    /// HTTP status.
    pub status: i64,
    /// Digest of the body, which names it in the archive.
    pub digest: String,
    /// Length of the body.
    pub body_bytes: i64,
    /// When the upstream answered.
    pub fetched_at: Instant,
}

/// Which part of a unit's month was last asked for, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromRow)]
pub struct LastAsked {
    /// The month.
    pub month: Month,
    /// The first instant asked for.
    pub start_date: Instant,
    /// The first instant after.
    pub end_date: Instant,
    /// When the attempt began.
    pub started_at: Instant,
}

/// A component that attempts used.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct UsedComponent {
    /// Its digest.
    pub digest: String,
    /// How many attempts, and collector runs, used it.
    pub attempts: i64,
    /// When the last of them began.
    pub last: Instant,
}

impl Store {
    /// For every month of a unit that a source was asked for: the last attempt in which it ran. One that found records
    /// counts before others.
    pub async fn last_asked(&self, unit_id: i64, source: &str) -> Result<Vec<LastAsked>, StoreError> {
        const DOING: &str = "reading when a unit's months were last asked for";
        let mut conn = self.read(DOING).await?;
        sql::query(
            "SELECT month, start_date, end_date, started_at FROM (
                 SELECT t.month, t.start_date, t.end_date, a.started_at,
                        ROW_NUMBER() OVER (
                            PARTITION BY t.month
                            ORDER BY CASE WHEN a.outcome IN ('written', 'unchanged') THEN 0 ELSE 1 END, a.id DESC
                        ) AS place
                 FROM backfill_tasks t JOIN task_attempts a ON a.task_id = t.id
                 WHERE t.generation_unit_id = $1 AND t.source = $2 AND a.component_digest IS NOT NULL
             ) ranked
             WHERE place = 1 ORDER BY month",
        )
        .bind(unit_id)
        .bind(source)
        .all(&mut conn)
        .await
        .doing(DOING)
    }

    /// The components that attempts and collector runs of a source used, the latest first. Looks at every attempt.
    pub async fn components_used(&self, source: &str) -> Result<Vec<UsedComponent>, StoreError> {
        const DOING: &str = "looking which components a source used";
        let mut conn = self.read(DOING).await?;
        sql::query(
            "SELECT component_digest AS digest, COUNT(*) AS attempts, MAX(started_at) AS last
             FROM (SELECT a.component_digest, a.started_at
                   FROM task_attempts a JOIN backfill_tasks t ON t.id = a.task_id WHERE t.source = $1
                   UNION ALL
                   SELECT component_digest, started_at FROM collector_runs WHERE source = $1) used
             WHERE component_digest IS NOT NULL AND started_at IS NOT NULL
             GROUP BY component_digest ORDER BY last DESC, digest",
        )
        .bind(source)
        .all(&mut conn)
        .await
        .doing(DOING)
    }

    /// The attempts of a task, the first one first. A retry adds to them and takes none away.
    pub async fn attempts(&self, task_id: i64) -> Result<Vec<Attempt>, StoreError> {
        const DOING: &str = "reading the attempts of a task";
        let mut conn = self.read(DOING).await?;
        sql::query(
            "SELECT id, fence, worker, started_at, ended_at, outcome, component_digest, requests, response_bytes,
                    cpu_us, error_code, error_message
             FROM task_attempts WHERE task_id = $1 ORDER BY fence",
        )
        .bind(task_id)
        .all(&mut conn)
        .await
        .doing(DOING)
    }

    /// The answers that the attempts of a task used, attempt by attempt, in the order in which they came.
    pub async fn task_answers(&self, task_id: i64) -> Result<Vec<UsedAnswer>, StoreError> {
        const DOING: &str = "reading the answers of a task";
        let mut conn = self.read(DOING).await?;
        sql::query(
            "SELECT u.attempt_id, a.id, a.method, a.url, a.status, a.digest, a.body_bytes, a.fetched_at
             FROM task_attempts t
             JOIN attempt_answers u ON u.attempt_id = t.id JOIN answers a ON a.id = u.answer_id
             WHERE t.task_id = $1 ORDER BY t.fence, a.fetched_at, a.id",
        )
        .bind(task_id)
        .all(&mut conn)
        .await
        .doing(DOING)
    }
}
