//! The rules of notifications: a real store, a real HTTP receiver and a real mail server, on loopback. The clock is
//! the tests' own.

mod claims;
mod http_sink;
mod mail;
mod smtp_sink;
mod webhooks;

use std::{
    io,
    sync::{Arc, Mutex},
};

use chrono::{DateTime, TimeDelta, Utc};
use tempfile::TempDir;

use super::{Dispatcher, Tally};
use crate::{
    config,
    domain::{EventKind, Unit},
    store::{
        NewJob, NewUnit, NewWebhook, NewWindfarm, Store,
        tests::{
            month, new_job,
            postgres::{self, TestDatabase},
            task,
        },
    },
};

/// `whsec_` and the 24 bytes of the standard's own example.
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const PASSWORD: &str = "mail-p4ssw0rd";

/// What the process's environment would hold.
fn env(name: &str) -> Option<String> {
    match name {
        "HOOK_SECRET" => Some(SECRET.to_owned()),
        "HOOK_SECRET_BROKEN" => Some("whsec_bm90LWxvbmctZW5vdWdo".to_owned()),
        "SMTP_PASSWORD" => Some(PASSWORD.to_owned()),
        _ => None,
    }
}

/// An instant of the tests, in seconds after their beginning.
fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_704_067_200, 0).unwrap() + TimeDelta::seconds(seconds)
}

/// No jitter.
fn none() -> f64 {
    0.0
}

const PRIVATE: &str = "[notifications]\nprivate_networks = true\n";

/// A store and a dispatcher, gone at the end of the test.
struct World {
    folder: TempDir,
    server: Option<TestDatabase>,
    store: Store,
    dispatcher: Dispatcher,
}

impl World {
    /// With this configuration beside the defaults, on SQLite.
    async fn new(config: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().join("backfill.db").to_str().unwrap()).await.unwrap();
        Self::with(folder, None, store, config).await
    }

    /// One on each database, for a test to be passed on both; Postgres is left out, aloud, where there is none.
    async fn on_both(config: &str) -> Vec<Self> {
        let mut worlds = vec![Self::new(config).await];
        let migrate = async |url: &str| drop(Store::migrate(url).await.unwrap());
        if let Some(server) = postgres::database_from("store", migrate).await {
            let store = Store::open(server.url()).await.unwrap();
            worlds.push(Self::with(tempfile::tempdir().unwrap(), Some(server), store, config).await);
        }
        worlds
    }

    async fn with(folder: TempDir, server: Option<TestDatabase>, store: Store, config: &str) -> Self {
        let dispatcher = dispatcher(&folder, &store, config);
        dispatcher.enlist().await.unwrap();
        Self { folder, server, store, dispatcher }
    }

    /// Another host with the same store.
    async fn another(&self, config: &str) -> Dispatcher {
        let file = self.folder.path().join("backfill.db").display().to_string();
        let store = Store::open(self.server.as_ref().map_or(file.as_str(), TestDatabase::url)).await.unwrap();
        dispatcher(&self.folder, &store, config)
    }

    async fn webhook(&self, url: &str, secret_from: Option<&str>, kinds: &[EventKind]) -> i64 {
        let webhook = NewWebhook { url, secret_from, event_kinds: kinds, created_by_id: None };
        self.store.add_webhook(&webhook, at(0)).await.unwrap()
    }

    /// A job of one task, for a wind farm of its own.
    async fn job(&self, windfarm: &str) -> i64 {
        let unit = Unit { code: windfarm.to_owned(), name: windfarm.to_owned(), ..Unit::default() };
        let units = vec![NewUnit { source: "s".to_owned(), unit, active: None }];
        let farm = NewWindfarm { name: windfarm.to_owned(), units, ..NewWindfarm::default() };
        self.store.import(&[farm], at(0)).await.unwrap();
        let farm = self.store.windfarm_by_name(windfarm).await.unwrap().id;
        let unit = self.store.units(farm, &[]).await.unwrap()[0].id;
        self.job_of(farm, unit).await.unwrap()
    }

    async fn job_of(&self, windfarm_id: i64, unit_id: i64) -> Result<i64, crate::store::StoreError> {
        let (farms, tasks) = ([windfarm_id], [task(unit_id, month(0))]);
        let job = NewJob { window: tasks[0].window, ..new_job(&farms, &tasks) };
        self.store.create_job(&job, at(0)).await
    }

    /// A job that has ended, since somebody cancelled it.
    async fn ended_job(&self) -> i64 {
        let job = self.job("Anholt").await;
        self.store.cancel_job(job, "a test", at(0)).await.unwrap();
        job
    }

    async fn deliver(&self, seconds: i64) -> Tally {
        self.dispatcher.deliver(at(seconds), none).await.unwrap()
    }

    /// Every byte that the store has on disk, as text.
    async fn disk(self) -> String {
        self.store.close().await;
        let files = std::fs::read_dir(self.folder.path()).unwrap();
        let bytes: Vec<u8> = files.flat_map(|file| std::fs::read(file.unwrap().path()).unwrap()).collect();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

fn dispatcher(folder: &TempDir, store: &Store, config: &str) -> Dispatcher {
    let path = folder.path().join("backfill.toml");
    std::fs::write(&path, config).unwrap();
    let config = config::load(&path, &env).unwrap_or_else(|problems| panic!("{problems}"));
    std::fs::remove_file(&path).unwrap();
    Dispatcher::new(store.clone(), &config, env).unwrap()
}

const fn delivered(count: u32) -> Tally {
    Tally { delivered: count, retrying: 0, dead: 0 }
}

const RETRYING: Tally = Tally { delivered: 0, retrying: 1, dead: 0 };
const DEAD: Tally = Tally { delivered: 0, retrying: 0, dead: 1 };

/// What this thread logs while it lives.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn listen() -> (Self, tracing::subscriber::DefaultGuard) {
        let log = Self::default();
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_writer(move || writer.clone())
            .finish();
        (log, tracing::subscriber::set_default(subscriber))
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
