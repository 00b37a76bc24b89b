//! What has become of a source, in words: for the log, the metrics, and the notes of what ran.

use std::sync::{Arc, atomic::Ordering::Relaxed};

use super::{call::Source, entry::Entry, open::Unusable, registry::Registry, versions};
use crate::observe;

/// What became of a source: told once it is so.
pub(super) enum News {
    /// It runs, in the place of the one before if there was one.
    Runs(Option<Arc<Source>>),
    /// The component before stays.
    Refused {
        why: Unusable,
        /// Whether that was told before.
        known: bool,
        /// Whether it goes by what else the configuration says from now on.
        anew: bool,
    },
    /// The configuration is again as the source runs.
    NothingRefused,
    /// It can't be used, and there was none before that could.
    Unusable(Unusable),
    /// What is known of it already.
    Old,
}

impl Registry {
    /// Tells what has become of a source, and notes what runs.
    pub(super) async fn tell(&self, entry: &Entry, news: News) {
        let id = entry.id();
        match (news, entry.usable()) {
            (News::Runs(before), Some(source)) if self.hosted.load(Relaxed) => {
                self.note(entry, source).await;
                observe::source_refused(id, false);
                tell_of_change(before.as_deref(), source);
            }
            (News::Refused { why, known, anew }, Some(stays)) => {
                observe::source_refused(id, true);
                if !known {
                    tracing::error!(source = id, "refused, so that {} stays: {why}", short(stays.digest()));
                }
                if anew {
                    tell_of_new_settings(id);
                }
            }
            (News::NothingRefused, _) => {
                observe::source_refused(id, false);
                tracing::info!(source = id, "the source is again as it runs; nothing is refused any more");
            }
            (News::Unusable(why), _) => tracing::warn!(source = id, "the source can't be used: {why}"),
            _ => {}
        }
    }

    pub(super) async fn note(&self, entry: &Entry, source: &Source) {
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
        Some(old) if old.digest() == source.digest() => tell_of_new_settings(id),
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

fn tell_of_new_settings(id: &str) {
    tracing::info!(source = id, "the source is configured anew; new attempts go by that");
}

fn short(digest: &str) -> &str {
    digest.get(..12).unwrap_or(digest)
}
