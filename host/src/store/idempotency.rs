//! Requests that may be sent twice: whose turn it is to answer one, and what was answered.

use std::time::Duration;

use chrono::TimeDelta;
use sqlx::{FromRow, types::Json};

use super::{Instant, Store, StoreError, connection::Connection, error::Doing, sql};
use crate::domain::Role;

/// A request with a key, as it came.
#[derive(Clone, Copy, Debug)]
pub struct KeyedRequest<'a> {
    /// Who sends it.
    pub user_id: i64,
    /// What they may do by what they are let in by.
    pub role: Role,
    /// Their name for it.
    pub key: &'a str,
    /// Of its method, path and body.
    pub hash: &'a str,
}

/// The turn to answer a request with a key. Of all requests of that key, at all hosts, one has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    user_id: i64,
    key: String,
    holder: String,
    /// The job that the request made when it was somebody else's turn, who is gone.
    pub job_id: Option<i64>,
}

/// An answer that was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenAnswer {
    /// HTTP status.
    pub status: u16,
    /// Headers.
    pub headers: Vec<(String, String)>,
    /// Body; none if it is not kept.
    pub body: Option<String>,
}

/// What is known of a request with a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Repeated {
    /// It is to be answered now.
    New(Turn),
    /// It is being answered right now.
    UnderWay,
    /// It was answered.
    Answered(GivenAnswer),
    /// It was sent by somebody who may do more, as much as this role.
    Above(Role),
    /// The key was used for another request.
    Other,
}

/// So long answers are kept.
const KEPT: TimeDelta = TimeDelta::hours(24);

/// A turn that is not renewed for so long is over: whoever had it is gone.
pub const TURN: Duration = Duration::from_secs(60);

#[derive(FromRow)]
struct Row {
    request_hash: String,
    role: Role,
    held_until: Option<Instant>,
    job_id: Option<i64>,
    status: Option<i64>,
    #[sqlx(json)]
    headers: Vec<(String, String)>,
    body: Option<String>,
}

impl Store {
    /// Takes up a request with a key, unless that was done before. `holder` is a name that nobody else has.
    pub async fn take_up(
        &self,
        request: &KeyedRequest<'_>,
        holder: &str,
        now: impl Into<Instant>,
    ) -> Result<Repeated, StoreError> {
        const DOING: &str = "looking whether a request was answered already";
        let now = now.into();
        let mut tx = self.write(DOING).await?;
        forget(&mut tx, Some((request.user_id, request.key)), now).await.doing(DOING)?;
        let mut turn = Turn {
            user_id: request.user_id,
            key: request.key.to_owned(),
            holder: holder.to_owned(),
            job_id: None,
        };
        let taken = sql::query(
            "INSERT INTO idempotency_keys (user_id, key, holder, held_until, role, request_hash, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (user_id, key) DO NOTHING",
        )
        .bind(turn.user_id)
        .bind(&turn.key)
        .bind(&turn.holder)
        .bind(Instant::from(now.utc() + TURN))
        .bind(request.role)
        .bind(request.hash)
        .bind(now)
        .execute(&mut tx)
        .await
        .doing(DOING)?;
        if taken == 0 {
            let row = format!(
                "SELECT request_hash, role, held_until, job_id, status, headers, body FROM idempotency_keys
                 WHERE user_id = $1 AND key = $2 {}",
                tx.lock_rows()
            );
            let row: Option<Row> =
                sql::query(row).bind(turn.user_id).bind(&turn.key).optional(&mut tx).await.doing(DOING)?;
            // Given back a moment ago: whoever asks again finds it free.
            let Some(row) = row else { return Ok(Repeated::UnderWay) };
            turn.job_id = row.job_id;
            if let Some(known) = row.known(request, now) {
                return Ok(known);
            }
            sql::query(
                "UPDATE idempotency_keys SET holder = $3, held_until = $4, role = $5
                 WHERE user_id = $1 AND key = $2",
            )
            .bind(turn.user_id)
            .bind(&turn.key)
            .bind(&turn.holder)
            .bind(Instant::from(now.utc() + TURN))
            .bind(request.role)
            .execute(&mut tx)
            .await
            .doing(DOING)?;
        }
        tx.commit().await.doing(DOING)?;
        Ok(Repeated::New(turn))
    }

    /// Keeps a turn. Whoever answers for long does so well within [`TURN`].
    pub async fn renew_turn(&self, turn: &Turn, now: impl Into<Instant>) -> Result<(), StoreError> {
        const DOING: &str = "keeping the turn to answer a request";
        let mut tx = self.write(DOING).await?;
        turn.query(format!("UPDATE idempotency_keys SET held_until = $4 WHERE {OWN}"))
            .bind(Instant::from(now.into().utc() + TURN))
            .execute(&mut tx)
            .await
            .doing(DOING)?;
        tx.commit().await.doing(DOING)
    }

    /// Keeps the answer to a request. False if it is somebody else's turn by now: theirs is kept then.
    pub async fn keep_answer(
        &self,
        turn: &Turn,
        answer: &GivenAnswer,
        now: impl Into<Instant>,
    ) -> Result<bool, StoreError> {
        const DOING: &str = "keeping the answer to a request";
        let mut tx = self.write(DOING).await?;
        let kept = turn
            .query(format!(
                "UPDATE idempotency_keys SET held_until = NULL, answered_at = $4, status = $5, headers = $6, body = $7
                 WHERE {OWN}"
            ))
            .bind(now.into())
            .bind(answer.status)
            .bind(Json(&answer.headers))
            .bind(&answer.body)
            .execute(&mut tx)
            .await
            .doing(DOING)?;
        tx.commit().await.doing(DOING)?;
        Ok(kept > 0)
    }

    /// Ends a turn without an answer: the request may be sent again under its key. If it made a job, that is what it is
    /// answered with then.
    pub async fn give_back(&self, turn: &Turn) -> Result<(), StoreError> {
        const DOING: &str = "giving a request back";
        let mut tx = self.write(DOING).await?;
        turn.query(format!("DELETE FROM idempotency_keys WHERE {OWN} AND job_id IS NULL"))
            .execute(&mut tx)
            .await
            .doing(DOING)?;
        turn.query(format!("UPDATE idempotency_keys SET held_until = NULL WHERE {OWN}"))
            .execute(&mut tx)
            .await
            .doing(DOING)?;
        tx.commit().await.doing(DOING)
    }

    /// Forgets answers that are old; says how many.
    pub async fn forget_answers(&self, now: impl Into<Instant>) -> Result<u64, StoreError> {
        const DOING: &str = "forgetting old answers";
        let mut tx = self.write(DOING).await?;
        let forgotten = forget(&mut tx, None, now.into()).await.doing(DOING)?;
        tx.commit().await.doing(DOING)?;
        Ok(forgotten)
    }
}

/// The row of a turn, as long as it is one.
const OWN: &str = "user_id = $1 AND key = $2 AND holder = $3 AND answered_at IS NULL";

impl Turn {
    /// A statement whose condition is [`OWN`].
    fn query(&self, text: String) -> sql::Query {
        sql::query(text).bind(self.user_id).bind(&self.key).bind(&self.holder)
    }

    /// Writes down, in the transaction that makes a job, that this request made it. No other turn makes one after that.
    pub(super) async fn made_job(&self, conn: &mut Connection, id: i64) -> Result<(), StoreError> {
        const DOING: &str = "making the job of a request";
        let made = self
            .query(format!("UPDATE idempotency_keys SET job_id = $4 WHERE {OWN} AND job_id IS NULL"))
            .bind(id)
            .execute(conn)
            .await
            .doing(DOING)?;
        if made == 0 {
            let why = "the same request was sent again meanwhile, and is answered there; send it once more";
            return Err(StoreError::refused(DOING, why));
        }
        Ok(())
    }
}

impl Row {
    /// What is known of a request, unless it is to be answered now.
    fn known(self, request: &KeyedRequest<'_>, now: Instant) -> Option<Repeated> {
        if self.request_hash != request.hash {
            return Some(Repeated::Other);
        }
        if self.role > request.role {
            return Some(Repeated::Above(self.role));
        }
        match self.status {
            Some(status) => Some(Repeated::Answered(GivenAnswer {
                status: u16::try_from(status).unwrap_or(500),
                headers: self.headers,
                body: self.body,
            })),
            None => self.held_until.filter(|until| *until > now).map(|_| Repeated::UnderWay),
        }
    }
}

/// Forgets what is too old, of one key or of all, and nobody's turn.
async fn forget(conn: &mut Connection, key: Option<(i64, &str)>, now: Instant) -> sqlx::Result<u64> {
    let which = if key.is_some() { "AND user_id = $3 AND key = $4" } else { "" };
    let query = sql::query(format!(
        "DELETE FROM idempotency_keys
         WHERE created_at < $1 AND (held_until IS NULL OR held_until <= $2) {which}"
    ))
    .bind(Instant::from(now.utc() - KEPT))
    .bind(now);
    match key {
        Some((user_id, key)) => query.bind(user_id).bind(key),
        None => query,
    }
    .execute(conn)
    .await
}
