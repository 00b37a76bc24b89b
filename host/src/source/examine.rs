//! `require_conformance`: what a component must pass before it is used. The checks themselves are not this module's
//! business: whoever starts the engine hands them in. What has passed is noted beside the kept components, so that a
//! start does not check it again.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{call::Source, engine::Engine, open::Unusable};
use crate::config;

/// What checking a source came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Examined {
    /// How many checks it passed.
    pub passed: usize,
    /// The checks that could not be made or that its author leaves out.
    pub skipped: Vec<String>,
    /// The checks that it did not pass, each with the reason.
    pub failed: Vec<String>,
}

/// Checks an opened source, with the cases of a folder if there is one: what came of it, or why it could not be checked.
pub type Examine =
    Arc<dyn Fn(Source, Option<PathBuf>) -> BoxFuture<'static, Result<Examined, String>> + Send + Sync>;

/// Refuses a source that must pass the conformance checks and does not. What came of the checks, where they are demanded.
pub(super) async fn examine(
    engine: &Engine,
    configured: &config::Source,
    source: &Source,
) -> Result<Option<Examined>, Unusable> {
    if !configured.require_conformance {
        return Ok(None);
    }
    let Some(examine) = engine.examiner() else {
        return Err(Unusable::Unexamined("this command can't check it".to_owned()));
    };
    let cases = configured.conformance_cases.clone();
    let key = key(cases.as_deref()).await.map_err(|error| {
        Unusable::Unexamined(format!("conformance_cases can't be read ({error}); name a folder of cases"))
    })?;
    let note = PathBuf::from("passed").join(format!("{}-{key}", source.digest()));
    if let Some(known) = noted(engine, &note).await {
        tracing::info!(source = source.id(), "the component conforms, as was checked before: {known}");
        return Ok(Some(known));
    }
    tracing::info!(source = source.id(), "checking whether the component conforms");
    let examined = examine(source.clone(), cases).await.map_err(Unusable::Unexamined)?;
    if !examined.failed.is_empty() {
        let digest: String = source.digest().chars().take(12).collect();
        return Err(Unusable::Unexamined(format!(
            "the component {digest} does not pass {} of the conformance checks; `backfill source test` shows each: {}",
            examined.failed.len(),
            examined.failed.join("; ")
        )));
    }
    tracing::info!(source = source.id(), "the component conforms: {examined}");
    let text = serde_json::to_vec(&examined).unwrap_or_default();
    if engine.components().is_some()
        && let Err(error) = engine.keep_as(&note, text.into()).await
    {
        tracing::warn!(source = source.id(), %error, "that the component conforms can't be noted, so that a start checks it again");
    }
    Ok(Some(examined))
}

/// What was noted of a component that has passed.
async fn noted(engine: &Engine, note: &Path) -> Option<Examined> {
    let text = tokio::fs::read(engine.components()?.join(note)).await.ok()?;
    serde_json::from_slice(&text).ok()
}

impl fmt::Display for Examined {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} checks passed, {} skipped", self.passed, self.skipped.len())?;
        if self.skipped.is_empty() { Ok(()) } else { write!(f, " ({})", self.skipped.join(", ")) }
    }
}

/// What a verdict rests on besides the component: the host, whose checks change while its version stays, and the cases.
async fn key(cases: Option<&Path>) -> io::Result<String> {
    let mut all = Sha256::new();
    all.update(env!("BACKFILL_CODE"));
    if let Some(cases) = cases.map(Path::to_owned) {
        let read = tokio::task::spawn_blocking(move || {
            let mut of_cases = Sha256::new();
            add_folder(&mut of_cases, &cases).map(|()| of_cases.finalize())
        });
        all.update(read.await.map_err(io::Error::other)??);
    }
    Ok(hex::encode(all.finalize()).chars().take(16).collect())
}

/// Every file of a folder, by name and content.
fn add_folder(all: &mut Sha256, folder: &Path) -> io::Result<()> {
    let mut entries = fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        all.update(entry.file_name().as_encoded_bytes());
        if entry.path().is_dir() {
            all.update("/");
            add_folder(all, &entry.path())?;
        } else {
            all.update(Sha256::digest(fs::read(entry.path())?));
        }
    }
    Ok(())
}
