//! What happened, in order. Every change of state appends here, in the transaction that changed it.

use std::{fmt, str::FromStr};

use serde::Serialize;
use serde_json::Value;
use sqlx::{FromRow, types::Json};

use super::{Instant, Store, StoreError, dialect::Connection, error::Doing};

macro_rules! kinds {
    ($($(#[$doc:meta])* $variant:ident = $word:literal,)+) => {
        /// What happened.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
        pub enum EventKind { $($(#[$doc])* #[serde(rename = $word)] $variant,)+ }

        impl EventKind {
            /// The word in the store and the API.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }
        }

        impl FromStr for EventKind {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                match text {
                    $($word => Ok(Self::$variant),)+
                    _ => Err(format!("{text:?} is no kind of event")),
                }
            }
        }
    };
}

kinds! {
    /// A job and its tasks exist.
    JobCreated = "job-created",
    /// Its first task was claimed.
    JobStarted = "job-started",
    /// Its last task ended; `status` says how.
    JobEnded = "job-ended",
    /// Somebody cancelled it.
    JobCancelled = "job-cancelled",
    /// Nothing more of it is claimed for now.
    JobPaused = "job-paused",
    /// It is claimed from again.
    JobResumed = "job-resumed",
    /// It is gone, and its tasks with it.
    JobDeleted = "job-deleted",
    /// A worker holds the task.
    TaskStarted = "task-started",
    /// It ended well.
    TaskCompleted = "task-completed",
    /// It ended without its data.
    TaskFailed = "task-failed",
    /// An attempt failed; another follows.
    TaskRetrying = "task-retrying",
    /// It was given back without costing an attempt.
    TaskReleased = "task-released",
    /// Its lease ran out.
    TaskLost = "task-lost",
    /// The upstream's limit holds everybody off.
    SourceHeld = "source-held",
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, FromRow, Serialize)]
pub struct Event {
    /// Its place in the order; grows.
    pub id: i64,
    /// When.
    pub at: Instant,
    /// What.
    pub kind: EventKind,
    /// To which job, which may be gone since.
    pub job_id: Option<i64>,
    /// To which task, which may be gone since.
    pub task_id: Option<i64>,
    /// To which source.
    pub source: Option<String>,
    /// What else is to know, an object.
    #[sqlx(json)]
    pub data: Value,
}

/// What an event is about.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Subject<'a> {
    pub(super) job: Option<i64>,
    pub(super) task: Option<i64>,
    pub(super) source: Option<&'a str>,
}

impl<'a> Subject<'a> {
    pub(super) const fn job(id: i64) -> Self {
        Self { job: Some(id), task: None, source: None }
    }

    pub(super) const fn task(job: i64, task: i64, source: &'a str) -> Self {
        Self { job: Some(job), task: Some(task), source: Some(source) }
    }
}

/// Appends within the caller's transaction.
pub(super) async fn append(
    conn: &mut Connection,
    kind: EventKind,
    subject: Subject<'_>,
    data: Value,
    now: Instant,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO events (at, kind, job_id, task_id, source, data) VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(now)
    .bind(kind)
    .bind(subject.job)
    .bind(subject.task)
    .bind(subject.source)
    .bind(Json(data))
    .execute(conn)
    .await
    .doing("recording an event")?;
    Ok(())
}

impl Store {
    /// Up to `limit` events after the one with id `after` (0 for all), in order; of one job if one is given.
    pub async fn events(&self, job: Option<i64>, after: i64, limit: u32) -> Result<Vec<Event>, StoreError> {
        const DOING: &str = "reading events";
        let mut conn = self.read(DOING).await?;
        let query = match job {
            Some(job) => sqlx::query_as(
                "SELECT id, at, kind, job_id, task_id, source, data FROM events
                 WHERE job_id = $3 AND id > $1 ORDER BY id LIMIT $2",
            )
            .bind(after)
            .bind(limit)
            .bind(job),
            None => sqlx::query_as(
                "SELECT id, at, kind, job_id, task_id, source, data FROM events WHERE id > $1 ORDER BY id LIMIT $2",
            )
            .bind(after)
            .bind(limit),
        };
        query.fetch_all(&mut *conn).await.doing(DOING)
    }
}
