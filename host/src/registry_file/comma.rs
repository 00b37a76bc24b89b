//! `registry.csv`: one unit a row, under a row of column names.

use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
};

use csv::StringRecord;

use super::{UnitEntry, WindfarmEntry, rules::problem};
use crate::{config::Problem, domain::Unit};

/// The columns that every registry has.
const NEEDED: [&str; 3] = ["windfarm", "source", "code"];
/// Those that it may have; every further one is an attribute of that name.
const OPTIONAL: [&str; 2] = ["name", "capacity_mw"];

/// The wind farms of a text and what is wrong with its form. Rows of one wind farm need not be neighbours.
pub(super) fn read(file: &Path, text: &str) -> (Vec<WindfarmEntry>, Vec<Problem>) {
    // Spreadsheets write a byte order mark; it would become part of the first column's name.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut rows = csv::ReaderBuilder::new()
        .flexible(true)
        .has_headers(false)
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes())
        .into_records();
    let Some(Ok(header)) = rows.next() else { return (Vec::new(), Vec::new()) };
    let mut lines = Lines { text, offset: 0, line: 1 };
    let mut problems = check_header(file, &header, lines.of(&header));
    if !problems.is_empty() {
        return (Vec::new(), problems);
    }
    let mut windfarms: Vec<WindfarmEntry> = Vec::new();
    let mut places = HashMap::new();
    // The text is UTF-8 and rows may have any length, so that no row fails to be read.
    for cells in rows.filter_map(Result::ok).filter(|cells| cells.iter().any(|cell| !cell.is_empty())) {
        let row = Row { file, line: lines.of(&cells), header: &header, cells: &cells };
        let Some((name, entry)) = unit(&row, &mut problems) else { continue };
        let place = *places.entry(name.clone()).or_insert(windfarms.len());
        match windfarms.get_mut(place) {
            Some(windfarm) => windfarm.units.push(entry),
            None => windfarms.push(WindfarmEntry { name, units: vec![entry] }),
        }
    }
    (windfarms, problems)
}

fn check_header(file: &Path, header: &StringRecord, line: usize) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (index, column) in header.iter().enumerate() {
        let folded = column.to_lowercase().replace([' ', '-'], "_");
        let near = NEEDED.into_iter().chain(OPTIONAL).find(|known| *known == folded && *known != column);
        let message = if column.is_empty() {
            format!("column {} has no name; expected one, or no such column", index + 1)
        } else if let Some(near) = near {
            format!("unknown column; did you mean {near:?}?")
        } else if header.iter().take(index).any(|earlier| earlier == column) {
            "the column is there twice; expected it once".to_owned()
        } else {
            continue;
        };
        problems.push(problem(file, line, column, message));
    }
    for needed in NEEDED.into_iter().filter(|needed| !header.iter().any(|column| column == *needed)) {
        let found: Vec<_> = header.iter().collect();
        let message = format!(
            "the column is missing; expected windfarm, source, code, name, capacity_mw and attributes, separated by \
             commas; found {}",
            found.join(", ")
        );
        problems.push(problem(file, line, needed, message));
    }
    problems
}

/// A row with its header.
struct Row<'a> {
    file: &'a Path,
    line: usize,
    header: &'a StringRecord,
    cells: &'a StringRecord,
}

impl Row<'_> {
    /// The cells that are not blank, by column.
    fn by_column(&self) -> BTreeMap<&str, &str> {
        self.header.iter().zip(self.cells).filter(|(_, cell)| !cell.is_empty()).collect()
    }

    fn problem(&self, key: &str, message: String) -> Problem {
        problem(self.file, self.line, key, message)
    }
}

/// The wind farm and unit of a row; nothing, and problems, if it has none.
fn unit(row: &Row<'_>, problems: &mut Vec<Problem>) -> Option<(String, UnitEntry)> {
    if row.cells.len() != row.header.len() {
        let (found, expected) = (row.cells.len(), row.header.len());
        let message = format!("the row has {found} cells; expected {expected}, as many as there are columns");
        problems.push(row.problem("", message));
        return None;
    }
    let mut cells = row.by_column();
    let mut needed = NEEDED.map(|column| {
        let cell = cells.remove(column);
        if cell.is_none() {
            problems.push(row.problem(column, "is blank; expected a value".to_owned()));
        }
        cell.map(str::to_owned)
    });
    let name = cells.remove("name");
    let capacity_mw = cells.remove("capacity_mw").and_then(|cell| {
        let number = cell.parse::<f64>();
        if number.is_err() {
            problems
                .push(row.problem("capacity_mw", format!("{cell:?} is not a number; expected MW above 0")));
        }
        number.ok()
    });
    let attributes = cells.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let [windfarm, source, code] = needed.each_mut().map(Option::take);
    let code = code?;
    let unit = Unit { name: name.unwrap_or(&code).to_owned(), code, capacity_mw, attributes };
    Some((windfarm?, UnitEntry { source: source?, unit, line: row.line }))
}

/// Counts the lines that rows begin at. The reader's own count stops before blank lines and inside CRLF.
struct Lines<'t> {
    text: &'t str,
    offset: usize,
    line: usize,
}

impl Lines<'_> {
    /// The line of a row, from 1. Rows come in the order of the text.
    fn of(&mut self, row: &StringRecord) -> usize {
        let ended = row.position().and_then(|position| usize::try_from(position.byte()).ok());
        let rest = ended.and_then(|ended| self.text.get(ended..)).unwrap_or_default();
        let begins = self.text.len() - rest.trim_start_matches(['\r', '\n']).len();
        let passed = self.text.get(self.offset..begins).unwrap_or_default();
        self.line += passed.matches('\n').count();
        self.offset = begins;
        self.line
    }
}
