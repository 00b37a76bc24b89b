//! The figures: a table for people and `target/bench/report.json` for programs.

use std::path::Path;

use comfy_table::{CellAlignment, Table, presets};
use serde::Serialize;

use crate::targets::Target;

/// One figure. `reference` is in the same unit as `value`; `ratio` is `value / reference`.
#[derive(Serialize)]
struct Entry {
    name: String,
    value: f64,
    unit: &'static str,
    reference: f64,
    ratio: f64,
    /// What it is to reach, if anything, and whether it does.
    target: Option<String>,
    met: Option<bool>,
    /// What the reference is, for people.
    #[serde(skip)]
    against: String,
}

/// All figures so far.
#[derive(Default)]
pub(crate) struct Report(Vec<Entry>);

impl Report {
    /// Says what is being measured now.
    pub(crate) fn progress(&self, what: &str) {
        println!("  {what} …");
    }

    /// Adds a figure and what it is compared `against`, both in `unit`.
    pub(crate) fn add(
        &mut self,
        name: impl Into<String>,
        unit: &'static str,
        value: f64,
        reference: f64,
        against: impl Into<String>,
    ) {
        let (name, against) = (name.into(), against.into());
        let ratio = value / reference;
        let target = Target::of(&name);
        let met = target.map(|target| target.is_met(value, ratio));
        let target = target.map(|target| target.words(figure));
        self.0.push(Entry { name, value, unit, reference, ratio, target, met, against });
    }

    /// Prints the table.
    pub(crate) fn print(&self) {
        let mut table = Table::new();
        table.load_style(presets::UTF8_BORDERS_ONLY);
        table.set_header(["", "value", "unit", "target", "met", "reference", "ratio", "the reference is"]);
        for entry in &self.0 {
            table.add_row([
                entry.name.clone(),
                figure(entry.value),
                entry.unit.to_owned(),
                entry.target.clone().unwrap_or_default(),
                entry.met.map_or("", |met| if met { "yes" } else { "NO" }).to_owned(),
                figure(entry.reference),
                format!("{:.2}", entry.ratio),
                entry.against.clone(),
            ]);
        }
        for column in [1, 3, 5, 6] {
            if let Some(column) = table.column_mut(column) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        println!("{table}");
    }

    /// Writes `target/bench/report.json`.
    pub(crate) fn write(&self) -> anyhow::Result<()> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/bench");
        std::fs::create_dir_all(&folder)?;
        let path = folder.canonicalize()?.join("report.json");
        std::fs::write(&path, serde_json::to_string_pretty(&self.0)? + "\n")?;
        println!("written to {}", path.display());
        Ok(())
    }
}

/// Three digits that matter, or all before the point.
fn figure(value: f64) -> String {
    let digits = (2.0 - value.abs().max(1e-9).log10().floor()).clamp(0.0, 6.0);
    format!("{value:.*}", digits as usize)
}
