//! Identical work under way at once is done once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::FutureExt;
use futures::future::{BoxFuture, Shared, WeakShared};
use tokio::sync::watch;

type Work<T> = BoxFuture<'static, T>;
type UnderWay<T> = Mutex<HashMap<String, Entry<T>>>;

/// Work by key. It runs inside whoever waits for it: when one of them is dropped the others carry on, and when
/// the last is dropped it stops.
pub(super) struct Coalesce<T: Clone> {
    under_way: Arc<UnderWay<T>>,
}

struct Entry<T: Clone> {
    work: WeakShared<Work<T>>,
    waiting: watch::Receiver<bool>,
}

/// A part in some work.
pub(super) struct Flight<T: Clone> {
    pub(super) work: Shared<Work<T>>,
    /// Whether the work stands in line at the moment, for a permit or the rate limit.
    pub(super) waiting: watch::Receiver<bool>,
}

impl<T: Clone + Send + Sync + 'static> Coalesce<T> {
    pub(super) fn new() -> Self {
        Self { under_way: Arc::default() }
    }

    /// Joins the work under way for `key`, or starts it.
    pub(super) fn join(&self, key: &str, start: impl FnOnce(watch::Sender<bool>) -> Work<T>) -> Flight<T> {
        let mut under_way = lock(&self.under_way);
        if let Some(entry) = under_way.get(key)
            && let Some(work) = entry.work.upgrade()
        {
            return Flight { work, waiting: entry.waiting.clone() };
        }
        let (sender, waiting) = watch::channel(false);
        let mut landing =
            Landing { under_way: Arc::clone(&self.under_way), key: key.to_owned(), waiting: waiting.clone() };
        let work = start(sender);
        let work = async move {
            let result = work.await;
            landing.land();
            result
        }
        .boxed()
        .shared();
        // A new future has not completed, so it has a weak form.
        if let Some(weak) = work.downgrade() {
            under_way.insert(key.to_owned(), Entry { work: weak, waiting: waiting.clone() });
        }
        Flight { work, waiting }
    }
}

/// Takes the entry away when the work is done, and when it is dropped undone.
struct Landing<T: Clone> {
    under_way: Arc<UnderWay<T>>,
    key: String,
    waiting: watch::Receiver<bool>,
}

impl<T: Clone> Landing<T> {
    fn land(&mut self) {
        let mut under_way = lock(&self.under_way);
        // By now another piece of work may stand there under the same key.
        if under_way.get(&self.key).is_some_and(|entry| entry.waiting.same_channel(&self.waiting)) {
            under_way.remove(&self.key);
        }
    }
}

impl<T: Clone> Drop for Landing<T> {
    fn drop(&mut self) {
        self.land();
    }
}

fn lock<T: Clone>(under_way: &UnderWay<T>) -> MutexGuard<'_, HashMap<String, Entry<T>>> {
    under_way.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::{Coalesce, FutureExt, lock};
    use tokio::sync::oneshot;

    #[tokio::test]
    async fn dropping_the_first_who_asked_leaves_the_others_their_answer() {
        let coalesce = Coalesce::new();
        let (answer, upstream) = oneshot::channel::<u32>();
        let mut first = coalesce.join("k", |_| upstream.map(|it| it.unwrap_or(0)).boxed()).work;
        assert!(first.clone().now_or_never().is_none());
        let second = coalesce.join("k", |_| unreachable!()).work;
        assert!((&mut first).now_or_never().is_none());
        drop(first);
        answer.send(7).unwrap();
        assert_eq!(second.await, 7);
        assert!(lock(&coalesce.under_way).is_empty());
        assert_eq!(coalesce.join("k", |_| async { 8 }.boxed()).work.await, 8, "done work is not joined");
    }

    #[tokio::test]
    async fn work_that_nobody_waits_for_stops_and_leaves_nothing() {
        let coalesce = Coalesce::<u32>::new();
        let (alive, upstream) = oneshot::channel::<()>();
        let flight = coalesce.join("k", |_| upstream.map(|_| 1).boxed());
        drop(flight);
        assert!(alive.is_closed());
        assert!(lock(&coalesce.under_way).is_empty());
    }
}
