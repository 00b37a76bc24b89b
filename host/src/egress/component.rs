//! Components from elsewhere, as the configuration names them by digest: from a web server, or from a registry of OCI
//! artifacts. They are the host's own requests, and held to the same rules for addresses as everything else.

use std::sync::Arc;

use bytes::Bytes;
use reqwest::header::HeaderMap;
use url::Url;

use super::pull::{Puller, host, refused};
use super::resolve::Lookup;

/// Why there is no component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missed {
    /// For people.
    pub why: String,
    /// Whether trying again later may help.
    pub passing: bool,
}

impl Missed {
    pub(super) fn lasting(why: impl Into<String>) -> Self {
        Self { why: why.into(), passing: false }
    }

    pub(super) fn passing(why: impl Into<String>) -> Self {
        Self { why: why.into(), passing: true }
    }
}

/// Downloads a component from a web server. Redirects are followed, since its digest says whether it is the right one;
/// to plain HTTP and to private addresses only where `private` says so.
///
/// # Errors
/// Says why it can't be had.
pub async fn download(url: &Url, private: bool, lookup: Arc<dyn Lookup>) -> Result<Bytes, Missed> {
    download_by(&Puller::new(private, lookup)?, url).await
}

pub(super) async fn download_by(puller: &Puller, url: &Url) -> Result<Bytes, Missed> {
    // What follows the path is often a secret.
    let what = url.as_str().split(['?', '#']).next().unwrap_or_default();
    puller
        .persistently(|| async {
            let response = puller.get(url, HeaderMap::new()).await?;
            let status = response.status();
            if !status.is_success() {
                let why = format!("{} answered with status {status}", host(response.url()));
                return Err(refused(status, why));
            }
            puller.component(what, response).await
        })
        .await
}
