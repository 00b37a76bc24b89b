//! The archive's index: which answers of the upstreams are kept, by request.

use sqlx::{FromRow, types::Json};

use super::{Instant, Store, StoreError, bulk::bulk, error::Doing, sql};

/// An answer to index. Nothing in it holds a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewAnswer {
    /// Id of the source that asked.
    pub source: String,
    /// Digest of the request without its secrets.
    pub request_key: String,
    /// `GET` or `POST`.
    pub method: String,
    /// The URL asked, without secrets.
    pub url: String,
    /// HTTP status.
    pub status: u16,
    /// Headers worth keeping.
    pub headers: Vec<(String, String)>,
    /// Digest of the body, which names it in the archive.
    pub digest: String,
    /// Length of the body.
    pub body_bytes: u64,
    /// Length of what the archive keeps of it.
    pub stored_bytes: u64,
    /// When the upstream answered.
    pub fetched_at: Instant,
}

/// An answer that is kept.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct Answer {
    /// Row id, for an attempt's list of what it used.
    pub id: i64,
    /// HTTP status.
    #[sqlx(try_from = "i64")]
    pub status: u16,
    /// Headers.
    #[sqlx(json)]
    pub headers: Vec<(String, String)>,
    /// Digest of the body, which names it in the archive.
    pub digest: String,
    /// Length of the body.
    #[sqlx(try_from = "i64")]
    pub body_bytes: u64,
    /// When the upstream answered.
    pub fetched_at: Instant,
}

/// An answer that an attempt used, with the request that it answered.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct AttemptAnswer {
    /// Digest of the request without its secrets.
    pub request_key: String,
    /// What was answered.
    #[sqlx(flatten)]
    pub answer: Answer,
}

impl Store {
    /// The answers that an attempt used, in the order in which they came.
    pub async fn attempt_answers(&self, attempt_id: i64) -> Result<Vec<AttemptAnswer>, StoreError> {
        const DOING: &str = "reading the answers of an attempt";
        let mut conn = self.read(DOING).await?;
        sql::query(
            "SELECT a.request_key, a.id, a.status, a.headers, a.digest, a.body_bytes, a.fetched_at
             FROM attempt_answers u JOIN answers a ON a.id = u.answer_id
             WHERE u.attempt_id = $1 ORDER BY a.fetched_at, a.id",
        )
        .bind(attempt_id)
        .all(&mut conn)
        .await
        .doing(DOING)
    }

    /// The newest answer to a request of a source, however old: a good one that its source could read if there is one.
    pub async fn newest_answer(&self, source: &str, request_key: &str) -> Result<Option<Answer>, StoreError> {
        const DOING: &str = "looking up the newest answer to a request";
        let mut conn = self.read(DOING).await?;
        sql::query(
            "SELECT id, status, headers, digest, body_bytes, fetched_at FROM answers
             WHERE source = $1 AND request_key = $2
             ORDER BY CASE WHEN reusable AND status BETWEEN 200 AND 299 THEN 0 ELSE 1 END, fetched_at DESC, id DESC
             LIMIT 1",
        )
        .bind(source)
        .bind(request_key)
        .optional(&mut conn)
        .await
        .doing(DOING)
    }

    /// The newest good answer (status 200 to 299) to a request of a source, not fetched before an instant, and not
    /// distrusted since.
    pub async fn find_answer(
        &self,
        source: &str,
        request_key: &str,
        not_before: impl Into<Instant>,
    ) -> Result<Option<Answer>, StoreError> {
        const DOING: &str = "looking up a kept answer";
        let not_before = not_before.into();
        let mut conn = self.read(DOING).await?;
        sql::query(
            "SELECT id, status, headers, digest, body_bytes, fetched_at FROM answers
             WHERE source = $1 AND request_key = $2 AND fetched_at >= $3 AND status BETWEEN 200 AND 299
                   AND reusable
             ORDER BY fetched_at DESC, id DESC LIMIT 1",
        )
        .bind(source)
        .bind(request_key)
        .bind(not_before)
        .optional(&mut conn)
        .await
        .doing(DOING)
    }

    /// Lets answers serve no request again: a source could not read one of them, and asking again must not meet
    /// the same bytes.
    pub async fn distrust_answers(&self, ids: &[i64]) -> Result<(), StoreError> {
        const DOING: &str = "distrusting answers";
        if ids.is_empty() {
            return Ok(());
        }
        let mut tx = self.write_own(DOING).await?;
        let mut ids = ids.to_vec();
        ids.sort_unstable();
        bulk(
            "WITH distrusted (answer_id) AS ({rows})
             UPDATE answers SET reusable = (1 = 0) FROM distrusted WHERE id = answer_id",
        )
        .column(ids)
        .execute(&mut tx)
        .await
        .doing(DOING)?;
        tx.commit().await.doing(DOING)
    }

    /// Indexes an answer whose body the archive holds already, and returns its id.
    pub async fn record_answer(&self, answer: &NewAnswer) -> Result<i64, StoreError> {
        const DOING: &str = "indexing an answer";
        let mut tx = self.write_own(DOING).await?;
        let id = sql::query(
            "INSERT INTO answers (source, request_key, method, url, status, headers, digest, body_bytes,
                                  stored_bytes, fetched_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) RETURNING id",
        )
        .bind(&answer.source)
        .bind(&answer.request_key)
        .bind(&answer.method)
        .bind(&answer.url)
        .bind(answer.status)
        .bind(Json(&answer.headers))
        .bind(&answer.digest)
        .bind(i64::try_from(answer.body_bytes).unwrap_or(i64::MAX))
        .bind(i64::try_from(answer.stored_bytes).unwrap_or(i64::MAX))
        .bind(answer.fetched_at)
        .scalar(&mut tx)
        .await
        .doing(DOING)?;
        tx.commit().await.doing(DOING)?;
        Ok(id)
    }
}
