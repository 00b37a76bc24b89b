//! What one source may do on the network, and what all sources share to do it.

use std::sync::Arc;
use std::time::Duration;

use super::allowance::Allowance;
use super::archive::Archive;
use super::credential::Credential;
use super::grant::Grant;
use super::index::AnswerIndex;
use super::line::Lines;
use super::rate::Rate;
use super::resolve::{Lookup, SystemLookup};

/// The egress policy of one source.
#[derive(Clone, Debug)]
pub struct Policy {
    /// The source's id.
    pub source: String,
    /// What it may reach: asked by the component and given by the configuration ([`super::intersect`]).
    pub grants: Vec<Grant>,
    /// Added to its requests outside the sandbox. It goes to every granted host that the source asks, so a
    /// grant next to a credential says that this host may have it.
    pub credential: Option<Credential>,
    /// The upstream's allowance; none means that only its "slow down" answers count.
    pub rate: Option<Rate>,
    /// Requests under way at once in this process; 0 counts as 1.
    pub concurrency: usize,
    /// From sending one request to the last byte of its answer.
    pub request_timeout: Duration,
    /// Name resolution, connection and TLS.
    pub connect_timeout: Duration,
    /// Cap of one answer, decompressed.
    pub max_response_bytes: u64,
    /// Cap of what one sandbox call may ask for.
    pub max_requests: u32,
    /// Cap of all answers of one sandbox call together, decompressed.
    pub max_total_bytes: u64,
    /// How old a kept answer may be to serve an identical request; none means never.
    pub reuse_for: Option<Duration>,
    /// The `user-agent` header.
    pub user_agent: String,
    /// How long everybody holds off after a 429 that does not say.
    pub penalty: Duration,
}

/// What the gates of all sources have in common.
#[derive(Clone)]
pub struct Shared {
    /// Where slots of rate limits are reserved.
    pub allowance: Arc<dyn Allowance>,
    /// Where answers are kept; none keeps nothing.
    pub answers: Option<Answers>,
    /// Who resolves names.
    pub lookup: Arc<dyn Lookup>,
    /// Where the requests of each source stand in line.
    pub(super) lines: Lines,
}

/// Kept answers: bodies in the archive, what they answered in the index.
#[derive(Clone)]
pub struct Answers {
    /// Bodies by digest.
    pub archive: Archive,
    /// Answers by request.
    pub index: Arc<dyn AnswerIndex>,
}

impl Shared {
    /// Shared parts that keep no answers and resolve names as the system does.
    pub fn new(allowance: Arc<dyn Allowance>) -> Self {
        Self { allowance, answers: None, lookup: Arc::new(SystemLookup), lines: Lines::default() }
    }

    /// The same, keeping answers.
    #[must_use]
    pub fn keeping(self, answers: Answers) -> Self {
        Self { answers: Some(answers), ..self }
    }
}
