//! A source as configured, with another component: for what runs over kept answers.

use std::path::Path;

use anyhow::{Context, bail};

use super::context::env;
use crate::{
    config::{Component, Config, Source as Configured},
    egress::Shared,
    source::{self, Engine, Source},
};

/// A source of the configuration.
pub(super) fn configured<'a>(config: &'a Config, id: &str) -> anyhow::Result<&'a Configured> {
    let Some(found) = config.sources.iter().find(|source| source.id.as_str() == id) else {
        let known: Vec<_> = config.sources.iter().map(|source| source.id.as_str()).collect();
        bail!("{} has no source {id:?}; it has {}", config.path.display(), known.join(", "));
    };
    Ok(found)
}

/// The source with the component of a file, or with its own if none is given; without its credential, since nobody is
/// asked who wants it.
pub(super) async fn with_component(
    configured: &Configured,
    file: Option<&Path>,
    engine: &Engine,
    shared: &Shared,
) -> anyhow::Result<Source> {
    let mut source = Configured { credential: None, ..configured.clone() };
    if let Some(file) = file {
        source.component = Component::File(file.to_owned());
        source.sha256 = None;
    }
    source::open(&source, &env, engine, shared).await.with_context(|| format!("source {}", configured.id))
}
