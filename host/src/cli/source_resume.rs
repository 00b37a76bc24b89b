//! `backfill source resume`: for an operator who has mended what paused a source.

use std::{path::Path, process::ExitCode};

use anyhow::bail;
use clap::Args;

use super::{context, deed::Deed};

/// Let a paused source be asked again at once, beginning with one task on trial.
///
/// A source is paused after failures in a row, or once its upstream refuses the credential. It is tried again by
/// itself after a while; this is for who has mended the cause and would rather not wait. `backfill queue inspect`
/// shows what is paused, why and until when.
///
/// For example:
///   backfill source resume entsoe
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Resume {
    /// Id of a source in backfill.toml.
    id: String,
}

impl Resume {
    pub(super) async fn act(self, path: &Path) -> anyhow::Result<ExitCode> {
        let config = context::load(path)?;
        if !config.sources.iter().any(|source| source.id.as_str() == self.id) {
            let known: Vec<_> = config.sources.iter().map(|source| source.id.as_str()).collect();
            bail!("{} has no source {:?}; it has {}", path.display(), self.id, known.join(", "));
        }
        let store = context::store(&config).await?;
        let resuming = Deed::new("source resume", &format!("/sources/{}", self.id));
        match resuming.done(&store, store.resume_source(&self.id, store.now())).await? {
            true => say!("source {} is asked again, beginning with one task", self.id)?,
            false => say!("source {} was not paused", self.id)?,
        }
        store.close().await;
        Ok(ExitCode::SUCCESS)
    }
}
