//! Tokens: what lets a user in. Only hashes of them are kept.

use chrono::TimeDelta;
use serde::Serialize;
use sqlx::FromRow;

use super::{Instant, Store, StoreError, connection::Connection, error::Doing, sql};
use crate::domain::{Role, TokenKind};

/// A token to keep.
#[derive(Clone, Copy, Debug)]
pub struct NewToken<'a> {
    /// Whom it lets in.
    pub user_id: i64,
    /// What it is for, in its owner's words.
    pub name: &'a str,
    /// SHA-256 of the secret.
    pub hash: [u8; 32],
    /// What it is for.
    pub kind: TokenKind,
    /// What it may do, if that is less than its user may.
    pub role: Option<Role>,
    /// Until when it lets in; for ever if never.
    pub expires_at: Option<Instant>,
}

/// A token, without the secret, which nobody has but its owner.
#[derive(Clone, Debug, PartialEq, Eq, FromRow, Serialize, utoipa::ToSchema)]
pub struct Token {
    /// Row id.
    pub id: i64,
    /// Whom it lets in.
    pub user_id: i64,
    /// Name of whom it lets in.
    pub user_name: String,
    /// What it is for, in its owner's words.
    pub name: String,
    /// What it may do: no more than its user may.
    pub role: Role,
    /// When it was made.
    pub created_at: Instant,
    /// Until when it lets in.
    pub expires_at: Option<Instant>,
    /// When it was last used, to within a minute.
    pub last_used_at: Option<Instant>,
    /// Since when it lets nobody in.
    pub revoked_at: Option<Instant>,
}

/// Who a token says that somebody is.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct Login {
    /// The user.
    pub user_id: i64,
    /// Its name.
    pub user_name: String,
    /// The token.
    pub token_id: i64,
    /// What it is for.
    pub kind: TokenKind,
    /// What it may do.
    pub role: Role,
    last_used_at: Option<Instant>,
}

/// The role of a token, no more than its user's.
const ROLE: &str = "CASE WHEN t.role = 'viewer' OR u.role = 'viewer' THEN 'viewer'
                         WHEN t.role = 'operator' OR u.role = 'operator' THEN 'operator' ELSE u.role END";

/// Uses within this time of the last one are not written down: looking must stay cheap.
const USED: TimeDelta = TimeDelta::minutes(1);

impl Store {
    /// Keeps a token, and returns its id.
    pub async fn create_token(
        &self,
        token: &NewToken<'_>,
        now: impl Into<Instant>,
    ) -> Result<i64, StoreError> {
        const DOING: &str = "making a token";
        let mut tx = self.write(DOING).await?;
        let id = insert(&mut tx, token, now.into()).await.doing(DOING)?;
        tx.commit().await.doing(DOING)?;
        Ok(id)
    }

    /// Tokens, the newest first; of one user if one is given. Those of browsers are not among them.
    pub async fn tokens(&self, user: Option<i64>) -> Result<Vec<Token>, StoreError> {
        const DOING: &str = "listing tokens";
        let mut conn = self.read(DOING).await?;
        sql::query(format!(
            "{} WHERE t.kind = 'token' AND ($1 IS NULL OR t.user_id = $1) ORDER BY t.id DESC",
            select()
        ))
        .bind(user)
        .all(&mut conn)
        .await
        .doing(DOING)
    }

    /// One token.
    pub async fn token(&self, id: i64) -> Result<Token, StoreError> {
        const DOING: &str = "reading a token";
        let mut conn = self.read(DOING).await?;
        sql::query(format!("{} WHERE t.id = $1", select()))
            .bind(id)
            .optional(&mut conn)
            .await
            .doing(DOING)?
            .ok_or_else(|| StoreError::not_found("token", id))
    }

    /// Lets a token let nobody in any more, from now on and for ever.
    pub async fn revoke_token(&self, id: i64, now: impl Into<Instant>) -> Result<(), StoreError> {
        const DOING: &str = "revoking a token";
        let mut tx = self.write(DOING).await?;
        sql::query("UPDATE api_tokens SET revoked_at = COALESCE(revoked_at, $2) WHERE id = $1")
            .bind(id)
            .bind(now.into())
            .execute(&mut tx)
            .await
            .doing(DOING)?;
        tx.commit().await.doing(DOING)
    }

    /// Who is let in by a token of this hash; none if it is unknown, expired, revoked, for something else, or its user
    /// is disabled. That it was used is written down.
    pub async fn login(&self, hash: &[u8; 32], now: impl Into<Instant>) -> Result<Option<Login>, StoreError> {
        const DOING: &str = "looking up a token";
        let now = now.into();
        let mut conn = self.read(DOING).await?;
        let login = found(&mut conn, hash, now).await.doing(DOING)?;
        drop(conn);
        let Some(login) = login.filter(|login| login.kind != TokenKind::Login) else { return Ok(None) };
        if login.last_used_at.is_none_or(|last| now.utc() - last.utc() >= USED) {
            let mut tx = self.write(DOING).await?;
            used(&mut tx, login.token_id, now).await.doing(DOING)?;
            tx.commit().await.doing(DOING)?;
        }
        Ok(Some(login))
    }

    /// Exchanges a one-time token for a session; none if it is unknown, expired or was used.
    pub async fn exchange(
        &self,
        one_time: &[u8; 32],
        session: [u8; 32],
        expires_at: impl Into<Instant>,
        now: impl Into<Instant>,
    ) -> Result<Option<Login>, StoreError> {
        const DOING: &str = "logging in";
        let now = now.into();
        let mut tx = self.write(DOING).await?;
        let Some(link) = found(&mut tx, one_time, now).await.doing(DOING)? else { return Ok(None) };
        let taken = sql::query(
            "UPDATE api_tokens SET revoked_at = $2, last_used_at = $2
             WHERE id = $1 AND kind = 'login' AND revoked_at IS NULL",
        )
        .bind(link.token_id)
        .bind(now)
        .execute(&mut tx)
        .await
        .doing(DOING)?;
        if taken == 0 {
            return Ok(None);
        }
        let session = NewToken {
            user_id: link.user_id,
            name: "browser",
            hash: session,
            kind: TokenKind::Session,
            role: None,
            expires_at: Some(expires_at.into()),
        };
        let token_id = insert(&mut tx, &session, now).await.doing(DOING)?;
        tx.commit().await.doing(DOING)?;
        Ok(Some(Login { token_id, kind: TokenKind::Session, ..link }))
    }
}

/// All tokens, up to the condition.
fn select() -> String {
    format!(
        "SELECT t.id, t.user_id, u.name AS user_name, t.name, {ROLE} AS role, t.created_at, t.expires_at,
                t.last_used_at, t.revoked_at
         FROM api_tokens t JOIN users u ON u.id = t.user_id"
    )
}

async fn insert(conn: &mut Connection, token: &NewToken<'_>, now: Instant) -> sqlx::Result<i64> {
    sql::query(
        "INSERT INTO api_tokens (user_id, name, token_hash, kind, role, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id",
    )
    .bind(token.user_id)
    .bind(token.name)
    .bind(token.hash.as_slice())
    .bind(token.kind)
    .bind(token.role)
    .bind(now)
    .bind(token.expires_at)
    .scalar(conn)
    .await
}

async fn found(conn: &mut Connection, hash: &[u8; 32], now: Instant) -> sqlx::Result<Option<Login>> {
    sql::query(format!(
        "SELECT u.id AS user_id, u.name AS user_name, t.id AS token_id, t.kind, {ROLE} AS role, t.last_used_at
         FROM api_tokens t JOIN users u ON u.id = t.user_id
         WHERE t.token_hash = $1 AND t.revoked_at IS NULL AND u.disabled_at IS NULL
               AND (t.expires_at IS NULL OR t.expires_at > $2)"
    ))
    .bind(hash.as_slice())
    .bind(now)
    .optional(conn)
    .await
}

async fn used(conn: &mut Connection, id: i64, now: Instant) -> sqlx::Result<u64> {
    sql::query("UPDATE api_tokens SET last_used_at = $2 WHERE id = $1").bind(id).bind(now).execute(conn).await
}
