//! `backfill serve` and `backfill worker`: a host that runs until it is told to stop.

use std::{
    fs::{File, TryLockError},
    net::SocketAddr,
    path::Path,
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, bail};
use clap::Args;
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    sync::mpsc,
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

use super::{
    context::{self, env},
    end_by_force, login,
};
use crate::{
    api::{self, Api, Parts},
    clock,
    config::{Config, Database},
    notify::Dispatcher,
    observe,
    reload::Reloader,
    schedules::Scheduler,
    source::Registry,
    worker::{Options, Worker, patiently},
};

/// Run a host: it works off jobs, fires schedules and answers HTTP, until SIGTERM or Ctrl-C.
///
/// Told to stop, it claims nothing more, lets running tasks end for `[worker] grace` (30 s), and gives the rest back
/// without costing them an attempt. Told a second time, it gives them back at once; a third time, it ends as it is, and
/// what it held is taken over when the leases run out.
///
/// Sources follow backfill.toml and their component files while it runs, without a restart; SIGHUP makes it look at
/// once. `backfill source rollback` goes back to an earlier component.
///
/// Any number of hosts may share one Postgres database; on SQLite there is one.
///
/// For example:
///   backfill serve
///   curl http://127.0.0.1:8080/readyz
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Serve {
    /// Where to answer HTTP, instead of `[server] listen`.
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,
}

/// Run a host without the API: it works off jobs and fires schedules, until SIGTERM or Ctrl-C.
///
/// Start as many as there is work for, on as many machines, with one Postgres database and one configuration. Limits
/// and allowances hold over all of them. Stopping is as for `backfill serve`.
///
/// For example:
///   backfill worker
///   backfill worker --listen 0.0.0.0:9100
#[derive(Args)]
#[command(name = "worker", verbatim_doc_comment)]
pub(super) struct Work {
    /// Where to answer /healthz, /readyz and /metrics, and nothing else.
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,
}

/// How long a start waits for components that have to be downloaded first; the host goes on without those that are slower,
/// until they come.
const FOR_DOWNLOADS: Duration = Duration::from_secs(20);

/// What a host answers over HTTP, and where.
enum Http {
    All(TcpListener),
    Health(TcpListener),
    Nothing,
}

impl Serve {
    pub(super) async fn act(self, config: &Path) -> anyhow::Result<ExitCode> {
        let config = context::load(config)?;
        let listen = self.listen.unwrap_or(config.server.listen);
        let listener = bind(listen, "--listen or [server] listen").await?;
        run(&config, Http::All(listener)).await
    }
}

impl Work {
    pub(super) async fn act(self, config: &Path) -> anyhow::Result<ExitCode> {
        let config = context::load(config)?;
        let http = match self.listen {
            Some(listen) => Http::Health(bind(listen, "--listen").await?),
            None => Http::Nothing,
        };
        run(&config, http).await
    }
}

async fn bind(listen: SocketAddr, named_by: &str) -> anyhow::Result<TcpListener> {
    let listener = TcpListener::bind(listen).await;
    listener.with_context(|| format!("listening on {listen}; name another address with {named_by}"))
}

async fn run(config: &Config, http: Http) -> anyhow::Result<ExitCode> {
    let stop = Stop::on_signals()?;
    observe::install(clock::now())?;
    let _only_host = only_host(config)?;
    let store = tokio::select! {
        store = context::store_of_host(config) => store?,
        () = stop.gently.cancelled() => return Ok(ExitCode::SUCCESS),
    };
    let shared = context::shared(config, &store)?;
    let engine = context::engine(config)?;
    let registry = tokio::select! {
        registry = Registry::load_within(FOR_DOWNLOADS, config, &env, &engine, &shared) => Arc::new(registry),
        () = stop.gently.cancelled() => {
            store.close().await;
            tracing::info!("stopped, before it was ready");
            return Ok(ExitCode::SUCCESS);
        }
    };
    let usable = registry.all().iter().filter(|(_, source)| source.is_ok()).count();
    if usable == 0 && !registry.wants_another_try() {
        bail!("no source can be used, so there is nothing to do; see `backfill source list`");
    }
    registry.host().await;
    let options = Options::of(config);
    let reloader = Reloader::new(config, &env, Arc::clone(&registry), options.limits.clone());
    let worker = Worker::new(store.clone(), Arc::clone(&registry), options);
    let dispatcher = Dispatcher::new(store.clone(), config, env)?;
    // Before any job can end.
    patiently(|| dispatcher.enlist()).await?;
    tracing::info!(worker = worker.id(), sources = usable, "ready for work");
    let (poll, drained) = (config.worker.poll, stop.drained.clone());
    let telling = tokio::spawn(async move { dispatcher.run(poll, drained).await });
    if let Http::All(listener) = &http
        && let Some(link) = login::first_link(&store, listener.local_addr()?).await?
    {
        // Past the log, which is kept and read by many: this is for whoever started the host.
        eprintln!("nobody has logged in yet; this link does, once, within an hour: {link}");
    }
    let parts = Parts {
        store: store.clone(),
        registry: Arc::clone(&registry),
        config: config.clone(),
        stop: stop.drained.clone(),
        last_look: worker.last_look(),
    };
    worker.announce().await?;
    let answering = http.answer(Api::new(parts)?);
    let (own, limit) = (&config.worker, config.server.max_open_tasks);
    let scheduler = Scheduler::new(store.clone(), registry, own.retry.attempts, limit, own.grace);
    let (gently, at_once) = (stop.gently.clone(), stop.at_once.clone());
    let firing = tokio::spawn(async move { scheduler.run(gently, at_once).await });
    let reloading = tokio::spawn(reloader.run(stop.reload, stop.gently.clone()));
    let served = worker.serve(stop.gently.clone(), stop.at_once).await;
    // Also if the worker ended by itself.
    stop.gently.cancel();
    reloading.await.context("following the configuration")?;
    firing.await.context("the scheduler")?;
    stop.drained.cancel();
    if let Some(answering) = answering {
        answering.await.context("the HTTP server")?;
    }
    // What it has not sent yet, another host sends, or this one when it runs again.
    telling.await.context("sending messages")?;
    store.close().await;
    served?;
    tracing::info!("stopped");
    Ok(ExitCode::SUCCESS)
}

impl Http {
    /// Begins to answer, until the host stops.
    fn answer(self, api: Api) -> Option<JoinHandle<()>> {
        let (Self::All(listener) | Self::Health(listener)) = &self else { return None };
        if let Ok(address) = listener.local_addr() {
            tracing::info!("answering on http://{address}");
        }
        match self {
            Self::All(listener) => Some(tokio::spawn(api::serve(listener, api))),
            Self::Health(listener) => Some(tokio::spawn(api::serve_health(listener, api))),
            Self::Nothing => None,
        }
    }
}

/// Ways to be told to stop, or to look at the configuration.
struct Stop {
    /// SIGHUP: look now.
    reload: mpsc::Receiver<()>,
    /// Once: claim nothing more.
    gently: CancellationToken,
    /// Twice: give back what runs.
    at_once: CancellationToken,
    /// Nothing runs any more.
    drained: CancellationToken,
}

impl Stop {
    /// Stops at SIGTERM and Ctrl-C, and looks at SIGHUP.
    fn on_signals() -> anyhow::Result<Self> {
        let mut hangup = signal(SignalKind::hangup()).context("listening for SIGHUP")?;
        let (sender, reload) = mpsc::channel(1);
        tokio::spawn(async move {
            while hangup.recv().await.is_some() {
                // Who is to look already, looks once.
                let _ = sender.try_send(());
            }
        });
        let mut term = signal(SignalKind::terminate()).context("listening for SIGTERM")?;
        let mut interrupt = signal(SignalKind::interrupt()).context("listening for Ctrl-C")?;
        let stop = Self {
            reload,
            gently: CancellationToken::new(),
            at_once: CancellationToken::new(),
            drained: CancellationToken::new(),
        };
        let (gently, at_once) = (stop.gently.clone(), stop.at_once.clone());
        tokio::spawn(async move {
            let mut told = async || {
                tokio::select! {
                    _ = term.recv() => {}
                    _ = interrupt.recv() => {}
                }
            };
            told().await;
            gently.cancel();
            told().await;
            tracing::info!("told to stop a second time: what runs is given back at once");
            at_once.cancel();
            told().await;
            tracing::warn!("told to stop a third time: ending as it is");
            end_by_force()
        });
        Ok(stop)
    }
}

/// On SQLite, a lock that this host holds for as long as it lives: two would not hear of each other's news, and share
/// one writer. Postgres needs none.
fn only_host(config: &Config) -> anyhow::Result<Option<File>> {
    let Database::Sqlite { path } = &config.database else { return Ok(None) };
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).with_context(|| format!("making the folder {}", folder.display()))?;
    }
    let lock = path.with_extension("host-lock");
    let file = File::create(&lock).with_context(|| format!("making {}", lock.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => bail!(
            "another host runs on {}: SQLite serves one; stop it, or use a Postgres database ([database] url) for \
             several",
            path.display()
        ),
        Err(TryLockError::Error(error)) => Err(error).with_context(|| format!("locking {}", lock.display())),
    }
}
