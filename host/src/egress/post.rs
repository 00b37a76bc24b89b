//! Messages of the host itself to addresses that its users chose: webhooks. They are held to the same rules for
//! addresses as a source's requests, since an address that somebody enters must be no way into the host's network.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, ClientBuilder, redirect, retry};
use url::{Host, Url};

use super::client::{causes, find};
use super::error::EgressError;
use super::grant::Opens;
use super::pace::retry_after;
use super::resolve::{AddressDenied, CheckedResolver, Lookup};

/// How long a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Posts messages. What it is told of answers is their head alone.
#[derive(Debug)]
pub struct Courier {
    client: Client,
    opens: Opens,
}

/// The head of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// Until when the receiver wants to be left alone, if it said so.
    pub retry_after: Option<DateTime<Utc>>,
}

impl Courier {
    /// A courier that gives each message so much time in all, and reaches loopback and private networks only where
    /// `private` says so. Redirects are not followed: a receiver that has moved is to be entered anew.
    pub fn new(private: bool, timeout: Duration, lookup: Arc<dyn Lookup>) -> Result<Self, EgressError> {
        let opens = if private { Opens::Private } else { Opens::Public };
        Ok(Self { client: client("webhooks", opens, timeout, lookup)?, opens })
    }

    /// Posts a message once and gives the head of the answer, whatever its status.
    ///
    /// # Errors
    /// Says why there was no answer, naming the host alone: the rest of an address is often a secret.
    pub async fn post(
        &self,
        url: &Url,
        headers: &[(&'static str, String)],
        body: Bytes,
        now: DateTime<Utc>,
    ) -> Result<Reply, String> {
        let host = url.host_str().unwrap_or_default();
        admit_literal(url, self.opens).map_err(|what| self.closed(&what))?;
        let mut map = HeaderMap::with_capacity(headers.len());
        for (name, value) in headers {
            let value =
                HeaderValue::from_str(value).map_err(|_| format!("the header {name} can't be sent"))?;
            map.insert(HeaderName::from_static(name), value);
        }
        let sent = self.client.post(url.clone()).headers(map).body(body).send().await;
        let response = sent.map_err(|error| {
            let error = error.without_url();
            match find::<AddressDenied>(&error) {
                Some(denied) => self.closed(&denied.to_string()),
                None if error.is_timeout() => format!("{host} did not answer in time"),
                None => format!("{host}: {}", causes(&error)),
            }
        })?;
        let retry_after = retry_after(response.headers(), now);
        Ok(Reply { status: response.status().as_u16(), retry_after })
    }

    fn closed(&self, what: &str) -> String {
        match self.opens {
            Opens::Private => format!("{what}; no webhook may be sent there"),
            _ => format!(
                "{what}; set private_networks = true under [notifications] in backfill.toml if webhooks may reach your \
                 own network"
            ),
        }
    }
}

/// An HTTP client for the host's own requests. Redirects are not followed, and names lead only to what `opens` admits.
pub(super) fn client(
    whose: &str,
    opens: Opens,
    timeout: Duration,
    lookup: Arc<dyn Lookup>,
) -> Result<Client, EgressError> {
    builder(opens, timeout, lookup).build().map_err(|error| {
        EgressError::Internal(format!(
            "{whose} can't be given an HTTP client: {}; check that CA certificates are installed (package \
             `ca-certificates`)",
            causes(&error)
        ))
    })
}

/// What such a client is made of.
pub(super) fn builder(opens: Opens, timeout: Duration, lookup: Arc<dyn Lookup>) -> ClientBuilder {
    Client::builder()
        .user_agent(concat!("backfill/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(timeout)
        .redirect(redirect::Policy::none())
        .retry(retry::never())
        .referer(false)
        .no_proxy()
        .dns_resolver(CheckedResolver { lookup, opens })
}

/// Refuses a literal address that is closed: it is never resolved, so that the resolver can't.
pub(super) fn admit_literal(url: &Url, opens: Opens) -> Result<(), String> {
    let literal: Option<IpAddr> = match url.host() {
        Some(Host::Ipv4(address)) => Some(address.into()),
        Some(Host::Ipv6(address)) => Some(address.into()),
        _ => None,
    };
    match literal.map(|address| opens.admits(address)) {
        Some(Err(what)) => Err(format!("{} is not public ({what})", url.host_str().unwrap_or_default())),
        _ => Ok(()),
    }
}
