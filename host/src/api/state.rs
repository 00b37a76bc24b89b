//! What handlers work with.

use std::{ops::Deref, sync::Arc};

use tokio_util::sync::CancellationToken;

use super::{auth::Issuer, login::Attempts};
use crate::{config::Config, source::Registry, store::Store};

/// What handlers work with. Cheap to clone.
#[derive(Clone)]
pub struct Api(Arc<Inner>);

struct Inner {
    parts: Parts,
    issuer: Option<Issuer>,
    attempts: Attempts,
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
}

impl Api {
    /// Handlers' view of a host.
    ///
    /// # Errors
    /// The issuer of tokens can't be asked from this machine.
    pub fn new(parts: Parts) -> anyhow::Result<Self> {
        let issuer = parts.config.auth.jwt.as_ref().map(Issuer::new).transpose()?;
        Ok(Self(Arc::new(Inner { parts, issuer, attempts: Attempts::default() })))
    }

    /// Whose JSON Web Tokens let in.
    pub(super) fn issuer(&self) -> Option<&Issuer> {
        self.0.issuer.as_ref()
    }

    /// Who tried in vain to log in.
    pub(super) fn attempts(&self) -> &Attempts {
        &self.0.attempts
    }
}

impl Deref for Api {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0.parts
    }
}
