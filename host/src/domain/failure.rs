//! Why a fetch gave no measurements, in the words of the contract (`wit/source.wit`, `variant failure`).

use serde::{Deserialize, Serialize};

use super::words::words;

/// What a source said instead of measurements. The case decides what the host does next.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(tag = "case", content = "message", rename_all = "kebab-case")]
pub enum Failure {
    /// Upstream says that there is nothing for this unit and month. Final, but askable again.
    #[error("no data: {0}")]
    NoData(String),
    /// Upstream publishes this month later.
    #[error("not yet published: {0}")]
    NotYetPublished(String),
    /// Upstream never offers this.
    #[error("not available: {0}")]
    NotAvailable(String),
    /// The unit's code or attributes can't be used with this source.
    #[error("invalid unit: {0}")]
    InvalidUnit(String),
    /// The credential is missing or refused.
    #[error("unauthorized: {0}")]
    Unauthorized(String),
    /// Upstream asks to slow down; seconds to wait where it says so.
    #[error("rate limited{}", .0.map(|s| format!(": asked to wait {s} s")).unwrap_or_default())]
    RateLimited(Option<u32>),
    /// A passing fault of the upstream or the network.
    #[error("unavailable: {0}")]
    Unavailable(String),
    /// Upstream answered something that the source can't read.
    #[error("malformed: {0}")]
    Malformed(String),
}

words! {
    /// A failure without its text, as it is stored and counted (`error_code`): the word of the contract.
    FailureCase, "failure case" {
        /// See [`Failure::NoData`].
        NoData = "no-data",
        /// See [`Failure::NotYetPublished`].
        NotYetPublished = "not-yet-published",
        /// See [`Failure::NotAvailable`].
        NotAvailable = "not-available",
        /// See [`Failure::InvalidUnit`].
        InvalidUnit = "invalid-unit",
        /// See [`Failure::Unauthorized`].
        Unauthorized = "unauthorized",
        /// See [`Failure::RateLimited`].
        RateLimited = "rate-limited",
        /// See [`Failure::Unavailable`].
        Unavailable = "unavailable",
        /// See [`Failure::Malformed`].
        Malformed = "malformed",
    }
}

impl Failure {
    /// Its case.
    pub const fn case(&self) -> FailureCase {
        match self {
            Self::NoData(_) => FailureCase::NoData,
            Self::NotYetPublished(_) => FailureCase::NotYetPublished,
            Self::NotAvailable(_) => FailureCase::NotAvailable,
            Self::InvalidUnit(_) => FailureCase::InvalidUnit,
            Self::Unauthorized(_) => FailureCase::Unauthorized,
            Self::RateLimited(_) => FailureCase::RateLimited,
            Self::Unavailable(_) => FailureCase::Unavailable,
            Self::Malformed(_) => FailureCase::Malformed,
        }
    }

    /// Its text, for people.
    pub fn message(&self) -> String {
        match self {
            Self::NoData(text)
            | Self::NotYetPublished(text)
            | Self::NotAvailable(text)
            | Self::InvalidUnit(text)
            | Self::Unauthorized(text)
            | Self::Unavailable(text)
            | Self::Malformed(text) => text.clone(),
            Self::RateLimited(Some(seconds)) => format!("the upstream asks to wait {seconds} s"),
            Self::RateLimited(None) => "the upstream asks to slow down".to_owned(),
        }
    }
}

impl FailureCase {
    /// Whether asking again can't help until the unit or the source is changed.
    pub const fn is_permanent(self) -> bool {
        matches!(self, Self::NotAvailable | Self::InvalidUnit)
    }
}
