//! Claim → call → validate → commit. The only part of the host that knows both the store and the sources.

mod attempt;
mod cancel;
mod crew;
mod foreground;
mod lease;
mod limits;
mod options;
mod patience;
mod ports;
mod progress;
mod service;
#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Instant};

pub use cancel::cancel;
pub use lease::LastLook;
pub use limits::Limits;
pub use options::Options;
pub(crate) use patience::patiently;
pub use ports::{StoredAllowance, StoredAnswers};
pub use progress::Progress;

use self::{
    lease::{Beat, Held},
    patience::in_time,
};
use crate::{
    source::Registry,
    store::{Claim, ClaimRequest, Store, StoreError},
};

/// Runs the tasks of jobs: of all of them as a service, or of one in the foreground.
pub struct Worker {
    store: Store,
    registry: Arc<Registry>,
    options: Arc<Options>,
    /// New with every start, so that a restarted worker is never taken for the one that died.
    owner: String,
    held: Held,
    last_look: LastLook,
}

impl Worker {
    /// A worker of this process.
    pub fn new(store: Store, registry: Arc<Registry>, options: Options) -> Self {
        let owner = format!("{}-{:016x}", std::process::id(), rand::random::<u64>());
        let (held, last_look) = (Held::default(), LastLook::default());
        Self { store, registry, options: Arc::new(options), owner, held, last_look }
    }

    /// Its id in the store: new with every start.
    pub fn id(&self) -> &str {
        &self.owner
    }

    /// Claims tasks, and says until when they are held unless renewed. A claim that took longer than its lease is of no
    /// use.
    async fn claim(&self, request: ClaimRequest<'_>) -> Result<(Vec<Claim>, Instant), StoreError> {
        let until = Instant::now() + request.lease;
        let claims = self.store.claim(request, || self.store.now());
        Ok((in_time(request.lease, "claiming tasks", claims).await?, until))
    }

    /// Says when it last looked for tasks.
    pub fn last_look(&self) -> LastLook {
        self.last_look.clone()
    }

    fn beat(&self, serves: bool) -> Beat {
        Beat {
            store: self.store.clone(),
            owner: self.owner.clone(),
            held: self.held.clone(),
            serves,
            limits: self.options.limits.clone(),
            retention: self.options.retention.clone(),
        }
    }
}
