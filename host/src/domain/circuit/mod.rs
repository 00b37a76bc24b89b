//! When to stop asking a source whose upstream fails, and when to try it again.
//!
//! A task's retries can't see that all other tasks of the source fail too. The circuit does: one state per source,
//! over all tasks and hosts. While it is open no task of the source is claimed, which costs none of them an attempt.

mod heard;
#[cfg(test)]
mod tests;

use std::time::Duration;

use chrono::{DateTime, Utc};

pub use self::heard::{Heard, HeardCase};
use super::retry::after;

/// When a circuit opens, and for how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CircuitPolicy {
    /// Failures in a row, at least 1, that open it.
    pub failures: u32,
    /// How long it is open the first time; doubles with each further time.
    pub first: Duration,
    /// The longest that failures open it for.
    pub longest: Duration,
    /// How long it is open once the credential was refused: nothing but a person mends that.
    pub refused: Duration,
    /// How soon after one task was let through on trial another one is.
    pub trial: Duration,
}

impl Default for CircuitPolicy {
    /// After 5 failures for 1 minute, doubling to 30; after a refused credential for an hour.
    fn default() -> Self {
        Self {
            failures: 5,
            first: Duration::from_secs(60),
            longest: Duration::from_secs(30 * 60),
            refused: Duration::from_secs(3600),
            trial: Duration::from_secs(60),
        }
    }
}

/// What is known of a source's upstream. The default is closed: all is well.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Circuit {
    /// Failures since the last answer, over all tasks of the source.
    pub failures_in_row: u32,
    /// Until when nothing is asked; none while it is closed. Once past, the circuit is half-open.
    pub open_until: Option<DateTime<Utc>>,
    /// Whether a task was let through on trial, and nothing was heard since.
    pub on_trial: bool,
    /// How often it opened since the last answer.
    pub opened_count: u32,
    /// Why it is open and what to do, for people.
    pub cause: Option<String>,
}

/// Whether tasks of a source may be claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// As many as the limits allow.
    Closed,
    /// One, on trial: who claims it stores [`Circuit::trying`] with the claim.
    HalfOpen,
    /// None before this instant.
    OpenUntil(DateTime<Utc>),
}

impl Circuit {
    /// Whether tasks may be claimed now.
    pub fn admits(&self, now: DateTime<Utc>) -> Admission {
        match self.open_until {
            None => Admission::Closed,
            Some(until) if now < until => Admission::OpenUntil(until),
            Some(_) => Admission::HalfOpen,
        }
    }

    /// The state once a task was let through on trial: no second one follows until something was heard, or until
    /// the first was given time enough. So a worker that dies on trial blocks nothing.
    pub fn trying(self, policy: &CircuitPolicy, now: DateTime<Utc>) -> Self {
        Self { open_until: Some(after(now, policy.trial)), on_trial: true, ..self }
    }

    /// The state after something was heard of the upstream.
    pub fn after(self, heard: Heard<'_>, policy: &CircuitPolicy, now: DateTime<Utc>) -> Self {
        match heard {
            Heard::Nothing => self,
            Heard::Answer => Self::default(),
            Heard::Refusal(why) => {
                let cause = format!(
                    "credential refused ({why}); mend what the source's credential in the configuration names. \
                     Nothing is asked meanwhile but one task each time this runs out"
                );
                self.open_for(policy.refused, cause, now)
            }
            Heard::Failure(why) => {
                let failures_in_row = self.failures_in_row.saturating_add(1);
                let counted = Self { failures_in_row, ..self };
                // Tasks that were running when it opened fail too: they say nothing new.
                let opens = if counted.open_until.is_some() {
                    counted.on_trial
                } else {
                    failures_in_row >= policy.failures
                };
                if !opens {
                    return counted;
                }
                let doubled = policy.first.saturating_mul(1 << counted.opened_count.min(16));
                let cause = format!(
                    "{failures_in_row} failures in a row, the last: {why}; it is tried again by itself"
                );
                counted.open_for(doubled.min(policy.longest), cause, now)
            }
        }
    }

    fn open_for(self, time: Duration, cause: String, now: DateTime<Utc>) -> Self {
        let opens = self.open_until.is_none() || self.on_trial;
        Self {
            open_until: Some(after(now, time)),
            on_trial: false,
            opened_count: self.opened_count.saturating_add(opens.into()),
            cause: Some(cause),
            ..self
        }
    }
}
