//! What is wrong with a file that people write, and where.

use std::{
    fmt,
    path::{Path, PathBuf},
};

/// How far a problem reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The file can't be used.
    Error,
    /// One source can't run until it is mended; everything else can.
    Source,
}

/// A place in a file; both count from 1, columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The column, where the format tells it.
    pub column: Option<usize>,
}

/// One thing that is wrong. Displays as one line: `backfill.toml:12:3: source[1].rate: "4/x" is …; expected …`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// How far it reaches.
    pub severity: Severity,
    /// The file, as it was named by whoever asked to read it.
    pub file: PathBuf,
    /// Where in the file; nothing where a thing is missing from the file as a whole.
    pub position: Option<Position>,
    /// The key or column it is about (`source[0].caps.memory`, counted from 0); may be empty.
    pub key: String,
    /// What was found and what is expected. Never holds a secret.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if let Some(Position { line, column }) = self.position {
            write!(f, ":{line}")?;
            if let Some(column) = column {
                write!(f, ":{column}")?;
            }
        }
        if !self.key.is_empty() {
            write!(f, ": {}", self.key)?;
        }
        write!(f, ": {}", self.message)
    }
}

/// Everything that is wrong with one file, in the order of the file. Displays as one line each; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// The value if nothing is wrong, else everything that is.
    pub(crate) fn unless_any<T>(value: T, mut problems: Vec<Problem>) -> Result<T, Self> {
        if problems.is_empty() {
            return Ok(value);
        }
        problems.sort_by(|a, b| (a.position, &a.key, &a.message).cmp(&(b.position, &b.key, &b.message)));
        Err(Self(problems))
    }

    /// A problem of the file as a whole, e.g. that it can't be read.
    pub(crate) fn of_file(file: &Path, message: String) -> Self {
        let file = file.to_owned();
        Self(vec![Problem { severity: Severity::Error, file, position: None, key: String::new(), message }])
    }

    /// In the order of the file.
    pub fn iter(&self) -> std::slice::Iter<'_, Problem> {
        self.0.iter()
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            write!(f, "{separator}{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}
