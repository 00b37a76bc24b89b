//! The claim loop: as many attempts at once as the limits allow, until a job has ended.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use tokio::{sync::mpsc, task::JoinSet};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::{
    attempt::{self, Committed},
    lease::{Beat, Heartbeat, Held},
    progress::Progress,
};
use crate::{
    clock,
    domain::RetryPolicy,
    source::Registry,
    store::{Claim, ClaimRequest, Store, StoreError},
};

/// How a worker goes about its work; `[worker]` of the configuration.
#[derive(Clone, Debug)]
pub struct Options {
    /// Attempts at once in this process.
    pub concurrency: usize,
    /// Attempts at once of each source, by id.
    pub source_concurrency: BTreeMap<String, u32>,
    /// How long a claimed task stays claimed without a sign of life.
    pub lease: Duration,
    /// How often leases are renewed.
    pub heartbeat: Duration,
    /// How often an idle worker looks for work.
    pub poll: Duration,
    /// When a task is tried again.
    pub retry: RetryPolicy,
}

/// Runs the tasks of jobs.
pub struct Worker {
    store: Store,
    registry: Arc<Registry>,
    options: Options,
    /// New with every start, so that a restarted worker is never taken for the one that died.
    owner: String,
    held: Held,
}

/// A wait longer than this is explained.
const SILENCE: Duration = Duration::from_secs(5);

type Running = JoinSet<(Claim, Result<Committed, String>)>;

impl Worker {
    /// A worker of this process.
    pub fn new(store: Store, registry: Arc<Registry>, options: Options) -> Self {
        let owner = format!("{}-{:016x}", std::process::id(), rand::random::<u64>());
        Self { store, registry, options, owner, held: Held::default() }
    }

    /// Its id in the store: new with every start.
    pub fn id(&self) -> &str {
        &self.owner
    }

    /// Runs one job until it has ended, telling `watch` of every step. When `stop` is cancelled, nothing more is
    /// claimed, and what runs is given back without costing an attempt.
    pub async fn run_job(
        &self,
        job: i64,
        stop: CancellationToken,
        watch: mpsc::UnboundedSender<Progress>,
    ) -> Result<(), StoreError> {
        let beat = Beat {
            store: self.store.clone(),
            owner: self.owner.clone(),
            held: self.held.clone(),
            serves: false,
            concurrency: self.options.concurrency.try_into().unwrap_or(u32::MAX),
        };
        beat.sign_of_life().await?;
        let _heartbeat = Heartbeat::start(beat, self.options.lease, self.options.heartbeat);
        self.work(job, stop, watch).await?;
        self.store.worker_stopped(&self.owner, clock::now()).await
    }

    async fn work(
        &self,
        job: i64,
        stop: CancellationToken,
        watch: mpsc::UnboundedSender<Progress>,
    ) -> Result<(), StoreError> {
        let mut running: Running = JoinSet::new();
        let mut by_source: HashMap<String, usize> = HashMap::new();
        let mut paused: HashMap<String, String> = HashMap::new();
        loop {
            if !stop.is_cancelled() {
                for claim in self.claim(job, running.len(), &by_source).await? {
                    *by_source.entry(claim.source.clone()).or_default() += 1;
                    // Nobody watching is no reason to stop.
                    let _ = watch.send(Progress::Started(claim.clone()));
                    self.spawn(&mut running, claim, &paused, &stop);
                }
            }
            if running.is_empty() {
                if stop.is_cancelled() || !self.wait_for_work(job, &stop).await? {
                    return Ok(());
                }
                continue;
            }
            let joined = tokio::select! {
                joined = running.join_next() => joined,
                // A task that waits may come due while others run.
                () = tokio::time::sleep(self.options.poll) => continue,
            };
            let (claim, result) = match joined {
                None => continue,
                Some(Ok(ended)) => ended,
                Some(Err(error)) => {
                    // Its lease runs out, and the task is taken back then.
                    tracing::error!(%error, "an attempt of this worker panicked");
                    continue;
                }
            };
            self.held.remove(&claim);
            if let Some(count) = by_source.get_mut(&claim.source) {
                *count = count.saturating_sub(1);
            }
            let step = match result {
                Ok(Committed { finished, message, pause }) => {
                    if let Some(why) = pause {
                        tracing::warn!(source = claim.source, "the source is paused: {why}");
                        paused.insert(claim.source.clone(), why);
                    }
                    Progress::Finished { claim, finished, message }
                }
                Err(message) => Progress::Lost { claim, message },
            };
            let _ = watch.send(step);
        }
    }

    /// Claims what fits: of each source as much as its own limit and the worker's leave.
    async fn claim(
        &self,
        job: i64,
        running: usize,
        by_source: &HashMap<String, usize>,
    ) -> Result<Vec<Claim>, StoreError> {
        let mut free = self.options.concurrency.saturating_sub(running);
        let mut claims = Vec::new();
        for source in self.store.job_sources(job).await? {
            let limit = self.options.source_concurrency.get(&source).copied().unwrap_or(1);
            let own = (limit as usize).saturating_sub(by_source.get(&source).copied().unwrap_or(0));
            let wanted = own.min(free);
            if wanted == 0 {
                continue;
            }
            let request = ClaimRequest {
                owner: &self.owner,
                source: &source,
                job: Some(job),
                limit: wanted as u32,
                source_limit: Some(limit),
                total_limit: None,
                lease: self.options.lease,
            };
            let claimed = self.store.claim(request, clock::now()).await?;
            free = free.saturating_sub(claimed.len());
            claims.extend(claimed);
        }
        Ok(claims)
    }

    fn spawn(
        &self,
        running: &mut Running,
        claim: Claim,
        paused: &HashMap<String, String>,
        stop: &CancellationToken,
    ) {
        let (store, retry, stop) = (self.store.clone(), self.options.retry.clone(), stop.clone());
        let lost = self.held.add(&claim);
        let source = match (self.registry.get(&claim.source), paused.get(&claim.source)) {
            (_, Some(why)) => Err(format!("the source is paused: {why}")),
            (None, _) => Err(format!("backfill.toml has no source {:?}", claim.source)),
            (Some(Err(why)), _) => Err(format!("the source can't be used: {why}")),
            (Some(Ok(source)), None) => Ok(Arc::clone(source)),
        };
        let span = tracing::info_span!(
            "task",
            job = claim.job_id,
            task = claim.task_id,
            unit = claim.unit_id,
            source = claim.source,
            month = %claim.month,
            attempt = claim.attempt,
        );
        running.spawn(
            async move {
                let work = async {
                    match &source {
                        Ok(source) => attempt::attempt(&store, source, &retry, &claim).await,
                        Err(why) => attempt::refuse(&store, &claim, why).await,
                    }
                };
                tracing::debug!("attempt begins");
                // Dropping the attempt drops its sandbox: that is how it is stopped.
                let result = tokio::select! {
                    result = work => result,
                    () = lost.cancelled() => Err(StoreError::LostLease { task_id: claim.task_id }),
                    () = stop.cancelled() => attempt::give_back(&store, &claim).await,
                };
                match &result {
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
                (claim, result.map_err(|error| error.to_string()))
            }
            .instrument(span),
        );
    }

    /// Sleeps until a task of the job may be due. False if none is left: the job has ended.
    async fn wait_for_work(&self, job: i64, stop: &CancellationToken) -> Result<bool, StoreError> {
        if self.store.job(job).await?.status.ended() {
            return Ok(false);
        }
        let due = self.store.next_due(Some(job)).await?;
        let until_due = due.map_or(self.options.poll, |due| {
            (due.utc() - clock::now()).to_std().unwrap_or_default().max(Duration::from_millis(5))
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
        Ok(true)
    }
}
