//! Whether the hosts of a source can be reached: its grants, one after the other's steps, under the rules that its
//! requests are under.

use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::future::join_all;
use reqwest::header::HeaderMap;
use tokio::{sync::watch, time::timeout};
use url::{Host, Url};

use super::client::Hop;
use super::denial;
use super::gate::Gate;
use super::grant::Grant;
use super::request::Method;
use super::resolve::AddressDenied;
use crate::domain::Finding;

/// Somebody waits for what is found: shorter than the patience of a request that has work to do.
const LONGEST: Duration = Duration::from_secs(20);

/// What was found of one granted host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    /// The grant.
    pub host: String,
    /// Its name leads to addresses that the grant opens.
    pub lookup: Finding,
    /// It can be connected to, with TLS unless the grant is of plain http, and answers HTTP.
    pub connection: Finding,
}

impl Gate {
    /// What this gate lets through to.
    pub fn hosts(&self) -> Vec<String> {
        self.policy.grants.iter().map(Grant::to_string).collect()
    }

    /// Looks up and connects to every granted host, side by side. Each gets one request, out of the source's
    /// allowance and without its credential.
    pub async fn probe(&self) -> Vec<Probe> {
        join_all(self.policy.grants.iter().map(|grant| self.probe_one(grant))).await
    }

    async fn probe_one(&self, grant: &Grant) -> Probe {
        let host = grant.to_string();
        let Some(url) = grant.origin() else {
            let none = || Finding::skipped("a wildcard names no one host");
            return Probe { host, lookup: none(), connection: none() };
        };
        let lookup = self.look_up(grant, &url).await;
        let connection = match lookup.has_failed() {
            true => Finding::skipped("there is no address to connect to"),
            false => self.connect(grant, url).await,
        };
        Probe { host, lookup, connection }
    }

    async fn look_up(&self, grant: &Grant, url: &Url) -> Finding {
        let Some(Host::Domain(name)) = url.host() else {
            return Finding::skipped("the grant is of an address");
        };
        let began = Instant::now();
        let found = timeout(LONGEST, self.shared.lookup.lookup(name.to_owned())).await;
        let took = began.elapsed();
        let addresses = match found {
            Ok(Ok(addresses)) => addresses,
            Ok(Err(error)) => return Finding::failed(took, error.to_string()),
            Err(_) => return Finding::failed(took, format!("no answer within {LONGEST:?}")),
        };
        for address in &addresses {
            if let Err(what) = grant.opens().admits(*address) {
                let denied = AddressDenied { host: name.to_owned(), address: *address, what };
                return Finding::failed(
                    took,
                    denial::closed_address(&self.policy, grant, &denied).to_string(),
                );
            }
        }
        if addresses.is_empty() {
            return Finding::failed(took, "the name has no address");
        }
        let addresses: Vec<_> = addresses.iter().map(ToString::to_string).collect();
        Finding::ok(took, addresses.join(", "))
    }

    async fn connect(&self, grant: &Grant, url: Url) -> Finding {
        let waiting = watch::Sender::new(false);
        match timeout(LONGEST, self.pace.slot(&waiting)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return Finding::skipped(error.to_string()),
            Err(_) => return Finding::skipped("the source's allowance is used up for now; try again later"),
        }
        let secured = if url.scheme() == "https" { "TLS is well" } else { "plain http, without TLS" };
        let hop = Hop { method: Method::Get, url, headers: HeaderMap::new(), body: &Bytes::new() };
        let began = Instant::now();
        let answer = timeout(LONGEST, self.clients.send(grant, hop, &self.redactor)).await;
        let took = began.elapsed();
        match answer {
            Ok(Ok(response)) => {
                Finding::ok(took, format!("{secured}; it answers (HTTP {})", response.status()))
            }
            Ok(Err(fault)) => Finding::failed(took, fault.error.to_string()),
            Err(_) => Finding::failed(took, format!("no answer within {LONGEST:?}")),
        }
    }
}
