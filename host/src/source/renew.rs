//! What a source is to be when its configuration or its component has changed: loaded anew, or as it is. What may not take
//! another one's place is refused, and the other one stays.

use std::{sync::Arc, time::Duration};

use super::{
    admit::{Admitted, admit},
    call::Source,
    entry::{Entry, Refused},
    news::News,
    obtain::digest_of,
    open::{Unusable, credential},
    registry::Registry,
    versions,
};
use crate::{
    clock,
    config::{self, Env},
};

/// What has become of a source and is not yet so: given to [`Registry::put`].
pub struct Renewed(pub(super) Entry, pub(super) News);

/// What a source is to be.
#[derive(Clone, Copy)]
struct Wanted<'a> {
    configured: &'a config::Source,
    /// Whether somebody has changed its component, or the configuration, or asked.
    news: bool,
}

impl Registry {
    /// What a source is to be from now on; nothing if it is that already. It may be dropped at any point. `news` says
    /// whether somebody has changed its component, or the configuration, or asked.
    pub async fn renew(&self, configured: &config::Source, env: Env<'_>, news: bool) -> Option<Renewed> {
        let wanted = Wanted { configured, news };
        let before = self.entry(configured.id.as_str()).filter(|entry| entry.source.is_some());
        let before = before.as_ref();
        let running = before.and_then(|entry| Some((entry, entry.usable()?)));
        if let Some((entry, source)) = running
            && entry.configured.says_the_same(configured)
            && credential(configured, env).is_ok_and(|it| source.gate.has_credential(it.as_ref()))
            && digest_of(configured, &self.engine).await.is_none_or(|digest| digest == source.digest())
            && configured.component.file().is_none_or(|file| file.is_file())
        {
            let settled = || Renewed(Entry { refused: None, ..entry.clone() }, News::NothingRefused);
            return entry.refused.is_some().then(settled);
        }
        let described = running.map(|(_, source)| source.description());
        match (admit(configured, env, &self.engine, &self.shared, described).await, running) {
            (Ok(admitted), _) => Some(self.taken_over(configured, before, admitted).await),
            (Err(why), Some((entry, source))) => self.refused(wanted, entry, source, env, why).await,
            (Err(why), None) => {
                let known =
                    before.is_some_and(|entry| matches!(&entry.source, Some(Err(last)) if *last == why));
                let news = if known { News::Old } else { News::Unusable(why.clone()) };
                Some(Renewed(Entry::unusable(configured, why), news))
            }
        }
    }

    /// A source that was loaded and may run.
    async fn taken_over(
        &self,
        configured: &config::Source,
        before: Option<&Entry>,
        Admitted { source, conformance }: Admitted,
    ) -> Renewed {
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
            conformance,
            refused: None,
            previous,
        };
        Renewed(entry, News::Runs(before.and_then(Entry::usable).cloned()))
    }

    /// The source whose component stays, and what did not take its place; nothing if that is known and nothing else
    /// changes. What the configuration says of the source besides (a host or a credential taken from it, a lower rate)
    /// holds whatever is wrong with the component that lies there.
    async fn refused(
        &self,
        wanted: Wanted<'_>,
        entry: &Entry,
        source: &Source,
        env: Env<'_>,
        why: Unusable,
    ) -> Option<Renewed> {
        let passing = matches!(why, Unusable::Elsewhere { passing: true, .. });
        let digest = digest_of(wanted.configured, &self.engine).await;
        let refused = Refused { digest, why: why.to_string(), at: clock::now(), passing };
        let is_known = |last: &Refused| last.why == refused.why && last.digest == refused.digest;
        let known = !wanted.news && entry.refused.as_ref().is_some_and(is_known);
        let anew = self.configured_anew(wanted.configured, entry, source, env);
        if known && anew.is_none() {
            return None;
        }
        let news = News::Refused { why, known, anew: anew.is_some() };
        let stays = anew.unwrap_or_else(|| entry.clone());
        Some(Renewed(Entry { refused: Some(refused), ..stays }, news))
    }

    /// The component that runs with all that the configuration says now, but for what it says of the component; nothing
    /// if it runs so already, or can't.
    fn configured_anew(
        &self,
        wanted: &config::Source,
        entry: &Entry,
        source: &Source,
        env: Env<'_>,
    ) -> Option<Entry> {
        let runs = &entry.configured;
        let configured = config::Source {
            component: runs.component.clone(),
            sha256: runs.sha256.clone(),
            require_conformance: runs.require_conformance,
            conformance_cases: runs.conformance_cases.clone(),
            ..wanted.clone()
        };
        let has_credential = |source: &Source| {
            credential(&configured, env).is_ok_and(|it| source.gate.has_credential(it.as_ref()))
        };
        if runs.says_the_same(&configured) && has_credential(source) {
            return None;
        }
        let source = source.configured_anew(&configured, env, &self.shared).ok()?;
        Some(Entry {
            configured: Arc::new(configured),
            source: Some(Ok(Arc::new(source))),
            loaded_at: Some(clock::now()),
            ..entry.clone()
        })
    }
}

impl Renewed {
    /// A source whose component is on its way.
    pub(super) fn still_coming(configured: &config::Source, patience: Duration) -> Self {
        let why = Unusable::Elsewhere {
            component: configured.component.to_string(),
            why: format!(
                "it has not come within {patience:?}; it is asked for again, and the source is used once it is here"
            ),
            passing: true,
        };
        Self(Entry::unusable(configured, why.clone()), News::Unusable(why))
    }
}
