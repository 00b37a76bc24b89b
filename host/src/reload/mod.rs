//! The configuration while the host runs: what changes in `backfill.toml` and in the files that it names takes effect
//! without a restart, as far as it is about sources and about how many tasks run at once.

mod files;
mod loads;

use std::{path::PathBuf, sync::Arc, time::Duration};

use tokio::{
    sync::mpsc,
    time::{Instant, MissedTickBehavior},
};
use tokio_util::sync::CancellationToken;

use self::{files::Files, loads::Loads};
use crate::{
    config::{self, Config, Env},
    source::Registry,
    worker::Limits,
};

/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(1);

/// How often what could not be downloaded is tried again.
const ANOTHER_TRY: Duration = Duration::from_secs(60);

/// Follows the configuration.
pub struct Reloader<'e> {
    env: Env<'e>,
    /// As the host was started; what is not followed stays so.
    started: Config,
    /// The last one that could be used.
    current: Config,
    registry: Arc<Registry>,
    limits: Limits,
    files: Files,
    loads: Loads<'e>,
    /// The sections that differ from those that the host was started with, as somebody was last told.
    waiting: Vec<&'static str>,
    /// When all sources were last looked at; at first, what a start did not wait for is tried at once.
    tried: Option<Instant>,
}

impl<'e> Reloader<'e> {
    /// Follows the configuration that a host was started with.
    pub fn new(config: &Config, env: Env<'e>, registry: Arc<Registry>, limits: Limits) -> Self {
        Self {
            env,
            started: config.clone(),
            current: config.clone(),
            loads: Loads::new(Arc::clone(&registry), env),
            registry,
            limits,
            files: Files::default(),
            waiting: Vec::new(),
            tried: None,
        }
    }

    /// Takes changes over until `stop` is cancelled: once a file has come to rest, and at once when `asked` says so.
    /// Sources load while it goes on looking, and what has not loaded by the end is dropped.
    pub async fn run(mut self, mut asked: mpsc::Receiver<()>, stop: CancellationToken) {
        let mut looks = tokio::time::interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = looks.tick() => self.look(false),
                Some(()) = asked.recv() => {
                    tracing::info!("looking what has changed, as asked");
                    self.look(true);
                }
                () = self.loads.go_on() => {}
                () = stop.cancelled() => return,
            }
        }
    }

    /// One look. `asked` for by somebody, it takes everything for whole and tries again what was refused.
    fn look(&mut self, asked: bool) {
        let watched = self.watched();
        let mut touched = self.files.changed(&watched, asked);
        if asked {
            touched = watched;
        }
        let is_time = self.tried.is_none_or(|tried| tried.elapsed() >= ANOTHER_TRY);
        if !touched.is_empty() || is_time && self.registry.wants_another_try() {
            self.take_over(&touched);
        }
    }

    /// The configuration, and what it names of enabled sources: components and credentials.
    fn watched(&self) -> Vec<PathBuf> {
        let sources = self.current.sources.iter().filter(|source| source.enabled);
        let of_sources = sources.flat_map(|source| [source.component.file(), source.credential_file()]);
        let named = of_sources.flatten().map(ToOwned::to_owned);
        let mut all: Vec<_> = named.chain([self.current.path.clone()]).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    fn take_over(&mut self, touched: &[PathBuf]) {
        self.tried = Some(Instant::now());
        if touched.contains(&self.current.path) {
            let loaded = config::load(&self.current.path, self.env);
            if !self.files.is_as_taken(&self.current.path) {
                // Somebody wrote while it was read; it is looked at again once it rests.
                return;
            }
            match loaded {
                // It is sooner one that is being written than one that somebody wants.
                Ok(config) if config.sources.is_empty() && !self.current.sources.is_empty() => {
                    tracing::error!(
                        "the configuration is refused, since it names no source any more; what was read before stays (turn \
                     sources off one by one with enabled = false)"
                    )
                }
                Ok(config) => self.read(config),
                Err(problems) => {
                    for problem in problems.iter() {
                        tracing::error!("{problem}");
                    }
                    tracing::error!(
                        "the configuration is refused, since it has these problems; what was read before stays"
                    );
                }
            }
        }
        self.loads.begin(&self.current, touched);
    }

    fn read(&mut self, config: Config) {
        if self.limits.follow(&config.worker) {
            tracing::info!(
                concurrency = config.worker.concurrency,
                "the limits of [worker] are changed; running tasks stay"
            );
        }
        let waiting = not_followed(&self.started, &config);
        if waiting != self.waiting && !waiting.is_empty() {
            tracing::warn!("{}: this takes effect after a restart", waiting.join(", "));
        }
        self.waiting = waiting;
        self.current = config;
    }
}

/// The sections that differ and are not followed.
fn not_followed(started: &Config, now: &Config) -> Vec<&'static str> {
    // How many tasks run at once is followed.
    let worker = config::Worker {
        concurrency: started.worker.concurrency,
        total_concurrency: started.worker.total_concurrency,
        ..now.worker.clone()
    };
    let sections = [
        ("[server]", started.server != now.server),
        ("[auth]", started.auth != now.auth),
        ("[database]", started.database != now.database),
        ("[worker] lease, heartbeat, poll, grace, retry", started.worker != worker),
        ("[retention]", started.retention != now.retention),
        ("[archive]", started.archive != now.archive),
        ("[notifications]", started.notifications != now.notifications),
        ("[telemetry]", started.telemetry != now.telemetry),
    ];
    sections.into_iter().filter_map(|(name, differs)| differs.then_some(name)).collect()
}
