//! `backfill import`: wind farms and units into the registry, each unit checked by its source first.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::bail;
use clap::Args;

use super::context::{self, env};
use crate::{
    config::Config,
    registry_file::{self, UnitEntry, WindfarmEntry},
    source::{Registry, Source},
    store::{NewUnit, NewWindfarm},
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
        let windfarms: Vec<_> = entries.into_iter().map(new_windfarm).collect();
        let done = store.import(&windfarms, store.now()).await?;
        say!(
            "windfarms: {} created, {} updated, {} unchanged",
            done.windfarms.created,
            done.windfarms.updated,
            done.windfarms.unchanged
        )?;
        say!(
            "units: {} created, {} updated, {} unchanged",
            done.units.created,
            done.units.updated,
            done.units.unchanged
        )?;
        store.close().await;
        Ok(ExitCode::SUCCESS)
    }

    /// What the sources say against units. Checking makes no request, so no credential is needed.
    async fn check_units(&self, config: &Config, entries: &[WindfarmEntry]) -> anyhow::Result<Vec<String>> {
        let mut without_credentials = config.clone();
        without_credentials.sources.iter_mut().for_each(|source| source.credential = None);
        let shared = context::shared_without_store();
        let registry = Registry::load(&without_credentials, &env, &context::engine(config)?, &shared).await;
        let mut unchecked: BTreeMap<&str, usize> = BTreeMap::new();
        let mut refused = Vec::new();
        for entry in entries.iter().flat_map(|windfarm| &windfarm.units) {
            match registry.get(&entry.source) {
                Some(Ok(source)) => refused.extend(self.check_unit(source, entry).await),
                Some(Err(_)) | None => *unchecked.entry(&entry.source).or_default() += 1,
            }
        }
        for (source, units) in unchecked {
            tracing::warn!(
                source,
                units,
                "the source can't be used now, so its units are imported unchecked"
            );
        }
        Ok(refused)
    }

    async fn check_unit(&self, source: &Source, entry: &UnitEntry) -> Option<String> {
        let why = match source.check_unit(&entry.unit).await {
            Ok(Ok(())) => return None,
            Ok(Err(why)) => why,
            Err(fault) => fault.to_string(),
        };
        Some(format!(
            "{}:{}: unit {:?} of {}: {why}",
            self.file.display(),
            entry.line,
            entry.unit.code,
            entry.source
        ))
    }
}

fn new_windfarm(entry: WindfarmEntry) -> NewWindfarm {
    let units = entry
        .units
        .into_iter()
        .map(|entry| NewUnit { source: entry.source, unit: entry.unit, active: true })
        .collect();
    NewWindfarm { name: entry.name, metadata: BTreeMap::new(), units }
}
