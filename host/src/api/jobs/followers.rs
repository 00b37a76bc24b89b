//! Who follows jobs through this host. One look at the database serves all of them: who has been told of everything
//! asks it nothing.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::store::{Followed, Store};

/// How often to look: what is committed is told within a second.
const LOOK: Duration = Duration::from_millis(250);

/// So many may follow at once: each has a connection for as long as it wants.
pub(super) const MOST: usize = 256;

/// All who follow.
#[derive(Default)]
pub(in crate::api) struct Followers(Mutex<Seats>);

#[derive(Default)]
struct Seats {
    /// The number of the one who came last.
    last: i64,
    taken: HashMap<i64, Taken>,
}

#[derive(Default)]
struct Taken {
    /// Up to where they know all, while they wait for more.
    waits: Option<Followed>,
    wake: Arc<Notify>,
}

/// A place among those who follow, given back when it is dropped.
pub(super) struct Seat {
    followers: Arc<Followers>,
    who: i64,
    wake: Arc<Notify>,
}

impl Followers {
    /// A place for one more, unless there are too many.
    pub(super) fn join(self: &Arc<Self>) -> Option<Seat> {
        let (who, wake) = self.with(|seats| {
            if seats.taken.len() >= MOST {
                return None;
            }
            seats.last += 1;
            let taken = Taken::default();
            let wake = Arc::clone(&taken.wake);
            seats.taken.insert(seats.last, taken);
            Some((seats.last, wake))
        })?;
        Some(Seat { followers: Arc::clone(self), who, wake })
    }

    /// Looks for news, and wakes whom they are for, until the host stops.
    pub(in crate::api) async fn watch(&self, store: &Store, stop: &CancellationToken) {
        loop {
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                () = stop.cancelled() => return,
            }
            let waiting: Vec<_> =
                self.with(|seats| seats.taken.values().filter_map(|taken| taken.waits).collect());
            if waiting.is_empty() {
                continue;
            }
            let behind = store.behind(&waiting).await.unwrap_or_else(|error| {
                tracing::debug!("nobody can look for news of jobs: {error}");
                // Each finds out for itself, and says so.
                waiting.iter().map(|one| one.who).collect()
            });
            self.with(|seats| {
                for who in behind {
                    if let Some(taken) = seats.taken.get_mut(&who) {
                        taken.waits = None;
                        taken.wake.notify_one();
                    }
                }
            });
        }
    }

    fn with<T>(&self, act: impl FnOnce(&mut Seats) -> T) -> T {
        // Changed by single steps: a panic elsewhere can't leave it half done.
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Seat {
    /// Waits until there is more to tell of a job than up to an event and a line.
    pub(super) async fn news(&self, job: i64, event: i64, line: i64) {
        let waits = Followed { who: self.who, job, event, line };
        self.followers.with(|seats| {
            if let Some(taken) = seats.taken.get_mut(&self.who) {
                taken.waits = Some(waits);
            }
        });
        self.wake.notified().await;
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.followers.with(|seats| seats.taken.remove(&self.who));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_follow_than_there_are_places_and_who_leaves_makes_room() {
        let followers = Arc::new(Followers::default());
        let mut seats: Vec<_> = (0..MOST).filter_map(|_| followers.join()).collect();
        assert_eq!(seats.len(), MOST);
        assert!(followers.join().is_none());
        seats.pop();
        assert!(followers.join().is_some());
    }
}
