//! `registry.toml`: `[[windfarm]]` with `[[windfarm.unit]]` inside.

use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
};

use super::{UnitEntry, WindfarmEntry};
use crate::{
    config::{
        Problem,
        reading::{self, Section},
    },
    domain::Unit,
};

/// The wind farms of a text and what is wrong with its form.
pub(super) fn read(file: &Path, text: &str) -> (Vec<WindfarmEntry>, Vec<Problem>) {
    reading::document(file, text, |root| {
        let mut lines = HashMap::new();
        let windfarms =
            root.sections("windfarm").into_iter().filter_map(|it| windfarm(it, &mut lines)).collect();
        root.finish();
        windfarms
    })
}

/// `lines` holds the line of each name seen so far.
fn windfarm(section: Section<'_>, lines: &mut HashMap<String, usize>) -> Option<WindfarmEntry> {
    let name = section.required("name", "the wind farm's name").and_then(|item| {
        let name: String = item.text()?;
        match lines.get(&name) {
            Some(line) => item.problem(format!(
                "{name:?} is the wind farm at line {line} already; expected its units there"
            )),
            None => {
                lines.insert(name.clone(), item.position().line);
                Some(name)
            }
        }
    });
    let has_units = section.required("unit", "[[windfarm.unit]] with source and code below it").is_some();
    let units = section.sections("unit").into_iter().filter_map(unit).collect();
    section.finish();
    let name = name?;
    has_units.then_some(WindfarmEntry { name, units })
}

fn unit(section: Section<'_>) -> Option<UnitEntry> {
    let text = |key, expected| section.required(key, expected)?.text::<String>();
    let source = text("source", "the id of a source");
    let code = text("code", "the upstream's own code of the unit");
    let name: Option<String> = section.text("name");
    let capacity_mw = section.item("capacity_mw").and_then(|item| item.number("a number of MW above 0"));
    let attributes: BTreeMap<_, _> = section
        .section("attributes")
        .entries()
        .into_iter()
        .filter_map(|(name, item)| Some((name, item.scalar()?)))
        .collect();
    let line = section.position().map_or(0, |position| position.line);
    section.finish();
    let code = code?;
    let name = name.unwrap_or_else(|| code.clone());
    Some(UnitEntry { source: source?, unit: Unit { code, name, capacity_mw, attributes }, line })
}
