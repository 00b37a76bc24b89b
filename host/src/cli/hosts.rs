//! Hosts that serve jobs, and what to say when there is none.

use crate::{
    config::Config,
    store::{Store, Worker},
};

/// Said when jobs wait and nobody runs them.
pub(super) const NONE: &str = "no host is running: start one with `backfill worker` or `backfill serve`";

/// The hosts that serve jobs and gave a sign of life within the length of a lease.
pub(super) async fn alive(config: &Config, store: &Store) -> anyhow::Result<Vec<Worker>> {
    let silent_since = store.now() - config.worker.lease;
    let alive = |worker: &Worker| {
        worker.serves && worker.stopped_at.is_none() && worker.heartbeat_at.utc() >= silent_since
    };
    Ok(store.workers().await?.into_iter().filter(alive).collect())
}
