//! The HTTP API as frontends and operators use it: the real binary, the real components, the simulated upstreams,
//! over real HTTP, on SQLite and on Postgres.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests fail like tests")]

#[path = "../service/host.rs"]
mod host;
#[path = "../support/postgres.rs"]
mod postgres;
#[path = "../support/mod.rs"]
mod support;

mod access;
mod audit;
mod availability;
mod client;
mod events;
mod fuzz;
mod grid;
mod headers;
mod jobs;
mod jwt;
mod login;
mod measurements;
mod metrics;
mod registry;
mod repeat;
mod schedules;
mod sources;
mod spec;
mod traces;
mod web;
mod webhooks;

use backfill::store::Store;
use client::Client;
use host::Host;
use serde_json::Value;
use simulator::{Options, Simulator};
use support::work_folder::{WorkFolder, source_at};

const WORKER: &str = "[worker]\npoll = \"50ms\"\nlease = \"4s\"\nheartbeat = \"400ms\"\n\
                      retry = { attempts = 3, base = \"10ms\", max = \"20ms\", confirm = \"10ms\" }\n";

const REGISTRY: &str = "\
windfarm,source,code,fuel2002
Howard,elexon,T_HOWAO-1,
Howard,elexon,T_HOWAO-2,
Isabel,eia,61014,WND
";

/// A host that answers HTTP, on one of the databases.
pub(crate) struct World {
    pub(crate) simulator: Simulator,
    pub(crate) folder: WorkFolder,
    pub(crate) host: Host,
    /// `http://127.0.0.1:PORT`
    pub(crate) base: String,
    database: String,
}

impl World {
    /// With these further lines in its configuration.
    pub(crate) async fn on(server: Option<&postgres::TestDatabase>, more: &str) -> Self {
        Self::at(server.map(postgres::TestDatabase::url), more).await
    }

    /// The same, on a Postgres at an address or on SQLite.
    pub(crate) async fn at(url: Option<&str>, more: &str) -> Self {
        let now = "2024-12-15T12:00:00Z".parse().unwrap();
        let simulator = simulator::start(Options { now: Some(now), ..Options::default() }).await.unwrap();
        let sources = ["elexon", "eia"]
            .map(|id| source_at(id, &simulator.url(), "concurrency = 4\nreuse_for = \"0s\""));
        let folder = WorkFolder::new("");
        let database = url.map_or_else(String::new, |url| format!("[database]\nurl = {url:?}\n"));
        folder.write("backfill.toml", &format!("{WORKER}{more}{database}{}", sources.concat()));
        folder.backfill(&["migrate"]).await.succeeded();
        folder.import(REGISTRY).await;
        let (host, base) = serve(&folder).await;
        let file = folder.path(".backfill/backfill.db").display().to_string();
        let database = url.map_or(file, str::to_owned);
        Self { simulator, folder, host, base, database }
    }

    /// One on each database, one after the other.
    pub(crate) async fn each(mut check: impl AsyncFnMut(Self)) {
        check(Self::on(None, "").await).await;
        if let Some(server) = postgres::database().await {
            check(Self::on(Some(&server), "").await).await;
        }
    }

    /// A client that is logged in as a user of this role.
    pub(crate) async fn user(&self, name: &str, role: &str) -> Client {
        let made = self
            .folder
            .backfill(&["token", "create", "--user", name, "--role", role, "--json"])
            .await
            .succeeded();
        let made: Value = serde_json::from_str(&made.out).unwrap();
        Client::new(&self.base, made["token"].as_str())
    }

    pub(crate) async fn admin(&self) -> Client {
        self.user("admin", "admin").await
    }

    /// A client that nobody knows.
    pub(crate) fn stranger(&self) -> Client {
        Client::new(&self.base, None)
    }

    /// Ends the host and starts it again, at another address.
    pub(crate) async fn restart(&mut self) {
        self.host.signal("-INT");
        assert_eq!(self.host.ended().await, Some(0));
        (self.host, self.base) = serve(&self.folder).await;
    }

    /// The database, past the host.
    pub(crate) async fn store(&self) -> Store {
        Store::open(&self.database).await.unwrap()
    }

    /// Holds every answer of the upstreams back until other faults are set.
    pub(crate) fn hold(&self) {
        self.simulator.set_faults(vec!["kind=latency,milliseconds=60000".parse().unwrap()]);
    }

    /// Makes a job of a month, and waits until it has ended.
    pub(crate) async fn filled(&self, client: &Client) -> i64 {
        let body =
            serde_json::json!({ "windfarm_id": 1, "start_date": "2024-01-01", "end_date": "2024-01-31" });
        let made = client.post("/backfill/jobs", &body).await.expect(202);
        let id = made.json["id"].as_i64().unwrap();
        client.until(&format!("/backfill/jobs/{id}"), |shown| shown["job"]["completed_at"].is_string()).await;
        id
    }
}

/// Starts a host that answers; gives it and its address.
async fn serve(folder: &WorkFolder) -> (Host, String) {
    let mut host = Host::start(folder, &["serve", "--listen", "127.0.0.1:0"]).await;
    let address = host.address().await;
    (host, format!("http://{address}"))
}
