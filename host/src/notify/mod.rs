//! Telling people and programs elsewhere what happened: by webhook and by mail.
//!
//! The store writes a message in the transaction that it tells of, one for each recipient; this module sends what
//! is due. A message is claimed for a while, so that of several hosts one sends it; a host that dies in between
//! leaves it to be sent again. So each arrives at least once, under an id that stays the same.
//!
//! Must not know how messages come about, of sources, or of workers.

mod dispatch;
mod mail;
mod signature;
#[cfg(test)]
mod tests;
mod text;
mod webhook;

pub use dispatch::{Dispatcher, Tally};

use chrono::{DateTime, Utc};

/// Looks an environment variable up: secrets are looked up for each message, and kept nowhere.
pub type LookupEnv = fn(&str) -> Option<String>;

/// What came of one attempt to deliver a message.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Outcome {
    /// It has arrived.
    Delivered,
    /// It has not, and may later.
    Failed {
        /// Why, for people.
        error: String,
        /// Until when the receiver wants to be left alone.
        until: Option<DateTime<Utc>>,
    },
    /// The receiver wants neither this message nor any other.
    Unwanted(String),
    /// There is no such recipient any more.
    Gone(String),
}
