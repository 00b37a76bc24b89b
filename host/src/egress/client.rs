//! One request to one address: the HTTP clients of a source, and how their errors read.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::error::Error;
use std::sync::Arc;

use bytes::Bytes;
use reqwest::header::HeaderMap;
use reqwest::{Client, Response, redirect, retry};
use url::Url;

use super::denial;
use super::error::EgressError;
use super::grant::{Grant, Opens};
use super::policy::{Policy, Shared};
use super::redact::Redactor;
use super::request::Method;
use super::resolve::{AddressDenied, CheckedResolver};

/// What went wrong on the way, and whether it may pass.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) error: EgressError,
    pub(super) passing: bool,
}

/// The clients of one source, one for each set of addresses that its grants open: a pooled connection to a
/// private address is never used for a grant that opens public ones only.
#[derive(Clone)]
pub(super) struct Clients {
    policy: Arc<Policy>,
    by_reach: HashMap<Opens, Client>,
}

impl Clients {
    pub(super) fn new(policy: &Arc<Policy>, shared: &Shared) -> Result<Self, EgressError> {
        let mut by_reach = HashMap::new();
        for opens in policy.grants.iter().map(Grant::opens) {
            if let Entry::Vacant(place) = by_reach.entry(opens) {
                let resolver = CheckedResolver { lookup: Arc::clone(&shared.lookup), opens };
                place.insert(client(policy, resolver)?);
            }
        }
        Ok(Self { policy: Arc::clone(policy), by_reach })
    }

    /// Sends one request and gives the answer's head; the body is still to be read, under the same timeout.
    pub(super) async fn send(
        &self,
        grant: &Grant,
        hop: Hop<'_>,
        redactor: &Redactor,
    ) -> Result<Response, Fault> {
        // There is a client for each grant's reach.
        let Some(client) = self.by_reach.get(&grant.opens()) else {
            return Err(Fault::lasting(EgressError::Internal("no client for a granted host".to_owned())));
        };
        let host = hop.url.host_str().unwrap_or_default().to_owned();
        let method = match hop.method {
            Method::Get => reqwest::Method::GET,
            Method::Post => reqwest::Method::POST,
        };
        let mut request = client.request(method, hop.url).headers(hop.headers);
        if hop.method == Method::Post {
            request = request.body(hop.body.clone());
        }
        request.send().await.map_err(|error| match find::<AddressDenied>(&error) {
            Some(closed) => Fault::lasting(denial::closed_address(&self.policy, grant, closed)),
            None => Fault::transport(error, &host, redactor),
        })
    }
}

/// A request as it goes over the wire, credential included.
pub(super) struct Hop<'a> {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) body: &'a Bytes,
}

/// Redirects and retries are made by the gate, which checks and counts each; proxies from the environment would
/// be a way around the address check.
fn client(policy: &Policy, resolver: CheckedResolver) -> Result<Client, EgressError> {
    Client::builder()
        .user_agent(&policy.user_agent)
        .connect_timeout(policy.connect_timeout)
        .timeout(policy.request_timeout)
        .redirect(redirect::Policy::none())
        .retry(retry::never())
        .referer(false)
        .no_proxy()
        .dns_resolver(resolver)
        .build()
        .map_err(|error| {
            EgressError::Internal(format!(
                "source `{}` can't be given an HTTP client: {}; check `user_agent` and that CA certificates \
                 are installed (package `ca-certificates`)",
                policy.source,
                causes(&error)
            ))
        })
}

impl Fault {
    pub(super) const fn lasting(error: EgressError) -> Self {
        Self { error, passing: false }
    }

    /// Reads an error of the HTTP client. Its URL is taken off, since the credential may be in it, and the rest
    /// is redacted all the same.
    pub(super) fn transport(error: reqwest::Error, host: &str, redactor: &Redactor) -> Self {
        let error = error.without_url();
        if error.is_timeout() {
            // A connection is worth another try; an upstream that took the whole time for its answer is not.
            return Self { error: EgressError::Timeout, passing: error.is_connect() };
        }
        let text = redactor.text(&format!("{host}: {}", causes(&error)));
        let passing = error.is_connect() || error.is_request() || error.is_body() || error.is_decode();
        Self { error: EgressError::Transport(text), passing }
    }
}

/// The error and what caused it, without saying twice what a wrapper repeats.
pub(super) fn causes(error: &(dyn Error + 'static)) -> String {
    let mut text = String::new();
    for cause in chain(error) {
        let cause = cause.to_string();
        if !text.contains(&cause) {
            let separator = if text.is_empty() { "" } else { ": " };
            text.extend([separator, &cause]);
        }
    }
    text
}

pub(super) fn find<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    chain(error).find_map(|error| error.downcast_ref())
}

fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error: &&'a (dyn Error + 'static)| (*error).source())
}
