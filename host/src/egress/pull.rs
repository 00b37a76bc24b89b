//! The host's own GETs for components from elsewhere: each address is checked, of redirects too, an answer has so many
//! bytes at most, all of it ends in time, and what may pass is tried again.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use reqwest::header::{AUTHORIZATION, HeaderMap, LOCATION};
use reqwest::{Client, Response, StatusCode};
use tokio::time::timeout;
use url::Url;

use super::client::{causes, find};
use super::component::Missed;
use super::grant::Opens;
use super::post::{admit_literal, client};
use super::redirect::MOST_REDIRECTS;
use super::resolve::{AddressDenied, Lookup};

/// How often somebody who waits is told how much is there.
const TOLD_EVERY: Duration = Duration::from_secs(2);

/// The first try and two more.
const TRIES: u32 = 3;

/// What one component may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Bytes of the component.
    pub(super) largest: u64,
    /// For all that it takes, every try included.
    pub(super) longest: Duration,
    /// Without a byte.
    pub(super) silence: Duration,
    /// Before the second try; four times as long before the third.
    pub(super) pause: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            largest: 256 << 20,
            longest: Duration::from_secs(600),
            silence: Duration::from_secs(30),
            pause: Duration::from_millis(500),
        }
    }
}

/// Asks for components.
pub(super) struct Puller {
    pub(super) client: Client,
    /// Which addresses may be asked.
    pub(super) opens: Opens,
    /// Whether they may be without TLS.
    pub(super) plain: bool,
    pub(super) limits: Limits,
}

impl Puller {
    /// One that reaches private addresses, and any without TLS, only where `private` says so.
    pub(super) fn new(private: bool, lookup: Arc<dyn Lookup>) -> Result<Self, Missed> {
        let (opens, limits) = (if private { Opens::Private } else { Opens::Public }, Limits::default());
        let client = client("the download of components", opens, limits.longest, lookup)
            .map_err(|error| Missed::lasting(error.to_string()))?;
        Ok(Self { client, opens, plain: private, limits })
    }

    /// Up to three tries, while what went wrong may pass and there is time.
    pub(super) async fn persistently<T, F: Future<Output = Result<T, Missed>>>(
        &self,
        act: impl Fn() -> F,
    ) -> Result<T, Missed> {
        let tries = async {
            let (mut number, mut delay) = (1, self.limits.pause);
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
        };
        let late = |_| Missed::passing(format!("it did not arrive within {:?}", self.limits.longest));
        timeout(self.limits.longest, tries).await.map_err(late)?
    }

    /// The head of the answer to a GET, whatever its status, after the redirects. To another origin no `authorization` is
    /// sent on.
    pub(super) async fn get(&self, first: &Url, mut headers: HeaderMap) -> Result<Response, Missed> {
        let mut url = first.clone();
        for _ in 0..=MOST_REDIRECTS {
            if !(url.scheme() == "https" || self.plain && url.scheme() == "http") {
                return Err(Missed::lasting(format!("it is sent on to {}, without TLS", host(&url))));
            }
            admit_literal(&url, self.opens).map_err(|what| self.closed(&what))?;
            let asked = self.client.get(url.clone()).headers(headers.clone()).send();
            let answered = timeout(self.limits.silence, asked).await.map_err(|_| self.silent(&url))?;
            let response = answered.map_err(|error| self.transport(&url, error))?;
            let Some(location) =
                response.headers().get(LOCATION).filter(|_| response.status().is_redirection())
            else {
                return Ok(response);
            };
            let next = url.join(&String::from_utf8_lossy(location.as_bytes())).map_err(|error| {
                Missed::lasting(format!("{} sends it on to what is no address ({error})", host(&url)))
            })?;
            if next.origin() != url.origin() {
                headers.remove(AUTHORIZATION);
            }
            url = next;
        }
        Err(Missed::lasting(format!("more than {MOST_REDIRECTS} redirects, one after the other")))
    }

    /// The whole body of an answer, of so many bytes at most.
    pub(super) async fn read(&self, response: Response, most: u64) -> Result<Bytes, Missed> {
        self.read_telling(response, most, |_, _| {}).await
    }

    /// A component, telling how far it has come.
    pub(super) async fn component(&self, what: &str, response: Response) -> Result<Bytes, Missed> {
        let (begun, mut told) = (Instant::now(), Instant::now());
        let telling = |there, size: Option<u64>| {
            if told.elapsed() >= TOLD_EVERY {
                told = Instant::now();
                let of = size.map(|size| format!(" of {}", kib(size))).unwrap_or_default();
                tracing::info!("downloading {what}: {}{of}", kib(there));
            }
        };
        let bytes = self.read_telling(response, self.limits.largest, telling).await?;
        let took = begun.elapsed().as_secs_f64();
        tracing::info!("downloaded {what}: {} in {took:.1} s", kib(bytes.len() as u64));
        Ok(bytes)
    }

    async fn read_telling(
        &self,
        response: Response,
        most: u64,
        mut telling: impl FnMut(u64, Option<u64>),
    ) -> Result<Bytes, Missed> {
        let url = response.url().clone();
        let too_large = || Missed::lasting(format!("what {} sends is larger than {}", host(&url), kib(most)));
        let size = response.content_length();
        if size.is_some_and(|size| size > most) {
            return Err(too_large());
        }
        let mut pieces = std::pin::pin!(response.bytes_stream());
        let mut bytes = BytesMut::new();
        loop {
            let next = timeout(self.limits.silence, pieces.next());
            let Some(piece) = next.await.map_err(|_| self.silent(&url))? else { break };
            bytes.extend_from_slice(&piece.map_err(|error| self.transport(&url, error))?);
            if bytes.len() as u64 > most {
                return Err(too_large());
            }
            telling(bytes.len() as u64, size);
        }
        Ok(bytes.freeze())
    }

    fn silent(&self, url: &Url) -> Missed {
        Missed::passing(format!("{}: nothing came for {:?}", host(url), self.limits.silence))
    }

    fn transport(&self, url: &Url, error: reqwest::Error) -> Missed {
        match find::<AddressDenied>(&error) {
            Some(denied) => self.closed(&denied.to_string()),
            None => Missed::passing(format!("{}: {}", host(url), causes(&error.without_url()))),
        }
    }

    /// An address that is not open.
    fn closed(&self, what: &str) -> Missed {
        Missed::lasting(match self.opens {
            Opens::Private => format!("{what}; nothing is taken from there"),
            _ => format!(
                "{what}; write component = {{ url = \"…\", private = true }} if it is inside your own network"
            ),
        })
    }
}

/// An answer that is no success, as what it means for those who wait.
pub(super) fn refused(status: StatusCode, why: String) -> Missed {
    let may_pass = status.is_server_error()
        || matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT);
    Missed { why, passing: may_pass }
}

pub(super) fn host(url: &Url) -> &str {
    url.host_str().unwrap_or_default()
}

fn kib(bytes: u64) -> String {
    format!("{} KiB", bytes.div_ceil(1024))
}
