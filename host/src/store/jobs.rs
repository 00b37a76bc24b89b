//! Jobs: made with all their tasks in one transaction, and read.

use serde::Serialize;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, FromRow, types::Json};

use super::{
    Instant, Store, StoreError,
    dialect::{self, Connection},
    error::Doing,
    events::{self, EventKind, Subject},
};
use crate::domain::{JobStatus, PlannedTask, Priority, TaskCounts, TaskStatus, Window, job_status};

/// How many tasks one statement inserts.
const TASKS_PER_INSERT: usize = 256;

/// A job to create.
#[derive(Clone, Debug)]
pub struct NewJob<'a> {
    /// The wind farm that it fills.
    pub windfarm_id: i64,
    /// The span that was asked for.
    pub window: Window,
    /// Its tasks, in the order in which they are to run. Skipped ones are kept, with their reason.
    pub tasks: &'a [PlannedTask],
    /// How soon.
    pub priority: Priority,
    /// Attempts of each task in all, at least 1.
    pub max_attempts: u32,
    /// What else to keep with it, an object.
    pub metadata: Value,
    /// The user who asked for it.
    pub created_by_id: Option<i64>,
}

/// A job as it stands.
#[derive(Clone, Debug, PartialEq, FromRow, Serialize)]
pub struct Job {
    /// Row id.
    pub id: i64,
    /// The wind farm that it fills.
    pub windfarm_id: i64,
    /// First instant of its span.
    pub start_date: Instant,
    /// First instant after its span.
    pub end_date: Instant,
    /// Where it stands.
    pub status: JobStatus,
    /// Why it ended as it did, in a word: `cancelled`, `tasks-failed`.
    pub reason: Option<String>,
    /// Whether it is paused.
    pub paused: bool,
    /// How soon.
    pub priority: Priority,
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
    /// When its first task was claimed.
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
}

/// Columns of [`Job`].
const COLUMNS: &str = "id, windfarm_id, start_date, end_date, status, reason, paused, priority, total_tasks, \
     completed_tasks, failed_tasks, skipped_tasks, job_metadata, error_message, created_by_id, created_at, \
     updated_at, started_at, completed_at";

impl Store {
    /// Creates a job with all its tasks, and returns its id. A job whose tasks are all skipped has ended.
    pub async fn create_job(&self, job: &NewJob<'_>, now: impl Into<Instant>) -> Result<i64, StoreError> {
        const DOING: &str = "creating a job";
        let now = now.into();
        if job.tasks.is_empty() {
            let why = "it has no tasks; the wind farm needs units whose sources are configured, and the range months";
            return Err(StoreError::refused(DOING, why));
        }
        let counts =
            job.tasks.iter().fold(
                TaskCounts { total: job.tasks.len() as i64, ..TaskCounts::default() },
                |counts, task| if task.verdict.runs() { counts } else { counts.with(TaskStatus::Skipped) },
            );
        let status = job_status(counts, false, false);
        let queue_at = Instant::from(now.utc() - job.priority.head_start());

        let mut tx = self.write(DOING).await?;
        let id: i64 = sqlx::query_scalar(
            "INSERT INTO backfill_jobs (windfarm_id, start_date, end_date, status, priority, queue_at, total_tasks,
                                        skipped_tasks, job_metadata, created_by_id, created_at, updated_at, completed_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11, $12) RETURNING id",
        )
        .bind(job.windfarm_id)
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
        .fetch_one(&mut *tx)
        .await
        .doing(DOING)?;
        for tasks in job.tasks.chunks(TASKS_PER_INSERT) {
            insert_tasks(&mut tx, id, job.max_attempts, queue_at, tasks, now).await.doing(DOING)?;
        }
        let data = json!({ "windfarm_id": job.windfarm_id, "total_tasks": counts.total, "skipped_tasks": counts.skipped });
        events::append(&mut tx, EventKind::JobCreated, Subject::job(id), data, now).await?;
        if status.ended() {
            events::append(&mut tx, EventKind::JobEnded, Subject::job(id), json!({ "status": status }), now)
                .await?;
        }
        tx.commit().await.doing(DOING)?;
        Ok(id)
    }

    /// A job as it stands.
    pub async fn job(&self, id: i64) -> Result<Job, StoreError> {
        let mut conn = self.read("reading a job").await?;
        job_in(&mut conn, id).await
    }
}

/// A job as a transaction sees it.
pub(super) async fn job_in(conn: &mut Connection, id: i64) -> Result<Job, StoreError> {
    sqlx::query_as(AssertSqlSafe(format!("SELECT {COLUMNS} FROM backfill_jobs WHERE id = $1")))
        .bind(id)
        .fetch_optional(conn)
        .await
        .doing("reading a job")?
        .ok_or_else(|| StoreError::not_found("job", id))
}

async fn insert_tasks(
    conn: &mut Connection,
    job_id: i64,
    max_attempts: u32,
    queue_at: Instant,
    tasks: &[PlannedTask],
    now: Instant,
) -> sqlx::Result<()> {
    let sql = format!(
        "INSERT INTO backfill_tasks (job_id, generation_unit_id, source, month, start_date, end_date, status,
                                     queue_at, max_attempts, error_message, created_at, completed_at)
         VALUES {}",
        dialect::values(tasks.len(), 12)
    );
    let mut query = sqlx::query(AssertSqlSafe(sql));
    for task in tasks {
        let skipped = task.verdict.skipped();
        let status = if task.verdict.runs() { TaskStatus::Pending } else { TaskStatus::Skipped };
        query = query
            .bind(job_id)
            .bind(task.unit_id)
            .bind(&task.source)
            .bind(task.month)
            .bind(Instant::from_seconds(task.window.start))
            .bind(Instant::from_seconds(task.window.end))
            .bind(status)
            .bind(queue_at)
            .bind(max_attempts)
            .bind(skipped.as_deref())
            .bind(now)
            .bind(skipped.as_deref().map(|_| now));
    }
    query.execute(conn).await?;
    Ok(())
}
