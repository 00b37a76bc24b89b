//! Heartbeat: one task renews the leases of all running attempts, and stops the ones that were lost.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::limits::Limits;
use crate::store::{Claim, NewWorker, Store, StoreError};

/// The attempts that this process runs, with the switch that stops each.
#[derive(Clone, Default)]
pub(super) struct Held {
    attempts: Arc<Mutex<HashMap<i64, Attempt>>>,
}

struct Attempt {
    fence: i64,
    job: i64,
    stop: CancellationToken,
}

impl Held {
    /// Takes an attempt in; the token is cancelled when its lease is lost.
    pub(super) fn add(&self, claim: &Claim) -> CancellationToken {
        let token = CancellationToken::new();
        let attempt = Attempt { fence: claim.fence, job: claim.job_id, stop: token.clone() };
        self.with(|held| held.insert(claim.task_id, attempt));
        token
    }

    pub(super) fn remove(&self, claim: &Claim) {
        self.with(|held| {
            // A later claim of the same task by this process has another fence and stays.
            if held.get(&claim.task_id).is_some_and(|attempt| attempt.fence == claim.fence) {
                held.remove(&claim.task_id);
            }
        });
    }

    fn fences(&self) -> Vec<(i64, i64)> {
        self.with(|held| held.iter().map(|(task, attempt)| (*task, attempt.fence)).collect())
    }

    /// Stops an attempt; false if it has ended by itself. A later claim of the same task has another fence and goes on.
    fn stop(&self, task: i64, fence: i64) -> bool {
        self.with(|held| {
            let running = held.get(&task).is_some_and(|attempt| attempt.fence == fence);
            if let Some(attempt) = running.then(|| held.remove(&task)).flatten() {
                attempt.stop.cancel();
            }
            running
        })
    }

    /// Stops all attempts of a job that was cancelled.
    pub(super) fn stop_job(&self, job: i64) {
        self.with(|held| {
            held.retain(|_, attempt| {
                if attempt.job == job {
                    attempt.stop.cancel();
                }
                attempt.job != job
            });
        });
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
        self.store.close_orphaned_attempts(now - lease, now).await.map(drop)
    }

    /// Renews the leases of all running attempts and stops those that were lost.
    pub(super) async fn renew_all(&self, lease: Duration) -> Result<(), StoreError> {
        self.renew(&self.held.fences(), lease).await
    }

    async fn renew(&self, fences: &[(i64, i64)], lease: Duration) -> Result<(), StoreError> {
        let lost = self.store.renew(&self.owner, fences, lease, self.store.now()).await?;
        for (task, fence) in fences.iter().copied().filter(|(task, _)| lost.contains(task)) {
            // One that ended meanwhile has no lease either, and has lost nothing.
            if self.held.stop(task, fence) {
                tracing::warn!(task, "the lease of this task is lost; its attempt is stopped");
            }
        }
        Ok(())
    }
}

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
                let fences = beat.held.fences();
                match beat.renew(&fences, lease).await {
                    Ok(()) => {
                        renewed = tokio::time::Instant::now();
                        if let Err(error) = beat.tidy(lease).await {
                            tracing::warn!(%error, "what dead workers left behind could not be tidied up; trying again");
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
                if let Err(error) = beat.sign_of_life().await {
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
