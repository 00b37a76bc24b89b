//! Who changed what: appended with every change that came over the API, and never changed.

use serde::Serialize;
use serde_json::Value;
use sqlx::{FromRow, types::Json};

use super::{Instant, Store, StoreError, error::Doing, sql};

/// A change to write down.
#[derive(Clone, Debug)]
pub struct NewAuditEntry<'a> {
    /// Who.
    pub user_id: Option<i64>,
    /// By which token; none with a JSON Web Token.
    pub token_id: Option<i64>,
    /// What was done, `POST /api/v1/backfill/jobs/{id}/cancel`.
    pub action: &'a str,
    /// To what, `/api/v1/backfill/jobs/7/cancel`.
    pub target: &'a str,
    /// What else is to know, an object without secrets.
    pub detail: Value,
    /// From which address.
    pub address: Option<&'a str>,
}

/// A change that somebody made.
#[derive(Clone, Debug, PartialEq, FromRow, Serialize, utoipa::ToSchema)]
pub struct AuditEntry {
    /// Its place in the order; grows.
    pub id: i64,
    /// When.
    pub at: Instant,
    /// Who.
    pub user_id: Option<i64>,
    /// Name of who, if it is a user still.
    pub user_name: Option<String>,
    /// By which token; none with a JSON Web Token.
    pub token_id: Option<i64>,
    /// What was done, such as `POST /api/v1/backfill/jobs/{id}/cancel`.
    pub action: String,
    /// To what, such as `/api/v1/backfill/jobs/7/cancel`.
    pub target: String,
    /// What else is to know.
    #[sqlx(json)]
    pub detail: Value,
    /// From which address.
    pub address: Option<String>,
    /// How it was answered, as an HTTP status; none if the host died meanwhile.
    pub status: Option<i64>,
}

/// Which changes, and which page of them.
#[derive(Clone, Debug, Default)]
pub struct AuditFilter {
    /// Only those of this user.
    pub user_id: Option<i64>,
    /// Only those to what begins like this.
    pub target: Option<String>,
    /// Only those before this one: the last of the page before.
    pub before: Option<i64>,
    /// At most so many.
    pub limit: u32,
}

impl Store {
    /// Writes a change down, and returns its id.
    pub async fn append_audit(
        &self,
        entry: &NewAuditEntry<'_>,
        now: impl Into<Instant>,
    ) -> Result<i64, StoreError> {
        const DOING: &str = "writing down who changed what";
        let mut tx = self.write(DOING).await?;
        let id = sql::query(
            "INSERT INTO audit_log (at, user_id, token_id, action, target, detail, address)
             VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id",
        )
        .bind(now.into())
        .bind(entry.user_id)
        .bind(entry.token_id)
        .bind(entry.action)
        .bind(entry.target)
        .bind(Json(&entry.detail))
        .bind(entry.address)
        .scalar(&mut tx)
        .await
        .doing(DOING)?;
        tx.commit().await.doing(DOING)?;
        Ok(id)
    }

    /// Adds how a change was answered.
    pub async fn audit_outcome(&self, id: i64, status: u16) -> Result<(), StoreError> {
        const DOING: &str = "writing down how a change went";
        let mut tx = self.write(DOING).await?;
        sql::query("UPDATE audit_log SET status = $2 WHERE id = $1")
            .bind(id)
            .bind(status)
            .execute(&mut tx)
            .await
            .doing(DOING)?;
        tx.commit().await.doing(DOING)
    }

    /// What was changed, the latest first.
    pub async fn audit(&self, filter: &AuditFilter) -> Result<Vec<AuditEntry>, StoreError> {
        const DOING: &str = "reading who changed what";
        let mut conn = self.read(DOING).await?;
        sql::query(
            "SELECT a.id, a.at, a.user_id, u.name AS user_name, a.token_id, a.action, a.target, a.detail, a.address,
                    a.status
             FROM audit_log a LEFT JOIN users u ON u.id = a.user_id
             WHERE a.id < $1 AND ($2 IS NULL OR a.user_id = $2)
                   AND ($3 IS NULL OR (a.target >= $3 AND a.target < $4))
             ORDER BY a.id DESC LIMIT $5",
        )
        .bind(filter.before.unwrap_or(i64::MAX))
        .bind(filter.user_id)
        .bind(&filter.target)
        // What begins like the text sorts before the text followed by the last character.
        .bind(filter.target.as_ref().map(|target| format!("{target}\u{10ffff}")))
        .bind(filter.limit)
        .all(&mut conn)
        .await
        .doing(DOING)
    }
}
