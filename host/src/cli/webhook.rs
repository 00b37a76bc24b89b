//! `backfill webhook`: who is told of what happens.

use std::{path::Path, process::ExitCode};

use clap::{Args, Subcommand};
use serde_json::json;

use super::{context, deed::Deed, output};
use crate::{
    domain::EventKind,
    store::{NewWebhook, Store},
};

/// Webhooks: addresses that are told of jobs that end, sources that are paused, and schedules that were missed.
///
/// Messages are POSTed by a running host (`backfill serve` or `backfill worker`), signed as
/// https://www.standardwebhooks.com says, and sent again for a day while the receiver does not take them.
///
/// For example:
///   backfill webhook add https://example.org/hooks/backfill --secret env:HOOK_SECRET
///   backfill webhook add https://example.org/hooks/jobs --event job-created --event job-ended
///   backfill webhook dead
#[derive(Subcommand)]
#[command(verbatim_doc_comment)]
pub(super) enum WebhookCommand {
    Add(Add),
    /// List all webhooks.
    List,
    /// Send nothing more to a webhook, until it is enabled again.
    Disable(Which),
    /// Send to a webhook again.
    Enable(Which),
    /// Forget a webhook.
    Remove(Which),
    /// List messages, by webhook or mail, that were given up.
    Dead,
    /// Send a message again that was given up.
    Revive(Which),
}

/// Tell an address of what happens from now on. Prints the webhook's id.
#[derive(Args)]
pub(super) struct Add {
    /// http or https; hosts inside private networks need `[notifications] private_networks = true`.
    url: String,

    /// Where the signing secret is, env:NAME or file:PATH, on every host; without it messages are not signed.
    #[arg(long, value_name = "env:NAME|file:PATH")]
    secret: Option<String>,

    /// A kind of event to be told of, such as job-ended; may be given several times. The usual ones by default.
    #[arg(long = "event", value_name = "KIND")]
    events: Vec<EventKind>,
}

#[derive(Args)]
pub(super) struct Which {
    /// Its id, as the list shows it.
    id: i64,
}

/// So many messages that were given up are listed.
const DEAD: u32 = 100;

impl WebhookCommand {
    pub(super) async fn act(self, config: &Path) -> anyhow::Result<ExitCode> {
        let config = context::load(config)?;
        let store = context::store(&config).await?;
        match self {
            Self::Add(Add { url, secret, events }) => {
                let new = NewWebhook {
                    url: &url,
                    secret_from: secret.as_deref(),
                    event_kinds: &events,
                    created_by_id: None,
                };
                let adding = Deed::new("webhook add", "/webhooks").with(json!({ "event_kinds": events }));
                let added = store.add_webhook(&new, store.now());
                let id = adding.making(&store, added, |id| Some(format!("/webhooks/{id}"))).await?;
                say!("{id}")?;
            }
            Self::List => list(&store).await?,
            Self::Disable(Which { id }) => {
                let disabling = Deed::new("webhook disable", &format!("/webhooks/{id}"));
                disabling.done(&store, store.set_webhook_active(id, false)).await?;
                say!("webhook {id} gets nothing more; `backfill webhook enable {id}` undoes it")?;
            }
            Self::Enable(Which { id }) => {
                let enabling = Deed::new("webhook enable", &format!("/webhooks/{id}"));
                enabling.done(&store, store.set_webhook_active(id, true)).await?;
                say!("webhook {id} is told of what happens from now on")?;
            }
            Self::Remove(Which { id }) => {
                let removing = Deed::new("webhook remove", &format!("/webhooks/{id}"));
                removing.done(&store, store.remove_webhook(id)).await?;
                say!("webhook {id} is forgotten")?;
            }
            Self::Dead => dead(&store).await?,
            Self::Revive(Which { id }) => {
                let reviving = Deed::new("webhook revive", &format!("/webhooks/dead/{id}"));
                reviving.done(&store, store.revive_message(id, store.now())).await?;
                say!("message {id} is sent again")?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

async fn list(store: &Store) -> anyhow::Result<()> {
    let mut table = output::table(["id", "url", "secret", "events", "active"]);
    for webhook in store.webhooks(None, u32::MAX).await? {
        let kinds: Vec<_> = webhook.event_kinds.iter().map(ToString::to_string).collect();
        table.add_row([
            webhook.id.to_string(),
            webhook.url,
            webhook.secret_from.unwrap_or_else(|| "none: not signed".to_owned()),
            if kinds.is_empty() { "the usual".to_owned() } else { kinds.join(" ") },
            if webhook.active { "yes" } else { "no" }.to_owned(),
        ]);
    }
    say!("{table}")?;
    Ok(())
}

async fn dead(store: &Store) -> anyhow::Result<()> {
    let mut table = output::table(["id", "to", "given up", "attempts", "last error", "message"]);
    for message in store.dead_messages(DEAD).await? {
        table.add_row([
            message.id.to_string(),
            message.recipient,
            output::instant(message.dead_at.timestamp()),
            message.attempts.to_string(),
            message.last_error.unwrap_or_default(),
            json!(message.payload).to_string(),
        ]);
    }
    say!("{table}")?;
    Ok(())
}
