//! The configuration while the host runs: what changes in `backfill.toml` and in the files that it names takes effect
//! without a restart, as far as it is about sources and about how many tasks run at once.

mod files;

use std::{path::PathBuf, sync::Arc, time::Duration};

use tokio::{sync::mpsc, time::Instant};
use tokio_util::sync::CancellationToken;

use self::files::Files;
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
    /// The sections that differ from those that the host was started with, as somebody was last told.
    waiting: Vec<&'static str>,
    tried: Instant,
}

impl<'e> Reloader<'e> {
    /// Follows the configuration that a host was started with.
    pub fn new(config: &Config, env: Env<'e>, registry: Arc<Registry>, limits: Limits) -> Self {
        Self {
            env,
            started: config.clone(),
            current: config.clone(),
            registry,
            limits,
            files: Files::default(),
            waiting: Vec::new(),
            tried: Instant::now(),
        }
    }

    /// Takes changes over until `stop` is cancelled: once a file has come to rest, and at once when `asked` says so.
    pub async fn run(mut self, mut asked: mpsc::Receiver<()>, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = tokio::time::sleep(LOOK) => self.look(false).await,
                Some(()) = asked.recv() => {
                    tracing::info!("looking what has changed, as asked");
                    self.look(true).await;
                }
                () = stop.cancelled() => return,
            }
        }
    }

    /// One look. `asked` for by somebody, it takes everything for whole and tries again what was refused.
    async fn look(&mut self, asked: bool) {
        let watched = self.watched();
        let mut touched = self.files.changed(&watched, asked);
        if asked {
            touched = watched;
        }
        let again = self.tried.elapsed() >= ANOTHER_TRY && self.registry.wants_another_try();
        if !touched.is_empty() || again {
            self.take_over(&touched).await;
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

    async fn take_over(&mut self, touched: &[PathBuf]) {
        self.tried = Instant::now();
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
        self.registry.apply(&self.current, self.env, touched).await;
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
