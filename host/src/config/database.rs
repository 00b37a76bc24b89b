//! `[database]`: where history is kept.

use std::path::{Path, PathBuf};

use super::{
    Env,
    credential::is_variable,
    reading::{Item, Section},
};

const EXPECTED: &str = "\"sqlite://PATH\", or \"env:VAR\" for a variable that holds it";

/// `[database]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Database {
    /// An SQLite file, from `url = "sqlite://PATH"`: the plain path, nothing to decode.
    Sqlite {
        /// The file; it and its folder need not exist yet.
        path: PathBuf,
    },
}

impl Database {
    pub(super) fn read(section: Section<'_>, folder: &Path, env: Env<'_>) -> Self {
        let path = section.item("url").and_then(|item| sqlite_path(&item, env));
        section.finish();
        Self::Sqlite { path: folder.join(path.as_deref().unwrap_or(".backfill/backfill.db")) }
    }
}

fn sqlite_path(item: &Item<'_>, env: Env<'_>) -> Option<String> {
    let written: String = item.text()?;
    let (said, url) = match written.strip_prefix("env:") {
        None => (format!("{written:?}"), written),
        Some(variable) if !is_variable(variable) => {
            return item.problem(format!("{variable:?} is not the name of a variable; expected {EXPECTED}"));
        }
        // A URL out of a variable is not repeated in the message: it may hold a password.
        Some(variable) => match env(variable).filter(|value| !value.trim().is_empty()) {
            Some(value) => (format!("the value of environment variable {variable}"), value),
            None => {
                return item.problem(format!(
                    "environment variable {variable} is not set; expected it to hold {EXPECTED}"
                ));
            }
        },
    };
    if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        return item.problem(
            "names Postgres, which this build does not support yet; expected \"sqlite://PATH\"".into(),
        );
    }
    match url.strip_prefix("sqlite://") {
        Some(path) if !path.trim().is_empty() => Some(path.to_owned()),
        _ => item.problem(format!("{said} is not a database; expected {EXPECTED}")),
    }
}
