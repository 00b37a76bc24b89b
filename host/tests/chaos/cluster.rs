//! Worker processes on one database, and the jobs that they are given.

use std::time::{Duration, Instant};

use sqlx::{Connection, PgConnection};

use crate::{
    support::work_folder::WorkFolder,
    worker::Worker,
    workload::{Batch, REGISTRY},
};

/// The shortest lease that the configuration allows.
pub(crate) const LEASE: Duration = Duration::from_secs(2);

const WORKER: &str = "\
[worker]
concurrency = 8
lease = \"2s\"
heartbeat = \"400ms\"
poll = \"200ms\"
retry = { attempts = 3, base = \"50ms\", max = \"200ms\" }
";

/// Some workers, their folder, and their database.
pub(crate) struct Cluster {
    pub(crate) folder: WorkFolder,
    pub(crate) url: String,
    pub(crate) workers: Vec<Worker>,
    pub(crate) jobs: Vec<i64>,
}

impl Cluster {
    /// With units in the registry and no worker yet.
    pub(crate) async fn new(database_url: &str, sources: &str) -> Self {
        Self::of(REGISTRY, database_url, sources).await
    }

    /// With these units.
    pub(crate) async fn of(registry: &str, database_url: &str, sources: &str) -> Self {
        let folder = WorkFolder::new("");
        folder.write("backfill.toml", &format!("{WORKER}[database]\nurl = {database_url:?}\n{sources}"));
        folder.backfill(&["migrate"]).await.succeeded();
        folder.import(registry).await;
        Self { folder, url: database_url.to_owned(), workers: Vec::new(), jobs: Vec::new() }
    }

    /// Changes the configuration of the workers that are started from now on.
    pub(crate) fn configure(&self, from: &str, to: &str) {
        let config = std::fs::read_to_string(self.folder.path("backfill.toml")).unwrap();
        assert!(config.contains(from), "{config}");
        self.folder.write("backfill.toml", &config.replace(from, to));
    }

    /// Starts so many workers.
    pub(crate) fn start(&mut self, workers: usize) {
        self.workers = (0..workers).map(|number| Worker::start(&self.folder, number)).collect();
    }

    /// Waits until each worker has given a sign of life: by then it is about to claim tasks, and heeds signals.
    pub(crate) async fn started(&mut self) {
        let begun = Instant::now();
        loop {
            self.workers.iter_mut().for_each(Worker::assert_runs);
            let known: Vec<i64> = sqlx::query_scalar("SELECT pid FROM workers WHERE stopped_at IS NULL")
                .fetch_all(&mut self.database().await)
                .await
                .unwrap();
            if self.workers.iter().all(|worker| known.contains(&worker.id().into())) {
                return;
            }
            assert!(begun.elapsed().as_secs() < 120, "a worker does not begin:\n{}", self.logs());
            tokio::time::sleep(Duration::from_millis(50)).await; // waits for the workers' first signs of life
        }
    }

    /// Has `backfill job` do something to all jobs, side by side.
    pub(crate) async fn each_job(&self, command: &str) {
        let done = self.jobs.iter().map(|job| async move {
            self.folder.backfill(&["job", command, &job.to_string()]).await.succeeded();
        });
        futures::future::join_all(done).await;
    }

    /// Creates the job of a batch.
    pub(crate) async fn create(&mut self, batch: &Batch) {
        self.create_with(batch, &[]).await;
    }

    /// The same, with further arguments.
    pub(crate) async fn create_with(&mut self, batch: &Batch, more: &[&str]) {
        let month = batch.month.to_string();
        let mut arguments = vec!["job", "create", "--from", &month, "--to", &month, "--json"];
        arguments.extend(more);
        batch.windfarms.iter().for_each(|name| arguments.extend(["--windfarm", name]));
        let created = self.folder.backfill(&arguments).await.succeeded();
        let created: serde_json::Value = serde_json::from_str(&created.out).unwrap();
        self.jobs.push(created["id"].as_i64().unwrap_or_else(|| panic!("no id in {created}")));
    }

    /// A connection of its own: the database may have gone away since the last.
    pub(crate) async fn database(&self) -> PgConnection {
        PgConnection::connect(&self.url).await.unwrap()
    }

    /// One number out of the database.
    pub(crate) async fn count(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(&mut self.database().await).await.unwrap()
    }

    /// Tasks that have not ended.
    pub(crate) async fn open_tasks(&self) -> i64 {
        self.count("SELECT count(*) FROM backfill_tasks WHERE status IN ('pending', 'in_progress')").await
    }

    /// Waits until every job has ended.
    pub(crate) async fn drain(&mut self, patience: Duration) {
        let begun = Instant::now();
        while self.count("SELECT count(*) FROM backfill_jobs WHERE completed_at IS NULL").await > 0 {
            self.workers.iter_mut().for_each(Worker::assert_runs);
            if begun.elapsed() > patience {
                panic!("{} tasks are still open:\n{}", self.open_tasks().await, self.logs());
            }
            tokio::time::sleep(Duration::from_millis(50)).await; // waits for the last task's commit
        }
    }

    /// Ends all workers, as an operator does.
    pub(crate) async fn end(&mut self) {
        // The successor of one that was killed may have no handler for the signal yet.
        self.started().await;
        let ends = self.workers.drain(..).map(Worker::end);
        futures::future::join_all(ends).await;
    }

    /// The ends of the workers' logs.
    pub(crate) fn logs(&self) -> String {
        let logs = self.workers.iter().enumerate();
        logs.map(|(number, worker)| format!("== worker {number}\n{}\n", worker.last_lines())).collect()
    }
}
