//! Heartbeat: one task renews the leases of all running attempts, and stops the ones that were lost.

use std::{
    collections::HashMap,
    future::{Future, poll_fn},
    sync::{Arc, Mutex, PoisonError},
    task::Poll,
    time::{Duration, Instant},
};

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{limits::Limits, patience::in_time};
use crate::{
    domain::Retention,
    store::{Claim, NewWorker, Store, StoreError},
};

/// The attempts that this process runs, with the switch that stops each.
#[derive(Clone, Default)]
pub(super) struct Held {
    attempts: Arc<Mutex<HashMap<i64, Attempt>>>,
}

struct Attempt {
    id: i64,
    fence: i64,
    job: i64,
    /// When its lease ends, by this process's own clock: never later than the store has it.
    until: Instant,
    stop: CancellationToken,
}

impl Held {
    /// Takes an attempt in that is held until an instant; the token is cancelled when its lease is lost.
    pub(super) fn add(&self, claim: &Claim, until: Instant) -> CancellationToken {
        let token = CancellationToken::new();
        let attempt = Attempt {
            id: claim.attempt_id,
            fence: claim.fence,
            job: claim.job_id,
            until,
            stop: token.clone(),
        };
        self.with(|held| held.insert(claim.task_id, attempt));
        token
    }

    pub(super) fn remove(&self, claim: &Claim) {
        self.with(|held| {
            // A later claim of the same task by this process stays. It may have the same fence, if the database forgot this
            // one.
            if held.get(&claim.task_id).is_some_and(|attempt| attempt.id == claim.attempt_id) {
                held.remove(&claim.task_id);
            }
        });
    }

    /// Ends once an attempt is not held any more. Nothing wakes it at the end of the lease: it is asked before each step
    /// of the attempt. So a process that was stopped for longer than its lease does nothing more for the task when it
    /// goes on, though nobody has told it yet that the task is somebody else's, or nobody's.
    pub(super) fn over(&self, claim: &Claim) -> impl Future<Output = ()> + use<> {
        let (held, task, id) = (self.clone(), claim.task_id, claim.attempt_id);
        poll_fn(move |_| if held.holds(task, id) { Poll::Pending } else { Poll::Ready(()) })
    }

    fn holds(&self, task: i64, id: i64) -> bool {
        let now = Instant::now();
        self.with(|held| held.get(&task).is_some_and(|attempt| attempt.id == id && now < attempt.until))
    }

    /// Notes that leases were renewed.
    fn renewed(&self, fences: impl Iterator<Item = (i64, i64)>, until: Instant) {
        self.with(|held| {
            for (task, fence) in fences {
                if let Some(attempt) = held.get_mut(&task).filter(|attempt| attempt.fence == fence) {
                    attempt.until = until;
                }
            }
        });
    }

    fn fences(&self, of: impl Fn(&Attempt) -> bool) -> Vec<(i64, i64)> {
        self.with(|held| {
            let wanted = held.iter().filter(|(_, attempt)| of(attempt));
            wanted.map(|(task, attempt)| (*task, attempt.fence)).collect()
        })
    }

    /// Stops what is held under a fence that is lost; false if it has ended by itself. A later claim of the task goes on.
    fn stop(&self, task: i64, fence: i64) -> bool {
        self.with(|held| {
            let running = held.get(&task).is_some_and(|attempt| attempt.fence == fence);
            if let Some(attempt) = running.then(|| held.remove(&task)).flatten() {
                attempt.stop.cancel();
            }
            running
        })
    }

    fn with<T>(&self, act: impl FnOnce(&mut HashMap<i64, Attempt>) -> T) -> T {
        // The map is changed by single insertions and removals: a panic elsewhere can't leave it half done.
        act(&mut self.attempts.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// When this process last looked for tasks without being hindered; when it began, if it has not looked yet. Cheap to
/// clone.
#[derive(Clone, Debug)]
pub struct LastLook(Arc<Mutex<Instant>>);

impl Default for LastLook {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Instant::now())))
    }
}

impl LastLook {
    /// It looks.
    pub(super) fn note(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// How long ago that was.
    pub fn ago(&self) -> Duration {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).elapsed()
    }
}

/// What a beat does, and for whom.
#[derive(Clone)]
pub(super) struct Beat {
    pub(super) store: Store,
    pub(super) owner: String,
    pub(super) held: Held,
    /// Whether the worker serves every job.
    pub(super) serves: bool,
    /// How many tasks it takes at once.
    pub(super) limits: Limits,
    /// How long what nothing else rests on is kept.
    pub(super) retention: Retention,
}

impl Beat {
    /// Tells the store that this worker lives.
    pub(super) async fn sign_of_life(&self) -> Result<(), StoreError> {
        let host = gethostname::gethostname();
        let worker = NewWorker {
            id: &self.owner,
            host: &host.to_string_lossy(),
            pid: std::process::id(),
            version: env!("CARGO_PKG_VERSION"),
            serves: self.serves,
            concurrency: self.limits.at_once().try_into().unwrap_or(u32::MAX),
        };
        self.store.heartbeat(&worker, self.store.now()).await
    }

    /// What somebody has to do now and then, whoever it is.
    async fn tidy(&self, lease: Duration) -> Result<(), StoreError> {
        self.store.compare_clocks().await?;
        let now = self.store.now();
        self.store.close_orphaned_attempts(now - lease, now).await?;
        self.store.forget(&self.retention, now).await.map(drop)
    }

    /// Renews the leases of all running attempts and stops those that were lost.
    pub(super) async fn renew_all(&self, lease: Duration) -> Result<(), StoreError> {
        self.renew(&self.held.fences(|_| true), lease).await
    }

    /// The same for those of a job that was cancelled. It may have been retried since: what was claimed then goes on.
    pub(super) async fn renew_job(&self, job: i64, lease: Duration) -> Result<(), StoreError> {
        self.renew(&self.held.fences(|attempt| attempt.job == job), lease).await
    }

    async fn renew(&self, fences: &[(i64, i64)], lease: Duration) -> Result<(), StoreError> {
        let until = Instant::now() + lease;
        let renewal = self.store.renew(&self.owner, fences, lease, self.store.now());
        let lost = in_time(lease / PARTS, "renewing leases", renewal).await?;
        let (lost, renewed): (Vec<_>, Vec<_>) =
            fences.iter().copied().partition(|(task, _)| lost.contains(task));
        self.held.renewed(renewed.into_iter(), until);
        for (task, fence) in lost {
            // One that ended meanwhile has no lease either, and has lost nothing.
            if self.held.stop(task, fence) {
                tracing::warn!(task, "the lease of this task is lost; its attempt is stopped");
            }
        }
        Ok(())
    }
}

/// What a beat asks of the store may take this part of a lease: then there is time for another try.
const PARTS: u32 = 3;

/// Renews all leases every `pause` until dropped. An attempt whose lease is gone, or could not be renewed before
/// it ran out, is stopped: nothing of it can be stored any more.
pub(super) struct Heartbeat(JoinHandle<()>);

impl Heartbeat {
    pub(super) fn start(beat: Beat, lease: Duration, pause: Duration) -> Self {
        Self(tokio::spawn(async move {
            let mut renewed = tokio::time::Instant::now();
            loop {
                tokio::time::sleep(pause).await;
                // Leases first: they are what somebody else would take.
                let fences = beat.held.fences(|_| true);
                match beat.renew(&fences, lease).await {
                    Ok(()) => {
                        renewed = tokio::time::Instant::now();
                        if let Err(error) = in_time(lease / PARTS, "tidying up", beat.tidy(lease)).await {
                            tracing::warn!(%error, "what is left behind could not be tidied up; trying again");
                        }
                    }
                    Err(error) if renewed.elapsed() < lease => {
                        tracing::warn!(%error, "leases could not be renewed; trying again");
                    }
                    Err(error) => {
                        tracing::error!(%error, "no lease could be renewed in time; all attempts are stopped");
                        for (task, fence) in fences {
                            beat.held.stop(task, fence);
                        }
                    }
                }
                let alive = in_time(lease / PARTS, "giving a sign of life", beat.sign_of_life());
                if let Err(error) = alive.await {
                    tracing::warn!(%error, "no sign of life could be given; trying again");
                }
            }
        }))
    }
}

impl Drop for Heartbeat {
    fn drop(&mut self) {
        self.0.abort();
    }
}
