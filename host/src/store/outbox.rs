//! The outbox: messages about events, written by the transaction that appends the event, claimed and sent later.
//! One message for each event and recipient, whatever is tried again.

use std::{fmt, time::Duration};

use serde::Serialize;
use serde_json::Value;
use sqlx::{FromRow, types::Json};

use super::{
    Instant, Store, StoreError, Webhook, connection::Connection, error::Doing, events::Subject, jobs, sql,
    webhooks,
};
use crate::domain::{EventKind, JobNotice, Notice};

/// The longest error that is kept, in characters.
const LONGEST_ERROR: usize = 1000;

/// A message that is to be sent.
#[derive(Clone, Debug)]
pub struct Message {
    /// Row id.
    pub id: i64,
    /// Attempts to deliver it, this one included.
    pub attempts: u32,
    /// When it was written.
    pub created_at: Instant,
    /// To whom.
    pub target: Target,
    /// What it tells.
    pub notice: Notice,
}

/// To whom a message goes.
#[derive(Clone, Debug)]
pub enum Target {
    /// A webhook.
    Webhook(Webhook),
    /// A mail address.
    Mail(String),
    /// Nobody any more; why.
    Gone(String),
}

/// A message that could not be delivered.
#[derive(Clone, Debug, PartialEq, FromRow, Serialize, utoipa::ToSchema)]
pub struct DeadMessage {
    /// Row id.
    pub id: i64,
    /// `webhook` or `email`.
    pub channel: String,
    /// The webhook's id, or the address.
    pub recipient: String,
    /// What it tells.
    #[sqlx(json)]
    #[schema(value_type = Object)]
    pub payload: Notice,
    /// Attempts to deliver it.
    pub attempts: i64,
    /// When it was given up.
    pub dead_at: Instant,
    /// Why the last attempt failed.
    pub last_error: Option<String>,
}

impl Message {
    /// An id for receivers, the same at every attempt, and of no other message of any installation.
    pub fn key(&self) -> String {
        format!("msg_{}_{}", self.created_at.timestamp_micros(), self.id)
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // Not its address: that is often a secret.
            Self::Webhook(webhook) => write!(f, "webhook {}", webhook.id),
            Self::Mail(address) => f.write_str(address),
            Self::Gone(why) => f.write_str(why),
        }
    }
}

#[derive(FromRow)]
struct Recipient {
    channel: String,
    recipient: String,
    #[sqlx(json)]
    event_kinds: Vec<EventKind>,
}

/// Writes a message to everybody whom an event concerns, within the transaction that appends it.
pub(super) async fn write(
    conn: &mut Connection,
    event_id: i64,
    kind: EventKind,
    subject: Subject<'_>,
    data: &Value,
    now: Instant,
) -> Result<(), StoreError> {
    const DOING: &str = "writing messages";
    let mut recipients: Vec<Recipient> = sql::query(
        "SELECT 'webhook' AS channel, CAST(id AS TEXT) AS recipient, event_kinds FROM webhooks WHERE active
         UNION ALL SELECT 'email', address, event_kinds FROM mail_recipients",
    )
    .all(conn)
    .await
    .doing(DOING)?;
    recipients.retain(|recipient| kind.concerns(&recipient.event_kinds));
    if recipients.is_empty() {
        return Ok(());
    }
    let job = match subject.job {
        Some(id) => job_notice(conn, id).await?,
        None => None,
    };
    let source = subject.source.map(str::to_owned);
    let notice =
        Notice { kind, timestamp: now.utc(), event_id, job_id: subject.job, job, source, data: data.clone() };
    for recipient in recipients {
        sql::query(
            "INSERT INTO outbox (event_id, channel, recipient, payload, next_attempt_at, created_at)
             VALUES ($1, $2, $3, $4, $5, $5) ON CONFLICT (event_id, channel, recipient) DO NOTHING",
        )
        .bind(event_id)
        .bind(recipient.channel)
        .bind(recipient.recipient)
        .bind(Json(&notice))
        .bind(now)
        .execute(conn)
        .await
        .doing(DOING)?;
    }
    Ok(())
}

/// The job as this transaction leaves it; nothing if it deletes it.
async fn job_notice(conn: &mut Connection, id: i64) -> Result<Option<JobNotice>, StoreError> {
    const DOING: &str = "writing messages";
    let job = match jobs::job_in(conn, id).await {
        Ok(job) => job,
        Err(StoreError::NotFound { .. }) => return Ok(None),
        Err(error) => return Err(error),
    };
    let windfarms: Vec<String> = sql::query(
        "SELECT name FROM windfarms WHERE id IN (SELECT windfarm_id FROM backfill_job_windfarms WHERE job_id = $1)
         ORDER BY name",
    )
    .bind(id)
    .scalars(conn)
    .await
    .doing(DOING)?;
    let (first_month, last_month): (String, String) =
        sql::query("SELECT MIN(month), MAX(month) FROM backfill_tasks WHERE job_id = $1")
            .bind(id)
            .one(conn)
            .await
            .doing(DOING)?;
    Ok(Some(JobNotice {
        windfarms,
        first_month,
        last_month,
        status: job.status,
        reason: job.reason,
        error_message: job.error_message,
        total_tasks: job.total_tasks,
        completed_tasks: job.completed_tasks,
        failed_tasks: job.failed_tasks,
        skipped_tasks: job.skipped_tasks,
    }))
}

#[derive(FromRow)]
struct Claimed {
    id: i64,
    attempts: i64,
    channel: String,
    recipient: String,
    #[sqlx(json)]
    payload: Notice,
    created_at: Instant,
}

impl Store {
    /// Up to `limit` messages that are due, mail only with `mail`, for `lease`: until it has passed nobody else
    /// gets them. Each counts as an attempt, so that a message which kills its sender is given up some day.
    pub async fn claim_messages(
        &self,
        limit: u32,
        mail: bool,
        lease: Duration,
        now: impl Into<Instant>,
    ) -> Result<Vec<Message>, StoreError> {
        const DOING: &str = "claiming messages";
        let now = now.into();
        if !self.messages_due(mail, now).await? {
            return Ok(Vec::new());
        }
        let until = now.after(lease);
        let mut tx = self.write_own(DOING).await?;
        let claimed: Vec<Claimed> = sql::query(format!(
            "WITH due AS MATERIALIZED (
                 SELECT id FROM outbox WHERE next_attempt_at <= $1 AND ($2 OR channel = 'webhook')
                 ORDER BY next_attempt_at, id LIMIT $3 {}
             )
             UPDATE outbox SET attempts = attempts + 1, next_attempt_at = $4 WHERE id IN (SELECT id FROM due)
             RETURNING id, attempts, channel, recipient, payload, created_at",
            tx.lock_free_rows()
        ))
        .bind(now)
        .bind(mail)
        .bind(limit)
        .bind(until)
        .all(&mut tx)
        .await
        .doing(DOING)?;
        let mut messages = Vec::with_capacity(claimed.len());
        for message in claimed {
            let target = match message.channel.as_str() {
                "webhook" => webhook_of(&mut tx, &message.recipient).await?,
                _ => Target::Mail(message.recipient),
            };
            let Claimed { id, attempts, payload: notice, created_at, .. } = message;
            let attempts = u32::try_from(attempts).unwrap_or(u32::MAX);
            messages.push(Message { id, attempts, created_at, target, notice });
        }
        tx.commit().await.doing(DOING)?;
        Ok(messages)
    }

    /// Whether there is anything to claim; so that idle hosts write nothing.
    async fn messages_due(&self, mail: bool, now: Instant) -> Result<bool, StoreError> {
        const DOING: &str = "looking for messages";
        let mut conn = self.read(DOING).await?;
        let due: i64 = sql::query(
            "SELECT COUNT(*) FROM (SELECT 1 FROM outbox
                                   WHERE next_attempt_at <= $1 AND ($2 OR channel = 'webhook') LIMIT 1) AS due",
        )
        .bind(now)
        .bind(mail)
        .scalar(&mut conn)
        .await
        .doing(DOING)?;
        Ok(due > 0)
    }

    /// Records that a message has arrived, also where another host sends it again meanwhile.
    pub async fn message_delivered(
        &self,
        message: &Message,
        now: impl Into<Instant>,
    ) -> Result<(), StoreError> {
        const DOING: &str = "recording the delivery of a message";
        let mut tx = self.write_own(DOING).await?;
        sql::query(
            "UPDATE outbox SET delivered_at = $2, next_attempt_at = NULL, last_error = NULL
             WHERE id = $1 AND next_attempt_at IS NOT NULL",
        )
        .bind(message.id)
        .bind(now.into())
        .execute(&mut tx)
        .await
        .doing(DOING)?;
        tx.commit().await.doing(DOING)
    }

    /// Records that an attempt failed, and when the next one is; without one the message is dead. Whoever held the
    /// message no longer changes nothing.
    pub async fn message_failed(
        &self,
        message: &Message,
        error: &str,
        again: Option<impl Into<Instant>>,
        now: impl Into<Instant>,
    ) -> Result<(), StoreError> {
        const DOING: &str = "recording that a message did not arrive";
        let again: Option<Instant> = again.map(Into::into);
        let dead = again.is_none().then_some(now.into());
        let error: String = error.chars().take(LONGEST_ERROR).collect();
        let mut tx = self.write_own(DOING).await?;
        sql::query(
            "UPDATE outbox SET next_attempt_at = $3, dead_at = $4, last_error = $5
             WHERE id = $1 AND attempts = $2 AND next_attempt_at IS NOT NULL",
        )
        .bind(message.id)
        .bind(message.attempts)
        .bind(again)
        .bind(dead)
        .bind(error)
        .execute(&mut tx)
        .await
        .doing(DOING)?;
        tx.commit().await.doing(DOING)
    }

    /// Messages that could not be delivered, the latest first.
    pub async fn dead_messages(&self, limit: u32) -> Result<Vec<DeadMessage>, StoreError> {
        const DOING: &str = "listing messages that did not arrive";
        let mut conn = self.read(DOING).await?;
        sql::query(
            "SELECT id, channel, recipient, payload, attempts, dead_at, last_error FROM outbox
             WHERE dead_at IS NOT NULL ORDER BY dead_at DESC, id DESC LIMIT $1",
        )
        .bind(limit)
        .all(&mut conn)
        .await
        .doing(DOING)
    }

    /// Lets a dead message be sent again, with all its attempts.
    pub async fn revive_message(&self, id: i64, now: impl Into<Instant>) -> Result<(), StoreError> {
        const DOING: &str = "sending a message again";
        let mut tx = self.write(DOING).await?;
        let revived = sql::query(
            "UPDATE outbox SET attempts = 0, next_attempt_at = $2, dead_at = NULL
             WHERE id = $1 AND dead_at IS NOT NULL",
        )
        .bind(id)
        .bind(now.into())
        .execute(&mut tx)
        .await
        .doing(DOING)?;
        if revived == 0 {
            return Err(StoreError::not_found("dead message", id));
        }
        tx.commit().await.doing(DOING)
    }
}

async fn webhook_of(conn: &mut Connection, recipient: &str) -> Result<Target, StoreError> {
    let webhook: Option<Webhook> =
        sql::query(format!("SELECT {} FROM webhooks WHERE CAST(id AS TEXT) = $1", webhooks::COLUMNS))
            .bind(recipient)
            .optional(conn)
            .await
            .doing("reading a webhook")?;
    Ok(match webhook {
        Some(webhook) if webhook.active => Target::Webhook(webhook),
        Some(webhook) => Target::Gone(format!("webhook {} is turned off", webhook.id)),
        None => Target::Gone(format!("webhook {recipient} was removed")),
    })
}
