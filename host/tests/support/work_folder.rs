//! A folder of its own with a configuration, and the real binary working in it.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
};

use serde::Deserialize;
use sqlx::{Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use tempfile::TempDir;
use tokio::process::Command;

/// What upstreams are shown as a credential; it may be found nowhere.
pub const CANARY: &str = "canary/4711+secret=";

/// Retries that do not wait for minutes; everything else as by default.
const WORKER: &str = "[worker]\npoll = \"20ms\"\nretry = { attempts = 3, base = \"10ms\", max = \"20ms\", confirm = \"10ms\" }\n";

/// A configuration, a registry, a database and an archive, gone when dropped.
pub struct WorkFolder(TempDir);

/// What the binary printed, and its exit code (`None` if a signal ended it).
#[derive(Debug)]
pub struct Ran {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

/// A row of `backfill export --format csv`.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct Row {
    pub windfarm: String,
    pub source: String,
    pub unit_code: String,
    pub unit_name: String,
    pub kind: String,
    pub quantity: String,
    pub labels: String,
    pub start: String,
    pub seconds: u32,
    pub value: f64,
    pub unit: String,
}

/// `[[source]]` of one of the four sources at another address, as often as it likes. `more` are further lines.
pub fn source_at(id: &str, url: &str, more: &str) -> String {
    let credential = match id {
        "entsoe" => "credential = { header = \"SECURITY_TOKEN\", from = \"env:CANARY\" }",
        "eia" => "credential = { query = \"api_key\", from = \"env:CANARY\" }",
        _ => "",
    };
    format!(
        "[[source]]\nid = {id:?}\ncomponent = {:?}\nhosts = [{url:?}]\n{credential}\nrate = \"100000/s burst 1000\"\n{more}\n[source.settings]\nbase_url = {url:?}\n",
        super::plugin(id)
    )
}

impl WorkFolder {
    /// With a configuration of these sources.
    pub fn new(sources: &str) -> Self {
        let folder = Self::bare(&format!("{WORKER}{sources}"));
        // Compiled components are shared, so that each is compiled once for all tests.
        let cache = super::manifest("../target/test-components/cli/cache");
        std::fs::create_dir_all(&cache).unwrap();
        std::fs::create_dir(folder.path(".backfill")).unwrap();
        let cache = std::fs::canonicalize(cache).unwrap();
        std::os::unix::fs::symlink(cache, folder.path(".backfill/cache")).unwrap();
        folder
    }

    /// With this configuration and nothing else.
    pub fn bare(config: &str) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        folder.write("backfill.toml", config);
        folder
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn root(&self) -> &Path {
        self.0.path()
    }

    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    /// The binary in this folder, with the canary for a credential. Ended with the test if it still runs then.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_backfill"));
        command.current_dir(self.root()).args(arguments).env("CANARY", CANARY);
        command.env_remove("BACKFILL_CONFIG").env_remove("BACKFILL_LOG");
        command.stdin(Stdio::null()).kill_on_drop(true);
        command
    }

    pub async fn backfill(&self, arguments: &[&str]) -> Ran {
        Ran::of(self.command(arguments).output().await.unwrap())
    }

    /// Imports this registry, which must be without fault.
    pub async fn import(&self, csv: &str) {
        self.write("registry.csv", csv);
        self.backfill(&["import", "registry.csv"]).await.succeeded();
    }

    pub async fn run(&self, windfarm: &str, from: &str, to: &str) -> Ran {
        self.backfill(&["run", "--windfarm", windfarm, "--from", from, "--to", to]).await
    }

    /// Every stored measurement, in the order of the export.
    pub async fn stored(&self) -> Vec<Row> {
        let exported = self.backfill(&["--log", "warn", "export", "--format", "csv"]).await.succeeded();
        csv::Reader::from_reader(exported.out.as_bytes()).deserialize().collect::<Result<_, _>>().unwrap()
    }

    /// The database itself, to look at.
    pub async fn database(&self) -> SqliteConnection {
        let options =
            SqliteConnectOptions::new().filename(self.path(".backfill/backfill.db")).read_only(true);
        SqliteConnection::connect_with(&options).await.unwrap()
    }

    /// One number out of the database.
    pub async fn count(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(&mut self.database().await).await.unwrap()
    }
}

impl Ran {
    pub fn of(output: std::process::Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Itself, after making sure of exit code 0.
    pub fn succeeded(self) -> Self {
        assert_eq!(self.code, Some(0), "{}\n{}", self.out, self.err);
        self
    }

    /// Itself, after making sure of exit code 1.
    pub fn failed(self) -> Self {
        assert_eq!(self.code, Some(1), "{}\n{}", self.out, self.err);
        self
    }

    pub fn last_line(&self) -> &str {
        self.out.lines().last().unwrap_or_default()
    }

    /// A figure of the last line of a run.
    pub fn figure(&self, name: &str) -> u64 {
        let figure = self.last_line().split(' ').find_map(|pair| pair.strip_prefix(&format!("{name}=")));
        let figure = figure.unwrap_or_else(|| panic!("no {name} in {:?}\n{}", self.last_line(), self.err));
        figure.parse().unwrap()
    }
}
