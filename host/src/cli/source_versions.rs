//! `backfill source versions`: the components that a source ran with.

use std::{collections::BTreeMap, path::Path, process::ExitCode};

use anyhow::bail;
use chrono::{DateTime, Utc};
use clap::{Args, ValueEnum};
use serde::Serialize;

use super::{context, output};
use crate::{
    config::{self, Config},
    source::{self, Engine},
};

/// Show the components that a source ran with: on this host, or in any attempt that is stored.
///
/// A component that is kept here can be gone back to with `backfill source rollback`.
///
/// For example:
///   backfill source versions elexon
///   backfill source versions elexon --format json
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Versions {
    /// Id of a source in backfill.toml.
    id: String,

    /// How to print it.
    #[arg(long, value_enum, default_value_t = Printed::Table)]
    format: Printed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Printed {
    /// One JSON document.
    Json,
    /// A line per component.
    Table,
}

/// A component that a source ran with.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Known {
    /// SHA-256 of the component.
    pub(super) digest: String,
    /// What it calls its version.
    pub(super) version: Option<String>,
    /// Where the configuration had it.
    pub(super) component: Option<String>,
    /// When it last took over here.
    pub(super) since: Option<DateTime<Utc>>,
    /// Attempts that used it, of all hosts.
    pub(super) attempts: i64,
    /// When the last of them began.
    pub(super) last_attempt: Option<DateTime<Utc>>,
    /// Whether this host has it.
    pub(super) kept: bool,
    /// Whether it is the last one that took over here.
    pub(super) active: bool,
    /// Whether it is the one that the configuration names.
    pub(super) configured: bool,
}

impl Known {
    /// When anybody last knew of it.
    fn last_seen(&self) -> Option<DateTime<Utc>> {
        self.since.max(self.last_attempt)
    }
}

impl Versions {
    pub(super) async fn act(self, path: &Path) -> anyhow::Result<ExitCode> {
        let config = context::load(path)?;
        let configured = configured(&config, &self.id)?;
        let known = known(&config, configured, &context::engine(&config)?).await?;
        if self.format == Printed::Json {
            say!("{}", serde_json::to_string(&known)?)?;
            return Ok(ExitCode::SUCCESS);
        }
        let mut table = output::table(["component", "version", "since", "attempts", "last attempt", ""]);
        let instant = |at: Option<DateTime<Utc>>| at.map(|at| output::instant(at.timestamp()));
        for version in &known {
            let words = [
                (version.active, "active"),
                (version.configured && !version.active, "configured"),
                (!version.kept, "not kept here"),
            ];
            let words: Vec<_> = words.iter().filter_map(|(holds, word)| holds.then_some(*word)).collect();
            table.add_row([
                short(&version.digest).to_owned(),
                version.version.clone().unwrap_or_default(),
                instant(version.since).unwrap_or_default(),
                version.attempts.to_string(),
                instant(version.last_attempt).unwrap_or_default(),
                words.join(", "),
            ]);
        }
        say!("{table}")?;
        if !known.iter().any(|version| version.configured) {
            say!("{} names a component that has not run yet: {}", path.display(), configured.component)?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// What the configuration says of a source.
pub(super) fn configured<'c>(config: &'c Config, id: &str) -> anyhow::Result<&'c config::Source> {
    let found = config.sources.iter().find(|source| source.id.as_str() == id);
    found.map_or_else(
        || {
            let known: Vec<_> = config.sources.iter().map(|source| source.id.as_str()).collect();
            bail!("{} has no source {id:?}; it has {}", config.path.display(), known.join(", "))
        },
        Ok,
    )
}

/// The components that a source ran with, the latest first.
pub(super) async fn known(
    config: &Config,
    configured: &config::Source,
    engine: &Engine,
) -> anyhow::Result<Vec<Known>> {
    let id = configured.id.as_str();
    let store = context::store(config).await?;
    let used = store.components_used(id).await?;
    store.close().await;
    let named = source::digest_of(configured, engine).await;
    let here = source::versions(engine, id).await;
    let active = here.first().map(|version| version.digest.clone());
    let mut all: BTreeMap<String, Known> = BTreeMap::new();
    let blank = |digest: &str| Known {
        digest: digest.to_owned(),
        version: None,
        component: None,
        since: None,
        attempts: 0,
        last_attempt: None,
        kept: engine.kept(digest).is_some(),
        active: active.as_deref() == Some(digest),
        configured: named.as_deref() == Some(digest),
    };
    for version in here {
        let entry = all.entry(version.digest.clone()).or_insert_with(|| blank(&version.digest));
        entry.version = Some(version.version);
        entry.component = Some(version.component);
        entry.since = Some(version.since);
    }
    for used in used {
        let entry = all.entry(used.digest.clone()).or_insert_with(|| blank(&used.digest));
        entry.attempts += used.attempts;
        entry.last_attempt = entry.last_attempt.max(Some(used.last.utc()));
    }
    let mut all: Vec<_> = all.into_values().collect();
    all.sort_by_key(|version| std::cmp::Reverse((version.active, version.last_seen())));
    Ok(all)
}

/// The beginning of a digest, as people are shown it.
pub(super) fn short(digest: &str) -> &str {
    digest.get(..12).unwrap_or(digest)
}
