//! What was asked, for tests to look at.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Utc};
use serde::Serialize;

/// One request to an upstream, written when its answer began. Requests whose client went away before
/// that are not in the log; those to the simulator's own pages neither.
#[derive(Clone, Debug, Serialize)]
pub struct LogEntry {
    /// Arrival, by the real clock.
    pub at: DateTime<Utc>,
    pub method: String,
    pub path: String,
    /// Decoded; credentials are left out.
    pub query: String,
    /// `entsoe`, `elexon`, `eia` or `taipower`.
    pub api: &'static str,
    /// 0 where the connection was cut without an answer.
    pub status: u16,
    /// The kinds of the faults that befell it, joined by `+`.
    pub fault: Option<String>,
    /// Requests being answered when this one arrived, itself included.
    pub in_flight: usize,
}

#[derive(Debug, Default)]
pub(crate) struct Log {
    entries: Mutex<Vec<LogEntry>>,
    in_flight: AtomicUsize,
}

/// Counts a request as in flight until dropped, which also happens when its client goes away.
pub(crate) struct InFlight<'log> {
    log: &'log Log,
    /// Requests in flight at its start, itself included.
    pub(crate) count: usize,
}

impl Log {
    pub(crate) fn enter(&self) -> InFlight<'_> {
        InFlight { log: self, count: self.in_flight.fetch_add(1, Ordering::SeqCst) + 1 }
    }

    pub(crate) fn write(&self, entry: LogEntry) {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).push(entry);
    }

    pub(crate) fn entries(&self) -> Vec<LogEntry> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn clear(&self) {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.log.in_flight.fetch_sub(1, Ordering::SeqCst);
    }
}
