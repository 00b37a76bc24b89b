//! Recorded cases: what a source was asked and answered once, kept beside it, and what it made of that. A change of
//! the source shows as a difference, which somebody accepts or mends.
//!
//! ```text
//! cases/NAME/case.toml             what is asked of the source: unit, month, clock, settings
//! cases/NAME/answers/NNN.toml      a request and what was answered, in the order asked
//! cases/NAME/answers/NNN.body      the body, as it came (.zst where it is large)
//! cases/NAME/expected.json         what the source made of it, once accepted
//! ```

mod answer;
mod case;
mod expected;
mod outcome;
mod problem;
mod record;
mod run;
mod upstream;

use std::path::{Path, PathBuf};

pub use case::{Ask, Notes};
pub use outcome::{CaseOutcome, CaseVerdict};
pub use problem::{Problem, Problems};
pub use record::{NewCase, Recorded, case_name, may_write};
pub use upstream::NotRecorded;

use self::{answer::Answer, case::CaseFile};
use super::Made;
use crate::source::Source;

/// Chance, for recording and for replaying: the same numbers every time.
pub const SEED: u64 = 0;

/// Relative difference up to which two values count as one.
const TOLERANCE: f64 = 1e-9;

/// The recorded cases of a folder.
#[derive(Debug)]
pub struct Cases {
    cases: Vec<Case>,
}

/// A recorded case, read and checked.
#[derive(Debug)]
struct Case {
    name: String,
    folder: PathBuf,
    file: CaseFile,
    answers: Vec<Answer>,
    expected: Option<Made>,
}

impl Cases {
    /// Reads every case of a folder: each folder in it is one.
    ///
    /// # Errors
    /// Everything that is wrong with them, with file and line.
    pub fn open(folder: &Path) -> Result<Self, Problems> {
        let mut problems = Problems::default();
        let mut cases = Vec::new();
        for path in folders(folder, &mut problems) {
            cases.extend(Case::open(path, &mut problems));
        }
        if problems.is_empty() { Ok(Self { cases }) } else { Err(problems) }
    }

    /// How many there are.
    pub const fn len(&self) -> usize {
        self.cases.len()
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.cases.is_empty()
    }

    /// Their names, in the order in which they run.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.cases.iter().map(|case| case.name.as_str())
    }

    /// Keeps those whose names are wanted.
    pub fn retain(&mut self, wanted: impl Fn(&str) -> bool) {
        self.cases.retain(|case| wanted(&case.name));
    }

    /// Runs each on a source, which asks nobody, and compares with what is expected.
    pub async fn run(&self, source: &Source) -> Vec<CaseOutcome> {
        let mut outcomes = Vec::with_capacity(self.cases.len());
        for case in &self.cases {
            outcomes.push(case.run(source).await);
        }
        outcomes
    }
}

impl Case {
    fn open(folder: PathBuf, problems: &mut Problems) -> Option<Self> {
        let name = folder.file_name()?.to_string_lossy().into_owned();
        let file = CaseFile::read(&folder.join("case.toml"), problems);
        let answers = Answer::read_all(&folder.join("answers"), problems);
        let expected = expected::read(&folder.join("expected.json"), problems);
        Some(Self { name, folder, file: file?, answers, expected: expected? })
    }
}

/// The folders in a folder, by name; hidden ones are none.
fn folders(folder: &Path, problems: &mut Problems) -> Vec<PathBuf> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => {
            problems.add(folder, None, format!("can't be read: {error}"));
            return Vec::new();
        }
    };
    let hidden = |path: &Path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
    let paths = entries.filter_map(Result::ok).map(|entry| entry.path());
    let mut paths: Vec<_> = paths.filter(|path| path.is_dir() && !hidden(path)).collect();
    paths.sort();
    paths
}
