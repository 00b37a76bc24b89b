//! The index of kept answers: what was asked, when, and under which digest the archive holds the body. The
//! database implements it.

use chrono::{DateTime, Utc};
use futures::future::BoxFuture;

/// An answer that the index knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptAnswer {
    /// Its id in the index.
    pub id: i64,
    /// HTTP status.
    pub status: u16,
    /// Lower-case names; without cookies.
    pub headers: Vec<(String, String)>,
    /// SHA-256 of the decompressed, redacted body, in lower-case hex.
    pub digest: String,
    /// Length of that body.
    pub bytes: u64,
    /// When the upstream answered.
    pub fetched_at: DateTime<Utc>,
}

/// An answer to be remembered. Nothing in it holds a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewAnswer {
    /// The source that asked.
    pub source: String,
    /// Identity of the request (`key::request_key`).
    pub request_key: String,
    /// `GET` or `POST`.
    pub method: &'static str,
    /// The URL as the source asked for it.
    pub url: String,
    /// HTTP status.
    pub status: u16,
    /// Lower-case names; without cookies.
    pub headers: Vec<(String, String)>,
    /// SHA-256 of the decompressed, redacted body, in lower-case hex.
    pub digest: String,
    /// Length of that body.
    pub bytes: u64,
    /// Length of the object in the archive, compressed.
    pub stored_bytes: u64,
    /// When the upstream answered.
    pub fetched_at: DateTime<Utc>,
}

/// Where answers are looked up and recorded. An error means that the store behind it is broken.
pub trait AnswerIndex: Send + Sync {
    /// The newest answer to this request of this source with a status of 200 to 299, fetched at `not_before` or
    /// later.
    fn find<'a>(
        &'a self,
        source: &'a str,
        request_key: &'a str,
        not_before: DateTime<Utc>,
    ) -> BoxFuture<'a, anyhow::Result<Option<KeptAnswer>>>;

    /// Records an answer, whatever its status, and gives its id. Its body is in the archive already.
    fn record(&self, answer: NewAnswer) -> BoxFuture<'_, anyhow::Result<i64>>;
}
