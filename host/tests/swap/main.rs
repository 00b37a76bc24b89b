//! Sources that change while a host runs: the real binary, components that are swapped, refused and gone back to, and
//! components from elsewhere.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests fail like tests")]

#[path = "../service/host.rs"]
mod host;
#[path = "../support/postgres.rs"]
mod postgres;
#[path = "../support/mod.rs"]
mod support;

mod component;
mod conformance;
mod elsewhere;
mod live;
mod refused;
mod rollback;
mod slow;
mod under_load;

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use axum::{body::Body, response::Response};
use chrono::{NaiveDate, TimeZone, Utc};
use futures::StreamExt;
use serde_json::Value;
use support::{Asked, Upstream, text, work_folder::WorkFolder};
use tokio::sync::watch;

use component::Component;

/// What the values of the upstream's second address have on top of those of the first.
const SECOND: f64 = 1000.0;

/// A folder with one source, `parks`, whose component is `parks.wasm`, and its upstream.
struct World {
    folder: WorkFolder,
    upstream: Upstream,
    /// Answers come once this is true.
    open: watch::Sender<bool>,
    database: Option<postgres::TestDatabase>,
}

const WORKER: &str = "[worker]\npoll = \"20ms\"\n\
                      retry = { attempts = 3, base = \"10ms\", max = \"20ms\", confirm = \"10ms\" }\n";

impl World {
    async fn new() -> Self {
        Self::on(None, Duration::ZERO).await
    }

    /// On a database, with an upstream that takes its time.
    async fn on(database: Option<postgres::TestDatabase>, takes: Duration) -> Self {
        let (open, opened) = watch::channel(true);
        let upstream = Upstream::start(move |asked| answer(asked, takes, opened.clone())).await;
        let folder = WorkFolder::new("");
        let world = Self { folder, upstream, open, database };
        world.put(&Component::first());
        world.configure("");
        world.folder.backfill(&["migrate"]).await.succeeded();
        world
    }

    fn component(&self) -> PathBuf {
        self.folder.path("parks.wasm")
    }

    /// Puts a component in the place of the one that is there, as a careful person does.
    fn put(&self, component: &Component) {
        let new = self.folder.path("new.wasm");
        std::fs::write(&new, &component.bytes).unwrap();
        std::fs::rename(new, self.component()).unwrap();
    }

    /// Writes the configuration, with these further lines for the source.
    fn configure(&self, more: &str) {
        self.write_config("parks.wasm", more, "");
    }

    fn write_config(&self, component: &str, more: &str, others: &str) {
        let component =
            if component.starts_with('{') { component.to_owned() } else { format!("{component:?}") };
        let database =
            self.database.as_ref().map(|database| format!("[database]\nurl = {:?}\n", database.url()));
        let url = self.upstream.url();
        self.folder.write(
            "backfill.toml",
            &format!(
                "{WORKER}{}# The parks.\n[[source]]\nid = \"parks\"\ncomponent = {component}\nhosts = [{url:?}]\n\
                 concurrency = 8\n{more}\n[source.settings]\nbase_url = {url:?}\n{others}",
                database.unwrap_or_default()
            ),
        );
    }

    /// A second source with a component file of this name, for `others` of [`Self::write_config`].
    fn second_source(&self, component: &str) -> String {
        format!(
            "[[source]]\nid = \"others\"\ncomponent = {component:?}\nhosts = [{0:?}]\n[source.settings]\nbase_url = {0:?}\n",
            self.upstream.url()
        )
    }

    /// So many units, all of one wind farm.
    async fn units(&self, count: usize) {
        let lines: String = (0..count).map(|n| format!("Ridge,parks,park-{n}\n")).collect();
        self.folder.import(&format!("windfarm,source,code\n{lines}")).await;
    }

    async fn job(&self, from: &str, to: &str) -> String {
        let arguments =
            ["job", "create", "--windfarm", "Ridge", "--from", from, "--to", to, "--reprocess", "all"];
        self.folder.backfill(&arguments).await.succeeded().out.trim().to_owned()
    }

    async fn show(&self, job: &str) -> Value {
        let shown = self.folder.backfill(&["job", "show", job, "--json"]).await.succeeded();
        serde_json::from_str(&shown.out).unwrap()
    }

    /// Waits until the job's figures are as wanted.
    async fn until(&self, job: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let begun = Instant::now();
        loop {
            let shown = self.show(job).await;
            if wanted(&shown) {
                return shown;
            }
            assert!(begun.elapsed().as_secs() < 300, "{shown:#}");
            tokio::time::sleep(Duration::from_millis(50)).await; // waits for the host's work
        }
    }

    async fn ended(&self, job: &str) -> Value {
        self.until(job, |shown| shown["job"]["completed_at"].is_string()).await
    }

    /// What `source versions` says.
    async fn versions(&self) -> Vec<Value> {
        let shown =
            self.folder.backfill(&["source", "versions", "parks", "--format", "json"]).await.succeeded();
        serde_json::from_str(&shown.out).unwrap()
    }

    /// How many attempts used a component.
    async fn attempts(&self, component: &Component) -> i64 {
        let versions = self.versions().await;
        let found = versions.iter().find(|version| version["digest"] == component.digest.as_str());
        found.map_or(0, |version| version["attempts"].as_i64().unwrap())
    }

    /// Waits until the upstream was asked so often.
    async fn asked(&self, count: usize) {
        let begun = Instant::now();
        while self.upstream.asked().len() < count {
            assert!(begun.elapsed().as_secs() < 300, "{:?}", self.upstream.asked());
            tokio::time::sleep(Duration::from_millis(10)).await; // waits for the host's requests
        }
    }
}

/// Two hours of a month, from `/parks/…/2024-03.csv`, or, with other values, `/pbrks/…`.
fn answer(asked: &Asked, takes: Duration, mut open: watch::Receiver<bool>) -> Response {
    let (Some((base, month)), on_top) =
        (read(&asked.path), if asked.path.starts_with("/pbrks/") { SECOND } else { 0.0 })
    else {
        return text(404, "");
    };
    let lines: String =
        (0..2).map(|hour| format!("{},{}\n", month + hour * 3600, base + on_top + hour as f64)).collect();
    let body = futures::stream::once(async move {
        tokio::time::sleep(takes).await; // waits for nothing: it is an upstream that takes its time
        open.wait_for(|open| *open).await.unwrap();
        Ok::<_, std::io::Error>(lines)
    });
    text(200, Body::from_stream(body.boxed()))
}

/// The number of the park, and where the month begins.
fn read(path: &str) -> Option<(f64, i64)> {
    let (park, month) = path.rsplit_once("park-")?.1.split_once('/')?;
    let (year, month) = month.strip_suffix(".csv")?.split_once('-')?;
    let first = NaiveDate::from_ymd_opt(year.parse().ok()?, month.parse().ok()?, 1)?.and_hms_opt(0, 0, 0)?;
    Some((park.parse().ok()?, Utc.from_utc_datetime(&first).timestamp()))
}
