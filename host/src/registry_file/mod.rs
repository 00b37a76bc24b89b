//! The registry as a file, `registry.csv` or `registry.toml`: wind farms and their generation units, for
//! `backfill import`. Everything wrong with the file is reported at once, with file and line.
//!
//! Whether a source can use a unit's code is not known here; the importer asks the source.

mod comma;
mod rules;
#[cfg(test)]
mod tests;
mod tree;

use std::path::Path;

use crate::{
    config::{Problems, reading},
    domain::Unit,
};

/// A wind farm of the file, with at least one unit.
#[derive(Clone, Debug, PartialEq)]
pub struct WindfarmEntry {
    /// Its name, by which it is found again.
    pub name: String,
    /// Its units, in the order of the file; their names are distinct.
    pub units: Vec<UnitEntry>,
}

/// A generation unit of the file.
#[derive(Clone, Debug, PartialEq)]
pub struct UnitEntry {
    /// The id of the source that knows the unit.
    pub source: String,
    /// The unit. Without a name of its own it has its code for one.
    pub unit: Unit,
    /// Its line in the file, from 1.
    pub line: usize,
}

/// Reads the registry in `path`; see [`parse`].
///
/// # Errors
/// Everything that is wrong with the file, or that it can't be read.
pub fn load(path: &Path, sources: &[&str]) -> Result<Vec<WindfarmEntry>, Problems> {
    parse(path, &reading::text_of(path, "a registry (.csv or .toml)")?, sources)
}

/// Reads a registry out of `text`. The ending of `file` says which format it is, `.csv` or `.toml`; `sources`
/// are the ids that units may name.
///
/// # Errors
/// Everything that is wrong with the text.
pub fn parse(file: &Path, text: &str, sources: &[&str]) -> Result<Vec<WindfarmEntry>, Problems> {
    let ending = file.extension().and_then(|ending| ending.to_str()).map(str::to_ascii_lowercase);
    let (windfarms, mut problems) = match ending.as_deref() {
        Some("csv") => comma::read(file, text),
        Some("toml") => tree::read(file, text),
        _ => {
            return Err(Problems::of_file(
                file,
                "is neither .csv nor .toml; expected one of these".to_owned(),
            ));
        }
    };
    if windfarms.is_empty() && problems.is_empty() {
        return Err(Problems::of_file(
            file,
            "holds no wind farm; expected at least one, with a unit".to_owned(),
        ));
    }
    problems.extend(rules::check(file, &windfarms, sources));
    Problems::unless_any(windfarms, problems)
}
