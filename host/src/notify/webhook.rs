//! Sending webhooks: one signed POST, and what its answer means.

use std::{path::PathBuf, sync::Arc, time::Duration};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use url::Url;

use super::{LookupEnv, Outcome, signature::SigningKey};
use crate::{
    config::Origin,
    domain::Notice,
    egress::{Courier, EgressError, Lookup, Reply},
    store::Webhook,
};

/// How long a receiver may take for one message in all.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Sends webhooks.
#[derive(Debug)]
pub(super) struct Webhooks {
    courier: Courier,
    /// Paths of secrets count from here.
    folder: PathBuf,
    env: LookupEnv,
}

impl Webhooks {
    pub(super) fn new(
        private: bool,
        folder: PathBuf,
        env: LookupEnv,
        lookup: Arc<dyn Lookup>,
    ) -> Result<Self, EgressError> {
        Ok(Self { courier: Courier::new(private, TIMEOUT, lookup)?, folder, env })
    }

    /// Sends a notice once; `key` is the same for every attempt, so that a receiver can tell a second copy.
    pub(super) async fn send(
        &self,
        key: &str,
        webhook: &Webhook,
        notice: &Notice,
        now: DateTime<Utc>,
    ) -> Outcome {
        match self.try_to_send(key, webhook, notice, now).await {
            Err(error) => Outcome::Failed { error, until: None },
            Ok(Reply { status: 200..=299, .. }) => Outcome::Delivered,
            Ok(Reply { status: 410, .. }) => {
                Outcome::Unwanted("the receiver answered 410 Gone: it wants no more messages".to_owned())
            }
            Ok(Reply { status: status @ 300..=399, .. }) => Outcome::Failed {
                error: format!(
                    "the receiver answered {status}: redirects are not followed; enter the new address"
                ),
                until: None,
            },
            Ok(Reply { status, retry_after }) => {
                Outcome::Failed { error: format!("the receiver answered {status}"), until: retry_after }
            }
        }
    }

    async fn try_to_send(
        &self,
        key: &str,
        webhook: &Webhook,
        notice: &Notice,
        now: DateTime<Utc>,
    ) -> Result<Reply, String> {
        let url = Url::parse(&webhook.url).map_err(|error| format!("its address can't be used: {error}"))?;
        let body = serde_json::to_vec(notice).map_err(|error| error.to_string())?;
        let timestamp = now.timestamp();
        let mut headers = vec![
            ("content-type", "application/json".to_owned()),
            ("webhook-id", key.to_owned()),
            ("webhook-timestamp", timestamp.to_string()),
        ];
        if let Some(from) = &webhook.secret_from {
            let key_of = || -> Result<SigningKey, String> {
                SigningKey::parse(&Origin::parse(from)?.within(&self.folder).resolve(&self.env)?)
            };
            let signing = key_of().map_err(|wrong| format!("its signing secret ({from}): {wrong}"))?;
            headers.push(("webhook-signature", signing.sign(key, timestamp, &body)));
        }
        self.courier.post(&url, &headers, Bytes::from(body), now).await
    }
}
