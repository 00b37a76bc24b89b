//! 400 requests a minute, and a ban for whoever asks more.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::options::RateLimit;

const MINUTE: Duration = Duration::from_secs(60);

/// Counts all requests together: on loopback everyone has one address.
#[derive(Debug)]
pub(crate) struct RequestLimiter {
    limit: Option<RateLimit>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    recent: VecDeque<Instant>,
    banned_until: Option<Instant>,
}

impl RequestLimiter {
    pub(crate) fn new(limit: Option<RateLimit>) -> RequestLimiter {
        RequestLimiter { limit, state: Mutex::default() }
    }

    /// Whether a request at `now` is answered. One too many bans all that follow for a while.
    pub(crate) fn admits(&self, now: Instant) -> bool {
        let Some(limit) = self.limit else { return true };
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.banned_until.is_some_and(|until| now < until) {
            return false;
        }
        state.banned_until = None;
        while state.recent.front().is_some_and(|&first| now.duration_since(first) >= MINUTE) {
            state.recent.pop_front();
        }
        if state.recent.len() >= limit.per_minute {
            state.banned_until = Some(now + Duration::from_secs(limit.ban_seconds));
            state.recent.clear();
            return false;
        }
        state.recent.push_back(now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_401st_request_of_a_minute_bans_for_ten_minutes() {
        let limiter = RequestLimiter::new(Some(RateLimit::default()));
        let start = Instant::now();
        assert!((0..400).all(|_| limiter.admits(start)));
        assert!(!limiter.admits(start + Duration::from_secs(59)));
        assert!(!limiter.admits(start + Duration::from_secs(59 + 599)), "a minute later is not enough");
        assert!(limiter.admits(start + Duration::from_secs(59 + 600)));
    }

    #[test]
    fn a_steady_400_a_minute_is_never_refused() {
        let limiter = RequestLimiter::new(Some(RateLimit::default()));
        let start = Instant::now();
        assert!((0..2000).all(|n| limiter.admits(start + Duration::from_millis(150 * n))));
    }
}
