//! Sources that are being made as the configuration says: each by itself, so that a slow one keeps no other one waiting.

use std::{
    collections::BTreeMap,
    future::pending,
    path::{Path, PathBuf},
    sync::Arc,
};

use futures::{
    FutureExt, StreamExt,
    future::{AbortHandle, BoxFuture, abortable},
    stream::FuturesUnordered,
};

use crate::{
    config::{Config, Env, Source, SourceId},
    source::Registry,
};

/// What is being loaded.
pub(super) struct Loads<'e> {
    registry: Arc<Registry>,
    env: Env<'e>,
    under_way: BTreeMap<SourceId, (Source, AbortHandle)>,
    /// Gives the source that is done; none if it was given up for another try.
    loading: FuturesUnordered<BoxFuture<'e, Option<SourceId>>>,
}

impl<'e> Loads<'e> {
    pub(super) fn new(registry: Arc<Registry>, env: Env<'e>) -> Self {
        Self { registry, env, under_way: BTreeMap::new(), loading: FuturesUnordered::new() }
    }

    /// Begins to make everything as a configuration says. `touched` are the files that somebody changed. A source that is
    /// being loaded as it is to be goes on; one that is to be otherwise by now begins anew.
    pub(super) fn begin(&mut self, config: &Config, touched: &[PathBuf]) {
        let enabled = || config.sources.iter().filter(|source| source.enabled);
        self.under_way.retain(|id, (_, load)| {
            let stays = enabled().any(|source| source.id == *id);
            if !stays {
                load.abort();
            }
            stays
        });
        self.registry.follow(config);
        let is_touched = |file: Option<&Path>| file.is_some_and(|file| touched.iter().any(|it| it == file));
        for source in enabled() {
            let component = is_touched(source.component.file());
            if let Some((as_it_loads, load)) = self.under_way.get(&source.id) {
                if as_it_loads.says_the_same(source) && !component && !is_touched(source.credential_file()) {
                    continue;
                }
                load.abort();
            }
            self.load(source.clone(), component || is_touched(Some(&config.path)));
        }
    }

    fn load(&mut self, source: Source, news: bool) {
        let (registry, env, id) = (Arc::clone(&self.registry), self.env, source.id.clone());
        let wanted = source.clone();
        let (renewing, load) = abortable({
            let registry = Arc::clone(&registry);
            async move { registry.renew(&wanted, env, news).await }
        });
        self.under_way.insert(id.clone(), (source, load));
        let loading = async move {
            let renewed = renewing.await.ok()?;
            // Nothing comes between what is so and that it is told and noted.
            if let Some(renewed) = renewed {
                registry.put(renewed).await;
            }
            Some(id)
        };
        self.loading.push(loading.boxed());
    }

    /// Lets them go on until one is done; for ever if there is none.
    pub(super) async fn go_on(&mut self) {
        match self.loading.next().await {
            Some(Some(id)) => drop(self.under_way.remove(&id)),
            Some(None) => {}
            None => pending().await,
        }
    }
}
