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
    /// The token by which it is made, and with which it ends.
    pub parent_id: Option<i64>,
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
    /// The token by which it was made: it lets in only while that one does.
    pub parent_id: Option<i64>,
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
    /// The token by which it was made.
    pub parent_id: Option<i64>,
    last_used_at: Option<Instant>,
}

impl Login {
    /// The token with which ends what is made by this one. A session is a person: what they make outlives it, and ends
    /// with the token that began it, if one did.
    pub const fn lasting_id(&self) -> Option<i64> {
        match self.kind {
            TokenKind::Session => self.parent_id,
            TokenKind::Token | TokenKind::Login => Some(self.token_id),
        }
    }
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

    /// Tokens, the newest first, from before one on; of one user if one is given. Those of browsers are not among them.
    pub async fn tokens(
        &self,
        user: Option<i64>,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<Token>, StoreError> {
        const DOING: &str = "listing tokens";
        let mut conn = self.read(DOING).await?;
        sql::query(format!(
            "{} WHERE t.kind = 'token' AND ($1 IS NULL OR t.user_id = $1) AND t.id < $2 ORDER BY t.id DESC LIMIT $3",
            select()
        ))
        .bind(user)
        .bind(before.unwrap_or(i64::MAX))
        .bind(limit)
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

    /// Lets a token let nobody in any more, from now on and for ever, nor what came of it. That it is written down for
    /// each is for people: [`found`] lets nobody in whose token came of one that is revoked.
    pub async fn revoke_token(&self, id: i64, now: impl Into<Instant>) -> Result<(), StoreError> {
        const DOING: &str = "revoking a token";
        let mut tx = self.write(DOING).await?;
        sql::query(
            "WITH RECURSIVE line AS (
                 SELECT id FROM api_tokens WHERE id = $1
                 UNION ALL SELECT t.id FROM api_tokens t JOIN line ON t.parent_id = line.id
             )
             UPDATE api_tokens SET revoked_at = $2 WHERE revoked_at IS NULL AND id IN (SELECT id FROM line)",
        )
        .bind(id)
        .bind(now.into())
        .execute(&mut tx)
        .await
        .doing(DOING)?;
        tx.commit().await.doing(DOING)
    }

    /// Whether a token that let somebody in would still do so.
    pub async fn lets_in(&self, id: i64, now: impl Into<Instant>) -> Result<bool, StoreError> {
        const DOING: &str = "looking whether a token is still good";
        let mut conn = self.read(DOING).await?;
        Ok(found(&mut conn, Which::Id(id), now.into()).await.doing(DOING)?.is_some())
    }

    /// Who is let in by a token of this hash; none if it is unknown, expired, revoked, for something else, or its user
    /// is disabled. That it was used is written down.
    pub async fn login(&self, hash: &[u8; 32], now: impl Into<Instant>) -> Result<Option<Login>, StoreError> {
        const DOING: &str = "looking up a token";
        let now = now.into();
        let mut conn = self.read(DOING).await?;
        let login = found(&mut conn, Which::Hash(hash), now).await.doing(DOING)?;
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
        let Some(link) = found(&mut tx, Which::Hash(one_time), now).await.doing(DOING)? else {
            return Ok(None);
        };
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
            // The link is used up.
            parent_id: None,
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
                t.last_used_at, t.revoked_at, t.parent_id
         FROM api_tokens t JOIN users u ON u.id = t.user_id"
    )
}

async fn insert(conn: &mut Connection, token: &NewToken<'_>, now: Instant) -> sqlx::Result<i64> {
    sql::query(
        "INSERT INTO api_tokens (user_id, name, token_hash, kind, role, created_at, expires_at, parent_id)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING id",
    )
    .bind(token.user_id)
    .bind(token.name)
    .bind(token.hash.as_slice())
    .bind(token.kind)
    .bind(token.role)
    .bind(now)
    .bind(token.expires_at)
    .bind(token.parent_id)
    .scalar(conn)
    .await
}

/// A token as it is looked for.
enum Which<'a> {
    Hash(&'a [u8; 32]),
    Id(i64),
}

/// Whom a token lets in. Neither it nor any of those that it came of may be revoked, expired, or of a disabled user: this
/// is the one place that decides so.
async fn found(conn: &mut Connection, which: Which<'_>, now: Instant) -> sqlx::Result<Option<Login>> {
    let column = match which {
        Which::Hash(_) => "token_hash",
        Which::Id(_) => "id",
    };
    let query = sql::query(format!(
        "WITH RECURSIVE line AS (
             SELECT id, parent_id, user_id, revoked_at, expires_at FROM api_tokens WHERE {column} = $1
             UNION ALL
             SELECT p.id, p.parent_id, p.user_id, p.revoked_at, p.expires_at
             FROM api_tokens p JOIN line ON p.id = line.parent_id
         )
         SELECT u.id AS user_id, u.name AS user_name, t.id AS token_id, t.kind, {ROLE} AS role, t.parent_id,
                t.last_used_at
         FROM api_tokens t JOIN users u ON u.id = t.user_id
         WHERE t.{column} = $1 AND NOT EXISTS (
             SELECT 1 FROM line JOIN users o ON o.id = line.user_id
             WHERE line.revoked_at IS NOT NULL OR line.expires_at <= $2 OR o.disabled_at IS NOT NULL)"
    ));
    let query = match which {
        Which::Hash(hash) => query.bind(hash.as_slice()),
        Which::Id(id) => query.bind(id),
    };
    query.bind(now).optional(conn).await
}

async fn used(conn: &mut Connection, id: i64, now: Instant) -> sqlx::Result<u64> {
    sql::query("UPDATE api_tokens SET last_used_at = $2 WHERE id = $1").bind(id).bind(now).execute(conn).await
}
