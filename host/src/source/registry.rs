//! The sources that `backfill.toml` names: loaded, or known to be unusable and why. One that can't be used never keeps
//! the others from running.

use std::{collections::BTreeMap, sync::Arc};

use futures::future;

use super::{
    call::Source,
    engine::Engine,
    open::{Unusable, open},
};
use crate::{
    config::{self, Env},
    egress::Shared,
};

/// All enabled sources by id.
pub struct Registry {
    sources: BTreeMap<String, Result<Arc<Source>, Unusable>>,
}

impl Registry {
    /// Loads every enabled source, side by side.
    pub async fn load(config: &config::Config, env: Env<'_>, engine: &Engine, shared: &Shared) -> Self {
        let enabled = config.sources.iter().filter(|source| source.enabled);
        let loading = enabled.map(async |source| {
            let loaded = open(source, env, engine, shared).await;
            if let Err(why) = &loaded {
                tracing::warn!(source = source.id.as_str(), "the source can't be used: {why}");
            }
            (source.id.as_str().to_owned(), loaded.map(Arc::new))
        });
        Self { sources: future::join_all(loading).await.into_iter().collect() }
    }

    /// The source of an id: usable, or why not; `None` if the configuration has no such source.
    pub fn get(&self, id: &str) -> Option<Result<&Arc<Source>, &Unusable>> {
        self.sources.get(id).map(Result::as_ref)
    }

    /// All sources in the order of their ids.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Result<&Arc<Source>, &Unusable>)> {
        self.sources.iter().map(|(id, source)| (id.as_str(), source.as_ref()))
    }
}
