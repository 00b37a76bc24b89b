//! A project that `source new` made, in an empty folder, and the commands that it names.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Instant,
};

use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Command;

use crate::support::{manifest, work_folder::Ran};

/// A folder in which commands are run as an author runs them.
pub(crate) struct Workshop(TempDir);

impl Workshop {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Runs a line of shell in a folder of the workshop. `backfill` is the one under test.
    pub(crate) async fn sh(&self, folder: &str, line: &str) -> Ran {
        let began = Instant::now();
        let bin = Path::new(env!("CARGO_BIN_EXE_backfill")).parent().unwrap();
        let path = std::env::var("PATH").unwrap_or_default();
        let mut command = Command::new("bash");
        command.args(["-euo", "pipefail", "-c", line]).current_dir(self.path(folder));
        command.env("PATH", format!("{}:{path}", bin.display()));
        // Dependencies are built once for all projects.
        command.env("CARGO_TARGET_DIR", manifest("../target/authors"));
        command.env_remove("BACKFILL_CONFIG").env("BACKFILL_LOG", "warn");
        // Of the `cargo` that runs this test, and not for one that an author runs.
        for name in
            ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "RUSTUP_TOOLCHAIN", "CARGO", "CARGO_MANIFEST_DIR"]
        {
            command.env_remove(name);
        }
        let ran = Ran::of(command.stdin(Stdio::null()).kill_on_drop(true).output().await.unwrap());
        eprintln!("{:6.1} s  {folder}$ {line}", began.elapsed().as_secs_f64());
        ran
    }

    /// Lets `target` of a project lead to where cargo is told to build.
    pub(crate) fn built_elsewhere(&self, folder: &str) {
        std::os::unix::fs::symlink(manifest("../target/authors"), self.path(folder).join("target")).unwrap();
    }

    /// Compiled components are kept for all tests: compiling a language's runtime takes half a minute.
    pub(crate) fn share_compiled(&self, folder: &str) {
        let cache = manifest("../target/test-components/cli/cache");
        std::fs::create_dir_all(&cache).unwrap();
        let own = self.path(folder).join(".backfill");
        std::fs::create_dir_all(&own).unwrap();
        std::os::unix::fs::symlink(std::fs::canonicalize(cache).unwrap(), own.join("cache")).unwrap();
    }
}

/// A project, built and tested.
pub(crate) struct Project {
    pub(crate) workshop: Workshop,
    pub(crate) name: &'static str,
    /// The component's file, from the project's folder.
    pub(crate) component: String,
}

impl Project {
    /// Makes it by `source new` and runs every command that this names, but the one that asks the real upstream.
    pub(crate) async fn made(name: &'static str, arguments: &str) -> Self {
        let workshop = Workshop::new();
        let made = workshop.sh(".", &format!("backfill source new {name} {arguments}")).await.succeeded();
        workshop.share_compiled(name);
        let commands: Vec<_> = made.out.lines().filter_map(|line| line.strip_prefix("  ")).collect();
        assert_eq!(commands[0], format!("cd {name}"));
        let [build @ .., check, test, fetch] = &commands[1..] else { panic!("{}", made.out) };
        assert_eq!(*fetch, format!("backfill source fetch {name} --code T_HOWAO-1 --month 2024-01"));
        assert!(test.starts_with("backfill source test "), "{test}");
        let component = check.strip_prefix("backfill source check ").unwrap().to_owned();
        if component.starts_with("target/") {
            workshop.built_elsewhere(name);
        }
        for command in build.iter().chain([check, test]) {
            workshop.sh(name, command).await.succeeded();
        }
        Self { workshop, name, component }
    }

    pub(crate) async fn sh(&self, line: &str) -> Ran {
        self.workshop.sh(self.name, line).await
    }

    /// What the source makes of a unit's month from an upstream: exit code, and the JSON.
    pub(crate) async fn fetch(&self, code: &str, month: &str, upstream: &str) -> (i32, Value) {
        self.fetch_by(self.name, code, month, upstream).await
    }

    /// The same of any component, or source of the project's configuration.
    pub(crate) async fn fetch_by(&self, what: &str, code: &str, month: &str, upstream: &str) -> (i32, Value) {
        let line = format!(
            "backfill --log error source fetch {what} --code '{code}' --month {month} --set base_url={upstream} --format json"
        );
        let ran = self.sh(&line).await;
        let json = serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{error}: {ran:?}"));
        (ran.code.unwrap(), json)
    }

    /// The outcome of every check of conformance.
    pub(crate) async fn verdict(&self, component: &str) -> Vec<(String, String)> {
        let line = format!("backfill --log error source test {component} --cases cases --format json");
        let verdict: Value = serde_json::from_str(&self.sh(&line).await.succeeded().out).unwrap();
        assert_eq!(verdict["passed"], true, "{verdict}");
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let checks = verdict["checks"].as_array().unwrap();
        checks.iter().map(|check| (text(&check["id"]), text(&check["outcome"]))).collect()
    }
}
