//! What happened, in order. Every change of state appends here, in the transaction that changed it.

use serde::Serialize;
use serde_json::{Value, json};
use sqlx::{FromRow, types::Json};

use super::{
    Instant, Store, StoreError,
    bulk::{Document, bulk},
    connection::Connection,
    error::Doing,
    outbox, sql,
};
use crate::domain::Audience;
pub use crate::domain::EventKind;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, FromRow, Serialize, utoipa::ToSchema)]
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

const DOING: &str = "recording an event";

/// Appends one event within the caller's transaction, and the messages to those who are told of it.
pub(super) async fn append(
    conn: &mut Connection,
    kind: EventKind,
    subject: Subject<'_>,
    data: Value,
    now: Instant,
) -> Result<(), StoreError> {
    append_all(conn, &[NewEvent::new(kind, subject, data)], now).await
}

/// The same for several, in order. Who appends an event of a job holds the job's row: so a job's
/// events become visible in the order of their ids, and who has read up to one has missed none.
pub(super) async fn append_all(
    conn: &mut Connection,
    news: &[NewEvent<'_>],
    now: Instant,
) -> Result<(), StoreError> {
    let told = |new: &NewEvent<'_>| new.kind.audience() != Audience::Nobody;
    // Events that somebody may be told of are few, and messages refer to them by id; the others go together.
    for run in news.chunk_by(|one, next| !told(one) && !told(next)) {
        match run {
            [new] if told(new) => append_told(conn, new, now).await?,
            run => append_untold(conn, run, now).await.doing(DOING)?,
        }
    }
    Ok(())
}

async fn append_told(conn: &mut Connection, new: &NewEvent<'_>, now: Instant) -> Result<(), StoreError> {
    let NewEvent { kind, subject, data } = new;
    let id: i64 = sql::query(
        "INSERT INTO events (at, kind, job_id, task_id, source, data) VALUES ($1, $2, $3, $4, $5, $6) RETURNING id",
    )
    .bind(now)
    .bind(*kind)
    .bind(subject.job)
    .bind(subject.task)
    .bind(subject.source)
    .bind(Json(data))
    .scalar(conn)
    .await
    .doing(DOING)?;
    outbox::write(conn, id, *kind, *subject, data, now).await
}

async fn append_untold(conn: &mut Connection, news: &[NewEvent<'_>], now: Instant) -> sqlx::Result<()> {
    bulk("INSERT INTO events (at, kind, job_id, task_id, source, data) {rows}")
        .column(news.iter().map(|_| Some(now)))
        .column(news.iter().map(|new| Some(new.kind.to_string())))
        .column(news.iter().map(|new| new.subject.job))
        .column(news.iter().map(|new| new.subject.task))
        .column(news.iter().map(|new| new.subject.source.map(str::to_owned)))
        .column(news.iter().map(|new| Document(new.data.clone())))
        .execute(conn)
        .await
        .map(drop)
}

/// Appends one event for each task of a job that was skipped at an instant with a code. It is the database that
/// reads them: a purge may take millions. As ever, the caller holds the job's row.
pub(super) async fn append_skipped(
    conn: &mut Connection,
    job_id: i64,
    code: &str,
    message: &str,
    skipped_at: Instant,
    now: Instant,
) -> Result<(), StoreError> {
    sql::query(
        "INSERT INTO events (at, kind, job_id, task_id, source, data)
         SELECT $6, $4, job_id, id, source, $5 FROM backfill_tasks
         WHERE job_id = $1 AND status = 'skipped' AND error_code = $2 AND completed_at = $3 ORDER BY id",
    )
    .bind(job_id)
    .bind(code)
    .bind(skipped_at)
    .bind(EventKind::TaskSkipped)
    .bind(Json(json!({ "code": code, "message": message })))
    .bind(now)
    .execute(conn)
    .await
    .doing(DOING)
    .map(drop)
}

impl Store {
    /// The id of the last event of a job, 0 if there is none.
    pub async fn last_event(&self, job: i64) -> Result<i64, StoreError> {
        const DOING: &str = "looking for the last event of a job";
        let mut conn = self.read(DOING).await?;
        let query = sql::query("SELECT COALESCE(MAX(id), 0) FROM events WHERE job_id = $1").bind(job);
        query.scalar(&mut conn).await.doing(DOING)
    }

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
