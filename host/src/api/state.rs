//! What handlers work with.

use std::{ops::Deref, sync::Arc};

use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{auth::Issuer, jobs::Followers, login::Attempts};
use crate::{config::Config, source::Registry, store::Store, worker::LastLook};

/// What handlers work with. Cheap to clone.
#[derive(Clone)]
pub struct Api(Arc<Inner>);

struct Inner {
    parts: Parts,
    issuer: Option<Issuer>,
    attempts: Attempts,
    followers: Arc<Followers>,
    carried: TaskTracker,
}

/// The parts.
pub struct Parts {
    /// The store.
    pub store: Store,
    /// The sources of this host.
    pub registry: Arc<Registry>,
    /// The configuration.
    pub config: Config,
    /// Ends what would go on for ever, so that the host can stop.
    pub stop: CancellationToken,
    /// When the worker of this process last looked for tasks.
    pub last_look: LastLook,
}

impl Api {
    /// Handlers' view of a host.
    ///
    /// # Errors
    /// The issuer of tokens can't be asked from this machine.
    pub fn new(parts: Parts) -> anyhow::Result<Self> {
        let issuer = parts.config.auth.jwt.as_ref().map(Issuer::new).transpose()?;
        let (attempts, followers, carried) = (Attempts::default(), Arc::default(), TaskTracker::new());
        Ok(Self(Arc::new(Inner { parts, issuer, attempts, followers, carried })))
    }

    /// Whose JSON Web Tokens let in.
    pub(super) fn issuer(&self) -> Option<&Issuer> {
        self.0.issuer.as_ref()
    }

    /// Requests that are carried through, whether or not somebody waits for their answer.
    pub(super) fn carried(&self) -> &TaskTracker {
        &self.0.carried
    }

    /// Who tried in vain to log in.
    pub(super) fn attempts(&self) -> &Attempts {
        &self.0.attempts
    }

    /// Who follows jobs.
    pub(super) fn followers(&self) -> &Arc<Followers> {
        &self.0.followers
    }
}

impl Deref for Api {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0.parts
    }
}
