//! The loop that sends what is due, and what becomes of a message after each attempt.

use std::{path::Path, sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use futures::{StreamExt, stream};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{LookupEnv, Outcome, mail::Mailer, webhook::Webhooks};
use crate::{
    config::{Config, Database, Smtp},
    domain::next_delivery,
    egress::{EgressError, SystemLookup},
    store::{MailRecipient, Message, Store, StoreError, Target},
};

/// Messages that are sent side by side.
const BATCH: u32 = 16;

/// How long a message stays claimed; no attempt takes as long.
const LEASE: Duration = Duration::from_secs(120);

/// Sends the messages of a store. Any number of hosts may do so at once.
#[derive(Debug)]
pub struct Dispatcher {
    store: Store,
    webhooks: Webhooks,
    smtp: Option<Smtp>,
    mailer: Option<Mailer>,
    /// Whether no other host uses this store.
    alone: bool,
}

/// What became of messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Arrived.
    pub delivered: u32,
    /// To be sent again.
    pub retrying: u32,
    /// Given up; they stay in the store with the last error.
    pub dead: u32,
}

impl Tally {
    const fn total(self) -> u32 {
        self.delivered + self.retrying + self.dead
    }
}

impl Dispatcher {
    /// A dispatcher as the configuration says. Secrets are looked up with `env` for each message.
    pub fn new(store: Store, config: &Config, env: LookupEnv) -> Result<Self, EgressError> {
        let notifications = &config.notifications;
        let folder = config.path.parent().unwrap_or(Path::new("")).to_owned();
        let webhooks = Webhooks::new(notifications.private_networks, folder, env, Arc::new(SystemLookup))?;
        let smtp = notifications.smtp.clone();
        let mailer = smtp.clone().map(|smtp| Mailer::new(smtp, env));
        let alone = matches!(config.database, Database::Sqlite { .. });
        Ok(Self { store, webhooks, smtp, mailer, alone })
    }

    /// Makes those get mail whom the configuration names, and nobody else. Of several hosts that send mail the last
    /// one to start decides; one that sends none leaves that to the others.
    pub async fn enlist(&self) -> Result<(), StoreError> {
        if self.smtp.is_none() && !self.alone {
            return Ok(());
        }
        let to = self.smtp.iter().flat_map(|smtp| smtp.to.iter().map(move |to| (smtp, to)));
        let recipients: Vec<_> = to
            .map(|(smtp, to)| MailRecipient { address: to.to_string(), event_kinds: smtp.events.clone() })
            .collect();
        self.store.set_mail_recipients(&recipients).await
    }

    /// Sends what is due whenever something is, until `stop` is cancelled; what is being sent then is sent to its
    /// end.
    pub async fn run(&self, poll: Duration, stop: CancellationToken) {
        while !stop.is_cancelled() {
            match self.deliver(self.store.now(), rand::random).await {
                Ok(tally) if tally.total() == BATCH => continue,
                Ok(_) => {}
                Err(error) => tracing::warn!(%error, "messages could not be looked for; trying again"),
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(poll) => {}
            }
        }
    }

    /// Sends up to a batch of what is due at `now`.
    pub async fn deliver(&self, now: DateTime<Utc>, jitter: fn() -> f64) -> Result<Tally, StoreError> {
        let began = Instant::now();
        let messages = self.store.claim_messages(BATCH, self.mailer.is_some(), LEASE, now).await?;
        let mut sent = stream::iter(messages)
            .map(|message| async move {
                let outcome = self.send(&message, now).await;
                (message, outcome)
            })
            .buffer_unordered(BATCH as usize);
        let mut tally = Tally::default();
        while let Some((message, outcome)) = sent.next().await {
            let at = now + TimeDelta::from_std(began.elapsed()).unwrap_or_default();
            // A message whose end can't be recorded is sent again once its claim has run out.
            if let Err(error) = self.record(&message, outcome, at, jitter(), &mut tally).await {
                tracing::warn!(message = message.id, %error, "what became of a message could not be recorded");
            }
        }
        Ok(tally)
    }

    async fn send(&self, message: &Message, now: DateTime<Utc>) -> Outcome {
        let key = message.key();
        match (&message.target, &self.mailer) {
            (Target::Webhook(webhook), _) => self.webhooks.send(&key, webhook, &message.notice, now).await,
            (Target::Mail(to), Some(mailer)) => match mailer.send(&key, to, &message.notice, now).await {
                Ok(()) => Outcome::Delivered,
                Err(error) => Outcome::Failed { error, until: None },
            },
            // Not claimed without a mail server.
            (Target::Mail(_), None) => {
                Outcome::Failed { error: "this host sends no mail".to_owned(), until: None }
            }
            (Target::Gone(why), _) => Outcome::Gone(why.clone()),
        }
    }

    async fn record(
        &self,
        message: &Message,
        outcome: Outcome,
        now: DateTime<Utc>,
        jitter: f64,
        tally: &mut Tally,
    ) -> Result<(), StoreError> {
        let (error, again) = match outcome {
            Outcome::Delivered => {
                tally.delivered += 1;
                return self.store.message_delivered(message, now).await;
            }
            Outcome::Failed { error, until } => (error, next_delivery(message.attempts, until, now, jitter)),
            Outcome::Unwanted(error) => {
                if let Target::Webhook(webhook) = &message.target {
                    tracing::error!(webhook = webhook.id, "the webhook is turned off: {error}");
                    self.store.set_webhook_active(webhook.id, false).await?;
                }
                (error, None)
            }
            Outcome::Gone(error) => (error, None),
        };
        let (event, to) = (message.notice.kind.as_str(), message.target.to_string());
        match again {
            Some(at) => {
                tally.retrying += 1;
                tracing::warn!(message = message.id, event, to, again = %at, "a message did not arrive: {error}");
            }
            None => {
                tally.dead += 1;
                tracing::error!(message = message.id, event, to, "a message is given up: {error}");
            }
        }
        self.store.message_failed(message, &error, again, now).await
    }
}
