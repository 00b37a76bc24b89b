//! Components from elsewhere, as the configuration names them by digest: from a web server, or from a registry of OCI
//! artifacts. They are the host's own requests, and held to the same rules for addresses as everything else.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use futures::{Stream, StreamExt};
use reqwest::header::LOCATION;
use tokio::time::timeout;
use url::Url;

use super::client::{causes, find};
use super::grant::Opens;
use super::post::{admit_literal, client};
use super::resolve::{AddressDenied, Lookup};

/// No component is larger.
pub(super) const LARGEST: u64 = 256 << 20;

/// For all of one.
const LONGEST: Duration = Duration::from_secs(600);

/// Without a byte.
pub(super) const SILENCE: Duration = Duration::from_secs(30);

/// How often somebody who waits is told how much is there.
const TOLD_EVERY: Duration = Duration::from_secs(2);

/// The first try and two more.
const TRIES: u32 = 3;

/// Before the second try; four times as long before the third.
const RETRY_DELAY: Duration = Duration::from_millis(500);

/// File hosts send on to where the bytes are.
const MOST_REDIRECTS: usize = 5;

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
    let opens = if private { Opens::Private } else { Opens::Public };
    let client = client("the download of components", opens, LONGEST, lookup)
        .map_err(|error| Missed::lasting(error.to_string()))?;
    persistently(|| try_download(&client, url, private, opens)).await
}

/// Up to three tries, while what went wrong may pass.
pub(super) async fn persistently<T, F: Future<Output = Result<T, Missed>>>(
    act: impl Fn() -> F,
) -> Result<T, Missed> {
    let (mut number, mut delay) = (1, RETRY_DELAY);
    loop {
        match act().await {
            Err(missed) if missed.passing && number < TRIES => {
                tracing::info!("try {number} of {TRIES} failed: {}", missed.why);
                tokio::time::sleep(delay).await;
                (number, delay) = (number + 1, delay * 4);
            }
            Err(missed) if missed.passing => {
                return Err(Missed::passing(format!("{} (asked {TRIES} times)", missed.why)));
            }
            ended => return ended,
        }
    }
}

async fn try_download(
    client: &reqwest::Client,
    first: &Url,
    private: bool,
    opens: Opens,
) -> Result<Bytes, Missed> {
    let mut url = first.clone();
    for _ in 0..=MOST_REDIRECTS {
        if !(url.scheme() == "https" || private && url.scheme() == "http") {
            return Err(Missed::lasting(format!("it is sent on to {}, without TLS", host(&url))));
        }
        admit_literal(&url, opens).map_err(|what| closed(&what))?;
        let response = client.get(url.clone()).send().await.map_err(transport)?;
        let status = response.status();
        if status.is_redirection()
            && let Some(location) = response.headers().get(LOCATION)
        {
            let location = String::from_utf8_lossy(location.as_bytes());
            url = url.join(&location).map_err(|error| {
                Missed::lasting(format!("{} sends it on to what is no address ({error})", host(&url)))
            })?;
            continue;
        }
        if !status.is_success() {
            let missed = if status.is_server_error() || status.as_u16() == 429 {
                Missed::passing
            } else {
                Missed::lasting
            };
            return Err(missed(format!("{} answered with status {status}", host(&url))));
        }
        let size = response.content_length();
        let pieces = response.bytes_stream().map(|piece| piece.map_err(transport));
        let what = first.as_str().split(['?', '#']).next().unwrap_or_default();
        return whole(what, size, pieces).await;
    }
    Err(Missed::lasting(format!("more than {MOST_REDIRECTS} redirects, one after the other")))
}

/// All pieces together, telling how far it has come.
pub(super) async fn whole(
    what: &str,
    size: Option<u64>,
    pieces: impl Stream<Item = Result<Bytes, Missed>>,
) -> Result<Bytes, Missed> {
    let too_large = || Missed::lasting(format!("it is larger than {} MiB", LARGEST >> 20));
    if size.is_some_and(|size| size > LARGEST) {
        return Err(too_large());
    }
    let (begun, mut told) = (Instant::now(), Instant::now());
    let mut bytes = BytesMut::new();
    let mut pieces = std::pin::pin!(pieces);
    loop {
        let silent = |_| Missed::passing(format!("nothing came for {} s", SILENCE.as_secs()));
        let Some(piece) = timeout(SILENCE, pieces.next()).await.map_err(silent)? else { break };
        bytes.extend_from_slice(&piece?);
        if bytes.len() as u64 > LARGEST {
            return Err(too_large());
        }
        if told.elapsed() >= TOLD_EVERY {
            told = Instant::now();
            let of = size.map(|size| format!(" of {}", kib(size))).unwrap_or_default();
            tracing::info!("downloading {what}: {}{of}", kib(bytes.len() as u64));
        }
    }
    tracing::info!(
        "downloaded {what}: {} in {:.1} s",
        kib(bytes.len() as u64),
        begun.elapsed().as_secs_f64()
    );
    Ok(bytes.freeze())
}

fn kib(bytes: u64) -> String {
    format!("{} KiB", bytes.div_ceil(1024))
}

fn transport(error: reqwest::Error) -> Missed {
    match find::<AddressDenied>(&error) {
        Some(denied) => closed(&denied.to_string()),
        None => {
            let host = error.url().map(|url| format!("{}: ", host(url))).unwrap_or_default();
            Missed::passing(format!("{host}{}", causes(&error.without_url())))
        }
    }
}

/// An address that is not open.
pub(super) fn closed(what: &str) -> Missed {
    Missed::lasting(format!(
        "{what}; write component = {{ url = \"…\", private = true }} if it is inside your own network"
    ))
}

fn host(url: &Url) -> &str {
    url.host_str().unwrap_or_default()
}
