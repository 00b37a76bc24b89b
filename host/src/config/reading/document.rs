//! One TOML document: its text, its syntax errors, and the notes on what else is wrong with it.

use std::{cell::RefCell, collections::BTreeSet, ops::Range, path::Path};

use toml::de::{DeTable, Error};

use super::section::Section;
use crate::config::problem::{Position, Problem, Problems, Severity};

/// Where problems are noted while a document is read.
pub(super) struct Notes<'d> {
    file: &'d Path,
    text: &'d str,
    /// Lines that TOML itself can't read. What is recovered of them isn't worth a second message.
    broken: BTreeSet<usize>,
    problems: RefCell<Vec<Problem>>,
}

/// Parses `text`, called `file` in messages, and reads it with `read`. Gives what `read` returns, which is whole
/// only if nothing is wrong, and every problem: of syntax and of content alike, in no order.
pub(crate) fn document<T>(file: &Path, text: &str, read: impl FnOnce(Section<'_>) -> T) -> (T, Vec<Problem>) {
    // Editors on Windows like to begin a file with a byte order mark; it would shift every column of line 1.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let (table, errors) = DeTable::parse_recoverable(text);
    let notes = Notes::new(file, text, &errors);
    let value = read(Section::root(&notes, table.get_ref()));
    (value, notes.problems.into_inner())
}

/// The text of a file. A file that can't be read or isn't UTF-8 is a problem of the file as a whole.
pub(crate) fn text_of(file: &Path, expected: &str) -> Result<String, Problems> {
    let bytes = std::fs::read(file).map_err(|error| {
        Problems::of_file(file, format!("cannot be read ({error}); expected {expected} there"))
    })?;
    String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let before = error.as_bytes().get(..valid).unwrap_or_default();
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        Problems::of_file(file, format!("line {line} is not UTF-8; save the file in that encoding"))
    })
}

impl<'d> Notes<'d> {
    fn new(file: &'d Path, text: &'d str, errors: &[Error]) -> Self {
        let mut notes = Self { file, text, broken: BTreeSet::new(), problems: RefCell::default() };
        for error in errors {
            notes.note(error.span(), "", notes.syntax(error));
        }
        let lines =
            notes.problems.borrow().iter().filter_map(|problem| Some(problem.position?.line)).collect();
        notes.broken = lines;
        notes
    }

    /// What TOML says, with the key where it leaves that out. Values are not repeated: one may be a secret.
    fn syntax(&self, error: &Error) -> String {
        let said = error.message();
        match error.span().and_then(|span| self.text.get(span)) {
            Some(key) if said == "duplicate key" => format!("{said} {key:?}; expected it once"),
            _ => said.to_owned(),
        }
    }

    /// Notes a problem at a byte range.
    pub(super) fn note(&self, at: Option<Range<usize>>, key: &str, message: String) {
        let position = at.map(|range| self.position(range.start));
        if position.is_some_and(|position| self.broken.contains(&position.line)) {
            return;
        }
        self.problems.borrow_mut().push(Problem {
            severity: Severity::Error,
            file: self.file.to_owned(),
            position,
            key: key.to_owned(),
            message,
        });
    }

    /// Notes that a key is missing, unless broken syntax may have swallowed it.
    pub(super) fn note_missing(&self, at: Option<Range<usize>>, key: &str, message: String) {
        if self.broken.is_empty() {
            self.note(at, key, message);
        }
    }

    /// The line and column of a byte offset.
    pub(super) fn position(&self, offset: usize) -> Position {
        let before = self.text.get(..offset).unwrap_or(self.text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let column = before.get(line_start..).map_or(0, |line| line.chars().count());
        Position { line: 1 + before.matches('\n').count(), column: Some(column + 1) }
    }
}
