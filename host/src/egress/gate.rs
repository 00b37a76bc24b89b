//! The gate of one source, and one sandbox call's way through it.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::{FutureExt, StreamExt, stream};
use tracing::Level;

use super::body::Body;
use super::client::Clients;
use super::coalesce::Coalesce;
use super::content::{Budget, Content};
use super::credential::Credential;
use super::denial;
use super::error::{CapExceeded, EgressError};
use super::grant::Grant;
use super::key::request_key;
use super::pace::Pace;
use super::policy::{Policy, Shared};
use super::record::Recording;
use super::redact::Redactor;
use super::request::{Prepared, Request, Response};
use super::stage::Stage;
use super::wait::WaitClock;

/// Takes lines for the log of the task that asks. They hold no secret.
pub type Log = Arc<dyn Fn(Level, &str) + Send + Sync>;

/// The only way from one source to the network. Built once; all calls of the source share it.
pub struct Gate {
    pub(super) policy: Arc<Policy>,
    pub(super) shared: Shared,
    pub(super) clients: Clients,
    pub(super) redactor: Redactor,
    pub(super) pace: Pace,
    pub(super) budget: Budget,
    pub(super) stage: Option<Arc<dyn Stage>>,
    pub(super) recording: Option<Arc<Recording>>,
    under_way: Coalesce<Result<Answer, EgressError>>,
}

/// One sandbox call: its counters and caps. Clones are the same call.
#[derive(Clone)]
pub struct Call {
    gate: Arc<Gate>,
    counters: Arc<Counters>,
    log: Log,
    reuse: Reuse,
}

/// Which kept answers may serve a call, of those that are fresh enough for the policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reuse {
    /// All.
    Fresh,
    /// Those of the upstream's since an instant: what it said before is doubted.
    Since(DateTime<Utc>),
    /// None: what an upstream shows now is wanted.
    Never,
    /// None, and answers are not kept either: somebody only wants to know whether it works.
    Trial,
}

/// What a call has used so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Requests that the source asked for.
    pub asked: u32,
    /// Requests really made to the upstream on this call's behalf, retries and redirects included.
    pub requests: u32,
    /// Asked requests that kept answers served.
    pub served_from_archive: u32,
    /// Bytes of all answers, decompressed.
    pub bytes: u64,
    /// The answers used, by their ids in the index.
    pub answers: Vec<i64>,
    /// Time in which at least one request stood in line for the rate limit or a free place. Deadlines leave it out.
    pub waited: Duration,
}

#[derive(Default)]
pub(super) struct Counters {
    asked: AtomicU32,
    pub(super) requests: AtomicU32,
    served_from_archive: AtomicU32,
    bytes: AtomicU64,
    answers: Mutex<BTreeSet<i64>>,
    waits: Arc<WaitClock>,
}

/// An answer as all who asked for it share it.
#[derive(Clone)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Arc<[(String, String)]>,
    pub(super) content: Content,
    pub(super) bytes: u64,
    pub(super) id: Option<i64>,
    pub(super) kept: bool,
}

impl Gate {
    /// Builds the gate of a source. An error means that no HTTP client can be had on this machine.
    pub fn new(policy: Policy, shared: Shared) -> Result<Self, EgressError> {
        let redactor = Redactor::new(policy.credential.as_ref()).map_err(EgressError::Internal)?;
        let policy = Arc::new(policy);
        Ok(Self {
            clients: Clients::new(&policy, &shared)?,
            redactor,
            pace: pace(&policy, &shared),
            budget: Budget::new(),
            stage: None,
            recording: None,
            under_way: Coalesce::new(),
            policy,
            shared,
        })
    }

    /// A gate of the same policy whose upstream is played by `stage`.
    pub fn staged(&self, stage: Arc<dyn Stage>) -> Self {
        Self { stage: Some(stage), ..self.again() }
    }

    /// A gate of the same policy that takes down in `recording` what passes it.
    pub fn recorded(&self, recording: Arc<Recording>) -> Self {
        Self { recording: Some(recording), ..self.again() }
    }

    /// The same gate, which shares no work under way with this one.
    fn again(&self) -> Self {
        Self {
            policy: Arc::clone(&self.policy),
            shared: self.shared.clone(),
            clients: self.clients.clone(),
            redactor: self.redactor.clone(),
            pace: pace(&self.policy, &self.shared),
            budget: Budget::new(),
            stage: self.stage.clone(),
            recording: self.recording.clone(),
            under_way: Coalesce::new(),
        }
    }

    /// The same gate that may reach these hosts too. For a stage, behind which there is no network.
    #[must_use]
    pub fn granting(&self, more: Vec<Grant>) -> Self {
        let mut policy = Policy::clone(&self.policy);
        policy.grants.extend(more);
        Self { policy: Arc::new(policy), ..self.again() }
    }

    /// Whether its requests have this credential.
    pub fn has_credential(&self, credential: Option<&Credential>) -> bool {
        self.policy.credential.as_ref() == credential
    }

    /// From now on the allowance of this gate's policy holds, for requests of earlier gates of the source too. A new
    /// gate stands in line with them from the start, and changes nothing until then.
    pub fn take_over(&self) {
        self.pace.allow(self.policy.rate, self.policy.concurrency);
    }

    /// Begins a sandbox call; `log` takes its lines.
    pub fn begin(self: &Arc<Self>, log: Log) -> Call {
        Call { gate: Arc::clone(self), counters: Arc::default(), log, reuse: Reuse::Fresh }
    }
}

fn pace(policy: &Policy, shared: &Shared) -> Pace {
    let line = shared.lines.of(&policy.source, policy.rate, policy.concurrency);
    Pace::new(&policy.source, line, Arc::clone(&shared.allowance))
}

impl Call {
    /// The same call, served by these kept answers alone.
    #[must_use]
    pub fn reusing(self, reuse: Reuse) -> Self {
        Self { reuse, ..self }
    }

    /// One request: caps, grant, kept answer or upstream. Dropping it takes nothing from others who ask the same.
    pub async fn send(&self, request: Request) -> Result<Response, EgressError> {
        let answer = self.answer(request).await.inspect_err(|error| {
            if let EgressError::Denied(_) = error {
                (self.log)(Level::WARN, &self.gate.redactor.text(&error.to_string()));
            }
        })?;
        let body = Body::new(&answer.content)?;
        Ok(Response { status: answer.status, headers: answer.headers.to_vec(), body, answer: answer.id })
    }

    /// Many requests side by side, answers in the order asked. Only the policy's concurrency is under way at
    /// once, and what waits to be read is compressed past a budget, so memory stays bounded.
    pub async fn send_all(&self, requests: Vec<Request>) -> Vec<Result<Response, EgressError>> {
        stream::iter(requests)
            .map(|request| self.send(request))
            .buffered(self.gate.policy.concurrency.max(1))
            .collect()
            .await
    }

    /// What the call has used so far; may be asked while requests are under way.
    pub fn usage(&self) -> Usage {
        let counters = &self.counters;
        Usage {
            asked: counters.asked.load(Relaxed),
            requests: counters.requests.load(Relaxed),
            served_from_archive: counters.served_from_archive.load(Relaxed),
            bytes: counters.bytes.load(Relaxed),
            answers: counters
                .answers
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .iter()
                .copied()
                .collect(),
            waited: counters.waits.waited(),
        }
    }

    async fn answer(&self, request: Request) -> Result<Answer, EgressError> {
        let policy = &self.gate.policy;
        self.counters.ask(policy.max_requests)?;
        let request = Prepared::new(request, policy.credential.as_ref())?;
        denial::granted(policy, &request.url)?;
        let key = request_key(&request);
        // Who wants the present must not join one whom an older kept answer may serve.
        let flight_key = match self.reuse {
            Reuse::Fresh => key.clone(),
            Reuse::Since(_) => format!("again {key}"),
            Reuse::Never => format!("now {key}"),
            Reuse::Trial => format!("trial {key}"),
        };
        let flight = self.gate.under_way.join(&flight_key, |waiting| {
            let (gate, counters) = (Arc::clone(&self.gate), Arc::clone(&self.counters));
            let (key, log, reuse) = (key.clone(), Arc::clone(&self.log), self.reuse);
            async move { gate.fetch(request, key, reuse, &counters, &log, &waiting).await }.boxed()
        });
        let answer = self.counters.waits.follow(flight).await?;
        self.counters.take(&answer, policy.max_total_bytes)?;
        Ok(answer)
    }
}

impl Counters {
    fn ask(&self, cap: u32) -> Result<(), CapExceeded> {
        let ask = |asked| (asked < cap).then_some(asked + 1);
        self.asked.fetch_update(Relaxed, Relaxed, ask).map(drop).map_err(|_| CapExceeded::Requests { cap })
    }

    fn take(&self, answer: &Answer, cap: u64) -> Result<(), CapExceeded> {
        let bytes = self.bytes.fetch_add(answer.bytes, Relaxed).saturating_add(answer.bytes);
        if answer.kept {
            self.served_from_archive.fetch_add(1, Relaxed);
        }
        self.answers.lock().unwrap_or_else(PoisonError::into_inner).extend(answer.id);
        if bytes > cap { Err(CapExceeded::TotalBytes { cap }) } else { Ok(()) }
    }
}
