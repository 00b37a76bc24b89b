//! Jobs: made with all their tasks in one transaction, and read.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::{Value, json};
use sqlx::{FromRow, types::Json};

use super::{
    Instant, Store, StoreError, Turn,
    bulk::bulk,
    connection::Connection,
    error::Doing,
    events::{self, EventKind, Subject},
    sql,
};
use crate::domain::{JobStatus, PlannedTask, Priority, TaskCounts, TaskStatus, Window, job_status};

/// A job to create.
#[derive(Clone, Debug)]
pub struct NewJob<'a> {
    /// The wind farms that it fills, at least one.
    pub windfarm_ids: &'a [i64],
    /// The span that was asked for.
    pub window: Window,
    /// Its tasks, in the order in which they are to run. Skipped ones are kept, with their reason.
    pub tasks: &'a [PlannedTask],
    /// How soon.
    pub priority: Priority,
    /// At most so many of its tasks at once; as many as the other limits allow if none is given.
    pub max_concurrency: Option<u32>,
    /// Attempts of each task in all, at least 1.
    pub max_attempts: u32,
    /// Whether each month is to be fetched after the job was made: what another job has begun to fetch before is not
    /// enough.
    pub anew: bool,
    /// What else to keep with it, an object.
    pub metadata: Value,
    /// The user who asked for it.
    pub created_by_id: Option<i64>,
}

/// A job as it stands.
#[derive(Clone, Debug, PartialEq, FromRow, Serialize, utoipa::ToSchema)]
pub struct Job {
    /// Row id.
    pub id: i64,
    /// The wind farm that it fills; the first of them if it fills several.
    pub windfarm_id: i64,
    /// First instant of its span.
    pub start_date: Instant,
    /// First instant after its span.
    pub end_date: Instant,
    /// Where it stands.
    pub status: JobStatus,
    /// Why it ended as it did, in a word: `cancelled`, `purged`, `tasks-failed`. A job that lost tasks to a purge has it
    /// before it ends.
    pub reason: Option<String>,
    /// Whether it is paused.
    pub paused: bool,
    /// How soon.
    pub priority: Priority,
    /// At most so many of its tasks at once.
    pub max_concurrency: Option<i64>,
    /// All tasks.
    pub total_tasks: i64,
    /// Completed tasks.
    pub completed_tasks: i64,
    /// Failed tasks.
    pub failed_tasks: i64,
    /// Skipped tasks.
    pub skipped_tasks: i64,
    /// What else is kept with it.
    #[sqlx(json)]
    pub job_metadata: Value,
    /// Why it ended as it did, for people.
    pub error_message: Option<String>,
    /// The user who asked for it.
    pub created_by_id: Option<i64>,
    /// When it was made.
    pub created_at: Instant,
    /// When its state or counters last changed.
    pub updated_at: Instant,
    /// When its first task was claimed, or completed together with that of another job.
    pub started_at: Option<Instant>,
    /// When its last task ended.
    pub completed_at: Option<Instant>,
}

impl Job {
    /// Its tasks, counted.
    pub const fn counts(&self) -> TaskCounts {
        TaskCounts {
            total: self.total_tasks,
            completed: self.completed_tasks,
            failed: self.failed_tasks,
            skipped: self.skipped_tasks,
        }
    }

    /// When a change of this job, which the caller has locked, takes place. Who looked at the clock first may have waited
    /// for the lock longest; a job's times never go back all the same, so it never ends before the last of its tasks.
    pub(super) fn changed(&self, now: Instant) -> Instant {
        now.max(self.updated_at)
    }

    /// Whether somebody took tasks from it: then it has failed once it ends, whatever the others found.
    pub(super) fn was_stopped(&self) -> bool {
        self.reason.as_deref().is_some_and(|reason| STOPPED.contains(&reason))
    }
}

/// Reasons of jobs, and codes of their skipped tasks, that somebody stopped; a retry takes those up again.
pub(super) const STOPPED: [&str; 2] = [CANCELLED, PURGED];

/// The job was cancelled.
pub(super) const CANCELLED: &str = "cancelled";

/// Its pending tasks were taken from the queue, together with those of other jobs.
pub(super) const PURGED: &str = "purged";

/// Columns of [`Job`].
pub(super) const COLUMNS: &str = "id, windfarm_id, start_date, end_date, status, reason, paused, priority, \
     max_concurrency, total_tasks, completed_tasks, failed_tasks, skipped_tasks, job_metadata, error_message, created_by_id, created_at, \
     updated_at, started_at, completed_at";

impl Store {
    /// Creates a job with all its tasks, and returns its id. A job whose tasks are all skipped has ended.
    pub async fn create_job(&self, job: &NewJob<'_>, now: impl Into<Instant>) -> Result<i64, StoreError> {
        self.create_job_once(job, None, now).await
    }

    /// The same, for a request with a key: that it made the job is written down in the same transaction, so that it makes
    /// one, whatever happens then, and however often it is sent.
    pub async fn create_job_once(
        &self,
        job: &NewJob<'_>,
        turn: Option<&Turn>,
        now: impl Into<Instant>,
    ) -> Result<i64, StoreError> {
        // Nobody sees it before it is whole, and it takes nothing from anyone: the queue need not be locked.
        let mut tx = self.write(CREATING).await?;
        let id = create(&mut tx, job, now.into()).await?;
        if let Some(turn) = turn {
            turn.made_job(&mut tx, id).await?;
        }
        tx.announce_work().await.doing(CREATING)?;
        tx.commit().await.doing(CREATING)?;
        Ok(id)
    }

    /// A job as it stands.
    pub async fn job(&self, id: i64) -> Result<Job, StoreError> {
        let mut conn = self.read("reading a job").await?;
        job_in(&mut conn, id).await
    }
}

const CREATING: &str = "creating a job";

/// Makes a job with its tasks within the caller's transaction, which announces the work.
pub(super) async fn create(conn: &mut Connection, job: &NewJob<'_>, now: Instant) -> Result<i64, StoreError> {
    if job.tasks.is_empty() {
        let why =
            "it has no tasks; the wind farm needs units whose sources are configured, and the range months";
        return Err(StoreError::refused(CREATING, why));
    }
    let counts = job.tasks.iter().fold(
        TaskCounts { total: job.tasks.len() as i64, ..TaskCounts::default() },
        |counts, task| {
            if task.verdict.runs() { counts } else { counts.with(TaskStatus::Skipped) }
        },
    );
    let status = job_status(counts, false, false);
    let queue_at = Instant::from(now.utc() - job.priority.head_start());

    let Some(&windfarm_id) = job.windfarm_ids.first() else {
        return Err(StoreError::refused(CREATING, "it names no wind farm"));
    };
    let id: i64 = sql::query(
            "INSERT INTO backfill_jobs (windfarm_id, start_date, end_date, status, priority, max_concurrency, queue_at,
                                        total_tasks, skipped_tasks, job_metadata, created_by_id, created_at,
                                        updated_at, completed_at, anew)
             VALUES ($1, $2, $3, $4, $5, $13, $6, $7, $8, $9, $10, $11, $11, $12, $14) RETURNING id",
        )
        .bind(windfarm_id)
        .bind(Instant::from_seconds(job.window.start))
        .bind(Instant::from_seconds(job.window.end))
        .bind(status)
        .bind(job.priority)
        .bind(queue_at)
        .bind(counts.total)
        .bind(counts.skipped)
        .bind(Json(&job.metadata))
        .bind(job.created_by_id)
        .bind(now)
        .bind(status.ended().then_some(now))
        .bind(job.max_concurrency)
        .bind(job.anew)
        .scalar(conn)
        .await
        .doing(CREATING)?;
    bulk("INSERT INTO backfill_job_windfarms (job_id, windfarm_id) {rows} ON CONFLICT DO NOTHING")
        .column(job.windfarm_ids.iter().map(|_| id))
        .column(job.windfarm_ids.iter().copied())
        .execute(conn)
        .await
        .doing(CREATING)?;
    let sources: BTreeSet<_> = job.tasks.iter().map(|task| &task.source).collect();
    bulk("INSERT INTO backfill_job_sources (job_id, source) {rows}")
        .column(sources.iter().map(|_| id))
        .column(sources.iter().map(|source| Some((*source).clone())))
        .execute(conn)
        .await
        .doing(CREATING)?;
    insert_tasks(conn, id, job, queue_at, now).await.doing(CREATING)?;
    let data =
        json!({ "windfarm_id": windfarm_id, "total_tasks": counts.total, "skipped_tasks": counts.skipped });
    events::append(conn, EventKind::JobCreated, Subject::job(id), data, now).await?;
    if status.ended() {
        let data = json!({ "status": status, "tasks": counts });
        events::append(conn, EventKind::JobEnded, Subject::job(id), data, now).await?;
    }
    Ok(id)
}

/// A job as a connection sees it.
pub(super) async fn job_in(conn: &mut Connection, id: i64) -> Result<Job, StoreError> {
    sql::query(format!("SELECT {COLUMNS} FROM backfill_jobs WHERE id = $1"))
        .bind(id)
        .optional(conn)
        .await
        .doing("reading a job")?
        .ok_or_else(|| StoreError::not_found("job", id))
}

/// A job that nobody else changes until the transaction ends. Tasks are locked before it, never after.
pub(super) async fn locked(conn: &mut Connection, id: i64) -> Result<Job, StoreError> {
    sql::query(format!("SELECT {COLUMNS} FROM backfill_jobs WHERE id = $1 {}", conn.lock_rows()))
        .bind(id)
        .optional(conn)
        .await
        .doing("locking a job")?
        .ok_or_else(|| StoreError::not_found("job", id))
}

/// The same for several, in the order of their ids, so that no two transactions wait for each other.
pub(super) async fn lock(conn: &mut Connection, ids: BTreeSet<i64>) -> Result<Vec<Job>, StoreError> {
    let mut jobs = Vec::with_capacity(ids.len());
    for id in ids {
        jobs.push(locked(conn, id).await?);
    }
    Ok(jobs)
}

/// A job's metadata without the worker that was to run it alone.
pub(super) fn for_any_worker(metadata: &Value) -> Json<Value> {
    let mut metadata = metadata.clone();
    if let Some(entries) = metadata.as_object_mut() {
        entries.remove("worker");
    }
    Json(metadata)
}

/// Begins a job that the caller has locked: the first of its tasks is claimed, or completes with that of another job.
/// The caller tells of it.
pub(super) async fn start(conn: &mut Connection, job: &Job, now: Instant) -> sqlx::Result<()> {
    sql::query(
        "UPDATE backfill_jobs SET status = 'in_progress', started_at = $2, updated_at = $2 WHERE id = $1",
    )
    .bind(job.id)
    .bind(job.changed(now))
    .execute(conn)
    .await?;
    Ok(())
}

/// Counts ended tasks in a job that the caller has locked, and ends the job with its last one.
pub(super) async fn count(
    conn: &mut Connection,
    job: &Job,
    ended: &[TaskStatus],
    now: Instant,
) -> Result<Option<JobStatus>, StoreError> {
    const DOING: &str = "counting a job's tasks";
    let now = job.changed(now);
    let counts = ended.iter().fold(job.counts(), |counts, status| counts.with(*status));
    let stopped = job.was_stopped();
    let status = job_status(counts, true, stopped);
    let failed = matches!(status, JobStatus::Failed | JobStatus::PartiallyCompleted);
    let (reason, message) = if stopped {
        (job.reason.clone(), job.error_message.clone())
    } else {
        let message = || format!("{} of {} tasks failed", counts.failed, counts.total);
        (failed.then(|| "tasks-failed".to_owned()), failed.then(message))
    };
    sql::query(
        "UPDATE backfill_jobs SET status = $2, completed_tasks = $3, failed_tasks = $4, skipped_tasks = $5,
                updated_at = $6, completed_at = $7, reason = $8, error_message = $9,
                started_at = COALESCE(started_at, $6)
         WHERE id = $1",
    )
    .bind(job.id)
    .bind(status)
    .bind(counts.completed)
    .bind(counts.failed)
    .bind(counts.skipped)
    .bind(now)
    .bind(status.ended().then_some(now))
    .bind(reason)
    .bind(message)
    .execute(conn)
    .await
    .doing(DOING)?;
    if !status.ended() {
        return Ok(None);
    }
    let data = json!({ "status": status, "tasks": counts });
    events::append(conn, EventKind::JobEnded, Subject::job(job.id), data, now).await?;
    Ok(Some(status))
}

async fn insert_tasks(
    conn: &mut Connection,
    job_id: i64,
    job: &NewJob<'_>,
    queue_at: Instant,
    now: Instant,
) -> sqlx::Result<()> {
    let tasks = job.tasks;
    let status =
        |task: &PlannedTask| if task.verdict.runs() { TaskStatus::Pending } else { TaskStatus::Skipped };
    let skipped: Vec<_> = tasks.iter().map(|task| task.verdict.skipped()).collect();
    bulk(
        "INSERT INTO backfill_tasks (job_id, generation_unit_id, source, month, start_date, end_date, status,
                                     queue_at, max_attempts, error_message, created_at, completed_at) {rows}",
    )
    .column(tasks.iter().map(|_| job_id))
    .column(tasks.iter().map(|task| task.unit_id))
    .column(tasks.iter().map(|task| Some(task.source.clone())))
    .column(tasks.iter().map(|task| Some(task.month.to_string())))
    .column(tasks.iter().map(|task| Some(Instant::from_seconds(task.window.start))))
    .column(tasks.iter().map(|task| Some(Instant::from_seconds(task.window.end))))
    .column(tasks.iter().map(|task| Some(status(task).to_string())))
    .column(tasks.iter().map(|_| Some(queue_at)))
    .column(tasks.iter().map(|_| i64::from(job.max_attempts)))
    .column(skipped.iter().cloned())
    .column(tasks.iter().map(|_| Some(now)))
    .column(skipped.iter().map(|skipped| skipped.as_ref().map(|_| now)))
    .execute(conn)
    .await?;
    Ok(())
}
