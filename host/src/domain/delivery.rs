//! When a message that did not arrive is sent again.

use chrono::{DateTime, TimeDelta, Utc};

/// Seconds between one attempt and the next: 10 s, 1 min, 5 min, 30 min, 2 h, 6 h, 24 h. A receiver that restarts
/// gets its message at once, one that is broken over a night gets it in the morning.
const WAITS: [i64; 7] = [10, 60, 300, 1800, 7200, 21_600, 86_400];

/// When a message is sent again after `attempts` attempts that failed, the last of them at `now`; nothing once it
/// is dead. `asked` is until when the receiver wants to be left alone. `jitter` in `[0, 1)` spreads what failed
/// together.
pub fn next_delivery(
    attempts: u32,
    asked: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
    jitter: f64,
) -> Option<DateTime<Utc>> {
    let index = usize::try_from(attempts.checked_sub(1)?).ok()?;
    let seconds = *WAITS.get(index)? as f64;
    // Between the full wait and a quarter more, as for tasks.
    let wait = TimeDelta::milliseconds((seconds * 1000.0 * (1.0 + jitter.clamp(0.0, 1.0) / 4.0)) as i64);
    let at = now.checked_add_signed(wait)?;
    Some(asked.map_or(at, |asked| at.max(asked)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: DateTime<Utc> = DateTime::<Utc>::UNIX_EPOCH;

    fn wait(attempts: u32, jitter: f64) -> Option<i64> {
        next_delivery(attempts, None, NOW, jitter).map(|at| (at - NOW).num_seconds())
    }

    #[test]
    fn waits_grow_from_seconds_to_a_day_and_the_eighth_failure_is_the_last() {
        let waits: Vec<_> = (1..=9).map(|attempts| wait(attempts, 0.0)).collect();
        let expected = [10, 60, 300, 1800, 7200, 21_600, 86_400].map(Some);
        assert_eq!(waits, [&expected[..], &[None, None]].concat());
    }

    #[test]
    fn jitter_only_lengthens_a_wait_and_by_a_quarter_at_most() {
        for jitter in [0.0, 0.5, 0.999, 7.0, -1.0] {
            let seconds = wait(2, jitter).unwrap();
            assert!((60..=75).contains(&seconds), "{jitter}: {seconds}");
        }
    }

    #[test]
    fn a_receiver_that_asks_for_more_time_gets_it_and_less_changes_nothing() {
        let asked = |seconds| next_delivery(1, Some(NOW + TimeDelta::seconds(seconds)), NOW, 0.0);
        assert_eq!(asked(3600), Some(NOW + TimeDelta::seconds(3600)));
        assert_eq!(asked(1), Some(NOW + TimeDelta::seconds(10)));
    }
}
