//! `require_conformance`: what a component must pass before it is used. The checks themselves are not this module's
//! business: whoever starts the engine hands them in. What has passed is noted beside the kept components, so that a
//! start does not check it again.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use futures::future::BoxFuture;
use sha2::{Digest, Sha256};

use super::{call::Source, engine::Engine, open::Unusable};
use crate::config;

/// Checks an opened source, with the cases of a folder if there is one: the checks that it did not pass, each with the
/// reason; or why it could not be checked.
pub type Examine =
    Arc<dyn Fn(Source, Option<PathBuf>) -> BoxFuture<'static, Result<Vec<String>, String>> + Send + Sync>;

/// Refuses a source that must pass the conformance checks and does not.
pub(super) async fn examine(
    engine: &Engine,
    configured: &config::Source,
    source: &Source,
) -> Result<(), Unusable> {
    if !configured.require_conformance {
        return Ok(());
    }
    let Some(examine) = engine.examiner() else {
        return Err(Unusable::Unexamined("this command can't check it".to_owned()));
    };
    let cases = configured.conformance_cases.clone();
    let key = key(cases.as_deref()).await.map_err(|error| {
        Unusable::Unexamined(format!("conformance_cases can't be read ({error}); name a folder of cases"))
    })?;
    let note = PathBuf::from("passed").join(format!("{}-{key}", source.digest()));
    if engine.components().is_some_and(|folder| folder.join(&note).is_file()) {
        return Ok(());
    }
    tracing::info!(source = source.id(), "checking whether the component conforms");
    let failed = examine(source.clone(), cases).await.map_err(Unusable::Unexamined)?;
    if !failed.is_empty() {
        let digest: String = source.digest().chars().take(12).collect();
        return Err(Unusable::Unexamined(format!(
            "the component {digest} does not pass {} of the conformance checks; `backfill source test` shows each: {}",
            failed.len(),
            failed.join("; ")
        )));
    }
    if engine.components().is_some()
        && let Err(error) = engine.keep_as(&note, bytes::Bytes::new()).await
    {
        tracing::warn!(source = source.id(), %error, "that the component conforms can't be noted, so that a start checks it again");
    }
    Ok(())
}

/// What a verdict rests on besides the component: the host and the cases.
async fn key(cases: Option<&Path>) -> io::Result<String> {
    let mut all = Sha256::new();
    all.update(env!("CARGO_PKG_VERSION"));
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
