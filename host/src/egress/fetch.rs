//! From a request to its answer: a kept one if it is fresh, else the upstream's, asked again where a fault may pass.

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use chrono::TimeDelta;
use reqwest::StatusCode;
use reqwest::header::{CONTENT_TYPE, LOCATION};
use tokio::sync::watch;
use tracing::{Instrument, Level};

use super::client::{Fault, Hop};
use super::denial;
use super::download::{Received, download};
use super::error::EgressError;
use super::gate::{Answer, Counters, Gate, Log, Reuse};
use super::pace::retry_after;
use super::redirect::{self, MOST_REDIRECTS};
use super::request::Prepared;
use crate::clock;
use crate::observe::{self, SPANS};

/// The first try and two more.
const TRIES: u32 = 3;

/// Before the second try, give or take half; three times as long before the third.
const RETRY_DELAY: Duration = Duration::from_millis(200);

/// A `Retry-After` up to this is waited for here; with a longer one the source is told.
const SHORT_HOLD: TimeDelta = TimeDelta::seconds(5);

impl Gate {
    pub(super) async fn fetch(
        &self,
        request: Prepared,
        key: String,
        reuse: Reuse,
        counters: &Counters,
        log: &Log,
        waiting: &watch::Sender<bool>,
    ) -> Result<Answer, EgressError> {
        let answer = async {
            if let Some(stage) = &self.stage {
                counters.requests.fetch_add(1, Relaxed);
                return self.play(stage.as_ref(), &request, key.clone()).await;
            }
            if let Some(answer) = self.kept(&key, reuse, log).await? {
                observe::upstream_unheard(&self.policy.source, "archive");
                return Ok(answer);
            }
            let received = self.ask(&request, counters, log, waiting).await?;
            self.keep(&request, key.clone(), reuse, received).await
        };
        self.taken_down(&request, &key, answer).await
    }

    /// The upstream's answer, after up to three tries.
    async fn ask(
        &self,
        request: &Prepared,
        counters: &Counters,
        log: &Log,
        waiting: &watch::Sender<bool>,
    ) -> Result<Received, EgressError> {
        let (mut number, mut delay) = (1, RETRY_DELAY);
        loop {
            let last = number >= TRIES;
            let why = match self.try_once(request, last, counters, log, waiting).await {
                Ok(Tried::Answered(received)) => return Ok(received),
                Ok(Tried::Passing(status)) => format!("HTTP status {status}"),
                Err(fault) if fault.passing && !last => fault.error.to_string(),
                Err(Fault { error: EgressError::Transport(text), passing: true }) => {
                    return Err(EgressError::Transport(format!("{text} (asked {TRIES} times)")));
                }
                Err(fault) => return Err(fault.error),
            };
            log(Level::INFO, &format!("try {number} of {TRIES} failed: {why}"));
            tokio::time::sleep(delay.mul_f64(rand::random_range(0.5..1.5))).await;
            (number, delay) = (number + 1, delay * 3);
        }
    }

    /// One try, through its redirects. On the last one every answer counts, whatever its status.
    async fn try_once(
        &self,
        request: &Prepared,
        last: bool,
        counters: &Counters,
        log: &Log,
        waiting: &watch::Sender<bool>,
    ) -> Result<Tried, Fault> {
        let (credential, redactor) = (self.policy.credential.as_ref(), &self.redactor);
        let (mut url, mut method) = (request.url.clone(), request.method);
        let _place = self.pace.place(waiting).await.map_err(Fault::lasting)?;
        for _ in 0..=MOST_REDIRECTS {
            let grant = denial::granted(&self.policy, &url).map_err(Fault::lasting)?;
            self.pace.slot(waiting).await.map_err(Fault::lasting)?;
            let mut hop =
                Hop { method, url: url.clone(), headers: request.headers.clone(), body: &request.body };
            if method != request.method {
                hop.headers.remove(CONTENT_TYPE);
            }
            // A redirect to another origin, granted or not, is no reason to show the secret there.
            if let Some(credential) = credential.filter(|_| url.origin() == request.url.origin()) {
                credential.add_to(&mut hop.url, &mut hop.headers);
            }
            counters.requests.fetch_add(1, Relaxed);
            // Ends with the answer's last byte. The query stays out of it: a credential may be there.
            let span = tracing::info_span!(
                target: SPANS, "upstream", otel.kind = "client", source = self.policy.source, host = url.host_str(),
                path = redactor.text(url.path()), status = tracing::field::Empty,
            );
            let sent = self.clients.send(grant, hop, redactor).instrument(span.clone()).await;
            let response = sent.inspect_err(|fault| self.count_unheard(&fault.error))?;
            observe::upstream_answered(&self.policy.source, response.status().as_u16());
            span.record("status", response.status().as_u16());
            let (status, location) = (response.status(), response.headers().get(LOCATION));
            let location = location.map(|value| value.as_bytes());
            let next = redirect::next(&url, method, status, location, credential, redactor);
            if let Some(next) = next.map_err(Fault::lasting)? {
                (url, method) = next;
                continue;
            }
            let now = clock::now();
            let hold = match (status, retry_after(response.headers(), now)) {
                (StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE, Some(until)) => Some(until),
                (StatusCode::TOO_MANY_REQUESTS, None) => {
                    TimeDelta::from_std(self.policy.penalty).ok().and_then(|it| now.checked_add_signed(it))
                }
                _ => None,
            };
            if let Some(until) = hold {
                log(Level::WARN, &format!("HTTP status {status}: nobody asks this upstream before {until}"));
                self.pace.hold_off(until).await.map_err(Fault::lasting)?;
            }
            let short = hold.is_none_or(|until| until - now <= SHORT_HOLD);
            if matches!(status.as_u16(), 502..=504) && short && !last {
                return Ok(Tried::Passing(status));
            }
            let (cap, spool) = (self.policy.max_response_bytes, self.spool_folder());
            return download(response, redactor, cap, &spool, now).await.map(Tried::Answered);
        }
        let host = request.url.host_str().unwrap_or_default();
        let text = format!("{host}: more than {MOST_REDIRECTS} redirects, one after the other");
        Err(Fault::lasting(EgressError::Transport(text)))
    }

    fn count_unheard(&self, why: &EgressError) {
        let why = match why {
            EgressError::Timeout => "timeout",
            EgressError::Denied(_) => "denied",
            _ => "network-error",
        };
        observe::upstream_unheard(&self.policy.source, why);
    }
}

enum Tried {
    Answered(Received),
    /// A status that may pass.
    Passing(StatusCode),
}
