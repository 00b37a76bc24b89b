//! The line before an upstream: how many requests of a source may be under way in this process, and how often. All
//! gates of a source stand in one line: while a source is replaced, attempts of the old one and of the new one
//! together ask no more than is allowed, and both follow what is allowed now.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use chrono::{DateTime, Utc};
use tokio::sync::{AcquireError, Semaphore, SemaphorePermit};

use super::rate::Rate;

/// The lines of this process, by source.
#[derive(Clone, Default)]
pub(super) struct Lines(Arc<Mutex<HashMap<String, Weak<Line>>>>);

/// The line of one source.
pub(super) struct Line {
    permits: Semaphore,
    state: Mutex<State>,
}

struct State {
    rate: Option<Rate>,
    places: usize,
    /// Places that were taken away while requests had them: they go as those requests end.
    owed: usize,
    /// What this process heard itself; the allowance knows it too, but slots that were reserved before do not.
    held_until: DateTime<Utc>,
}

/// A place among the requests under way.
pub(super) struct Place<'a> {
    permit: Option<SemaphorePermit<'a>>,
    line: &'a Line,
}

impl Lines {
    /// The line of a source; a new one with so many places and this rate, if nobody stands in any.
    pub(super) fn of(&self, source: &str, rate: Option<Rate>, places: usize) -> Arc<Line> {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(line) = lines.get(source).and_then(Weak::upgrade) {
            return line;
        }
        let line = Arc::new(Line::new(rate, places));
        lines.retain(|_, line| line.strong_count() > 0);
        lines.insert(source.to_owned(), Arc::downgrade(&line));
        line
    }
}

impl Line {
    fn new(rate: Option<Rate>, places: usize) -> Self {
        let places = bounded(places);
        let state = State { rate, places, owed: 0, held_until: DateTime::UNIX_EPOCH };
        Self { permits: Semaphore::new(places), state: Mutex::new(state) }
    }

    /// From now on, so many places and this rate.
    pub(super) fn allow(&self, rate: Option<Rate>, places: usize) {
        let places = bounded(places);
        let mut state = self.state();
        if places >= state.places {
            let more = places - state.places;
            let kept = more.min(state.owed);
            state.owed -= kept;
            self.permits.add_permits(more - kept);
        } else {
            let fewer = state.places - places;
            state.owed += fewer - self.permits.forget_permits(fewer);
        }
        (state.rate, state.places) = (rate, places);
    }

    pub(super) fn rate(&self) -> Option<Rate> {
        self.state().rate
    }

    /// A place, if one is free.
    pub(super) fn try_place(&self) -> Option<Place<'_>> {
        let permit = self.permits.try_acquire().ok()?;
        Some(Place { permit: Some(permit), line: self })
    }

    /// A place, once one is free. It is never refused: the line is never closed.
    pub(super) async fn place(&self) -> Result<Place<'_>, AcquireError> {
        Ok(Place { permit: Some(self.permits.acquire().await?), line: self })
    }

    /// Until when everybody in this process holds off.
    pub(super) fn held_until(&self) -> DateTime<Utc> {
        self.state().held_until
    }

    pub(super) fn hold(&self, until: DateTime<Utc>) {
        let mut state = self.state();
        state.held_until = until.max(state.held_until);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn bounded(places: usize) -> usize {
    places.clamp(1, Semaphore::MAX_PERMITS)
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut state = self.line.state();
        if state.owed > 0 {
            state.owed -= 1;
            if let Some(permit) = self.permit.take() {
                permit.forget();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Arc, Lines};

    #[test]
    fn places_that_are_taken_away_go_as_requests_end_and_come_back_when_allowed_again() {
        let lines = Lines::default();
        let line = lines.of("a", None, 3);
        let places: Vec<_> = (0..3).map(|_| line.try_place().unwrap()).collect();
        line.allow(None, 1);
        for place in places {
            assert!(line.try_place().is_none(), "three are under way and one is allowed");
            drop(place);
        }
        let one = line.try_place().unwrap();
        assert!(line.try_place().is_none());
        line.allow(None, 2);
        let two = line.try_place().unwrap();
        assert!(line.try_place().is_none());
        line.allow(None, 1);
        line.allow(None, 2);
        drop((one, two));
        let both = (line.try_place().unwrap(), line.try_place().unwrap());
        assert!(line.try_place().is_none(), "what was owed was paid back");
        drop(both);
    }

    #[test]
    fn gates_of_one_source_stand_in_one_line_for_as_long_as_any_stands_there() {
        let lines = Lines::default();
        let old = lines.of("a", Some("1/s".parse().unwrap()), 1);
        let new = lines.of("a", Some("2/s".parse().unwrap()), 9);
        assert!(Arc::ptr_eq(&old, &new) && !Arc::ptr_eq(&old, &lines.of("b", None, 1)));
        assert_eq!(new.rate(), Some("1/s".parse().unwrap()), "who only looks changes nothing");
        drop((old, new));
        assert_eq!(lines.of("a", None, 1).rate(), None);
    }
}
