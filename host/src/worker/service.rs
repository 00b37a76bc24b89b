//! A worker that serves every job until it is told to stop.

use std::{sync::Arc, time::Duration};

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{Worker, crew::Crew, lease::Heartbeat, patience::patiently};
use crate::{
    source::Source,
    store::{ClaimRequest, News, Store, StoreError},
};

/// The longest pause between looks at a database that fails.
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

impl Worker {
    /// Says that this worker lives and is about to [`Worker::serve`]. A host that answers before is not ready.
    pub async fn announce(&self) -> Result<(), StoreError> {
        let beat = self.beat(true);
        patiently(|| beat.sign_of_life()).await
    }

    /// Claims and runs tasks of every job whose source this worker has. When `stop` is cancelled, nothing more is
    /// claimed; what runs has the grace period to end, and is given back after it, or once `at_once` is cancelled,
    /// without costing an attempt. A database that goes away is waited for.
    pub async fn serve(&self, stop: CancellationToken, at_once: CancellationToken) -> Result<(), StoreError> {
        let beat = self.beat(true);
        let heartbeat = Heartbeat::start(beat.clone(), self.options.lease, self.options.heartbeat);
        let (sender, mut news) = mpsc::unbounded_channel();
        let hearing = tokio::spawn(hear(self.store.clone(), sender));
        let interrupt = CancellationToken::new();
        let mut crew =
            Crew::new(self.store.clone(), Arc::clone(&self.options), self.held.clone(), interrupt.clone());
        let mut trouble = 0u32;
        let mut turn = 0usize;
        while !stop.is_cancelled() {
            turn = turn.wrapping_add(1);
            let pause = match self.claim_any(&mut crew, turn).await {
                Ok(()) => {
                    self.last_look.note();
                    if trouble > 0 {
                        tracing::info!("the database is back");
                    }
                    trouble = 0;
                    self.options.poll
                }
                Err(error) => {
                    if trouble == 0 {
                        tracing::error!("no task can be claimed: {error}; trying again until it works");
                    }
                    trouble = trouble.saturating_add(1);
                    (self.options.poll * 2u32.saturating_pow(trouble.min(8))).min(LONGEST_PAUSE)
                }
            };
            tokio::select! {
                _ = crew.next_ended() => while crew.try_next_ended().is_some() {},
                Some(heard) = news.recv() => match heard {
                    News::Work => {}
                    // Leases tell what is still ours. If they can't be read at all, the next heartbeat reads them.
                    News::Cancelled(job) => {
                        drop(patiently(|| beat.renew_job(job, self.options.lease)).await);
                    }
                    News::Missed => drop(beat.renew_all(self.options.lease).await),
                },
                () = tokio::time::sleep(pause) => {}
                () = stop.cancelled() => {}
            }
        }
        hearing.abort();
        self.wind_down(&mut crew, &interrupt, &at_once).await;
        drop(heartbeat);
        self.store.worker_stopped(&self.owner, self.store.now()).await
    }

    /// Lets running attempts end for the grace period, then gives the rest back.
    async fn wind_down(&self, crew: &mut Crew, interrupt: &CancellationToken, at_once: &CancellationToken) {
        if crew.is_empty() {
            return;
        }
        let seconds = self.options.grace.as_secs();
        tracing::info!(tasks = crew.len(), "stopping: what runs may end within {seconds} s");
        let grace = tokio::time::sleep(self.options.grace);
        tokio::pin!(grace);
        while !crew.is_empty() {
            tokio::select! {
                _ = crew.next_ended() => {}
                () = &mut grace, if !interrupt.is_cancelled() => interrupt.cancel(),
                () = at_once.cancelled(), if !interrupt.is_cancelled() => interrupt.cancel(),
            }
        }
    }

    /// Claims as much as fits, of each source in turn: the one that came first last time comes later this time.
    async fn claim_any(&self, crew: &mut Crew, turn: usize) -> Result<(), StoreError> {
        let sources: Vec<(String, Arc<Source>)> =
            self.registry.all().into_iter().filter_map(|(id, source)| Some((id, source.ok()?))).collect();
        for at in 0..sources.len() {
            let (id, source) = &sources[(turn + at) % sources.len()];
            let free = self.options.limits.at_once().saturating_sub(crew.len());
            if free == 0 {
                break;
            }
            let limit = self.registry.concurrency(id);
            let own = crew.by_source().get(id.as_str()).copied().unwrap_or(0);
            let wanted = (limit as usize).saturating_sub(own).min(free);
            if wanted == 0 {
                continue;
            }
            let request = ClaimRequest {
                owner: &self.owner,
                source: id,
                job: None,
                limit: wanted.try_into().unwrap_or(u32::MAX),
                source_limit: Some(limit),
                total_limit: self.options.limits.in_total(),
                lease: self.options.lease,
                heeds_circuit: true,
            };
            let (claims, until) = self.claim(request).await?;
            for claim in claims {
                // Another one may have taken over since; one that is gone still serves what was claimed of it.
                let newest = self.registry.get(id).and_then(Result::ok);
                crew.begin(claim, until, Ok(newest.unwrap_or_else(|| Arc::clone(source))));
            }
        }
        Ok(())
    }
}

/// Forwards news for as long as anybody wants them; listens again when the connection is lost.
async fn hear(store: Store, sender: mpsc::UnboundedSender<News>) {
    loop {
        if let Ok(mut listener) = store.listen().await {
            // Whatever was said before it listened.
            let mut next = Ok(News::Missed);
            while let Ok(news) = next {
                if sender.send(news).is_err() {
                    return;
                }
                next = listener.next().await;
            }
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}
