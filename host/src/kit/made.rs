//! What a call came to, in the form in which it is kept and compared.

use crate::{
    domain::{Failure, Series},
    source::{Collected, Fault},
};

/// What a source made of what it was answered.
#[derive(Clone, Debug, PartialEq)]
pub enum Made {
    /// The series of a unit.
    Series(Vec<Series>),
    /// The series of many, by code.
    Units(Collected),
    /// None, and why: a failure's case or a fault's word, and the text for people.
    Failure {
        /// In a word.
        case: String,
        /// For people.
        message: String,
    },
}

impl Made {
    /// A failure in a word and its text.
    pub fn failure(case: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Failure { case: case.into(), message: message.into() }
    }

    /// What came of a fetch.
    pub fn of_fetch(outcome: Result<Result<Vec<Series>, Failure>, Fault>) -> Self {
        Self::of(outcome.map(|said| said.map(Self::Series)))
    }

    /// What came of collecting.
    pub fn of_collect(outcome: Result<Result<Collected, Failure>, Fault>) -> Self {
        Self::of(outcome.map(|said| said.map(Self::Units)))
    }

    fn of(outcome: Result<Result<Self, Failure>, Fault>) -> Self {
        match outcome {
            Ok(Ok(made)) => made,
            Ok(Err(failure)) => Self::failure(failure.case().as_str(), failure.message()),
            // Frames of the guest come after the first line, and differ from build to build.
            Err(fault) => Self::failure(fault.code(), fault.to_string().lines().next().unwrap_or_default()),
        }
    }

    /// All series, with the code of their unit where there are many.
    pub fn series(&self) -> Vec<(Option<&str>, &Series)> {
        match self {
            Self::Series(series) => series.iter().map(|series| (None, series)).collect(),
            Self::Units(units) => units
                .iter()
                .flat_map(|(code, series)| series.iter().map(|series| (Some(code.as_str()), series)))
                .collect(),
            Self::Failure { .. } => Vec::new(),
        }
    }

    /// How many measurements.
    pub fn records(&self) -> u64 {
        self.series().iter().map(|(_, series)| series.measurements.len() as u64).sum()
    }
}
