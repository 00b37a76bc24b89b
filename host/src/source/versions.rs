//! Which components a host has run a source with, and since when: what somebody can go back to. A small file each,
//! beside the kept components, so that processes that write at once take nothing from each other.

use std::{io, path::PathBuf};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::engine::Engine;

/// A component that a host ran a source with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// SHA-256 of the component.
    pub digest: String,
    /// What it calls its version.
    pub version: String,
    /// Where it was, as the configuration named it.
    pub component: String,
    /// When it last took over.
    pub since: DateTime<Utc>,
}

/// The components that this host ran a source with, the latest first. What can't be read is left out.
pub async fn versions(engine: &Engine, source: &str) -> Vec<Version> {
    let Some(folder) = engine.components().map(|folder| folder.join(of(source))) else { return Vec::new() };
    let Ok(mut files) = tokio::fs::read_dir(folder).await else { return Vec::new() };
    let mut found: Vec<Version> = Vec::new();
    while let Ok(Some(file)) = files.next_entry().await {
        if file.path().extension().is_some_and(|ending| ending == "json")
            && let Ok(text) = tokio::fs::read(file.path()).await
            && let Ok(version) = serde_json::from_slice(&text)
        {
            found.push(version);
        }
    }
    found.sort_by(|a, b| b.since.cmp(&a.since).then_with(|| a.digest.cmp(&b.digest)));
    found
}

/// Notes that a component runs. One that ran last already, in a process before this one, has done so since then.
pub(super) async fn note(engine: &Engine, source: &str, version: &Version) -> io::Result<()> {
    if engine.components().is_none() {
        return Ok(());
    }
    let last = versions(engine, source).await.into_iter().next();
    if last.is_some_and(|last| last.digest == version.digest && last.component == version.component) {
        return Ok(());
    }
    let name = of(source).join(&version.digest).with_extension("json");
    let text = serde_json::to_vec_pretty(version).map_err(io::Error::other)?;
    engine.keep_as(&name, text.into()).await.map(drop)
}

/// The folder of a source within that of the components.
fn of(source: &str) -> PathBuf {
    PathBuf::from("of").join(source)
}
