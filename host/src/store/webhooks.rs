//! Who is told of events: webhooks, which people enter, and mail recipients, which the configuration names.

use serde::Serialize;
use sqlx::{FromRow, types::Json};
use url::Url;

use super::{Instant, Store, StoreError, error::Doing, sql};
use crate::domain::{Audience, EventKind};

/// A webhook to keep.
#[derive(Clone, Debug)]
pub struct NewWebhook<'a> {
    /// Where messages go, http or https.
    pub url: &'a str,
    /// Where the signing secret is, `env:NAME` or `file:PATH`; without it messages are not signed.
    pub secret_from: Option<&'a str>,
    /// The kinds of events to be told of; empty for the usual ones.
    pub event_kinds: &'a [EventKind],
    /// The user who entered it.
    pub created_by_id: Option<i64>,
}

/// A webhook.
#[derive(Clone, Debug, PartialEq, Eq, FromRow, Serialize, utoipa::ToSchema)]
pub struct Webhook {
    /// Row id.
    pub id: i64,
    /// Where messages go.
    pub url: String,
    /// Where the signing secret is.
    pub secret_from: Option<String>,
    /// The kinds of events to be told of; empty for the usual ones.
    #[sqlx(json)]
    pub event_kinds: Vec<EventKind>,
    /// Whether it gets messages.
    pub active: bool,
    /// The user who entered it.
    pub created_by_id: Option<i64>,
    /// When it was entered.
    pub created_at: Instant,
}

/// Somebody who gets mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailRecipient {
    /// `ops@example.org`, perhaps with a name.
    pub address: String,
    /// The kinds of events to be told of; empty for the usual ones.
    pub event_kinds: Vec<EventKind>,
}

/// Columns of [`Webhook`].
pub(super) const COLUMNS: &str = "id, url, secret_from, event_kinds, active, created_by_id, created_at";

impl Store {
    /// Keeps a webhook, and returns its id; it is told of what happens from now on.
    pub async fn add_webhook(
        &self,
        webhook: &NewWebhook<'_>,
        now: impl Into<Instant>,
    ) -> Result<i64, StoreError> {
        const DOING: &str = "adding a webhook";
        let now: Instant = now.into();
        webhook.check().map_err(|(_, why)| StoreError::refused(DOING, why))?;
        let mut tx = self.write(DOING).await?;
        let id = sql::query(
            "INSERT INTO webhooks (url, secret_from, event_kinds, created_by_id, created_at)
             VALUES ($1, $2, $3, $4, $5) RETURNING id",
        )
        .bind(webhook.url)
        .bind(webhook.secret_from)
        .bind(Json(webhook.event_kinds))
        .bind(webhook.created_by_id)
        .bind(now)
        .scalar(&mut tx)
        .await
        .doing(DOING)?;
        tx.commit().await.doing(DOING)?;
        Ok(id)
    }

    /// Webhooks, the oldest first, from after one on.
    pub async fn webhooks(&self, after: Option<i64>, limit: u32) -> Result<Vec<Webhook>, StoreError> {
        const DOING: &str = "listing webhooks";
        let mut conn = self.read(DOING).await?;
        sql::query(format!("SELECT {COLUMNS} FROM webhooks WHERE id > $1 ORDER BY id LIMIT $2"))
            .bind(after.unwrap_or(0))
            .bind(limit)
            .all(&mut conn)
            .await
            .doing(DOING)
    }

    /// A webhook.
    pub async fn webhook(&self, id: i64) -> Result<Webhook, StoreError> {
        const DOING: &str = "reading a webhook";
        let mut conn = self.read(DOING).await?;
        sql::query(format!("SELECT {COLUMNS} FROM webhooks WHERE id = $1"))
            .bind(id)
            .optional(&mut conn)
            .await
            .doing(DOING)?
            .ok_or_else(|| StoreError::not_found("webhook", id))
    }

    /// Turns a webhook on or off. What waits for one that is off is given up.
    pub async fn set_webhook_active(&self, id: i64, active: bool) -> Result<(), StoreError> {
        const DOING: &str = "turning a webhook on or off";
        let mut tx = self.write(DOING).await?;
        let changed = sql::query("UPDATE webhooks SET active = $2 WHERE id = $1")
            .bind(id)
            .bind(active)
            .execute(&mut tx)
            .await
            .doing(DOING)?;
        if changed == 0 {
            return Err(StoreError::not_found("webhook", id));
        }
        tx.commit().await.doing(DOING)
    }

    /// Forgets a webhook. What waits for it is given up.
    pub async fn remove_webhook(&self, id: i64) -> Result<(), StoreError> {
        const DOING: &str = "removing a webhook";
        let mut tx = self.write(DOING).await?;
        let removed =
            sql::query("DELETE FROM webhooks WHERE id = $1").bind(id).execute(&mut tx).await.doing(DOING)?;
        if removed == 0 {
            return Err(StoreError::not_found("webhook", id));
        }
        tx.commit().await.doing(DOING)
    }

    /// Makes these the ones who get mail.
    pub async fn set_mail_recipients(&self, recipients: &[MailRecipient]) -> Result<(), StoreError> {
        const DOING: &str = "recording who gets mail";
        let mut tx = self.write(DOING).await?;
        sql::query("DELETE FROM mail_recipients").execute(&mut tx).await.doing(DOING)?;
        for recipient in recipients {
            sql::query(
                "INSERT INTO mail_recipients (address, event_kinds) VALUES ($1, $2)
                 ON CONFLICT (address) DO UPDATE SET event_kinds = excluded.event_kinds",
            )
            .bind(&recipient.address)
            .bind(Json(&recipient.event_kinds))
            .execute(&mut tx)
            .await
            .doing(DOING)?;
        }
        tx.commit().await.doing(DOING)
    }
}

impl NewWebhook<'_> {
    /// Refuses what could never be sent, and secrets where only their place belongs: which field, and why.
    ///
    /// # Errors
    /// The first field that is wrong.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        let url =
            Url::parse(self.url).map_err(|error| ("url", format!("its address can't be read: {error}")))?;
        if !["http", "https"].contains(&url.scheme()) {
            let why = format!("its address begins with {}; expected http:// or https://", url.scheme());
            return Err(("url", why));
        }
        if !url.username().is_empty() || url.password().is_some() {
            let why = "its address holds a user or password; leave them out, since messages are signed";
            return Err(("url", why.to_owned()));
        }
        if let Some(from) = self.secret_from
            && !["env:", "file:"]
                .iter()
                .any(|place| from.strip_prefix(place).is_some_and(|rest| !rest.is_empty()))
        {
            let why = "its secret_from is neither \"env:NAME\" nor \"file:PATH\"; the secret itself is never stored";
            return Err(("secret_from", why.to_owned()));
        }
        match self.event_kinds.iter().find(|kind| kind.audience() == Audience::Nobody) {
            Some(kind) => {
                let known = EventKind::told().map(EventKind::as_str).collect::<Vec<_>>().join(", ");
                let why =
                    format!("nobody is told of {kind}, since there are too many; expected some of {known}");
                Err(("event_kinds", why))
            }
            None => Ok(()),
        }
    }
}
