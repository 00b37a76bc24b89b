//! `backfill config check`: everything that is wrong, at once.

use std::{path::Path, process::ExitCode};

use super::context::{self, env};
use crate::{
    config,
    source::{Registry, Unusable},
};

pub(super) async fn act(path: &Path) -> anyhow::Result<ExitCode> {
    let config = match config::load(path, &env) {
        Ok(config) => config,
        Err(problems) => {
            say!("{problems}")?;
            return Ok(ExitCode::FAILURE);
        }
    };
    let mut lines: Vec<String> =
        config::check_sources(&config, &env).iter().map(ToString::to_string).collect();
    let registry =
        Registry::load(&config, &env, &context::engine(&config)?, &context::shared_without_store()).await;
    for (id, source) in registry.all() {
        match source {
            // Files, digests and credentials were checked above, with their lines.
            Ok(_) | Err(Unusable::Credential(_)) => {}
            Err(Unusable::Load(error)) if error.is_about_the_file() => {}
            Err(why) => lines.push(format!("{}: source {id}: {why}", path.display())),
        }
    }
    if lines.is_empty() {
        let sources = config.sources.iter().filter(|source| source.enabled).count();
        say!("{}: no problem; {sources} sources can be used", path.display())?;
        return Ok(ExitCode::SUCCESS);
    }
    for line in &lines {
        say!("{line}")?;
    }
    Ok(ExitCode::FAILURE)
}
