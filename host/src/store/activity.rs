//! What each worker has under way, and what came of what it did lately.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use sqlx::FromRow;

use super::{Instant, Store, StoreError, error::Doing, sql};

/// How long ago still is lately.
const LATELY: TimeDelta = TimeDelta::hours(1);

/// No more attempts than these are looked at, the ones that began last, so that asking takes as long on a busy day as
/// on a quiet one.
const LOOKED_AT: i64 = 10_000;

/// A task that a worker has under way.
#[derive(Clone, Debug, PartialEq, Eq, FromRow, Serialize, utoipa::ToSchema)]
pub struct RunningTask {
    /// The worker.
    #[serde(skip)]
    pub worker: String,
    /// The task.
    pub task_id: i64,
    /// Its job.
    pub job_id: i64,
    /// Name of the unit's wind farm.
    pub windfarm_name: String,
    /// Name of the unit.
    pub unit_name: String,
    /// Id of the source that is asked.
    pub source: String,
    /// The month, by the upstream's calendar.
    #[schema(example = "2024-01")]
    pub month: String,
    /// When this attempt began.
    pub started_at: Instant,
}

/// Attempts that a worker ended lately, by what came of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, FromRow, Serialize, utoipa::ToSchema)]
pub struct EndedAttempts {
    /// The worker.
    #[serde(skip)]
    pub worker: String,
    /// The month is stored, or the upstream has nothing of it.
    pub succeeded: i64,
    /// The task has failed with it.
    pub failed: i64,
    /// It failed, and the task was tried again or will be.
    pub retried: i64,
    /// It was broken off: the worker stopped or was lost, or the job was cancelled.
    pub interrupted: i64,
}

/// What workers do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Activity {
    /// Since when attempts that ended are counted.
    pub since: Instant,
    /// Those, by worker; nothing of workers that ended none.
    pub ended: Vec<EndedAttempts>,
    /// What is under way, the one that began first at the beginning.
    pub running: Vec<RunningTask>,
}

#[derive(FromRow)]
struct Latest {
    #[sqlx(flatten)]
    ended: EndedAttempts,
    begun: i64,
    first: Instant,
}

impl Store {
    /// What workers do now, at most so many tasks of it, and what they did lately.
    pub async fn worker_activity(&self, limit: u32, now: DateTime<Utc>) -> Result<Activity, StoreError> {
        const DOING: &str = "looking what workers do";
        let mut conn = self.read(DOING).await?;
        let hour = now - LATELY;
        // Whether a task has failed is asked of its own row, and only for attempts that failed.
        let latest: Vec<Latest> = sql::query(
            "SELECT worker, COUNT(*) AS begun, MIN(started_at) AS first,
                    COUNT(*) FILTER (WHERE lately AND outcome IN ('written', 'unchanged', 'empty')) AS succeeded,
                    COUNT(*) FILTER (WHERE lately AND outcome = 'failed' AND task = 'failed') AS failed,
                    COUNT(*) FILTER (WHERE lately AND outcome = 'failed' AND task <> 'failed') AS retried,
                    COUNT(*) FILTER (WHERE lately AND outcome IN ('released', 'lost', 'cancelled')) AS interrupted
             FROM (SELECT worker, started_at, outcome, ended_at > $1 AS lately,
                          CASE WHEN outcome = 'failed' THEN COALESCE(
                              (SELECT t.status FROM backfill_tasks t WHERE t.id = a.task_id AND t.fence = a.fence),
                              'claimed since'
                          ) END AS task
                   FROM task_attempts a ORDER BY id DESC LIMIT $2) latest
             GROUP BY worker ORDER BY worker",
        )
        .bind(Instant::from(hour))
        .bind(LOOKED_AT)
        .all(&mut conn)
        .await
        .doing(DOING)?;
        let running = sql::query(
            "SELECT a.worker, a.task_id, t.job_id, w.name AS windfarm_name, u.name AS unit_name, t.source, t.month,
                    a.started_at
             FROM task_attempts a
             JOIN backfill_tasks t ON t.id = a.task_id
             JOIN generation_units u ON u.id = t.generation_unit_id
             JOIN windfarms w ON w.id = u.windfarm_id
             WHERE a.ended_at IS NULL ORDER BY a.started_at, a.id LIMIT $1",
        )
        .bind(limit)
        .all(&mut conn)
        .await
        .doing(DOING)?;
        let all_of_them = latest.iter().map(|of| of.begun).sum::<i64>() < LOOKED_AT;
        let first = latest.iter().map(|of| of.first.utc()).min().filter(|_| !all_of_them);
        Ok(Activity {
            since: first.map_or(hour, |first| first.max(hour)).into(),
            ended: latest.into_iter().map(|of| of.ended).filter(|ended| ended.any()).collect(),
            running,
        })
    }
}

impl EndedAttempts {
    const fn any(&self) -> bool {
        self.succeeded + self.failed + self.retried + self.interrupted > 0
    }
}
