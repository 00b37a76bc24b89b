//! What the subcommands have in common: the configuration, the engine, the store, the archive.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use futures::FutureExt;

use crate::{
    config::{self, ArchivePlace, Config, Database},
    egress::{Answers, Archive, LocalAllowance, Shared},
    kit::conformance,
    source::Engine,
    store::{Fault, Store, StoreError},
    worker::{StoredAllowance, StoredAnswers},
};

/// How long a host that starts waits for a database that can't be reached.
const PATIENCE: Duration = Duration::from_secs(60);

/// How soon it tries again.
const AGAIN: Duration = Duration::from_secs(1);

/// Looks a variable up in the process's environment.
pub(super) fn env(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Reads the configuration, or fails with everything that is wrong with it.
pub(super) fn load(path: &Path) -> anyhow::Result<Config> {
    config::load(path, &env).map_err(|problems| {
        anyhow::anyhow!(
            "the configuration can't be used:\n{problems}\n(`backfill config check` shows all problems)"
        )
    })
}

/// The engine. Compiled code and components are kept in the host's folder.
pub(super) fn engine(config: &Config) -> anyhow::Result<Engine> {
    let folder = folder(config);
    let engine = Engine::new(Some(&folder.join("cache")))?;
    Ok(engine.keeping(&folder.join("components")).examining(Arc::new(|source, cases| {
        async move { conformance::demanded(&source, cases.as_deref()).await }.boxed()
    })))
}

/// The engine for component files that no configuration names: compiled code is kept where it would be if `config`
/// were there. Nothing else is.
pub(super) fn engine_for_files(config: &Path) -> anyhow::Result<Engine> {
    Engine::new(Some(&config.with_file_name(".backfill").join("cache")))
}

/// What this host keeps for itself: beside the database; where that is on a server, beside the configuration.
fn folder(config: &Config) -> PathBuf {
    match &config.database {
        Database::Sqlite { path } => path.with_file_name(""),
        Database::Postgres { .. } => config.path.with_file_name(".backfill"),
    }
}

/// The address of the configuration's database, with its password.
pub(super) fn database_url(config: &Config) -> String {
    match &config.database {
        Database::Sqlite { path } => format!("sqlite://{}", path.display()),
        Database::Postgres { url } => url.expose().to_owned(),
    }
}

/// The database of the configuration; a file is made where there is none.
pub(super) async fn store(config: &Config) -> anyhow::Result<Store> {
    Ok(Store::open(&database_url(config)).await?)
}

/// The database of a host. One that can't be reached is waited for a little: whoever starts a platform starts host and
/// server together, and whoever restarts the server does not think of the hosts.
pub(super) async fn store_of_host(config: &Config) -> anyhow::Result<Store> {
    let began = Instant::now();
    loop {
        match store(config).await {
            Err(error) if is_unreachable(&error) && began.elapsed() < PATIENCE => {
                let left = PATIENCE.saturating_sub(began.elapsed());
                tracing::warn!("{error}; trying again for {} s", left.as_secs());
                tokio::time::sleep(AGAIN).await;
            }
            opened => return opened,
        }
    }
}

fn is_unreachable(error: &anyhow::Error) -> bool {
    error.downcast_ref::<StoreError>().is_some_and(|error| error.fault() == Some(Fault::Unreachable))
}

/// The database of the configuration where there is one already; a file is not made for this.
pub(super) async fn store_if_any(config: &Config) -> anyhow::Result<Option<Store>> {
    match &config.database {
        Database::Sqlite { path } if !path.exists() => Ok(None),
        _ => Ok(Some(store(config).await?)),
    }
}

/// What gates share where there is no database: an allowance of this process alone, and nothing is kept.
pub(super) fn shared_without_store() -> Shared {
    Shared::new(Arc::<LocalAllowance>::default())
}

/// What every source's gate shares: allowances and answers in the store and the archive.
pub(super) fn shared(config: &Config, store: &Store) -> anyhow::Result<Shared> {
    let shared = Shared::new(Arc::new(StoredAllowance(store.clone())));
    if !config.archive.enabled {
        return Ok(shared);
    }
    let archive = match &config.archive.place {
        ArchivePlace::Folder(folder) => Archive::local(folder)?,
        ArchivePlace::Bucket { bucket, spool } => Archive::bucket(bucket, spool, std::env::vars_os())?,
    };
    let index = Arc::new(StoredAnswers(store.clone()));
    Ok(shared.keeping(Answers { archive, index }))
}
