//! What sources and the host said while a task ran.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    str::FromStr,
};

use serde::Serialize;
use sqlx::FromRow;

use super::{Instant, Store, StoreError, bulk::bulk, error::Doing, sql};

/// How loud a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// For authors of sources.
    Debug,
    /// For the curious.
    Info,
    /// Something to look at.
    Warn,
    /// Something that failed.
    Error,
}

impl fmt::Display for LogLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        })
    }
}

impl FromStr for LogLevel {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "debug" => Ok(Self::Debug),
            "info" => Ok(Self::Info),
            "warn" => Ok(Self::Warn),
            "error" => Ok(Self::Error),
            _ => Err(format!("{text:?} is no level; expected debug, info, warn or error")),
        }
    }
}

/// A line to keep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewLogLine {
    /// The task that it is about.
    pub task_id: i64,
    /// The fence of the claim under which the task ran.
    pub fence: i64,
    /// When it was said.
    pub at: Instant,
    /// How loud.
    pub level: LogLevel,
    /// The text.
    pub message: String,
}

/// A line that is kept.
#[derive(Clone, Debug, PartialEq, Eq, FromRow, Serialize, utoipa::ToSchema)]
pub struct LogLine {
    /// Its place in the order; grows.
    pub id: i64,
    /// The fence of the claim under which the task ran.
    pub fence: i64,
    /// When it was said.
    pub at: Instant,
    /// How loud.
    pub level: LogLevel,
    /// The text.
    pub message: String,
}

/// A line that is kept, of any task.
#[derive(Clone, Debug, PartialEq, Eq, FromRow, Serialize)]
pub struct TaskLine {
    /// Its place in the order; grows.
    pub id: i64,
    /// The task that it is about.
    pub task_id: i64,
    /// The fence of the claim under which the task ran.
    pub fence: i64,
    /// When it was said.
    pub at: Instant,
    /// How loud.
    pub level: LogLevel,
    /// The text.
    pub message: String,
}

impl Store {
    /// Up to `limit` lines of a job's tasks after the one with id `after`, in order.
    pub async fn job_lines(&self, job_id: i64, after: i64, limit: u32) -> Result<Vec<TaskLine>, StoreError> {
        const DOING: &str = "reading log lines of a job";
        let mut conn = self.read(DOING).await?;
        sql::query(
            "SELECT id, task_id, fence, at, level, message FROM task_logs
             WHERE job_id = $1 AND id > $2 ORDER BY id LIMIT $3",
        )
        .bind(job_id)
        .bind(after)
        .bind(limit)
        .all(&mut conn)
        .await
        .doing(DOING)
    }

    /// The id of the last line of a job's tasks, 0 if there is none.
    pub async fn last_line(&self, job_id: i64) -> Result<i64, StoreError> {
        const DOING: &str = "looking for the last log line of a job";
        let mut conn = self.read(DOING).await?;
        let query = sql::query("SELECT COALESCE(MAX(id), 0) FROM task_logs WHERE job_id = $1").bind(job_id);
        query.scalar(&mut conn).await.doing(DOING)
    }

    /// Keeps lines, of any tasks, in one transaction. Lines of tasks that are gone are dropped: a job may be
    /// deleted while the last words of its tasks are under way. They are on disk no later than what is flushed next.
    ///
    /// Whoever writes lines of a job holds its lock for lines: so they become visible in the order of their ids, and
    /// who has read up to one has missed none.
    pub async fn append_logs(&self, lines: &[NewLogLine]) -> Result<(), StoreError> {
        const DOING: &str = "keeping log lines";
        // Most tasks say nothing: none of them should queue for the write lock.
        if lines.is_empty() {
            return Ok(());
        }
        let tasks: BTreeSet<_> = lines.iter().map(|line| line.task_id).collect();
        let mut tx = self.write_step(DOING).await?;
        let jobs: Vec<(i64,)> = bulk(
            "WITH said (task_id) AS ({rows}) SELECT job_id FROM said JOIN backfill_tasks ON id = task_id",
        )
        .column(tasks.iter().copied())
        .all(&mut tx)
        .await
        .doing(DOING)?;
        // In the order of their ids, and before the tasks, so that no two transactions wait for each other.
        for (job,) in jobs.into_iter().collect::<BTreeSet<_>>() {
            tx.lock_lines(job).await.doing(DOING)?;
        }
        let mut job_of = BTreeMap::new();
        for task in tasks {
            let text = format!("SELECT job_id FROM backfill_tasks WHERE id = $1 {}", tx.keep_rows());
            let job: Option<i64> = sql::query(text).bind(task).scalar_optional(&mut tx).await.doing(DOING)?;
            job_of.extend(job.map(|job| (task, job)));
        }
        let kept: Vec<_> =
            lines.iter().filter_map(|line| Some((line, *job_of.get(&line.task_id)?))).collect();
        bulk("INSERT INTO task_logs (task_id, job_id, fence, at, level, message) {rows}")
            .column(kept.iter().map(|(line, _)| line.task_id))
            .column(kept.iter().map(|(_, job)| *job))
            .column(kept.iter().map(|(line, _)| line.fence))
            .column(kept.iter().map(|(line, _)| Some(line.at)))
            .column(kept.iter().map(|(line, _)| Some(line.level.to_string())))
            .column(kept.iter().map(|(line, _)| Some(line.message.clone())))
            .execute(&mut tx)
            .await
            .doing(DOING)?;
        tx.commit().await.doing(DOING)
    }

    /// Up to `limit` lines of a task after the one with id `after` (0 for all), in order.
    pub async fn logs(&self, task_id: i64, after: i64, limit: u32) -> Result<Vec<LogLine>, StoreError> {
        const DOING: &str = "reading log lines";
        let mut conn = self.read(DOING).await?;
        sql::query(
            "SELECT id, fence, at, level, message FROM task_logs WHERE task_id = $1 AND id > $2 ORDER BY id LIMIT $3",
        )
        .bind(task_id)
        .bind(after)
        .bind(limit)
        .all(&mut conn)
        .await
        .doing(DOING)
    }
}
