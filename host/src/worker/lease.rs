//! Heartbeat: one task renews the leases of all running attempts, and stops the ones that were lost.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::{
    clock,
    store::{Claim, Store},
};

/// The attempts that this process runs, with the switch that stops each.
#[derive(Clone, Default)]
pub(super) struct Held {
    attempts: Arc<Mutex<HashMap<i64, (i64, CancellationToken)>>>,
}

impl Held {
    /// Takes an attempt in; the token is cancelled when its lease is lost.
    pub(super) fn add(&self, claim: &Claim) -> CancellationToken {
        let token = CancellationToken::new();
        self.with(|held| held.insert(claim.task_id, (claim.fence, token.clone())));
        token
    }

    pub(super) fn remove(&self, claim: &Claim) {
        self.with(|held| {
            // A later claim of the same task by this process has another fence and stays.
            if held.get(&claim.task_id).is_some_and(|(fence, _)| *fence == claim.fence) {
                held.remove(&claim.task_id);
            }
        });
    }

    fn fences(&self) -> Vec<(i64, i64)> {
        self.with(|held| held.iter().map(|(task, (fence, _))| (*task, *fence)).collect())
    }

    fn stop(&self, task: i64) {
        self.with(|held| {
            if let Some((_, token)) = held.remove(&task) {
                token.cancel();
            }
        });
    }

    fn with<T>(&self, act: impl FnOnce(&mut HashMap<i64, (i64, CancellationToken)>) -> T) -> T {
        // The map is changed by single insertions and removals: a panic elsewhere can't leave it half done.
        act(&mut self.attempts.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Renews all leases every `beat` until dropped. An attempt whose lease is gone, or could not be renewed before
/// it ran out, is stopped: nothing of it can be stored any more.
pub(super) struct Heartbeat(JoinHandle<()>);

impl Heartbeat {
    pub(super) fn start(store: Store, owner: String, held: Held, lease: Duration, beat: Duration) -> Self {
        Self(tokio::spawn(async move {
            let mut renewed = tokio::time::Instant::now();
            loop {
                tokio::time::sleep(beat).await;
                let fences = held.fences();
                if fences.is_empty() {
                    renewed = tokio::time::Instant::now();
                    continue;
                }
                match store.renew(&owner, &fences, lease, clock::now()).await {
                    Ok(lost) => {
                        renewed = tokio::time::Instant::now();
                        for task in lost {
                            tracing::warn!(task, "the lease of this task is lost; its attempt is stopped");
                            held.stop(task);
                        }
                    }
                    Err(error) if renewed.elapsed() < lease => {
                        tracing::warn!(%error, "leases could not be renewed; trying again");
                    }
                    Err(error) => {
                        tracing::error!(%error, "no lease could be renewed in time; all attempts are stopped");
                        fences.into_iter().for_each(|(task, _)| held.stop(task));
                    }
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
