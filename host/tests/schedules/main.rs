//! Schedules from firing to stored values: real components, a real database, and the upstreams simulated on loopback.
//! Time is given, so nobody waits for it.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests fail like tests")]

#[path = "../support/mod.rs"]
mod support;

mod collect;
mod refetch;

use std::sync::Arc;

use backfill::{
    config,
    domain::{Overlap, ScheduleKind},
    egress::{Answers, Archive, Shared},
    schedules::Scheduler,
    source::Registry,
    store::{NewSchedule, Schedule, Store},
    worker::{Options, StoredAllowance, StoredAnswers, Worker},
};
use chrono::{DateTime, Utc};
use serde_json::Value;
use simulator::Simulator;
use support::work_folder::{CANARY, WorkFolder, source_at};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// A host of its own in a folder of its own.
struct Host {
    folder: WorkFolder,
    store: Store,
    scheduler: Scheduler,
    worker: Worker,
}

impl Host {
    /// With one source of the simulator, and a registry.
    async fn new(simulator: &Simulator, source: &str, registry: &str) -> Self {
        let folder = WorkFolder::new(&source_at(source, &simulator.url(), "reuse_for = \"0s\""));
        folder.import(registry).await;
        let env = |name: &str| (name == "CANARY").then(|| CANARY.to_owned());
        let config = config::load(&folder.path("backfill.toml"), &env).unwrap();
        let database = folder.path(".backfill/backfill.db");
        let store = Store::open(database.to_str().unwrap()).await.unwrap();
        let archive = Archive::local(&folder.path(".backfill/archive")).unwrap();
        let shared = Shared::new(Arc::new(StoredAllowance(store.clone())))
            .keeping(Answers { archive, index: Arc::new(StoredAnswers(store.clone())) });
        let registry = Arc::new(Registry::load(&config, &env, support::engine(), &shared).await);
        let limit = config.server.max_open_tasks;
        let scheduler = Scheduler::new(store.clone(), Arc::clone(&registry), 3, limit, config.worker.grace);
        let worker = Worker::new(store.clone(), registry, Options::in_foreground(&config));
        Self { folder, store, scheduler, worker }
    }

    /// Of another host of the same database, which has no source.
    async fn without_sources(&self) -> Scheduler {
        let config = std::fs::read_to_string(self.folder.path("backfill.toml")).unwrap();
        self.folder.write("others.toml", config.split("[[source]]").next().unwrap());
        let config = config::load(&self.folder.path("others.toml"), &|_| None).unwrap();
        let shared = Shared::new(Arc::new(StoredAllowance(self.store.clone())));
        let registry = Registry::load(&config, &|_| None, support::engine(), &shared).await;
        let limit = config.server.max_open_tasks;
        Scheduler::new(self.store.clone(), Arc::new(registry), 3, limit, config.worker.grace)
    }

    async fn schedule(
        &self,
        kind: ScheduleKind,
        cron: &str,
        settings: Value,
        now: DateTime<Utc>,
    ) -> Schedule {
        let new = NewSchedule {
            name: "it".to_owned(),
            kind,
            cron: cron.to_owned(),
            time_zone: "UTC".to_owned(),
            overlap: Overlap::Skip,
            settings,
            enabled: true,
            created_by_id: None,
        };
        self.store.create_schedule(&new, now).await.unwrap()
    }

    /// Works a job off.
    async fn work(&self, job: i64) {
        let (sender, _steps) = mpsc::unbounded_channel();
        self.worker.run_job(job, CancellationToken::new(), sender).await.unwrap();
    }

    async fn outcome(&self, schedule: &Schedule) -> String {
        self.store.schedule(schedule.id).await.unwrap().last_outcome.unwrap()
    }
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}
