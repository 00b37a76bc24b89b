//! Claims: how a worker comes to hold a task, keeps it, and loses it.
//!
//! A claim is a lease with a fence. The lease ends by itself if its holder dies or stalls; the fence grows with
//! every claim, so that a former holder can be told from the present one for ever.

use std::{collections::BTreeMap, time::Duration};

use chrono::TimeDelta;
use serde_json::json;
use sqlx::FromRow;

use super::{
    Instant, Store, StoreError,
    dialect::Connection,
    error::Doing,
    events::{self, EventKind, Subject},
};
use crate::domain::{Month, Unit, Window};

const DOING: &str = "claiming tasks";

/// What a worker asks for.
#[derive(Clone, Copy, Debug)]
pub struct ClaimRequest<'a> {
    /// The worker process: an id that is new with every start.
    pub owner: &'a str,
    /// The source whose tasks are wanted. A worker names it, since it can only run the sources that it has.
    pub source: &'a str,
    /// Only tasks of this job.
    pub job: Option<i64>,
    /// At most so many.
    pub limit: u32,
    /// At most so many tasks of this source under way at once, over all workers.
    pub source_limit: Option<u32>,
    /// At most so many tasks under way at once, over all workers and sources.
    pub total_limit: Option<u32>,
    /// How long the tasks are held unless renewed.
    pub lease: Duration,
}

/// A task that a worker holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Claim {
    /// The task.
    pub task_id: i64,
    /// Proof of holding it.
    pub fence: i64,
    /// Its attempt's row.
    pub attempt_id: i64,
    /// Its job.
    pub job_id: i64,
    /// Its unit's row.
    pub unit_id: i64,
    /// The unit as the source sees it.
    pub unit: Unit,
    /// Id of the source.
    pub source: String,
    /// The month to fetch.
    pub month: Month,
    /// The span of UTC that it covers.
    pub window: Window,
    /// Which attempt this is, 1 for the first; waits and lost leases don't count.
    pub attempt: u32,
    /// Attempts in all.
    pub max_attempts: u32,
    /// How many leases of this task ran out in a row before this claim. A task that takes its workers down with
    /// it shows here.
    pub lost: u32,
}

#[derive(FromRow)]
struct Row {
    id: i64,
    fence: i64,
    job_id: i64,
    generation_unit_id: i64,
    source: String,
    month: Month,
    start_date: Instant,
    end_date: Instant,
    attempt_count: u32,
    max_attempts: u32,
    lost_count: u32,
    code: String,
    name: String,
    capacity_mw: Option<f64>,
    #[sqlx(json)]
    attributes: BTreeMap<String, String>,
}

impl Store {
    /// Claims tasks that are ready, oldest job first (see [`crate::domain::Priority::head_start`]), in the order
    /// in which they were planned. Tasks whose lease ran out are taken back first, whoever held them.
    pub async fn claim(
        &self,
        request: ClaimRequest<'_>,
        now: impl Into<Instant>,
    ) -> Result<Vec<Claim>, StoreError> {
        let now = now.into();
        let mut tx = self.write(DOING).await?;
        take_back_lost(&mut tx, now).await?;
        sqlx::query("UPDATE backfill_tasks SET run_after = NULL WHERE run_after <= $1")
            .bind(now)
            .execute(&mut *tx)
            .await
            .doing(DOING)?;
        let free = free_slots(&mut tx, &request).await?;
        let mut claims = Vec::new();
        if free > 0 {
            for id in pick(&mut tx, &request, free, now).await.doing(DOING)? {
                claims.push(start_attempt(&mut tx, id, request.owner, now).await?);
            }
        }
        tx.commit().await.doing(DOING)?;
        claims.sort_by_key(|claim| claim.task_id);
        Ok(claims)
    }

    /// Extends the leases that `owner` still holds, and returns the ids of the tasks that it has lost: those must
    /// be stopped, for nothing of them can be stored any more.
    pub async fn renew(
        &self,
        owner: &str,
        held: &[(i64, i64)],
        lease: Duration,
        now: impl Into<Instant>,
    ) -> Result<Vec<i64>, StoreError> {
        const DOING: &str = "renewing leases";
        let now = now.into();
        let mut lost = Vec::new();
        let mut tx = self.write(DOING).await?;
        for &(task_id, fence) in held {
            let renewed = sqlx::query(
                "UPDATE backfill_tasks SET lease_until = $4
                 WHERE id = $1 AND fence = $2 AND lease_owner = $3 AND lease_until > $5",
            )
            .bind(task_id)
            .bind(fence)
            .bind(owner)
            .bind(until(now, lease))
            .bind(now)
            .execute(&mut *tx)
            .await
            .doing(DOING)?
            .rows_affected();
            if renewed == 0 {
                lost.push(task_id);
            }
        }
        tx.commit().await.doing(DOING)?;
        Ok(lost)
    }

    /// When a task that can't be claimed now can be: the earliest end of a wait or a lease, of one job if one is
    /// given. None if nothing waits.
    pub async fn next_due(&self, job: Option<i64>) -> Result<Option<Instant>, StoreError> {
        const DOING: &str = "looking when the next task is due";
        let mut conn = self.read(DOING).await?;
        sqlx::query_scalar(
            "SELECT MIN(due) FROM (
                 SELECT MIN(run_after) AS due FROM backfill_tasks
                 WHERE run_after IS NOT NULL AND NOT held AND ($1 IS NULL OR job_id = $1)
                 UNION ALL
                 SELECT MIN(lease_until) FROM backfill_tasks
                 WHERE lease_until IS NOT NULL AND ($1 IS NULL OR job_id = $1)
             ) waits",
        )
        .bind(job)
        .fetch_one(&mut *conn)
        .await
        .doing(DOING)
    }
}

/// Tasks whose lease ran out are pending again. That costs no attempt: it is the worker that
/// failed, not the task.
async fn take_back_lost(conn: &mut Connection, now: Instant) -> Result<(), StoreError> {
    let lost: Vec<(i64, i64, String)> = sqlx::query_as(
        "UPDATE backfill_tasks SET status = 'pending', lease_owner = NULL, lease_until = NULL,
                                   lost_count = lost_count + 1
         WHERE lease_until <= $1 RETURNING id, job_id, source",
    )
    .bind(now)
    .fetch_all(&mut *conn)
    .await
    .doing(DOING)?;
    for (task_id, job_id, source) in lost {
        let worker: Option<String> = sqlx::query_scalar(
            "UPDATE task_attempts SET ended_at = $2, outcome = 'lost' WHERE task_id = $1 AND ended_at IS NULL
             RETURNING worker",
        )
        .bind(task_id)
        .bind(now)
        .fetch_optional(&mut *conn)
        .await
        .doing(DOING)?;
        let subject = Subject::task(job_id, task_id, &source);
        events::append(conn, EventKind::TaskLost, subject, json!({ "worker": worker }), now).await?;
    }
    Ok(())
}

async fn free_slots(conn: &mut Connection, request: &ClaimRequest<'_>) -> Result<i64, StoreError> {
    let (all, of_source): (i64, i64) = sqlx::query_as(
        "SELECT COUNT(*), COUNT(*) FILTER (WHERE source = $1) FROM backfill_tasks WHERE lease_until IS NOT NULL",
    )
    .bind(request.source)
    .fetch_one(conn)
    .await
    .doing(DOING)?;
    let under = |limit: Option<u32>, used| limit.map_or(i64::MAX, |limit| i64::from(limit) - used);
    Ok(i64::from(request.limit)
        .min(under(request.total_limit, all))
        .min(under(request.source_limit, of_source)))
}

/// The claim itself. The conditions are those of the partial index `backfill_tasks_ready`, word for word, so that
/// only its first entries are read; a job's tasks lie together in it because they share their `queue_at`.
async fn pick(
    conn: &mut Connection,
    request: &ClaimRequest<'_>,
    limit: i64,
    now: Instant,
) -> sqlx::Result<Vec<i64>> {
    const OF_ANY_JOB: &str = "
        WITH picked (task_id) AS MATERIALIZED (
            SELECT id FROM backfill_tasks
            WHERE status = 'pending' AND NOT held AND run_after IS NULL AND source = $4
            ORDER BY queue_at, job_id, id LIMIT $5)
        UPDATE backfill_tasks SET status = 'in_progress', fence = fence + 1, lease_owner = $1, lease_until = $2,
                                  started_at = COALESCE(started_at, $3)
        FROM picked WHERE id = task_id RETURNING id";
    const OF_ONE_JOB: &str = "
        WITH picked (task_id) AS MATERIALIZED (
            SELECT id FROM backfill_tasks
            WHERE status = 'pending' AND NOT held AND run_after IS NULL AND source = $4
              AND queue_at = (SELECT queue_at FROM backfill_jobs WHERE id = $6) AND job_id = $6
            ORDER BY id LIMIT $5)
        UPDATE backfill_tasks SET status = 'in_progress', fence = fence + 1, lease_owner = $1, lease_until = $2,
                                  started_at = COALESCE(started_at, $3)
        FROM picked WHERE id = task_id RETURNING id";
    let query = sqlx::query_scalar(if request.job.is_some() { OF_ONE_JOB } else { OF_ANY_JOB })
        .bind(request.owner)
        .bind(until(now, request.lease))
        .bind(now)
        .bind(request.source)
        .bind(limit);
    match request.job {
        Some(job) => query.bind(job).fetch_all(conn).await,
        None => query.fetch_all(conn).await,
    }
}

/// The claimed task with all that its worker needs, its attempt recorded and its job under way.
async fn start_attempt(
    conn: &mut Connection,
    task_id: i64,
    owner: &str,
    now: Instant,
) -> Result<Claim, StoreError> {
    let row: Row = sqlx::query_as(
        "SELECT t.id, t.fence, t.job_id, t.generation_unit_id, t.source, t.month, t.start_date, t.end_date,
                t.attempt_count, t.max_attempts, t.lost_count, u.code, u.name, u.capacity_mw, u.attributes
         FROM backfill_tasks t JOIN generation_units u ON u.id = t.generation_unit_id WHERE t.id = $1",
    )
    .bind(task_id)
    .fetch_one(&mut *conn)
    .await
    .doing(DOING)?;
    let attempt_id: i64 = sqlx::query_scalar(
        "INSERT INTO task_attempts (task_id, fence, worker, started_at) VALUES ($1, $2, $3, $4) RETURNING id",
    )
    .bind(task_id)
    .bind(row.fence)
    .bind(owner)
    .bind(now)
    .fetch_one(&mut *conn)
    .await
    .doing(DOING)?;
    let started = sqlx::query(
        "UPDATE backfill_jobs SET status = 'in_progress', started_at = $2, updated_at = $2
         WHERE id = $1 AND status = 'pending'",
    )
    .bind(row.job_id)
    .bind(now)
    .execute(&mut *conn)
    .await
    .doing(DOING)?;
    if started.rows_affected() > 0 {
        events::append(conn, EventKind::JobStarted, Subject::job(row.job_id), json!({}), now).await?;
    }
    let subject = Subject::task(row.job_id, row.id, &row.source);
    let data = json!({ "attempt": row.attempt_count + 1, "worker": owner });
    events::append(conn, EventKind::TaskStarted, subject, data, now).await?;
    Ok(Claim {
        task_id: row.id,
        fence: row.fence,
        attempt_id,
        job_id: row.job_id,
        unit_id: row.generation_unit_id,
        unit: Unit {
            code: row.code,
            name: row.name,
            capacity_mw: row.capacity_mw,
            attributes: row.attributes,
        },
        source: row.source,
        month: row.month,
        window: Window { start: row.start_date.timestamp(), end: row.end_date.timestamp() },
        attempt: row.attempt_count + 1,
        max_attempts: row.max_attempts,
        lost: row.lost_count,
    })
}

fn until(now: Instant, lease: Duration) -> Instant {
    TimeDelta::from_std(lease)
        .ok()
        .and_then(|lease| now.checked_add_signed(lease))
        .unwrap_or(now.utc())
        .into()
}
