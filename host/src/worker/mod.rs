//! Claim → call → validate → commit. The only part of the host that knows both the store and the sources.

mod attempt;
mod lease;
mod ports;
mod progress;
mod run;

pub use ports::{StoredAllowance, StoredAnswers};
pub use progress::Progress;
pub use run::{Options, Worker};
