//! Components, opened as the host opens them: from a configuration.

use std::{path::PathBuf, sync::Arc};

use anyhow::{Context, bail};
use backfill::{
    config::{self, Config},
    egress::{LocalAllowance, Shared},
    source::{self, Engine, Source},
};

/// A path from this package's folder.
pub(crate) fn path(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// A component of `plugins`.
pub(crate) fn plugin(name: &str) -> PathBuf {
    path(&format!("../plugins/target/wasm32-wasip2/release/{name}.wasm"))
}

/// A component of the tests.
pub(crate) fn guest(name: &str) -> PathBuf {
    path(&format!("tests/guests/target/wasm32-wasip2/release/{name}.wasm"))
}

/// An engine that keeps compiled components, as the host's own does.
pub(crate) fn engine() -> anyhow::Result<Engine> {
    Engine::new(Some(&path("../target/bench/components")))
}

/// Nothing is kept, and the network's allowance is this process's.
pub(crate) fn shared() -> Shared {
    Shared::new(Arc::<LocalAllowance>::default())
}

/// Reads a configuration text.
pub(crate) fn configuration(text: &str) -> anyhow::Result<Config> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("backfill.toml");
    std::fs::write(&path, text)?;
    config::load(&path, &|_| None).map_err(|problems| anyhow::anyhow!("{problems}"))
}

/// A `[[source]]` without hosts.
pub(crate) fn entry(id: &str, component: &std::path::Path) -> String {
    format!("[[source]]\nid = {id:?}\ncomponent = {component:?}\n")
}

/// Opens the only source of a configuration text.
pub(crate) async fn open(text: &str, engine: &Engine, shared: &Shared) -> anyhow::Result<Source> {
    let config = configuration(text)?;
    let Some(entry) = config.sources.first() else { bail!("the configuration has no source") };
    source::open(entry, &|_| None, engine, shared)
        .await
        .context("`make plugins guests` builds the components")
}
