//! Answers to requests that may be sent twice: the second time gets the answer of the first and does nothing.

use chrono::TimeDelta;
use sqlx::{FromRow, types::Json};

use super::{Instant, Store, StoreError, error::Doing, sql};

/// An answer that was given.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct GivenAnswer {
    /// HTTP status.
    #[sqlx(try_from = "i64")]
    pub status: u16,
    /// Headers.
    #[sqlx(json)]
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: String,
}

/// What is known of a request with a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Repeated {
    /// Nothing: it is to be answered, and the answer kept by [`Store::keep_answer`].
    New,
    /// It is being answered right now.
    UnderWay,
    /// It was answered.
    Answered(GivenAnswer),
    /// The key was used for another request.
    Other,
}

/// So long answers are kept.
const KEPT: TimeDelta = TimeDelta::hours(24);

/// After so long without an answer, whoever was to give it is gone.
const PATIENCE: TimeDelta = TimeDelta::minutes(2);

#[derive(FromRow)]
struct Row {
    request_hash: String,
    status: Option<i64>,
    #[sqlx(json)]
    headers: Vec<(String, String)>,
    body: Option<String>,
}

impl Store {
    /// Takes up a request of a user with a key, unless it was taken up before.
    pub async fn take_up(
        &self,
        user_id: i64,
        key: &str,
        request_hash: &str,
        now: impl Into<Instant>,
    ) -> Result<Repeated, StoreError> {
        const DOING: &str = "looking whether a request was answered already";
        let now = now.into();
        let mut tx = self.write(DOING).await?;
        sql::query(
            "DELETE FROM idempotency_keys WHERE created_at < $1 OR (answered_at IS NULL AND created_at < $2)",
        )
        .bind(Instant::from(now.utc() - KEPT))
        .bind(Instant::from(now.utc() - PATIENCE))
        .execute(&mut tx)
        .await
        .doing(DOING)?;
        let taken = sql::query(
            "INSERT INTO idempotency_keys (user_id, key, request_hash, created_at) VALUES ($1, $2, $3, $4)
             ON CONFLICT (user_id, key) DO NOTHING",
        )
        .bind(user_id)
        .bind(key)
        .bind(request_hash)
        .bind(now)
        .execute(&mut tx)
        .await
        .doing(DOING)?;
        if taken > 0 {
            tx.commit().await.doing(DOING)?;
            return Ok(Repeated::New);
        }
        let row: Row = sql::query(
            "SELECT request_hash, status, headers, body FROM idempotency_keys WHERE user_id = $1 AND key = $2",
        )
        .bind(user_id)
        .bind(key)
        .one(&mut tx)
        .await
        .doing(DOING)?;
        Ok(match row {
            Row { request_hash: other, .. } if other != request_hash => Repeated::Other,
            Row { status: Some(status), headers, body, .. } => Repeated::Answered(GivenAnswer {
                status: u16::try_from(status).unwrap_or(500),
                headers,
                body: body.unwrap_or_default(),
            }),
            _ => Repeated::UnderWay,
        })
    }

    /// Keeps the answer to a request that was taken up.
    pub async fn keep_answer(
        &self,
        user_id: i64,
        key: &str,
        answer: &GivenAnswer,
        now: impl Into<Instant>,
    ) -> Result<(), StoreError> {
        const DOING: &str = "keeping the answer to a request";
        let mut tx = self.write(DOING).await?;
        sql::query(
            "UPDATE idempotency_keys SET answered_at = $3, status = $4, headers = $5, body = $6
             WHERE user_id = $1 AND key = $2",
        )
        .bind(user_id)
        .bind(key)
        .bind(now.into())
        .bind(answer.status)
        .bind(Json(&answer.headers))
        .bind(&answer.body)
        .execute(&mut tx)
        .await
        .doing(DOING)?;
        tx.commit().await.doing(DOING)
    }

    /// Gives a request that was taken up back: it changed nothing, and may be sent again under its key.
    pub async fn give_back(&self, user_id: i64, key: &str) -> Result<(), StoreError> {
        const DOING: &str = "giving a request back";
        let mut tx = self.write(DOING).await?;
        sql::query("DELETE FROM idempotency_keys WHERE user_id = $1 AND key = $2 AND answered_at IS NULL")
            .bind(user_id)
            .bind(key)
            .execute(&mut tx)
            .await
            .doing(DOING)?;
        tx.commit().await.doing(DOING)
    }
}
