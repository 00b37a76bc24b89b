//! What follows an attempt that did not write: a function of what happened, how often, and when.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::Failure;

/// How an attempt ended without measurements.
#[derive(Clone, Copy, Debug)]
pub enum Setback<'a> {
    /// The source said so.
    Failure(&'a Failure),
    /// The sandbox ended the call: a fault of the component. Deterministic more often than not.
    Crash,
    /// The call ran out of time: may pass.
    Timeout,
    /// The host's own store or archive broke: may pass.
    Host,
}

/// How often and how patiently a task is tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Attempts in all; N means N.
    pub attempts: u32,
    /// Wait before the second attempt; doubles with each further one.
    pub base: Duration,
    /// The longest wait between attempts.
    pub longest: Duration,
    /// How long to stand back from an upstream that asks to slow down without saying for how long.
    pub penalty: Duration,
    /// When to ask again for what is not yet published.
    pub unpublished: Duration,
    /// A task that would have to wait longer than this without an attempt fails instead; none waits as long as it
    /// takes.
    pub patience: Option<Duration>,
}

impl Default for RetryPolicy {
    /// 1, 2, 4, 8, 16 minutes, three attempts.
    fn default() -> Self {
        Self {
            attempts: 3,
            base: Duration::from_secs(60),
            longest: Duration::from_secs(16 * 60),
            penalty: Duration::from_secs(60),
            unpublished: Duration::from_secs(24 * 3600),
            patience: None,
        }
    }
}

/// What becomes of the task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Completed as empty: upstream confirmed that there is nothing.
    Empty,
    /// Again at this instant; the attempt counts.
    Retry(DateTime<Utc>),
    /// Again at this instant; waiting spends no attempt.
    Wait(DateTime<Utc>),
    /// Failed for good.
    Fail,
    /// Failed, and nothing more is asked of this source until its credential is mended.
    PauseSource,
}

impl RetryPolicy {
    /// What follows attempt number `attempt` (1 for the first). `jitter` in `[0, 1)` spreads retries of tasks
    /// that failed together.
    pub fn next(&self, setback: Setback<'_>, attempt: u32, now: DateTime<Utc>, jitter: f64) -> Next {
        match setback {
            Setback::Failure(failure) => match failure {
                Failure::NoData(_) => Next::Empty,
                Failure::NotYetPublished(_) => self.wait(self.unpublished, now),
                Failure::NotAvailable(_) | Failure::InvalidUnit(_) => Next::Fail,
                Failure::Unauthorized(_) => Next::PauseSource,
                Failure::RateLimited(seconds) => self
                    .wait(seconds.map_or(self.penalty, |seconds| Duration::from_secs(seconds.into())), now),
                Failure::Unavailable(_) => self.again(attempt, self.attempts, now, jitter),
                Failure::Malformed(_) => self.again(attempt, self.attempts.min(2), now, jitter),
            },
            Setback::Crash => self.again(attempt, self.attempts.min(2), now, jitter),
            Setback::Timeout | Setback::Host => self.again(attempt, self.attempts, now, jitter),
        }
    }

    fn wait(&self, wait: Duration, now: DateTime<Utc>) -> Next {
        if self.patience.is_some_and(|patience| wait > patience) {
            Next::Fail
        } else {
            Next::Wait(after(now, wait))
        }
    }

    fn again(&self, attempt: u32, attempts: u32, now: DateTime<Utc>, jitter: f64) -> Next {
        if attempt >= attempts {
            return Next::Fail;
        }
        let doublings = attempt.saturating_sub(1).min(16);
        let wait = self.base.saturating_mul(1 << doublings).min(self.longest);
        // Between the full wait and a quarter more: never earlier than promised.
        Next::Retry(after(now, wait.mul_f64(1.0 + jitter.clamp(0.0, 1.0) / 4.0)))
    }
}

/// A wait past the end of the calendar ends there.
pub(super) fn after(now: DateTime<Utc>, wait: Duration) -> DateTime<Utc> {
    TimeDelta::from_std(wait)
        .ok()
        .and_then(|wait| now.checked_add_signed(wait))
        .unwrap_or(DateTime::<Utc>::MAX_UTC)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: DateTime<Utc> = DateTime::<Utc>::UNIX_EPOCH;

    fn unavailable() -> Failure {
        Failure::Unavailable("503".into())
    }

    fn wait_minutes(next: Next) -> i64 {
        match next {
            Next::Retry(at) | Next::Wait(at) => (at - NOW).num_minutes(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn three_attempts_mean_three_and_the_first_wait_is_one_minute() {
        let policy = RetryPolicy::default();
        let failure = unavailable();
        let next = |attempt| policy.next(Setback::Failure(&failure), attempt, NOW, 0.0);
        assert_eq!([1, 2].map(|attempt| wait_minutes(next(attempt))), [1, 2]);
        assert_eq!(next(3), Next::Fail);
    }

    #[test]
    fn waits_double_up_to_sixteen_minutes() {
        let policy = RetryPolicy { attempts: 9, ..RetryPolicy::default() };
        let failure = unavailable();
        let waits: Vec<_> = (1..8)
            .map(|attempt| wait_minutes(policy.next(Setback::Failure(&failure), attempt, NOW, 0.0)))
            .collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 16, 16]);
    }

    #[test]
    fn jitter_only_lengthens_a_wait_and_by_a_quarter_at_most() {
        let policy = RetryPolicy::default();
        let failure = unavailable();
        for jitter in [0.0, 0.3, 0.999, 1.0, 7.0, -3.0] {
            let Next::Retry(at) = policy.next(Setback::Failure(&failure), 1, NOW, jitter) else { panic!() };
            assert!((60..=75).contains(&(at - NOW).num_seconds()), "{jitter}");
        }
    }

    #[test]
    fn an_answer_that_cannot_be_read_and_a_crash_are_tried_once_more_only() {
        let policy = RetryPolicy { attempts: 5, ..RetryPolicy::default() };
        let failure = Failure::Malformed("<".into());
        for setback in [Setback::Failure(&failure), Setback::Crash] {
            assert!(matches!(policy.next(setback, 1, NOW, 0.0), Next::Retry(_)));
            assert_eq!(policy.next(setback, 2, NOW, 0.0), Next::Fail);
        }
    }

    #[test]
    fn waiting_spends_no_attempt_however_often_it_happens() {
        let policy = RetryPolicy::default();
        for (failure, minutes) in [
            (Failure::RateLimited(Some(600)), 10),
            (Failure::RateLimited(None), 1),
            (Failure::NotYetPublished("".into()), 24 * 60),
        ] {
            let next = policy.next(Setback::Failure(&failure), 99, NOW, 0.5);
            assert!(matches!(next, Next::Wait(_)));
            assert_eq!(wait_minutes(next), minutes, "{failure}");
        }
    }

    #[test]
    fn who_has_little_patience_fails_instead_of_waiting_long() {
        let policy = RetryPolicy { patience: Some(Duration::from_secs(900)), ..RetryPolicy::default() };
        let next = |failure: Failure| policy.next(Setback::Failure(&failure), 1, NOW, 0.0);
        assert_eq!(next(Failure::NotYetPublished(String::new())), Next::Fail);
        assert_eq!(wait_minutes(next(Failure::RateLimited(Some(900)))), 15);
        assert_eq!(next(Failure::RateLimited(Some(901))), Next::Fail);
    }

    #[test]
    fn what_can_not_pass_is_not_tried_again() {
        let policy = RetryPolicy::default();
        let next = |failure: Failure| policy.next(Setback::Failure(&failure), 1, NOW, 0.0);
        assert_eq!(next(Failure::NotAvailable(String::new())), Next::Fail);
        assert_eq!(next(Failure::InvalidUnit(String::new())), Next::Fail);
        assert_eq!(next(Failure::Unauthorized(String::new())), Next::PauseSource);
        assert_eq!(next(Failure::NoData(String::new())), Next::Empty);
    }
}
