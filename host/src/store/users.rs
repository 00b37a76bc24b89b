//! Users: who made what, and what each may do.

use serde::Serialize;
use serde_json::json;
use sqlx::FromRow;

use super::{
    Fault, Instant, NewAuditEntry, Store, StoreError, audit, connection::Connection, error::Doing, sql,
};
use crate::domain::Role;

/// Somebody, or some program, that may use the API.
#[derive(Clone, Debug, PartialEq, Eq, FromRow, Serialize, utoipa::ToSchema)]
pub struct User {
    /// Row id.
    pub id: i64,
    /// Unique name.
    pub name: String,
    /// Address, if known.
    pub email: Option<String>,
    /// What it may do.
    pub role: Role,
    /// When it was made.
    pub created_at: Instant,
    /// Since when nobody may act as it.
    pub disabled_at: Option<Instant>,
    /// The issuer of JSON Web Tokens that names it, and says what it may do; none for a user of this host's own.
    pub issuer: Option<String>,
}

/// What to change of a user; nothing of what is none.
#[derive(Clone, Copy, Debug, Default)]
pub struct UserChange {
    /// What it may do from now on.
    pub role: Option<Role>,
    /// Whether nobody may act as it any more.
    pub disabled: Option<bool>,
}

/// A user as an issuer of JSON Web Tokens names it.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The issuer, `iss`.
    pub issuer: &'a str,
    /// Its name for the user, `sub`.
    pub subject: &'a str,
    /// A name for people.
    pub name: &'a str,
    /// Address, if known.
    pub email: Option<&'a str>,
    /// What the issuer says that it may do.
    pub role: Role,
}

/// Columns of [`User`].
pub(super) const COLUMNS: &str = "id, name, email, role, created_at, disabled_at, issuer";

impl Store {
    /// Whether nobody has, or ever had, a way in: there is no token, nobody was ever logged in, no issuer named anybody,
    /// and no link waits to be used.
    pub async fn awaits_first_login(&self, now: impl Into<Instant>) -> Result<bool, StoreError> {
        let exists = sql::query(
            "SELECT NOT EXISTS (SELECT 1 FROM api_tokens
                                WHERE kind <> 'login' OR (revoked_at IS NULL AND expires_at > $1))
                AND NOT EXISTS (SELECT 1 FROM users WHERE issuer IS NOT NULL)",
        );
        self.any(exists.bind(now.into()), "looking whether anybody can log in").await
    }

    /// Makes a user. A name that exists is refused.
    pub async fn create_user(
        &self,
        name: &str,
        email: Option<&str>,
        role: Role,
        now: impl Into<Instant>,
    ) -> Result<User, StoreError> {
        const DOING: &str = "making a user";
        let mut tx = self.write(DOING).await?;
        let user = sql::query(format!(
            "INSERT INTO users (name, email, role, created_at) VALUES ($1, $2, $3, $4)
             ON CONFLICT (name) DO NOTHING RETURNING {COLUMNS}"
        ))
        .bind(name)
        .bind(email)
        .bind(role)
        .bind(now.into())
        .optional(&mut tx)
        .await
        .doing(DOING)?
        .ok_or_else(|| StoreError::refused(DOING, format!("there is a user {name:?} already")))?;
        tx.commit().await.doing(DOING)?;
        Ok(user)
    }

    /// Users, the oldest first, from after one on.
    pub async fn users(&self, after: Option<i64>, limit: u32) -> Result<Vec<User>, StoreError> {
        const DOING: &str = "listing users";
        let mut conn = self.read(DOING).await?;
        sql::query(format!("SELECT {COLUMNS} FROM users WHERE id > $1 ORDER BY id LIMIT $2"))
            .bind(after.unwrap_or(0))
            .bind(limit)
            .all(&mut conn)
            .await
            .doing(DOING)
    }

    /// A user.
    pub async fn user(&self, id: i64) -> Result<User, StoreError> {
        const DOING: &str = "reading a user";
        let mut conn = self.read(DOING).await?;
        user_in(&mut conn, id).await.doing(DOING)?.ok_or_else(|| StoreError::not_found("user", id))
    }

    /// The user of a name, if there is one.
    pub async fn user_by_name(&self, name: &str) -> Result<Option<User>, StoreError> {
        const DOING: &str = "reading a user";
        let mut conn = self.read(DOING).await?;
        sql::query(format!("SELECT {COLUMNS} FROM users WHERE name = $1"))
            .bind(name)
            .optional(&mut conn)
            .await
            .doing(DOING)
    }

    /// Changes what a user may do. The last admin stays one, so that somebody can undo it.
    pub async fn change_user(
        &self,
        id: i64,
        change: UserChange,
        now: impl Into<Instant>,
    ) -> Result<User, StoreError> {
        const DOING: &str = "changing a user";
        let mut tx = self.write(DOING).await?;
        // All admins are locked, so that no two changes each leave the other's as the last.
        let admins = format!(
            "SELECT id FROM users WHERE role = 'admin' AND disabled_at IS NULL ORDER BY id {}",
            tx.lock_rows()
        );
        let admins: Vec<i64> = sql::query(admins).scalars(&mut tx).await.doing(DOING)?;
        let user =
            user_in(&mut tx, id).await.doing(DOING)?.ok_or_else(|| StoreError::not_found("user", id))?;
        let role = change.role.unwrap_or(user.role);
        let disabled_at = match change.disabled {
            Some(true) => Some(user.disabled_at.unwrap_or(now.into())),
            Some(false) => None,
            None => user.disabled_at,
        };
        if admins == [id] && (role != Role::Admin || disabled_at.is_some()) {
            let why = format!("{:?} is the last admin; make another one first", user.name);
            return Err(StoreError::refused(DOING, why));
        }
        sql::query("UPDATE users SET role = $2, disabled_at = $3 WHERE id = $1")
            .bind(id)
            .bind(role)
            .bind(disabled_at)
            .execute(&mut tx)
            .await
            .doing(DOING)?;
        tx.commit().await.doing(DOING)?;
        Ok(User { role, disabled_at, ..user })
    }

    /// The user that an issuer names, made if it is new; name, address and role are the issuer's. That it is made, or may
    /// do more or less than before, is in the audit log.
    pub async fn user_of_subject(
        &self,
        subject: Subject<'_>,
        now: impl Into<Instant>,
    ) -> Result<User, StoreError> {
        let now = now.into();
        match self.find_or_enter(subject, now).await {
            // Somebody else of this name was entered in the same moment; now that is known.
            Err(error) if error.fault() == Some(Fault::Constraint) => self.find_or_enter(subject, now).await,
            done => done,
        }
    }

    async fn find_or_enter(&self, subject: Subject<'_>, now: Instant) -> Result<User, StoreError> {
        const DOING: &str = "reading the user of a JSON Web Token";
        let mut conn = self.read(DOING).await?;
        let known: Option<User> =
            sql::query(format!("SELECT {COLUMNS} FROM users WHERE issuer = $1 AND subject = $2"))
                .bind(subject.issuer)
                .bind(subject.subject)
                .optional(&mut conn)
                .await
                .doing(DOING)?;
        drop(conn);
        let before = match known {
            Some(user) if user.role == subject.role && user.email.as_deref() == subject.email => {
                return Ok(user);
            }
            known => known.map(|user| user.role),
        };
        let mut tx = self.write(DOING).await?;
        // Somebody else may have the name: the issuer's own name for the user is unique with the issuer's.
        let taken: Option<i64> = sql::query(
            "SELECT id FROM users WHERE name = $1 AND (subject IS NULL OR issuer <> $2 OR subject <> $3)",
        )
        .bind(subject.name)
        .bind(subject.issuer)
        .bind(subject.subject)
        .scalar_optional(&mut tx)
        .await
        .doing(DOING)?;
        let name = match taken {
            Some(_) => format!("{} ({} of {})", subject.name, subject.subject, subject.issuer),
            None => subject.name.to_owned(),
        };
        let user: User = sql::query(format!(
            "INSERT INTO users (name, email, role, created_at, issuer, subject) VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (issuer, subject) WHERE issuer IS NOT NULL
             DO UPDATE SET email = excluded.email, role = excluded.role
             RETURNING {COLUMNS}"
        ))
        .bind(&name)
        .bind(subject.email)
        .bind(subject.role)
        .bind(now)
        .bind(subject.issuer)
        .bind(subject.subject)
        .one(&mut tx)
        .await
        .doing(DOING)?;
        if before != Some(user.role) {
            let entry = NewAuditEntry {
                user_id: None,
                actor: Some(&format!("the issuer {}", subject.issuer)),
                token_id: None,
                action: if before.is_some() { "change of a user's role" } else { "making of a user" },
                target: &format!("/api/v1/users/{}", user.id),
                detail: json!({ "subject": subject.subject, "role": user.role, "role_before": before }),
                address: None,
            };
            audit::append(&mut tx, &entry, Some(200), now).await.doing(DOING)?;
        }
        tx.commit().await.doing(DOING)?;
        Ok(user)
    }
}

pub(super) async fn user_in(conn: &mut Connection, id: i64) -> sqlx::Result<Option<User>> {
    sql::query(format!("SELECT {COLUMNS} FROM users WHERE id = $1")).bind(id).optional(conn).await
}
