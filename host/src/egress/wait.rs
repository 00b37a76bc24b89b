//! How long a call has stood in line. Deadlines leave that time out, since no attempt is spent waiting.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::coalesce::Flight;

/// The wall-clock time in which at least one of a call's requests stood in line.
#[derive(Debug, Default)]
pub(super) struct WaitClock(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    in_line: u32,
    since: Option<Instant>,
    total: Duration,
}

/// One request in line, until dropped.
struct InLine(Arc<WaitClock>);

impl WaitClock {
    /// The time so far, running waits included.
    pub(super) fn waited(&self) -> Duration {
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.total + state.since.map_or(Duration::ZERO, |since| since.elapsed())
    }

    fn enter(self: &Arc<Self>) -> InLine {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.in_line += 1;
        state.since.get_or_insert_with(Instant::now);
        InLine(Arc::clone(self))
    }

    /// Takes part in a flight to its end, and counts its waits.
    pub(super) async fn follow<T: Clone>(self: &Arc<Self>, flight: Flight<T>) -> T {
        let Flight { mut work, mut waiting } = flight;
        loop {
            let in_line = waiting.borrow_and_update().then(|| self.enter());
            tokio::select! {
                biased;
                result = &mut work => return result,
                changed = waiting.changed() => {
                    drop(in_line);
                    if changed.is_err() {
                        return work.await;
                    }
                }
            }
        }
    }
}

impl Drop for InLine {
    fn drop(&mut self) {
        let mut state = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.in_line -= 1;
        if state.in_line == 0
            && let Some(since) = state.since.take()
        {
            state.total += since.elapsed();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Arc, Duration, WaitClock};

    #[test]
    fn waits_side_by_side_count_once_and_running_ones_count_already() {
        let clock = Arc::new(WaitClock::default());
        let (first, second) = (clock.enter(), clock.enter());
        drop(first);
        while clock.waited() < Duration::from_millis(2) {
            std::hint::spin_loop();
        }
        drop(second);
        let total = clock.waited();
        assert!(total >= Duration::from_millis(2));
        assert_eq!(clock.waited(), total, "nobody stands in line any more");
    }
}
