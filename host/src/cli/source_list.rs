//! `backfill source list`: the sources, what each says of itself, and whether it can be used.

use std::{path::Path, process::ExitCode};

use super::{
    context::{self, env},
    output,
};
use crate::source::{Examined, Registry, Source};

pub(super) async fn act(path: &Path) -> anyhow::Result<ExitCode> {
    let config = context::load(path)?;
    let shared = context::shared_without_store();
    let registry = Registry::load(&config, &env, &context::engine(&config)?, &shared).await;
    let mut table = output::table(["source", "version", "component", "months", "since", "lag", "status"]);
    let mut all_well = true;
    let all = registry.all();
    for (id, source) in &all {
        match source {
            Ok(source) => table.add_row(row(id, source, registry.entry(id).and_then(|it| it.conformance))),
            Err(why) => {
                all_well = false;
                table.add_row([id.as_str(), "", "", "", "", "", &format!("can't be used: {why}")])
            }
        };
    }
    for source in config.sources.iter().filter(|source| !source.enabled) {
        table.add_row([source.id.as_str(), "", "", "", "", "", "disabled"]);
    }
    say!("{table}")?;
    for (id, source) in all.iter().filter_map(|(id, source)| Some((id, source.as_ref().ok()?))) {
        let described = source.description();
        say!("\n{id}: {}\n  unit code: {}", described.summary, described.unit_code)?;
        for setting in &described.settings {
            let default = setting.default.as_deref().map(|d| format!(" (default {d})")).unwrap_or_default();
            say!("  {}: {}{default}", setting.name, setting.summary)?;
        }
    }
    Ok(if all_well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn row(id: &str, source: &Source, conformance: Option<Examined>) -> [String; 7] {
    let described = source.description();
    let mut status = if source.collects() { "ready, collects".to_owned() } else { "ready".to_owned() };
    if let Some(examined) = conformance {
        status += &format!("; {examined}");
    }
    [
        id.to_owned(),
        described.version.clone(),
        source.digest().chars().take(12).collect(),
        described.month_zone.to_string(),
        described.first_month.map(|month| month.to_string()).unwrap_or_default(),
        format!("{} d", described.publication_lag_days),
        status,
    ]
}
