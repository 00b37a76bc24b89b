//! What is wrong with recorded cases, all at once.

use std::{
    fmt, io,
    path::{Path, PathBuf},
};

use serde::de::DeserializeOwned;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file.
    pub file: PathBuf,
    /// The line, where there is one.
    pub line: Option<usize>,
    /// What is wrong, and what was expected.
    pub message: String,
}

/// All of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

impl Problems {
    pub(super) fn add(&mut self, file: &Path, line: Option<usize>, message: impl Into<String>) {
        self.0.push(Problem { file: file.to_owned(), line, message: message.into() });
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The text of a file; none if it is missing.
    pub(super) fn text(&mut self, file: &Path) -> Option<String> {
        match std::fs::read_to_string(file) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => {
                self.add(file, None, format!("can't be read: {error}"));
                None
            }
        }
    }

    /// A document of a text.
    pub(super) fn toml<T: DeserializeOwned>(&mut self, file: &Path, text: &str) -> Option<T> {
        match toml::from_str(text) {
            Ok(document) => Some(document),
            Err(error) => {
                let line = error.span().map(|span| line(text, span.start));
                self.add(file, line, error.message());
                None
            }
        }
    }
}

/// The line of a place in a text, 1 for the first.
pub(super) fn line(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, Problem { file, line, message }) in self.0.iter().enumerate() {
            let end = if place > 0 { "\n" } else { "" };
            let line = line.map(|line| format!(":{line}")).unwrap_or_default();
            write!(f, "{end}{}{line}: {message}", file.display())?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}
