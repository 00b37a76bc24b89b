//! Between a registry as people write it and the store: each unit is checked by its source, whoever brings it in.

pub mod catalogue;

use std::collections::BTreeMap;

use futures::{FutureExt, StreamExt, stream};

use crate::{
    domain::Unit,
    registry_file::{UnitEntry, WindfarmEntry},
    source::Registry,
    store::{NewUnit, NewWindfarm},
};

/// Units that are checked side by side. A check computes a little and waits for nothing.
const AT_ONCE: usize = 4;

/// What a source says of a unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It can be used.
    Fit,
    /// It can't; why, in the source's words.
    Unfit(String),
    /// The source can't be asked now, so nothing is known against the unit.
    Unchecked,
}

/// What the sources say of many units.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// Units that their sources refuse, in the order of the lines.
    pub refused: Vec<Refused>,
    /// How many units of which sources could not be checked.
    pub unchecked: BTreeMap<String, u64>,
}

/// A unit that its source refuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Its line in the file, from 1.
    pub line: usize,
    /// The unit and what its source says against it, for people.
    pub why: String,
}

/// Asks a unit's source whether it can use it. No request is made.
pub async fn check_unit(registry: &Registry, source: &str, unit: &Unit) -> Verdict {
    let Some(Ok(source)) = registry.get(source) else { return Verdict::Unchecked };
    match source.check_unit(unit).await {
        Ok(Ok(())) => Verdict::Fit,
        Ok(Err(why)) => Verdict::Unfit(why),
        Err(fault) => Verdict::Unfit(fault.to_string()),
    }
}

/// Asks the sources of all units.
pub async fn check(registry: &Registry, windfarms: &[WindfarmEntry]) -> Checked {
    let mut checking = Vec::new();
    for entry in windfarms.iter().flat_map(|windfarm| &windfarm.units) {
        checking.push(async move { (entry, check_unit(registry, &entry.source, &entry.unit).await) }.boxed());
    }
    let verdicts: Vec<_> = stream::iter(checking).buffered(AT_ONCE).collect().await;
    let mut checked = Checked::default();
    for (entry, verdict) in verdicts {
        match verdict {
            Verdict::Fit => {}
            Verdict::Unfit(why) => checked.refused.push(refused(entry, &why)),
            Verdict::Unchecked => *checked.unchecked.entry(entry.source.clone()).or_default() += 1,
        }
    }
    for (source, units) in &checked.unchecked {
        tracing::warn!(source, units, "the source can't be used now, so its units are imported unchecked");
    }
    checked.refused.sort_by_key(|refused| refused.line);
    checked
}

/// The wind farms as the store takes them. What a file does not tell stays: metadata, and which units are active.
pub fn new_windfarms(entries: Vec<WindfarmEntry>) -> Vec<NewWindfarm> {
    let unit = |entry: UnitEntry| NewUnit { source: entry.source, unit: entry.unit, active: None };
    entries
        .into_iter()
        .map(|entry| NewWindfarm {
            name: entry.name,
            metadata: None,
            units: entry.units.into_iter().map(unit).collect(),
        })
        .collect()
}

fn refused(entry: &UnitEntry, why: &str) -> Refused {
    let why = format!("unit {:?} of {}: {why}", entry.unit.code, entry.source);
    Refused { line: entry.line, why }
}
