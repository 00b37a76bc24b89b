//! A worker that runs one job while somebody watches.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{Worker, attempt::Committed, crew::Crew, crew::Ended, lease::Heartbeat, progress::Progress};
use crate::{
    source::Source,
    store::{Claim, ClaimRequest, StoreError},
};

/// A wait longer than this is explained.
const SILENCE: Duration = Duration::from_secs(5);

impl Worker {
    /// Runs one job until it has ended, telling `watch` of every step. When `stop` is cancelled, nothing more is
    /// claimed, and what runs is given back without costing an attempt.
    ///
    /// Tasks whose source the configuration leaves out meanwhile wait. Once there are no others it ends too, and gives
    /// the ids of these sources.
    pub async fn run_job(
        &self,
        job: i64,
        stop: CancellationToken,
        watch: mpsc::UnboundedSender<Progress>,
    ) -> Result<Vec<String>, StoreError> {
        let beat = self.beat(false);
        beat.sign_of_life().await?;
        let _heartbeat = Heartbeat::start(beat, self.options.lease, self.options.heartbeat);
        let left_out = self.work(job, stop, watch).await?;
        self.store.worker_stopped(&self.owner, self.store.now()).await?;
        Ok(left_out)
    }

    async fn work(
        &self,
        job: i64,
        stop: CancellationToken,
        watch: mpsc::UnboundedSender<Progress>,
    ) -> Result<Vec<String>, StoreError> {
        // Of a source that was never there, tasks fail and say so.
        let began_with: BTreeSet<String> = self.registry.all().into_iter().map(|(id, _)| id).collect();
        let is_left_out = |id: &String| began_with.contains(id) && self.registry.get(id).is_none();
        let mut crew =
            Crew::new(self.store.clone(), Arc::clone(&self.options), self.held.clone(), stop.clone());
        let mut paused: HashMap<String, String> = HashMap::new();
        loop {
            if !stop.is_cancelled() {
                for (claim, until) in self.claim_of(job, &crew, is_left_out).await? {
                    // Nobody watching is no reason to stop.
                    let _ = watch.send(Progress::Started(claim.clone()));
                    let source = self.source_for(&claim, &paused);
                    crew.begin(claim, until, source);
                }
            }
            if crew.is_empty() {
                if stop.is_cancelled() || self.store.job(job).await?.status.ended() {
                    return Ok(Vec::new());
                }
                let wanted = self.store.job_sources(job).await?;
                if !wanted.is_empty() && wanted.iter().all(is_left_out) {
                    return Ok(wanted);
                }
                self.wait_for_work(job, &stop).await?;
                continue;
            }
            tokio::select! {
                ended = crew.next_ended() => {
                    let _ = watch.send(step(ended, &mut paused));
                    // Those that ended meanwhile: their places are claimed for together.
                    while let Some(ended) = crew.try_next_ended() {
                        let _ = watch.send(step(ended, &mut paused));
                    }
                }
                // A task that waits may come due while others run.
                () = tokio::time::sleep(self.options.poll) => {}
            }
        }
    }

    /// Claims what fits: of each source as much as its own limit and the worker's leave.
    async fn claim_of(
        &self,
        job: i64,
        crew: &Crew,
        is_left_out: impl Fn(&String) -> bool,
    ) -> Result<Vec<(Claim, Instant)>, StoreError> {
        let mut free = self.options.limits.at_once().saturating_sub(crew.len());
        let mut claims = Vec::new();
        for source in self.store.job_sources(job).await?.into_iter().filter(|id| !is_left_out(id)) {
            let limit = self.registry.concurrency(&source);
            let own = crew.by_source().get(source.as_str()).copied().unwrap_or(0);
            let wanted = (limit as usize).saturating_sub(own).min(free);
            if wanted == 0 {
                continue;
            }
            let request = ClaimRequest {
                owner: &self.owner,
                source: &source,
                job: Some(job),
                limit: wanted.try_into().unwrap_or(u32::MAX),
                source_limit: Some(limit),
                total_limit: self.options.limits.in_total(),
                lease: self.options.lease,
                heeds_circuit: false,
            };
            let (claimed, until) = self.claim(request).await?;
            free = free.saturating_sub(claimed.len());
            claims.extend(claimed.into_iter().map(|claim| (claim, until)));
        }
        Ok(claims)
    }

    fn source_for(&self, claim: &Claim, paused: &HashMap<String, String>) -> Result<Arc<Source>, String> {
        match (self.registry.get(&claim.source), paused.get(&claim.source)) {
            (_, Some(why)) => Err(format!("the source is paused: {why}")),
            (None, _) => Err(format!("backfill.toml has no source {:?}", claim.source)),
            (Some(Err(why)), _) => Err(format!("the source can't be used: {why}")),
            (Some(Ok(source)), None) => Ok(source),
        }
    }

    /// Sleeps until a task of the job may be due.
    async fn wait_for_work(&self, job: i64, stop: &CancellationToken) -> Result<(), StoreError> {
        let due = self.store.next_due(Some(job)).await?;
        let until_due = due.map_or(self.options.poll, |due| {
            (due.utc() - self.store.now()).to_std().unwrap_or_default().max(Duration::from_millis(5))
        });
        if until_due > SILENCE {
            tracing::info!(
                "nothing can run for {} s: tasks wait to be tried again, or a worker that is gone holds their places \
                 until its leases end",
                until_due.as_secs()
            );
        }
        tokio::select! {
            // Looking now and then is cheap, and right even if the clock jumps.
            () = tokio::time::sleep(until_due.min(Duration::from_secs(30))) => {}
            () = stop.cancelled() => {}
        }
        Ok(())
    }
}

/// What an ended attempt tells a watcher. A source that refused its credential is asked nothing more.
fn step((claim, result): Ended, paused: &mut HashMap<String, String>) -> Progress {
    match result {
        Ok(Committed { finished, message, pause }) => {
            if let Some(why) = pause {
                tracing::warn!(source = claim.source, "the source is paused: {why}");
                paused.insert(claim.source.clone(), why);
            }
            Progress::Finished { claim, finished, message }
        }
        Err(message) => Progress::Lost { claim, message },
    }
}
