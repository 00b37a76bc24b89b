//! Who changed what: appended before every change by the API or the command line, completed once it is known how the
//! change went, and never changed after that.

use serde::Serialize;
use serde_json::Value;
use sqlx::{FromRow, types::Json};

use super::{Instant, Store, StoreError, connection::Connection, error::Doing, sql};

/// A change to write down.
#[derive(Clone, Debug)]
pub struct NewAuditEntry<'a> {
    /// Who.
    pub user_id: Option<i64>,
    /// Who, if it is no user.
    pub actor: Option<&'a str>,
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
    /// Who, if it was no user: the command line, with the account of its machine, or the issuer of JSON Web Tokens.
    pub actor: Option<String>,
    /// By which token; none with a JSON Web Token.
    pub token_id: Option<i64>,
    /// What was done, such as `POST /api/v1/backfill/jobs/{id}/cancel`, or `backfill job cancel`.
    pub action: String,
    /// To what, such as `/api/v1/backfill/jobs/7/cancel`.
    pub target: String,
    /// What else is to know: the request's `body`, without secrets, and where what it `made` is.
    #[sqlx(json)]
    pub detail: Value,
    /// From which address.
    pub address: Option<String>,
    /// How it was answered, as an HTTP status (the command line's as the API would have); none if the host died meanwhile.
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
        let id = append(&mut tx, entry, None, now.into()).await.doing(DOING)?;
        tx.commit().await.doing(DOING)?;
        Ok(id)
    }

    /// Adds how a change was answered, and what is known of it by then.
    pub async fn audit_outcome(&self, id: i64, status: u16, detail: &Value) -> Result<(), StoreError> {
        const DOING: &str = "writing down how a change went";
        let mut tx = self.write(DOING).await?;
        sql::query("UPDATE audit_log SET status = $2, detail = $3 WHERE id = $1")
            .bind(id)
            .bind(status)
            .bind(Json(detail))
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
            "SELECT a.id, a.at, a.user_id, u.name AS user_name, a.actor, a.token_id, a.action, a.target, a.detail,
                    a.address, a.status
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

/// Writes a change down in the transaction that makes it, if its status is known; gives the entry's id.
pub(super) async fn append(
    conn: &mut Connection,
    entry: &NewAuditEntry<'_>,
    status: Option<u16>,
    now: Instant,
) -> sqlx::Result<i64> {
    sql::query(
        "INSERT INTO audit_log (at, user_id, actor, token_id, action, target, detail, address, status)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING id",
    )
    .bind(now)
    .bind(entry.user_id)
    .bind(entry.actor)
    .bind(entry.token_id)
    .bind(entry.action)
    .bind(entry.target)
    .bind(Json(&entry.detail))
    .bind(entry.address)
    .bind(status)
    .scalar(conn)
    .await
}
