//! Whether a unit's month is fetched, in the words of the API.

use crate::domain::{Complete, FailureCase, Month};

/// Whether a unit's month is fetched, and else why not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is.
    Fetch,
    /// Nothing of it is missing.
    SkipComplete(Complete),
    /// Another job fetches it, or is about to. The task is made and waits, and completes together with the other one.
    SkipInFlight,
    /// It can't be.
    Invalid(Invalid),
}

/// Why a unit's month can't be fetched.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// Nothing of the unit can.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The upstream's history begins later.
    #[error("the upstream has no history before {first}")]
    BeforeHistory {
        /// Its first month.
        first: Month,
    },
    /// The month, or the part of it that is wanted, has not begun.
    #[error("the month lies in the future")]
    Future,
    /// It was tried, and trying again as things are can't help.
    #[error("failed for good ({case}); ask with reprocess missing+failed to try again")]
    FailedForGood {
        /// How.
        case: FailureCase,
    },
}

/// Why nothing can be fetched for a unit. The texts say what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The registry says so.
    #[error("the unit is not active; activate it first")]
    Inactive,
    /// Its source refuses its code or attributes.
    #[error("the unit can't be used with its source: {0}")]
    Unit(String),
    /// Its source is not configured or could not be loaded.
    #[error("its source can't be used: {0}")]
    Source(String),
}

impl Verdict {
    /// The word in the API.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Fetch => "fetch",
            Self::SkipComplete(_) => "skip-complete",
            Self::SkipInFlight => "skip-in-flight",
            Self::Invalid(_) => "invalid",
        }
    }

    /// Why it is not fetched.
    pub fn reason(&self) -> Option<String> {
        match self {
            Self::Fetch => None,
            Self::SkipComplete(why) => Some(why.to_string()),
            Self::SkipInFlight => Some("another job is fetching it; both will have it".to_owned()),
            Self::Invalid(why) => Some(why.to_string()),
        }
    }

    /// Whether its task is made as a pending one, and not as a skipped one.
    pub const fn runs(&self) -> bool {
        matches!(self, Self::Fetch | Self::SkipInFlight)
    }

    /// Why its task is made as a skipped one; none for a task that runs.
    pub fn skipped(&self) -> Option<String> {
        self.reason().filter(|_| !self.runs())
    }
}
