//! How long what nothing else rests on is kept.

use std::time::Duration;

/// How long each kind of what nothing else rests on is kept. What stored values come from (jobs, tasks, attempts,
/// collector runs that wrote, answers) stays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retention {
    /// What happened, in order.
    pub events: Duration,
    /// Webhooks and mails, however they ended; no longer than the events that they tell of.
    pub messages: Duration,
    /// What sources and the host said while tasks ran.
    pub logs: Duration,
    /// Worker processes that gave no sign of life since.
    pub workers: Duration,
    /// Collector runs that wrote nothing.
    pub runs: Duration,
}

const DAY: Duration = Duration::from_secs(86_400);

impl Default for Retention {
    fn default() -> Self {
        Self { events: 365 * DAY, messages: 30 * DAY, logs: 90 * DAY, workers: 30 * DAY, runs: 90 * DAY }
    }
}
