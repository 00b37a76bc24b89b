//! What happened, in order. Every change of state appends here, in the transaction that changed it.

use std::{fmt, str::FromStr};

use serde::Serialize;
use serde_json::Value;
use sqlx::FromRow;

use super::{
    Instant, Store, StoreError,
    bulk::{Document, bulk},
    connection::Connection,
    error::Doing,
    sql,
};

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
    /// Tasks of it that had failed are to run again.
    JobRetried = "job-retried",
    /// Its waiting tasks need wait no longer.
    JobHastened = "job-hastened",
    /// Its pending tasks were taken from the queue.
    JobPurged = "job-purged",
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
    /// It had failed and is to run again.
    TaskReopened = "task-reopened",
    /// It was cancelled, purged or given up before it ran.
    TaskSkipped = "task-skipped",
    /// The upstream's limit holds everybody off.
    SourceHeld = "source-held",
    /// Its tasks fail in a row, or its credential is refused: nothing more is asked of it for a while.
    SourcePaused = "source-paused",
    /// It answers again.
    SourceResumed = "source-resumed",
    /// A schedule made a job.
    ScheduleFired = "schedule-fired",
    /// A schedule was due while no host ran, or while its last job was not done.
    ScheduleMissed = "schedule-missed",
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

/// One thing to append.
#[derive(Clone, Debug)]
pub(super) struct NewEvent<'a> {
    kind: EventKind,
    subject: Subject<'a>,
    data: Value,
}

impl<'a> NewEvent<'a> {
    pub(super) const fn new(kind: EventKind, subject: Subject<'a>, data: Value) -> Self {
        Self { kind, subject, data }
    }
}

/// Appends one event within the caller's transaction.
pub(super) async fn append(
    conn: &mut Connection,
    kind: EventKind,
    subject: Subject<'_>,
    data: Value,
    now: Instant,
) -> Result<(), StoreError> {
    append_all(conn, &[NewEvent::new(kind, subject, data)], now).await
}

/// Appends within the caller's transaction, in order. Who appends an event of a job holds the job's row: so a job's
/// events become visible in the order of their ids, and who has read up to one has missed none.
pub(super) async fn append_all(
    conn: &mut Connection,
    news: &[NewEvent<'_>],
    now: Instant,
) -> Result<(), StoreError> {
    bulk("INSERT INTO events (at, kind, job_id, task_id, source, data) {rows}")
        .column(news.iter().map(|_| Some(now)))
        .column(news.iter().map(|new| Some(new.kind.to_string())))
        .column(news.iter().map(|new| new.subject.job))
        .column(news.iter().map(|new| new.subject.task))
        .column(news.iter().map(|new| new.subject.source.map(str::to_owned)))
        .column(news.iter().map(|new| Document(new.data.clone())))
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
            Some(job) => sql::query(
                "SELECT id, at, kind, job_id, task_id, source, data FROM events
                 WHERE job_id = $3 AND id > $1 ORDER BY id LIMIT $2",
            )
            .bind(after)
            .bind(limit)
            .bind(job),
            None => sql::query(
                "SELECT id, at, kind, job_id, task_id, source, data FROM events WHERE id > $1 ORDER BY id LIMIT $2",
            )
            .bind(after)
            .bind(limit),
        };
        query.all(&mut conn).await.doing(DOING)
    }
}
