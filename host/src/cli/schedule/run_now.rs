//! `backfill schedule run-now`.

use std::sync::Arc;

use anyhow::bail;
use clap::Args;

use crate::{
    cli::{
        context::{self, env},
        deed::Deed,
    },
    config::Config,
    schedules::Scheduler,
    source::Registry,
    store::{Fired, Store},
};

/// Fire a schedule now, besides its times. A collecting one is tried once, here; the job of another one waits for a
/// running host.
///
/// For example:
///   backfill schedule run-now nightly
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct RunNow {
    /// The schedule's name.
    name: String,
}

impl RunNow {
    pub(in crate::cli) async fn act(self, config: &Config, store: &Store) -> anyhow::Result<()> {
        let schedule = store.schedule_by_name(&self.name).await?;
        let shared = context::shared(config, store)?;
        let registry = Arc::new(Registry::load(config, &env, &context::engine(config)?, &shared).await);
        let (worker, limit) = (&config.worker, config.server.max_open_tasks);
        let scheduler = Scheduler::new(store.clone(), registry, worker.retry.attempts, limit, worker.grace);
        let firing = Deed::new("schedule run-now", &format!("/schedules/{}", schedule.id));
        let fired = scheduler.fire_now(schedule.id, store.now());
        let made = |fired: &Fired| match fired {
            Fired::Job(id) => Some(format!("/backfill/jobs/{id}")),
            _ => None,
        };
        let fired = firing.making(store, fired, made).await?;
        let outcome = store.schedule(schedule.id).await?.last_outcome.unwrap_or_default();
        match fired {
            Fired::Taken => say!("a running host has fired {:?}: {outcome}", self.name)?,
            Fired::LeftOut(why) => bail!("schedule {:?} was left out: {why}", self.name),
            Fired::Job(_) => {
                say!("{outcome}")?;
                say!("a running `backfill serve` or `backfill worker` fills it")?;
            }
            Fired::Runs(_) | Fired::Noted => say!("{outcome}")?,
        }
        Ok(())
    }
}
