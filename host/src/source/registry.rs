//! The sources that `backfill.toml` names: loaded, or known to be unusable and why. One that can't be used never keeps
//! the others from running.
//!
//! It lives: when the configuration or a component changes, sources are replaced one by one. Whoever asks for a source
//! has it to the end, replaced or not. What may not take another one's place is refused, and the other one stays.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use futures::{FutureExt, StreamExt, stream::FuturesUnordered};

use super::{
    call::Source,
    engine::Engine,
    entry::{Entry, Refused},
    obtain::digest_of,
    open::{Unusable, credential, open},
    succession::succeeds,
    versions,
};
use crate::{
    clock,
    config::{self, Config, Env},
    egress::Shared,
    observe,
};

/// All sources of the configuration, in its order.
pub struct Registry {
    engine: Engine,
    shared: Shared,
    entries: RwLock<Arc<[Entry]>>,
    /// Whether a host runs with it, which tells and notes what changes.
    hosted: AtomicBool,
    /// Held while sources are replaced.
    applying: tokio::sync::Mutex<()>,
}

/// What a source is to be.
#[derive(Clone, Copy)]
struct Wanted<'a> {
    configured: &'a config::Source,
    /// Whether somebody has changed its component, or the configuration, or asked.
    news: bool,
}

/// What became of a source: told once it is so.
enum News {
    /// It runs, in the place of the one before if there was one.
    Runs(Option<Arc<Source>>),
    /// The one before stays.
    Refused(Unusable),
    /// The configuration is again as the source runs.
    NothingRefused,
    /// It can't be used, and there was none before that could.
    Unusable(Unusable),
    /// What is known of it already.
    Old,
}

impl Registry {
    /// Loads every enabled source, side by side.
    pub async fn load(config: &Config, env: Env<'_>, engine: &Engine, shared: &Shared) -> Self {
        let registry = Self {
            engine: engine.clone(),
            shared: shared.clone(),
            entries: RwLock::new(Arc::new([])),
            hosted: AtomicBool::new(false),
            applying: tokio::sync::Mutex::default(),
        };
        registry.apply(config, env, &[]).await;
        registry
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
        Arc::clone(&self.entries.read().unwrap_or_else(PoisonError::into_inner))
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
        let _one_at_a_time = self.applying.lock().await;
        let before = self.entries();
        self.leave_out(config, &before);
        let mut loading: FuturesUnordered<_> = config
            .sources
            .iter()
            .filter(|configured| configured.enabled)
            .map(|configured| {
                let before = before.iter().find(|entry| entry.configured.id == configured.id);
                let is_touched =
                    |file: Option<&Path>| file.is_some_and(|file| touched.iter().any(|it| it == file));
                let wanted = Wanted {
                    configured,
                    news: is_touched(Some(&config.path)) || is_touched(configured.component.file()),
                };
                self.renew(wanted, before.filter(|entry| entry.source.is_some()), env).boxed()
            })
            .collect();
        while let Some(renewed) = loading.next().await {
            if let Some((entry, news)) = renewed {
                self.put(&entry, config);
                self.tell(&entry, news).await;
            }
        }
    }

    /// Takes away what the configuration does not name any more, or turns off.
    fn leave_out(&self, config: &Config, before: &[Entry]) {
        let of = |entry: &Entry| config.sources.iter().find(|source| source.id == entry.configured.id);
        for entry in before.iter().filter(|entry| entry.source.is_some()) {
            if !of(entry).is_some_and(|source| source.enabled) {
                observe::source_refused(entry.id(), false);
                tracing::info!(
                    source = entry.id(),
                    "the configuration leaves the source out: nothing more of it is claimed, and what runs may end"
                );
            }
        }
        let kept = config.sources.iter().filter_map(|configured| match configured.enabled {
            true => before.iter().find(|e| e.configured.id == configured.id && e.source.is_some()).cloned(),
            false => Some(Entry::turned_off(configured)),
        });
        *self.entries.write().unwrap_or_else(PoisonError::into_inner) = kept.collect();
    }

    /// Puts a source in its place, which the configuration's order gives.
    fn put(&self, entry: &Entry, config: &Config) {
        let at = |id: &config::SourceId| config.sources.iter().position(|source| source.id == *id);
        if let Some(source) = entry.usable() {
            source.gate.take_over();
        }
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        let others = entries.iter().filter(|other| other.id() != entry.id());
        let mut all: Vec<Entry> = others.cloned().chain([entry.clone()]).collect();
        all.sort_by_key(|entry| at(&entry.configured.id));
        *entries = all.into();
    }

    /// What a source is to be from now on; nothing if it is that already.
    async fn renew(&self, wanted: Wanted<'_>, before: Option<&Entry>, env: Env<'_>) -> Option<(Entry, News)> {
        let configured = wanted.configured;
        let running = before.and_then(|entry| Some((entry, entry.usable()?)));
        if let Some((entry, source)) = running
            && entry.configured.says_the_same(configured)
            && credential(configured, env).is_ok_and(|it| source.gate.has_credential(it.as_ref()))
            && digest_of(configured, &self.engine).await.is_none_or(|digest| digest == source.digest())
            && configured.component.file().is_none_or(|file| file.is_file())
        {
            let settled = || (Entry { refused: None, ..entry.clone() }, News::NothingRefused);
            return entry.refused.is_some().then(settled);
        }
        let opened = match open(configured, env, &self.engine, &self.shared).await {
            Ok(new) => match running.map(|(_, old)| succeeds(old.description(), new.description())) {
                Some(Err(why)) => Err(why),
                _ => super::examine::examine(&self.engine, configured, &new).await.map(|()| new),
            },
            Err(why) => Err(why),
        };
        match (opened, before) {
            (Ok(source), _) => Some(self.taken_over(configured, before, source).await),
            (Err(why), Some(entry)) if entry.usable().is_some() => self.refused(wanted, entry, why).await,
            (Err(why), _) => {
                let known =
                    before.is_some_and(|entry| matches!(&entry.source, Some(Err(last)) if *last == why));
                let news = if known { News::Old } else { News::Unusable(why.clone()) };
                Some((Entry { source: Some(Err(why)), ..Entry::turned_off(configured) }, news))
            }
        }
    }

    /// A source that was loaded and may run.
    async fn taken_over(
        &self,
        configured: &config::Source,
        before: Option<&Entry>,
        source: Source,
    ) -> (Entry, News) {
        let digest = source.digest().to_owned();
        let mut previous = versions::versions(&self.engine, &source.id).await;
        // Where nothing is kept, at least what this process knows.
        for known in
            before.into_iter().flat_map(|entry| entry.previous.iter().cloned().chain(entry.version()))
        {
            if !previous.iter().any(|version| version.digest == known.digest) {
                previous.push(known);
            }
        }
        previous.retain(|version| version.digest != digest);
        let entry = Entry {
            configured: Arc::new(configured.clone()),
            source: Some(Ok(Arc::new(source))),
            loaded_at: Some(clock::now()),
            refused: None,
            previous,
        };
        (entry, News::Runs(before.and_then(Entry::usable).cloned()))
    }

    /// The source that stays, and what did not take its place; nothing if that is known and nobody did anything.
    async fn refused(&self, wanted: Wanted<'_>, entry: &Entry, why: Unusable) -> Option<(Entry, News)> {
        let passing = matches!(why, Unusable::Elsewhere { passing: true, .. });
        let digest = digest_of(wanted.configured, &self.engine).await;
        let refused = Refused { digest, why: why.to_string(), at: clock::now(), passing };
        let is_known = |last: &Refused| last.why == refused.why && last.digest == refused.digest;
        if !wanted.news && entry.refused.as_ref().is_some_and(is_known) {
            return None;
        }
        Some((Entry { refused: Some(refused), ..entry.clone() }, News::Refused(why)))
    }

    /// Tells what has become of a source, and notes what runs.
    async fn tell(&self, entry: &Entry, news: News) {
        let id = entry.id();
        match (news, entry.usable()) {
            (News::Runs(before), Some(source)) if self.hosted.load(Relaxed) => {
                self.note(entry, source).await;
                observe::source_refused(id, false);
                tell_of_change(before.as_deref(), source);
            }
            (News::Refused(why), Some(stays)) => {
                observe::source_refused(id, true);
                tracing::error!(source = id, "refused, so that {} stays: {why}", short(stays.digest()));
            }
            (News::NothingRefused, _) => {
                observe::source_refused(id, false);
                tracing::info!(source = id, "the source is again as it runs; nothing is refused any more");
            }
            (News::Unusable(why), _) => tracing::warn!(source = id, "the source can't be used: {why}"),
            _ => {}
        }
    }

    async fn note(&self, entry: &Entry, source: &Source) {
        let Some(version) = entry.version() else { return };
        if let Err(error) = versions::note(&self.engine, &source.id, &version).await {
            tracing::warn!(source = source.id, %error, "that this component runs can't be noted, so that later nobody can go back to it");
        }
    }
}

fn tell_of_change(before: Option<&Source>, source: &Source) {
    let (version, digest) = (&source.description().version, short(source.digest()));
    let id = source.id();
    match before {
        None => tracing::info!(source = id, "the source is loaded: {version} ({digest})"),
        Some(old) if old.digest() == source.digest() => {
            tracing::info!(source = id, "the source is configured anew; new attempts go by that");
        }
        Some(old) => {
            observe::source_swapped(id);
            tracing::info!(
                source = id,
                "new attempts use {version} ({digest}); those that run end on {} ({})",
                old.description().version,
                short(old.digest())
            );
        }
    }
}

fn short(digest: &str) -> &str {
    digest.get(..12).unwrap_or(digest)
}
