//! What a worker tells whoever watches it, as it happens.

use crate::{
    domain::TaskStatus,
    store::{Claim, Finished},
};

/// One step of a task.
#[derive(Clone, Debug)]
pub enum Progress {
    /// An attempt has begun.
    Started(Claim),
    /// An attempt has ended and is committed. The task itself has ended unless it is pending again.
    Finished {
        /// What was claimed.
        claim: Claim,
        /// What it came to.
        finished: Finished,
        /// Why there are no records, for people.
        message: Option<String>,
    },
    /// Nothing of an attempt could be stored: its lease was lost or the store failed.
    Lost {
        /// What was claimed.
        claim: Claim,
        /// Why.
        message: String,
    },
}

impl Progress {
    /// Whether the task is done with, well or not.
    pub fn ends_task(&self) -> bool {
        matches!(self, Self::Finished { finished, .. } if finished.status != TaskStatus::Pending)
    }
}
