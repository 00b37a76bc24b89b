//! Parks whose source is stored history, on one of the databases.

use std::{fs, path::PathBuf};

use serde_json::Value;
use sqlx::{Connection, PgConnection, SqliteConnection, sqlite::SqliteConnectOptions};

use crate::{
    postgres,
    support::{
        Asked, Upstream, guest, text,
        work_folder::{Ran, WorkFolder},
    },
    three_hours,
};

const WORKER: &str = "[worker]\npoll = \"20ms\"\nretry = { attempts = 2, base = \"10ms\", max = \"20ms\", confirm = \"10ms\" }\n";

/// A folder with the fifth source under the id `parks`, and what its upstream holds.
pub(crate) struct World {
    pub(crate) folder: WorkFolder,
    pub(crate) upstream: Upstream,
    server: Option<postgres::TestDatabase>,
}

impl World {
    async fn on(server: Option<postgres::TestDatabase>, units: &[&str]) -> Self {
        let upstream = Upstream::start(answer).await;
        let folder = WorkFolder::new("");
        let (url, component) = (upstream.url(), folder.path("parks.wasm"));
        fs::copy(guest("fifth"), &component).unwrap();
        let database = server
            .as_ref()
            .map_or_else(String::new, |database| format!("[database]\nurl = {:?}\n", database.url()));
        folder.write(
            "backfill.toml",
            &format!(
                "{WORKER}{database}[[source]]\nid = \"parks\"\ncomponent = \"parks.wasm\"\nhosts = [{url:?}]\n\
                 [source.settings]\nbase_url = {url:?}\n"
            ),
        );
        folder.backfill(&["migrate"]).await.succeeded();
        let rows: String = units.iter().map(|code| format!("Ridge,parks,{code},20\n")).collect();
        folder.import(&format!("windfarm,source,code,capacity_mw\n{rows}")).await;
        Self { folder, upstream, server }
    }

    /// One on each database, with these units.
    pub(crate) async fn on_both(units: &[&str]) -> Vec<Self> {
        let mut worlds = vec![Self::on(None, units).await];
        if let Some(server) = postgres::database().await {
            worlds.push(Self::on(Some(server), units).await);
        }
        worlds
    }

    pub(crate) async fn run(&self, from: &str, to: &str) -> Ran {
        self.folder.run("Ridge", from, to).await
    }

    /// The tasks of a job, as `job tasks --json` tells them, with the codes of their units.
    pub(crate) async fn tasks(&self, job: &str) -> Vec<Value> {
        let listed = self.folder.backfill(&["job", "tasks", job, "--json"]).await.succeeded();
        listed.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The id of the task of a month in a job, where there is one unit.
    pub(crate) async fn task(&self, job: &str, month: &str) -> String {
        let tasks = self.tasks(job).await;
        tasks.iter().find(|task| task["month"] == month).unwrap()["id"].to_string()
    }

    /// `task replay ID --format json`, its exit code and what it says.
    pub(crate) async fn replay(&self, task: &str, more: &[&str]) -> (Option<i32>, Value) {
        let ran = self.folder.backfill(&[&["task", "replay", task, "--format", "json"], more].concat()).await;
        let said = serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{error}: {ran:?}"));
        (ran.code, said)
    }

    /// `source diff parks` with a guest for the candidate.
    pub(crate) async fn diff(&self, candidate: &str, more: &[&str]) -> Ran {
        let candidate = guest(candidate);
        let diff =
            ["source", "diff", "parks", "--candidate", candidate.to_str().unwrap(), "--windfarm", "Ridge"];
        let months = ["--from", "2024-02", "--to", "2024-03"];
        self.folder.backfill(&[&diff[..], &months, more].concat()).await
    }

    /// Changes the database past the host.
    pub(crate) async fn change(&self, sql: &'static str) {
        match &self.server {
            Some(server) => {
                let mut conn = PgConnection::connect(server.url()).await.unwrap();
                sqlx::query(sql).execute(&mut conn).await.unwrap();
            }
            None => {
                let file = SqliteConnectOptions::new().filename(self.folder.path(".backfill/backfill.db"));
                let mut conn = SqliteConnection::connect_with(&file).await.unwrap();
                sqlx::query(sql).execute(&mut conn).await.unwrap();
            }
        }
    }

    /// The component that the source ran with is replaced by another.
    pub(crate) fn replace_component(&self) {
        fs::copy(guest("variant"), self.folder.path("parks.wasm")).unwrap();
    }

    /// Where components are kept.
    pub(crate) fn components(&self) -> PathBuf {
        self.folder.path(".backfill/components")
    }
}

/// Three hours of February for each park; what else they answer, their names say.
fn answer(asked: &Asked) -> axum::response::Response {
    match asked.path.as_str() {
        path if !path.ends_with("/2024-02.csv") => text(404, ""),
        path if path.contains("wordy") => text(200, "yesterday,calm\n"),
        path if path.contains("busy") => text(500, "ask again"),
        // More than the 20 MW that it has, all of it.
        path if path.contains("wild") => text(200, three_hours().replace(",1", ",100")),
        path if path.contains("partly") => text(200, three_hours().replace(",12", ",1200")),
        _ => text(200, three_hours()),
    }
}
