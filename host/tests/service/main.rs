//! `backfill serve` and `backfill worker` as a platform team runs them: the real binary, the real components, the
//! simulated upstreams, on SQLite and on Postgres.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests fail like tests")]

#[path = "../support/postgres.rs"]
mod postgres;
#[path = "../support/mod.rs"]
mod support;

mod host;

mod cancelled;
mod lost;
mod refused;
mod scheduled;
#[path = "../../src/notify/tests/smtp_sink.rs"]
mod smtp_sink;
mod stopped;
mod told;
mod unread;
mod woken;
mod worked_off;

use backfill::store::Store;
use chrono::{DateTime, Utc};
use serde_json::Value;
use simulator::{Fault, Options, Simulator};
use support::work_folder::{WorkFolder, source_at};

/// A folder with sources of a simulator, on one of the databases.
struct World {
    simulator: Simulator,
    folder: WorkFolder,
    server: Option<postgres::TestDatabase>,
}

const WORKER: &str = "[worker]\npoll = \"50ms\"\nlease = \"60s\"\nheartbeat = \"400ms\"\n\
                      retry = { attempts = 3, base = \"10ms\", max = \"20ms\", confirm = \"10ms\" }\n";

const REGISTRY: &str = "\
windfarm,source,code,fuel2002
Howard,elexon,T_HOWAO-1,
Howard,elexon,T_HOWAO-2,
Isabel,eia,61014,WND
";

impl World {
    async fn on(server: Option<postgres::TestDatabase>, more: &str) -> Self {
        let now = "2024-12-15T12:00:00Z".parse().unwrap();
        let simulator = simulator::start(Options { now: Some(now), ..Options::default() }).await.unwrap();
        let sources = ["elexon", "eia"].map(|id| source_at(id, &simulator.url(), "concurrency = 4"));
        let folder = WorkFolder::new("");
        let database = server
            .as_ref()
            .map_or_else(String::new, |database| format!("[database]\nurl = {:?}\n", database.url()));
        folder.write("backfill.toml", &format!("{WORKER}{more}{database}{}", sources.concat()));
        folder.backfill(&["migrate"]).await.succeeded();
        folder.import(REGISTRY).await;
        Self { simulator, folder, server }
    }

    /// One on each database.
    async fn on_both() -> Vec<Self> {
        let mut worlds = vec![Self::on(None, "").await];
        if let Some(server) = postgres::database().await {
            worlds.push(Self::on(Some(server), "").await);
        }
        worlds
    }

    /// Changes the configuration for hosts that are started from now on.
    fn configure(&self, from: &str, to: &str) {
        let config = std::fs::read_to_string(self.folder.path("backfill.toml")).unwrap();
        assert!(config.contains(from), "{config}");
        self.folder.write("backfill.toml", &config.replace(from, to));
    }

    /// Lets leases run out while a test waits for it. All others have leases that a busy machine does not lose.
    fn shorten_leases(&self) {
        self.configure("lease = \"60s\"", "lease = \"4s\"");
    }

    /// The database, past the hosts.
    async fn store(&self) -> Store {
        let file = self.folder.path(".backfill/backfill.db");
        let url = self.server.as_ref().map_or(file.to_str().unwrap(), |database| database.url());
        Store::open(url).await.unwrap()
    }

    /// Makes a job of all wind farms named, and gives its id as text.
    async fn job(&self, arguments: &[&str]) -> String {
        let created = self.folder.backfill(&[&["job", "create"], arguments].concat()).await.succeeded();
        created.out.trim().to_owned()
    }

    /// What `job show --json` says.
    async fn show(&self, job: &str) -> Value {
        let shown = self.folder.backfill(&["job", "show", job, "--json"]).await.succeeded();
        serde_json::from_str(&shown.out).unwrap()
    }

    /// Waits until the job's figures are as wanted.
    async fn until(&self, job: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let begun = std::time::Instant::now();
        loop {
            let shown = self.show(job).await;
            if wanted(&shown) {
                return shown;
            }
            assert!(begun.elapsed().as_secs() < 180, "{shown:#}");
            tokio::time::sleep(std::time::Duration::from_millis(50)).await; // waits for the host's work
        }
    }

    /// Waits until its upstreams see what is wanted.
    async fn until_asked(&self, wanted: impl Fn(&Simulator) -> bool) {
        let begun = std::time::Instant::now();
        while !wanted(&self.simulator) {
            assert!(begun.elapsed().as_secs() < 180, "{:#?}", self.simulator.log());
            tokio::time::sleep(std::time::Duration::from_millis(10)).await; // waits for the host's requests
        }
    }

    /// Holds answers back until other faults are set, or for five minutes: those whose URL contains this.
    fn hold(&self, part: &str) {
        let fault: Fault = format!("kind=latency,milliseconds=300000,match={part}").parse().unwrap();
        self.simulator.set_faults(vec![fault]);
    }

    /// The address of its Postgres.
    fn url(&self) -> &str {
        self.server.as_ref().expect("it is on Postgres").url()
    }

    fn requests(&self) -> usize {
        self.simulator.log().len()
    }

    /// Requests to one of the upstreams that arrived after an instant.
    fn requests_after(&self, api: &str, at: DateTime<Utc>) -> usize {
        self.simulator.log().iter().filter(|request| request.api == api && request.at > at).count()
    }
}

/// The status of what `job show` says.
fn status(shown: &Value) -> &str {
    shown["job"]["status"].as_str().unwrap()
}
