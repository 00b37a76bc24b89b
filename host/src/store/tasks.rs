//! Tasks, read.

use serde::Serialize;
use serde_json::Value;
use sqlx::FromRow;

use super::{Instant, Store, StoreError, causes, connection::Connection, error::Doing, sql};
use crate::domain::{Month, TaskOutcome, TaskStatus};

/// One unit's month as it stands.
#[derive(Clone, Debug, PartialEq, FromRow, Serialize, utoipa::ToSchema)]
pub struct Task {
    /// Row id.
    pub id: i64,
    /// Its job.
    pub job_id: i64,
    /// Its unit.
    pub generation_unit_id: i64,
    /// Id of the source that serves the unit.
    pub source: String,
    /// The month, by the upstream's calendar.
    #[serde(serialize_with = "as_text")]
    #[schema(value_type = String, example = "2024-01")]
    pub month: Month,
    /// First instant of the month in the upstream's zone.
    pub start_date: Instant,
    /// First instant after it.
    pub end_date: Instant,
    /// Where it stands.
    pub status: TaskStatus,
    /// What was found, if it completed.
    pub outcome: Option<TaskOutcome>,
    /// Not claimed before this instant.
    pub run_after: Option<Instant>,
    /// Attempts that ended and count.
    pub attempt_count: i64,
    /// Attempts in all.
    pub max_attempts: i64,
    /// Records that the last attempt returned.
    pub records_fetched: i64,
    /// Of these: new.
    pub records_inserted: i64,
    /// Of these: in the place of others.
    pub records_updated: i64,
    /// Of these: stored already.
    pub records_unchanged: i64,
    /// Of these: not fit to be stored.
    pub records_rejected: i64,
    /// Why it failed, waits or was skipped, for people.
    pub error_message: Option<String>,
    /// The same in a word.
    pub error_code: Option<String>,
    /// What else is kept with it.
    #[sqlx(json)]
    pub task_metadata: Value,
    /// When it was made.
    pub created_at: Instant,
    /// When it was first claimed.
    pub started_at: Option<Instant>,
    /// When it ended.
    pub completed_at: Option<Instant>,
}

fn as_text<S: serde::Serializer>(month: &Month, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(month)
}

const COLUMNS: &str = "id, job_id, generation_unit_id, source, month, start_date, end_date, status, outcome, \
     run_after, attempt_count, max_attempts, records_fetched, records_inserted, records_updated, \
     records_unchanged, records_rejected, error_message, error_code, task_metadata, created_at, started_at, \
     completed_at";

/// Which tasks of a job, and which page of them.
#[derive(Clone, Debug, Default)]
pub struct TaskFilter {
    /// Only those that stand here.
    pub status: Option<TaskStatus>,
    /// Only those of this source.
    pub source: Option<String>,
    /// Only those of this unit.
    pub generation_unit_id: Option<i64>,
    /// Only those of this month.
    pub month: Option<Month>,
    /// Only those that failed of this cause ([`super::FailureCause::cause`]).
    pub cause: Option<String>,
    /// Only those after this id: the last one of the page before.
    pub after: i64,
    /// At most so many; all if none is given.
    pub limit: Option<u32>,
}

/// So many tasks are looked through at once for those of a cause.
const BATCH: u32 = 1_000;

async fn read(conn: &mut Connection, job_id: i64, filter: &TaskFilter) -> sqlx::Result<Vec<Task>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM backfill_tasks
         WHERE job_id = $1 AND id > $2 AND ($3 IS NULL OR status = $3) AND ($5 IS NULL OR source = $5)
               AND ($6 IS NULL OR generation_unit_id = $6) AND ($7 IS NULL OR month = $7)
         ORDER BY id LIMIT $4"
    );
    sql::query(sql)
        .bind(job_id)
        .bind(filter.after)
        .bind(filter.status)
        .bind(filter.limit.map_or(i64::MAX, i64::from))
        .bind(&filter.source)
        .bind(filter.generation_unit_id)
        .bind(filter.month)
        .all(conn)
        .await
}

impl Store {
    /// Tasks of a job, in the order in which they were planned.
    pub async fn tasks(&self, job_id: i64, filter: TaskFilter) -> Result<Vec<Task>, StoreError> {
        const DOING: &str = "listing tasks";
        let mut conn = self.read(DOING).await?;
        let Some(cause) = &filter.cause else { return read(&mut conn, job_id, &filter).await.doing(DOING) };
        // What makes a cause is known here and not in the database, which is read on until the page is full.
        let most = filter.limit.map_or(usize::MAX, |limit| limit as usize);
        let status = Some(TaskStatus::Failed);
        let mut batch = TaskFilter { cause: None, status, limit: Some(BATCH), ..filter.clone() };
        let mut found = Vec::new();
        loop {
            let tasks = read(&mut conn, job_id, &batch).await.doing(DOING)?;
            let more = tasks.len() == BATCH as usize;
            batch.after = tasks.last().map_or(batch.after, |task| task.id);
            found.extend(tasks.into_iter().filter(|task| {
                causes::is_of(cause, &task.source, task.error_code.as_deref(), task.error_message.as_deref())
            }));
            if found.len() >= most || !more {
                found.truncate(most);
                return Ok(found);
            }
        }
    }

    /// One task.
    pub async fn task(&self, id: i64) -> Result<Task, StoreError> {
        const DOING: &str = "reading a task";
        let mut conn = self.read(DOING).await?;
        sql::query(format!("SELECT {COLUMNS} FROM backfill_tasks WHERE id = $1"))
            .bind(id)
            .optional(&mut conn)
            .await
            .doing(DOING)?
            .ok_or_else(|| StoreError::not_found("task", id))
    }

    /// Ids of the sources that a job's open tasks need.
    pub async fn job_sources(&self, job_id: i64) -> Result<Vec<String>, StoreError> {
        const DOING: &str = "reading which sources a job needs";
        let mut conn = self.read(DOING).await?;
        sql::query(
            "SELECT s.source FROM backfill_job_sources s
             WHERE s.job_id = $1
               AND (SELECT 1 FROM backfill_tasks t
                    WHERE t.job_id = $1 AND t.source = s.source AND t.status IN ('pending', 'in_progress')
                    LIMIT 1) IS NOT NULL
             ORDER BY s.source",
        )
        .bind(job_id)
        .scalars(&mut conn)
        .await
        .doing(DOING)
    }
}
