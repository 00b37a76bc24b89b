//! `backfill import`: wind farms and units into the registry, each unit checked by its source first.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::bail;
use clap::Args;
use serde_json::json;

use super::{
    context::{self, env},
    deed::Deed,
    output,
};
use crate::{
    config::Config,
    importing,
    registry_file::{self, WindfarmEntry},
    source::Registry,
};

/// Bring wind farms and generation units into the registry, from a .csv or .toml file.
///
/// The file is .csv (columns windfarm, source, code, name, capacity_mw; any further column is an attribute) or
/// .toml ([[windfarm]] with [[windfarm.unit]]). All of it is imported, or nothing.
///
/// Two units with one source and code must each have an attribute `share`, their parts of what the upstream
/// reports for the code; together at most 1.
///
/// For example:
///   backfill import windfarms.toml
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Import {
    /// registry.csv or registry.toml.
    file: PathBuf,
}

impl Import {
    pub(super) async fn act(self, config: &Path) -> anyhow::Result<ExitCode> {
        let config = context::load(config)?;
        let sources: Vec<_> = config.sources.iter().map(|source| source.id.as_str()).collect();
        let entries = registry_file::load(&self.file, &sources)
            .map_err(|problems| anyhow::anyhow!("nothing was imported:\n{problems}"))?;
        let refused = self.check_units(&config, &entries).await?;
        if !refused.is_empty() {
            bail!("nothing was imported:\n{}", refused.join("\n"));
        }
        let store = context::store(&config).await?;
        let windfarms = importing::new_windfarms(entries);
        let importing =
            Deed::new("import", "/windfarms").with(json!({ "file": self.file.display().to_string() }));
        let done = importing.done(&store, store.import(&windfarms, store.now())).await?;
        output::imported(&done)?;
        store.close().await;
        Ok(ExitCode::SUCCESS)
    }

    /// What the sources say against units. Checking makes no request, so no credential is needed.
    async fn check_units(&self, config: &Config, entries: &[WindfarmEntry]) -> anyhow::Result<Vec<String>> {
        let mut without_credentials = config.clone();
        without_credentials.sources.iter_mut().for_each(|source| source.credential = None);
        let shared = context::shared_without_store();
        let registry = Registry::load(&without_credentials, &env, &context::engine(config)?, &shared).await;
        let file = self.file.display();
        let refused = importing::check(&registry, entries).await.refused;
        Ok(refused.into_iter().map(|refused| format!("{file}:{}: {}", refused.line, refused.why)).collect())
    }
}
