//! The attempts that a worker has under way.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Instant,
};

use tokio::task::{Id, JoinError, JoinSet};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::{
    Options,
    attempt::{self, Committed},
    lease::Held,
    patience::patiently,
};
use crate::{
    source::Source,
    store::{Claim, Store, StoreError},
};

/// An attempt that has ended: what was claimed, and what it came to or why nothing of it is stored.
pub(super) type Ended = (Claim, Result<Committed, String>);

/// Attempts under way, and what each needs.
pub(super) struct Crew {
    store: Store,
    options: Arc<Options>,
    held: Held,
    /// Cancelled: all attempts are given back.
    interrupt: CancellationToken,
    running: JoinSet<Result<Committed, String>>,
    claims: HashMap<Id, Claim>,
}

impl Crew {
    pub(super) fn new(store: Store, options: Arc<Options>, held: Held, interrupt: CancellationToken) -> Self {
        Self { store, options, held, interrupt, running: JoinSet::new(), claims: HashMap::new() }
    }

    /// How many are under way.
    pub(super) fn len(&self) -> usize {
        self.claims.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.claims.is_empty()
    }

    /// How many are under way of each source.
    pub(super) fn by_source(&self) -> BTreeMap<&str, usize> {
        self.claims.values().fold(BTreeMap::new(), |mut counts, claim| {
            *counts.entry(claim.source.as_str()).or_default() += 1;
            counts
        })
    }

    /// Begins an attempt of what is held until an instant unless renewed; without a source, it fails at once with the
    /// reason.
    pub(super) fn begin(&mut self, claim: Claim, until: Instant, source: Result<Arc<Source>, String>) {
        let lost = self.held.add(&claim, until);
        let (store, options, interrupt, held) =
            (self.store.clone(), Arc::clone(&self.options), self.interrupt.clone(), self.held.clone());
        let span = tracing::info_span!(
            "task",
            job = claim.job_id,
            task = claim.task_id,
            unit = claim.unit_id,
            source = claim.source,
            month = %claim.month,
            attempt = claim.attempt,
        );
        let claimed = claim.clone();
        let running = async move {
            tracing::debug!("attempt begins");
            // At once: the next heartbeat would take it for lost.
            let committed = || held.remove(&claim);
            // Only the work can be stopped. What it came to is committed if the fence of its claim lets it: stopped half
            // way, nobody would know whether it was.
            let result = tokio::select! {
                biased;
                () = lost.cancelled() => Err(StoreError::LostLease { task_id: claim.task_id }),
                () = held.over(&claim) => Err(StoreError::LostLease { task_id: claim.task_id }),
                () = interrupt.cancelled() => attempt::give_back(&store, &claim, committed).await,
                worked = attempt::work(&store, source.as_deref(), &options.retry, &claim) => {
                    attempt::settle(&store, &options, &claim, worked, committed).await
                }
            };
            held.remove(&claim);
            if let Err(StoreError::LostLease { .. }) = &result
                && let Err(error) = patiently(|| store.stopped(&claim, store.now())).await
            {
                tracing::debug!(%error, "that the attempt has stopped could not be recorded");
            }
            tell(&result);
            result.map_err(|error| error.to_string())
        };
        let handle = self.running.spawn(running.instrument(span));
        self.claims.insert(handle.id(), claimed);
    }

    /// Waits for the next attempt to end; for ever if none is under way.
    pub(super) async fn next_ended(&mut self) -> Ended {
        loop {
            match self.running.join_next_with_id().await {
                Some(joined) => {
                    if let Some(ended) = self.ended(joined) {
                        return ended;
                    }
                }
                None => std::future::pending().await,
            }
        }
    }

    /// An attempt that has ended already.
    pub(super) fn try_next_ended(&mut self) -> Option<Ended> {
        let joined = self.running.try_join_next_with_id()?;
        self.ended(joined)
    }

    fn ended(&mut self, joined: Result<(Id, Result<Committed, String>), JoinError>) -> Option<Ended> {
        let (id, result) = match joined {
            Ok(ended) => ended,
            Err(error) => {
                // Its lease runs out, and the task is taken back then.
                tracing::error!(%error, "an attempt of this worker panicked");
                (error.id(), Err(format!("the attempt panicked: {error}")))
            }
        };
        let claim = self.claims.remove(&id)?;
        self.held.remove(&claim);
        Some((claim, result))
    }
}

fn tell(result: &Result<Committed, StoreError>) {
    match result {
        Ok(Committed { finished, message, .. }) => tracing::debug!(
            status = finished.status.as_str(),
            inserted = finished.written.inserted,
            updated = finished.written.updated,
            unchanged = finished.written.unchanged,
            rejected = finished.written.rejected,
            "attempt ended{}",
            message.as_deref().map(|why| format!(": {why}")).unwrap_or_default(),
        ),
        Err(error) => tracing::warn!("nothing of this attempt was stored: {error}"),
    }
}
