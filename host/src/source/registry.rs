//! The sources that `backfill.toml` names: loaded, or known to be unusable and why. One that can't be used never keeps
//! the others from running.
//!
//! It lives: when the configuration or a component changes, sources are replaced one by one (`renew.rs`). Whoever asks
//! for a source has it to the end, replaced or not.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use futures::{FutureExt, StreamExt, stream::FuturesUnordered};
use tokio::time::timeout;

use super::{call::Source, engine::Engine, entry::Entry, obtain::digest_of, open::Unusable, renew::Renewed};
use crate::{
    config::{self, Config, Env},
    egress::Shared,
    observe,
};

/// All sources of the configuration, in its order.
pub struct Registry {
    pub(super) engine: Engine,
    pub(super) shared: Shared,
    entries: RwLock<Entries>,
    /// Whether a host runs with it, which tells and notes what changes.
    pub(super) hosted: AtomicBool,
}

/// The sources, and the order of all of the configuration, of those too that are still being loaded.
#[derive(Default)]
struct Entries {
    order: Vec<config::SourceId>,
    all: Arc<[Entry]>,
}

impl Registry {
    /// Loads every enabled source, side by side.
    pub async fn load(config: &Config, env: Env<'_>, engine: &Engine, shared: &Shared) -> Self {
        let registry = Self::empty(engine, shared);
        registry.apply(config, env, &[]).await;
        registry
    }

    /// The same, but what is elsewhere and was never downloaded is waited for no longer than this: whoever is slow there
    /// is to keep no other source from running. What has not come is tried again ([`Self::wants_another_try`]).
    pub async fn load_within(
        patience: Duration,
        config: &Config,
        env: Env<'_>,
        engine: &Engine,
        shared: &Shared,
    ) -> Self {
        let registry = Self::empty(engine, shared);
        registry.follow(config);
        let enabled = config.sources.iter().filter(|configured| configured.enabled);
        let loading: FuturesUnordered<_> = enabled
            .map(|configured| {
                let load = registry.make(configured, env, false);
                let registry = &registry;
                async move {
                    if registry.is_here(configured).await {
                        load.await;
                    } else if timeout(patience, load).await.is_err() {
                        registry.put(Renewed::still_coming(configured, patience)).await;
                    }
                }
                .boxed()
            })
            .collect();
        loading.collect::<()>().await;
        registry
    }

    fn empty(engine: &Engine, shared: &Shared) -> Self {
        Self {
            engine: engine.clone(),
            shared: shared.clone(),
            entries: RwLock::default(),
            hosted: AtomicBool::new(false),
        }
    }

    /// From now on it is told what changes, and what runs is noted for going back to.
    pub async fn host(&self) {
        self.hosted.store(true, Relaxed);
        for entry in self.entries().iter() {
            if let Some(source) = entry.usable() {
                self.note(entry, source).await;
                observe::source_refused(source.id(), false);
            }
        }
    }

    /// The source of an id: usable, or why not; `None` if the configuration has no such source, or turns it off.
    pub fn get(&self, id: &str) -> Option<Result<Arc<Source>, Unusable>> {
        self.entry(id)?.source
    }

    /// All enabled sources.
    pub fn all(&self) -> Vec<(String, Result<Arc<Source>, Unusable>)> {
        let entries = self.entries();
        entries.iter().filter_map(|entry| Some((entry.id().to_owned(), entry.source.clone()?))).collect()
    }

    /// The ids of the configuration, of sources that are turned off too.
    pub fn ids(&self) -> Vec<String> {
        self.entries().iter().map(|entry| entry.id().to_owned()).collect()
    }

    /// All sources as they are now.
    pub fn entries(&self) -> Arc<[Entry]> {
        Arc::clone(&self.entries.read().unwrap_or_else(PoisonError::into_inner).all)
    }

    /// One source as it is now.
    pub fn entry(&self, id: &str) -> Option<Entry> {
        self.entries().iter().find(|entry| entry.id() == id).cloned()
    }

    /// How many attempts of a source may run at once, over all workers.
    pub fn concurrency(&self, id: &str) -> u32 {
        let entries = self.entries();
        entries.iter().find(|entry| entry.id() == id).map_or(1, |entry| entry.configured.concurrency)
    }

    /// Whether something is to be tried again, though nothing changes here.
    pub fn wants_another_try(&self) -> bool {
        self.entries().iter().any(|entry| {
            let unusable = matches!(entry.source, Some(Err(Unusable::Elsewhere { passing: true, .. })));
            unusable || entry.refused.as_ref().is_some_and(|refused| refused.passing)
        })
    }

    /// Makes everything as a configuration says: what it leaves out goes at once, and each source that is new or has
    /// changed takes over once it is loaded. `touched` are the files that somebody changed.
    pub async fn apply(&self, config: &Config, env: Env<'_>, touched: &[PathBuf]) {
        self.follow(config);
        let enabled = config.sources.iter().filter(|configured| configured.enabled);
        let loading: FuturesUnordered<_> = enabled
            .map(|configured| {
                let is_touched =
                    |file: Option<&Path>| file.is_some_and(|file| touched.iter().any(|it| it == file));
                let news = is_touched(Some(&config.path)) || is_touched(configured.component.file());
                self.make(configured, env, news).boxed()
            })
            .collect();
        loading.collect::<()>().await;
    }

    /// Takes away what the configuration does not name any more, or turns off. What it names and is not here yet can be
    /// put from now on.
    pub fn follow(&self, config: &Config) {
        let before = self.entries();
        let of = |entry: &Entry| config.sources.iter().find(|source| source.id == entry.configured.id);
        let kept = config.sources.iter().filter_map(|configured| match configured.enabled {
            true => before.iter().find(|e| e.configured.id == configured.id && e.source.is_some()).cloned(),
            false => Some(Entry::turned_off(configured)),
        });
        let order = config.sources.iter().map(|source| source.id.clone()).collect();
        let entries = Entries { order, all: kept.collect() };
        *self.entries.write().unwrap_or_else(PoisonError::into_inner) = entries;
        // It is told once it is so.
        for entry in before.iter().filter(|entry| entry.source.is_some()) {
            if !of(entry).is_some_and(|source| source.enabled) {
                observe::source_refused(entry.id(), false);
                tracing::info!(
                    source = entry.id(),
                    "the configuration leaves the source out: nothing more of it is claimed, and what runs may end"
                );
            }
        }
    }

    async fn make(&self, configured: &config::Source, env: Env<'_>, news: bool) {
        if let Some(renewed) = self.renew(configured, env, news).await {
            self.put(renewed).await;
        }
    }

    /// Puts a source in its place, which the configuration's order gives, and tells of it.
    pub async fn put(&self, Renewed(entry, news): Renewed) {
        if let Some(source) = entry.usable() {
            source.gate.take_over();
        }
        {
            let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
            let at = |id: &config::SourceId| entries.order.iter().position(|other| other == id);
            // The configuration has left it out meanwhile.
            if at(&entry.configured.id).is_none() {
                return;
            }
            let others = entries.all.iter().filter(|other| other.id() != entry.id());
            let mut all: Vec<Entry> = others.cloned().chain([entry.clone()]).collect();
            all.sort_by_key(|entry| at(&entry.configured.id));
            entries.all = all.into();
        }
        self.tell(&entry, news).await;
    }

    /// Whether a source's component can be had without asking anybody.
    async fn is_here(&self, configured: &config::Source) -> bool {
        configured.component.file().is_some()
            || digest_of(configured, &self.engine).await.is_some_and(|it| self.engine.kept(&it).is_some())
    }
}
