//! Which worker processes there are, and when each last gave a sign of life.

use serde::Serialize;
use sqlx::FromRow;

use super::{Instant, Store, StoreError, error::Doing, sql};

/// A worker process, as it tells of itself.
#[derive(Clone, Debug)]
pub struct NewWorker<'a> {
    /// An id that is new with every start.
    pub id: &'a str,
    /// The machine's name.
    pub host: &'a str,
    /// The process id there.
    pub pid: u32,
    /// The program's version.
    pub version: &'a str,
    /// Whether it serves every job, or runs one in the foreground.
    pub serves: bool,
    /// How many tasks it takes at once.
    pub concurrency: u32,
}

/// A worker process, as the store knows it.
#[derive(Clone, Debug, PartialEq, Eq, FromRow, Serialize, utoipa::ToSchema)]
pub struct Worker {
    /// An id that is new with every start.
    pub id: String,
    /// The machine's name.
    pub host: String,
    /// The process id there.
    #[sqlx(try_from = "i64")]
    pub pid: u32,
    /// The program's version.
    pub version: String,
    /// Whether it serves every job, or runs one in the foreground.
    pub serves: bool,
    /// How many tasks it takes at once.
    #[sqlx(try_from = "i64")]
    pub concurrency: u32,
    /// When it first gave a sign of life.
    pub started_at: Instant,
    /// When it last did.
    pub heartbeat_at: Instant,
    /// When it ended, if it said so.
    pub stopped_at: Option<Instant>,
}

/// A worker process, and how much it does right now.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct WorkerLoad {
    /// The worker.
    #[sqlx(flatten)]
    pub worker: Worker,
    /// Attempts of it that are under way.
    pub running: i64,
}

impl Store {
    /// A sign of life; the first one makes the worker known.
    pub async fn heartbeat(&self, worker: &NewWorker<'_>, now: impl Into<Instant>) -> Result<(), StoreError> {
        const DOING: &str = "giving a sign of life";
        let now = now.into();
        let mut tx = self.write_own(DOING).await?;
        sql::query(
            "INSERT INTO workers (id, host, pid, version, serves, concurrency, started_at, heartbeat_at)
             VALUES ($1, $2, $3, $4, $6, $7, $5, $5)
             ON CONFLICT (id) DO UPDATE SET heartbeat_at = excluded.heartbeat_at
             WHERE workers.heartbeat_at < excluded.heartbeat_at",
        )
        .bind(worker.id)
        .bind(worker.host)
        .bind(worker.pid)
        .bind(worker.version)
        .bind(now)
        .bind(worker.serves)
        .bind(worker.concurrency)
        .execute(&mut tx)
        .await
        .doing(DOING)?;
        tx.commit().await.doing(DOING)
    }

    /// A worker's last sign of life.
    pub async fn worker_stopped(&self, id: &str, now: impl Into<Instant>) -> Result<(), StoreError> {
        const DOING: &str = "recording the end of a worker";
        let now = now.into();
        let mut tx = self.write_own(DOING).await?;
        sql::query("UPDATE workers SET stopped_at = $2 WHERE id = $1")
            .bind(id)
            .bind(now)
            .execute(&mut tx)
            .await
            .doing(DOING)?;
        tx.commit().await.doing(DOING)
    }

    /// All workers that are known, the latest first.
    pub async fn workers(&self) -> Result<Vec<Worker>, StoreError> {
        const DOING: &str = "listing workers";
        let mut conn = self.read(DOING).await?;
        sql::query(
            "SELECT id, host, pid, version, serves, concurrency, started_at, heartbeat_at, stopped_at FROM workers
             ORDER BY heartbeat_at DESC, id",
        )
        .all(&mut conn)
        .await
        .doing(DOING)
    }

    /// The workers that gave the latest signs of life, with what each does; so many of them.
    pub async fn worker_loads(&self, limit: u32) -> Result<Vec<WorkerLoad>, StoreError> {
        const DOING: &str = "listing workers";
        let mut conn = self.read(DOING).await?;
        sql::query(
            "SELECT w.id, w.host, w.pid, w.version, w.serves, w.concurrency, w.started_at, w.heartbeat_at,
                    w.stopped_at, COALESCE(a.running, 0) AS running
             FROM workers w
             LEFT JOIN (SELECT worker, COUNT(*) AS running FROM task_attempts WHERE ended_at IS NULL GROUP BY worker) a
                    ON a.worker = w.id
             ORDER BY w.heartbeat_at DESC, w.id LIMIT $1",
        )
        .bind(limit)
        .all(&mut conn)
        .await
        .doing(DOING)
    }
}
