//! `[database]`: where history is kept.

use std::path::{Path, PathBuf};

use super::{
    Env, PostgresUrl,
    credential::is_variable,
    reading::{Item, Section},
};

const EXPECTED: &str =
    "\"sqlite://PATH\", \"postgres://USER@HOST/DATABASE\", or \"env:VAR\" for a variable that holds it";

/// `[database]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Database {
    /// An SQLite file, from `url = "sqlite://PATH"`: the plain path, nothing to decode.
    Sqlite {
        /// The file; it and its folder need not exist yet.
        path: PathBuf,
    },
    /// A Postgres server, from `url = "postgres://…"`.
    Postgres {
        /// Where it is; hides its password.
        url: PostgresUrl,
    },
}

impl Database {
    pub(super) fn read(section: Section<'_>, folder: &Path, env: Env<'_>) -> Self {
        let written = section.item("url").and_then(|item| of_item(&item, folder, env));
        section.finish();
        written.unwrap_or_else(|| Self::Sqlite { path: folder.join(".backfill/backfill.db") })
    }
}

fn of_item(item: &Item<'_>, folder: &Path, env: Env<'_>) -> Option<Database> {
    let written: String = item.text()?;
    // Only a text that can hold no password is repeated in a message.
    let (said, url) = match written.strip_prefix("env:") {
        None if written.contains('@') || PostgresUrl::is_meant(&written) => ("the text".to_owned(), written),
        None => (format!("{written:?}"), written),
        Some(variable) if !is_variable(variable) => {
            return item.problem(format!("{variable:?} is not the name of a variable; expected {EXPECTED}"));
        }
        Some(variable) => match env(variable).filter(|value| !value.trim().is_empty()) {
            Some(value) => (format!("the value of environment variable {variable}"), value.trim().to_owned()),
            None => {
                return item.problem(format!(
                    "environment variable {variable} is not set; expected it to hold {EXPECTED}"
                ));
            }
        },
    };
    if PostgresUrl::is_meant(&url) {
        return match PostgresUrl::parse(&url) {
            Ok(url) => Some(Database::Postgres { url }),
            Err(wrong) => item.problem(format!("{said} {wrong}; expected {}", PostgresUrl::EXPECTED)),
        };
    }
    match url.strip_prefix("sqlite://") {
        Some(path) if !path.trim().is_empty() => Some(Database::Sqlite { path: folder.join(path) }),
        _ => item.problem(format!("{said} is not a database; expected {EXPECTED}")),
    }
}
