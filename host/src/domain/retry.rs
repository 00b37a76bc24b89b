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

/// What a task has been through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tries {
    /// The number of the attempt that just ended; 1 for the first.
    pub attempt: u32,
    /// How many there may be in all; N means N. The task says so, which may be older than the configuration.
    pub of: u32,
    /// From when on it is believed that there is nothing; none if nobody has said so yet.
    pub confirm_at: Option<DateTime<Utc>>,
}

/// How often and how patiently a task is tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Wait before the second attempt; doubles with each further one.
    pub base: Duration,
    /// The longest wait between attempts.
    pub longest: Duration,
    /// How long to stand back from an upstream that asks to slow down without saying for how long.
    pub penalty: Duration,
    /// How long after an empty answer to ask once more, before it is believed. No longer than `patience`.
    pub confirm: Duration,
    /// When to ask again for what is not yet published.
    pub unpublished: Duration,
    /// A task that would have to wait longer than this without an attempt fails instead; none waits as long as it
    /// takes.
    pub patience: Option<Duration>,
}

impl Default for RetryPolicy {
    /// 1, 2, 4, 8, 16 minutes.
    fn default() -> Self {
        Self {
            base: Duration::from_secs(60),
            longest: Duration::from_secs(16 * 60),
            penalty: Duration::from_secs(60),
            confirm: Duration::from_secs(90),
            unpublished: Duration::from_secs(24 * 3600),
            patience: None,
        }
    }
}

/// What becomes of the task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Completed as empty: upstream said twice, some time apart, that there is nothing.
    Empty,
    /// Again at this instant, to hear once more that there is nothing; spends no attempt. An upstream's passing
    /// fault looks empty too, and was seen to last for seconds. No answer kept before now may serve the second
    /// asking, else it only repeats the first. Whoever asks sooner has to ask once more.
    Confirm(DateTime<Utc>),
    /// Again at this instant; the attempt counts.
    Retry(DateTime<Utc>),
    /// Again at this instant; waiting spends no attempt.
    Wait(DateTime<Utc>),
    /// Failed for good.
    Fail,
    /// Failed, and nothing more is asked of this source until its credential is mended.
    PauseSource,
}

impl Tries {
    /// A single second attempt, if there may be any.
    fn once_more(self) -> Self {
        Self { of: self.of.min(2), ..self }
    }
}

impl RetryPolicy {
    /// What follows an attempt. `jitter` in `[0, 1)` spreads retries of tasks that failed together.
    pub fn next(&self, setback: Setback<'_>, tries: Tries, now: DateTime<Utc>, jitter: f64) -> Next {
        match setback {
            Setback::Failure(failure) => match failure {
                Failure::NoData(_) => match tries.confirm_at {
                    None => {
                        let wait = lengthened(self.confirm, jitter);
                        Next::Confirm(after(now, self.patience.map_or(wait, |patience| wait.min(patience))))
                    }
                    Some(at) if now < at => Next::Confirm(at),
                    Some(_) => Next::Empty,
                },
                Failure::NotYetPublished(_) => self.wait(self.unpublished, now),
                Failure::NotAvailable(_) | Failure::InvalidUnit(_) => Next::Fail,
                Failure::Unauthorized(_) => Next::PauseSource,
                Failure::RateLimited(seconds) => self
                    .wait(seconds.map_or(self.penalty, |seconds| Duration::from_secs(seconds.into())), now),
                Failure::Unavailable(_) => self.again(tries, now, jitter),
                Failure::Malformed(_) => self.again(tries.once_more(), now, jitter),
            },
            Setback::Crash => self.again(tries.once_more(), now, jitter),
            Setback::Timeout | Setback::Host => self.again(tries, now, jitter),
        }
    }

    fn wait(&self, wait: Duration, now: DateTime<Utc>) -> Next {
        if self.patience.is_some_and(|patience| wait > patience) {
            Next::Fail
        } else {
            Next::Wait(after(now, wait))
        }
    }

    fn again(&self, tries: Tries, now: DateTime<Utc>, jitter: f64) -> Next {
        if tries.attempt >= tries.of {
            return Next::Fail;
        }
        let doublings = tries.attempt.saturating_sub(1).min(16);
        let wait = self.base.saturating_mul(1 << doublings).min(self.longest);
        Next::Retry(after(now, lengthened(wait, jitter)))
    }
}

/// Between the full wait and a quarter more: never earlier than promised.
fn lengthened(wait: Duration, jitter: f64) -> Duration {
    wait.mul_f64(1.0 + jitter.clamp(0.0, 1.0) / 4.0)
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
    use proptest::prelude::*;

    use super::*;

    const NOW: DateTime<Utc> = DateTime::<Utc>::UNIX_EPOCH;

    const fn attempt(attempt: u32) -> Tries {
        Tries { attempt, of: 3, confirm_at: None }
    }

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
        let next = |number| policy.next(Setback::Failure(&failure), attempt(number), NOW, 0.0);
        assert_eq!([1, 2].map(|number| wait_minutes(next(number))), [1, 2]);
        assert_eq!(next(3), Next::Fail);
    }

    #[test]
    fn waits_double_up_to_sixteen_minutes() {
        let policy = RetryPolicy::default();
        let attempt = |number| Tries { of: 9, ..attempt(number) };
        let failure = unavailable();
        let waits: Vec<_> = (1..8)
            .map(|number| wait_minutes(policy.next(Setback::Failure(&failure), attempt(number), NOW, 0.0)))
            .collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 16, 16]);
    }

    #[test]
    fn jitter_only_lengthens_a_wait_and_by_a_quarter_at_most() {
        let policy = RetryPolicy::default();
        let failure = unavailable();
        for jitter in [0.0, 0.3, 0.999, 1.0, 7.0, -3.0] {
            let Next::Retry(at) = policy.next(Setback::Failure(&failure), attempt(1), NOW, jitter) else {
                panic!()
            };
            assert!((60..=75).contains(&(at - NOW).num_seconds()), "{jitter}");
        }
    }

    #[test]
    fn an_answer_that_cannot_be_read_and_a_crash_are_tried_once_more_only() {
        let policy = RetryPolicy::default();
        let attempt = |number| Tries { of: 5, ..attempt(number) };
        let failure = Failure::Malformed("<".into());
        for setback in [Setback::Failure(&failure), Setback::Crash] {
            assert!(matches!(policy.next(setback, attempt(1), NOW, 0.0), Next::Retry(_)));
            assert_eq!(policy.next(setback, attempt(2), NOW, 0.0), Next::Fail);
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
            let next = policy.next(Setback::Failure(&failure), attempt(99), NOW, 0.5);
            assert!(matches!(next, Next::Wait(_)));
            assert_eq!(wait_minutes(next), minutes, "{failure}");
        }
    }

    #[test]
    fn who_has_little_patience_fails_instead_of_waiting_long() {
        let policy = RetryPolicy { patience: Some(Duration::from_secs(900)), ..RetryPolicy::default() };
        let next = |failure: Failure| policy.next(Setback::Failure(&failure), attempt(1), NOW, 0.0);
        assert_eq!(next(Failure::NotYetPublished(String::new())), Next::Fail);
        assert_eq!(wait_minutes(next(Failure::RateLimited(Some(900)))), 15);
        assert_eq!(next(Failure::RateLimited(Some(901))), Next::Fail);
    }

    #[test]
    fn what_can_not_pass_is_not_tried_again() {
        let policy = RetryPolicy::default();
        let next = |failure: Failure| policy.next(Setback::Failure(&failure), attempt(1), NOW, 0.0);
        assert_eq!(next(Failure::NotAvailable(String::new())), Next::Fail);
        assert_eq!(next(Failure::InvalidUnit(String::new())), Next::Fail);
        assert_eq!(next(Failure::Unauthorized(String::new())), Next::PauseSource);
    }

    #[test]
    fn an_empty_answer_is_believed_only_when_it_is_given_again_a_while_later() {
        let policy = RetryPolicy::default();
        let failure = Failure::NoData("[]".into());
        let next = |number, confirm_at, now, jitter| {
            policy.next(Setback::Failure(&failure), Tries { confirm_at, ..attempt(number) }, now, jitter)
        };
        for number in [1, 3, 99] {
            for jitter in [0.0, 0.5, 1.0] {
                let Next::Confirm(at) = next(number, None, NOW, jitter) else { panic!("believed at once") };
                assert!((90..=113).contains(&(at - NOW).num_seconds()), "{jitter}");
                assert_eq!(next(number, Some(at), at, jitter), Next::Empty);
                let sooner = at - TimeDelta::seconds(1);
                assert_eq!(next(number, Some(at), sooner, jitter), Next::Confirm(at), "somebody hastened it");
            }
        }
    }

    #[test]
    fn who_has_little_patience_asks_again_sooner_and_still_asks() {
        let patience = Some(Duration::from_secs(10));
        let policy = RetryPolicy { patience, ..RetryPolicy::default() };
        let failure = Failure::NoData(String::new());
        let next = policy.next(Setback::Failure(&failure), attempt(1), NOW, 1.0);
        assert_eq!(next, Next::Confirm(NOW + TimeDelta::seconds(10)));
    }

    proptest! {
        #[test]
        fn no_task_runs_for_ever_without_waiting_and_none_more_often_than_its_attempts(
            attempts in 1..6u32, jitter in 0.0..1.0f64,
            setbacks in prop::collection::vec(0..6usize, 1..40),
        ) {
            let policy = RetryPolicy::default();
            let (empty, unavailable) = (Failure::NoData(String::new()), unavailable());
            let (malformed, limited) = (Failure::Malformed(String::new()), Failure::RateLimited(None));
            let (mut tries, mut now, mut told) = (Tries { of: attempts, ..attempt(1) }, NOW, 0);
            for setback in setbacks {
                let setback = [
                    Setback::Failure(&empty),
                    Setback::Failure(&unavailable),
                    Setback::Failure(&malformed),
                    Setback::Failure(&limited),
                    Setback::Crash,
                    Setback::Timeout,
                ][setback];
                told += u32::from(matches!(setback, Setback::Failure(Failure::NoData(_))));
                let next = policy.next(setback, tries, now, jitter);
                prop_assert!(tries.attempt <= attempts);
                match next {
                    Next::Retry(at) | Next::Wait(at) | Next::Confirm(at) => {
                        prop_assert!(at - now >= TimeDelta::seconds(60));
                        now = at;
                    }
                    Next::Empty => prop_assert_eq!(told, 2),
                    Next::Fail | Next::PauseSource => prop_assert!(told < 2),
                }
                match next {
                    Next::Retry(_) => tries.attempt += 1,
                    Next::Confirm(at) => tries.confirm_at = Some(at),
                    Next::Wait(_) => {}
                    Next::Empty | Next::Fail | Next::PauseSource => break,
                }
            }
        }
    }
}
