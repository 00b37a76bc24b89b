//! What handlers work with.

use std::{ops::Deref, sync::Arc};

use tokio_util::sync::CancellationToken;

use crate::{config::Config, source::Registry, store::Store};

/// What handlers work with. Cheap to clone.
#[derive(Clone)]
pub struct Api(Arc<Parts>);

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
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }
}

impl Deref for Api {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}
