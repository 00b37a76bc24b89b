//! The answers that pages are made of, over HTTP from `backfill serve`, with the history of years stored: how long the
//! slowest twentieth of them takes while several clients ask at once. `wrk` asks, and has a core of its own at best.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
};

use anyhow::{Context, bail, ensure};

use crate::{
    databases::{Database, Kind, Raw},
    history,
    report::Report,
    sources,
};

/// What is asked for, under which name. Of several addresses the slowest counts. The wind farm is the one that has most:
/// 25 units and twelve years.
fn pages() -> [(&'static str, Vec<String>); 3] {
    let jobs = history::LARGE.map(|(_, id)| format!("backfill/jobs/{id}"));
    [
        ("page-jobs-p95", vec!["backfill/jobs".to_owned()]),
        ("page-job-p95", jobs.into()),
        ("page-availability-p95", vec!["backfill/availability/1?from=2012-01&to=2023-12".to_owned()]),
    ]
}

const CLIENTS: u32 = 4;
const SECONDS: u32 = 10;

/// `wrk` itself shows no 95th percentile.
const SCRIPT: &str = r#"
done = function(summary, latency)
  local failed = summary.errors
  io.write(string.format("p95 %d of %d, %d failed\n", latency:percentile(95), summary.requests,
    failed.connect + failed.read + failed.write + failed.status + failed.timeout))
end
"#;

pub(crate) async fn measure(report: &mut Report, database: &Database, raw: &mut Raw) -> anyhow::Result<()> {
    if Command::new("wrk").arg("--version").output().is_err() {
        println!("SKIPPED: wrk is missing, so nothing is asked over HTTP (apt-get install wrk)");
        return Ok(());
    }
    // What is asked for is measured, and not how well a host works that has no upstream.
    raw.execute(
        "INSERT INTO source_limits (source, opened_count, open_until, open_cause)
         VALUES ('elexon', 1, to_timestamp(4000000000), 'it is left alone for a benchmark')",
    )
    .await?;
    let folder = tempfile::tempdir()?;
    report.progress("asking a host for its pages");
    let host = Host::start(folder.path(), database.url())?;
    let script = folder.path().join("p95.lua");
    fs::write(&script, SCRIPT)?;
    let floor = host.slowest_twentieth(&script, "/healthz")?;
    for (name, paths) in pages() {
        let mut slowest = 0.0_f64;
        for path in paths {
            let took = host.slowest_twentieth(&script, &format!("/api/v1/{path}"))?;
            report.progress(&format!("  {path}: {took:.1} ms"));
            slowest = slowest.max(took);
        }
        let against = format!("/healthz, asked by {CLIENTS} clients for {SECONDS} s as well");
        report.add(Kind::Postgres.figure(name), "ms", slowest, floor, against);
    }
    Ok(())
}

/// A host that serves, until it is dropped.
struct Host {
    process: Child,
    url: String,
    token: String,
}

impl Host {
    fn start(folder: &Path, database: &str) -> anyhow::Result<Self> {
        let config = folder.join("backfill.toml");
        let elexon = sources::entry("elexon", &sources::plugin("elexon"));
        fs::write(
            &config,
            format!(
                "[server]\nlisten = \"127.0.0.1:0\"\n[database]\nurl = {database:?}\n[archive]\npath = \"archive\"\n{elexon}"
            ),
        )?;
        let made = backfill(&config, &["token", "create", "--user", "bench", "--role", "viewer"]).output()?;
        ensure!(made.status.success(), "token create: {}", String::from_utf8_lossy(&made.stderr));
        let token = String::from_utf8(made.stdout)?.trim().to_owned();
        let mut process =
            backfill(&config, &["serve"]).stderr(Stdio::piped()).spawn().context("starting backfill")?;
        let log = process.stderr.take().context("its log is piped")?;
        let mut host = Self { process, url: String::new(), token };
        let mut lines = BufReader::new(log).lines();
        for line in lines.by_ref() {
            if let Some((_, url)) = line?.split_once("answering on ") {
                // A log that no terminal shows is JSON.
                let end = |letter: char| letter.is_whitespace() || letter == '"';
                host.url = url.split(end).next().unwrap_or_default().to_owned();
                break;
            }
        }
        ensure!(!host.url.is_empty(), "backfill serve ended before it answered");
        // Whoever writes into a full pipe waits.
        thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        Ok(host)
    }

    /// Of all answers in ten seconds, how long all but the slowest twentieth took at most, in milliseconds.
    fn slowest_twentieth(&self, script: &Path, path: &str) -> anyhow::Result<f64> {
        let asked = Command::new("wrk")
            .args([
                "--threads",
                "1",
                "--connections",
                &CLIENTS.to_string(),
                "--duration",
                &format!("{SECONDS}s"),
            ])
            .arg("--script")
            .arg(script)
            .args(["--header", &format!("Authorization: Bearer {}", self.token)])
            .arg(format!("{}{path}", self.url))
            .output()?;
        let said = String::from_utf8_lossy(&asked.stdout);
        let line = said
            .lines()
            .find_map(|line| line.strip_prefix("p95 "))
            .with_context(|| format!("wrk, asked for {}{path}, said {said}", self.url))?;
        let [p95, requests, failed] = line
            .split(|other: char| !other.is_ascii_digit())
            .filter(|word| !word.is_empty())
            .map(str::parse::<u64>)
            .collect::<Result<Vec<_>, _>>()?[..]
        else {
            bail!("wrk said {line:?}")
        };
        ensure!(requests > 20 && failed == 0, "{path}: {requests} answers, of which {failed} failed");
        Ok(p95 as f64 / 1e3)
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn backfill(config: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_backfill"));
    command.arg("--config").arg(config).args(["--log", "info"]).args(arguments).stdin(Stdio::null());
    command
}
