//! What must hold of a registry, whichever format it was written in.

use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
};

use super::{UnitEntry, WindfarmEntry};
use crate::{
    config::{Position, Problem, Severity, reading::did_you_mean},
    domain::unfit_text,
};

/// How far over 1 the shares of a code may sum, for thirds and the like written as decimals.
const TOLERANCE: f64 = 1e-9;

/// So many lines are named where many have something in common.
const SHOWN: usize = 10;

/// Everything that breaks a rule.
pub(super) fn check(file: &Path, windfarms: &[WindfarmEntry], sources: &[&str]) -> Vec<Problem> {
    let mut broken = Broken { file, problems: Vec::new() };
    for windfarm in windfarms {
        if let (Some(why), Some(entry)) = (unfit_text(&windfarm.name, 1), windfarm.units.first()) {
            broken.note(entry.line, "windfarm", why);
        }
        broken.by_names(windfarm);
        for entry in &windfarm.units {
            broken.by_source(entry, sources);
            broken.by_texts(entry);
            broken.by_capacity(entry);
            broken.by_own_share(entry);
        }
    }
    broken.by_common_shares(windfarms);
    broken.problems
}

/// The problem of one line of the file.
pub(super) fn problem(file: &Path, line: usize, key: &str, message: String) -> Problem {
    let position = Some(Position { line, column: None });
    Problem { severity: Severity::Error, file: file.to_owned(), position, key: key.to_owned(), message }
}

/// The lines of units, the first few of many: they are named for each of these units.
fn listed(entries: &[&UnitEntry]) -> String {
    let mut lines: Vec<_> = entries.iter().take(SHOWN).map(|entry| entry.line.to_string()).collect();
    if entries.len() > SHOWN {
        lines.push(format!("and {} more", entries.len() - SHOWN));
    }
    lines.join(", ")
}

struct Broken<'a> {
    file: &'a Path,
    problems: Vec<Problem>,
}

impl Broken<'_> {
    fn note(&mut self, line: usize, key: &str, message: String) {
        self.problems.push(problem(self.file, line, key, message));
    }

    fn by_names(&mut self, windfarm: &WindfarmEntry) {
        let mut lines = HashMap::new();
        for entry in &windfarm.units {
            let name = entry.unit.name.as_str();
            match lines.get(name) {
                Some(line) => self.note(
                    entry.line,
                    "name",
                    format!(
                        "{name:?} is the unit of {} at line {line} already; expected a name of its own",
                        windfarm.name
                    ),
                ),
                None => drop(lines.insert(name, entry.line)),
            }
        }
    }

    fn by_source(&mut self, entry: &UnitEntry, sources: &[&str]) {
        let id = entry.source.as_str();
        if sources.contains(&id) {
            return;
        }
        let suggestion = match did_you_mean(id, sources.iter().copied()) {
            near if near.is_empty() => format!("; expected one of {}", sources.join(", ")),
            near => near,
        };
        self.note(entry.line, "source", format!("{id:?} is no source of the configuration{suggestion}"));
    }

    fn by_texts(&mut self, entry: &UnitEntry) {
        let Some((field, why)) = entry.unit.unfit() else { return };
        let own = field == "capacity_mw" || (field == "attributes" && entry.unit.share().is_err());
        if !own {
            self.note(entry.line, field, why);
        }
    }

    fn by_capacity(&mut self, entry: &UnitEntry) {
        if let Some(capacity) = entry.unit.capacity_mw
            && !(capacity.is_finite() && capacity > 0.0)
        {
            self.note(
                entry.line,
                "capacity_mw",
                format!("{capacity} is not a capacity; expected MW above 0"),
            );
        }
    }

    fn by_own_share(&mut self, entry: &UnitEntry) {
        if let Some(text) = entry.unit.attributes.get("share")
            && entry.unit.share().is_err()
        {
            let message = format!("{text:?} is not a share; expected a number above 0 and at most 1");
            self.note(entry.line, "share", message);
        }
    }

    /// Two units under one code are given upstream's value of that code twice, unless each says its share of it.
    fn by_common_shares(&mut self, windfarms: &[WindfarmEntry]) {
        let mut by_code: BTreeMap<_, Vec<&UnitEntry>> = BTreeMap::new();
        for entry in windfarms.iter().flat_map(|windfarm| &windfarm.units) {
            by_code.entry((entry.source.as_str(), entry.unit.code.as_str())).or_default().push(entry);
        }
        for ((source, code), mut entries) in by_code {
            entries.sort_by_key(|entry| entry.line);
            let [_, .., last] = entries.as_slice() else { continue };
            let lines = listed(&entries);
            for entry in entries.iter().filter(|entry| !entry.unit.attributes.contains_key("share")) {
                let message = format!(
                    "is missing, though {source} {code} is given more than once (lines {lines}); expected the share \
                     of each, above 0, with a sum of at most 1"
                );
                self.note(entry.line, "share", message);
            }
            let sum: f64 = entries.iter().filter_map(|entry| entry.unit.share().ok()?).sum();
            if sum > 1.0 + TOLERANCE {
                let message =
                    format!("the shares of {source} {code} (lines {lines}) sum to {sum}; expected at most 1");
                self.note(last.line, "share", message);
            }
        }
    }
}
