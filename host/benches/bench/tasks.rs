//! Durable tasks without data, through the real worker: claim, sandbox, commit.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::ensure;
use backfill::{
    domain::{Month, PlannedTask, RetryPolicy, Verdict},
    source::Registry,
    store::Store,
    worker::{Options, Worker},
};
use chrono_tz::Tz;
use sqlx::SqliteConnection;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::{report::Report, sources, store, turns};

const TASKS: usize = 480;
const TURNS: usize = 5;

pub(crate) async fn measure(report: &mut Report) -> anyhow::Result<()> {
    report.progress("durable tasks without data");
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("bench.db");
    let host = Store::open(&format!("sqlite://{}", path.display())).await?;
    // This one confirms that there is nothing, without asking anybody.
    let (windfarm_id, unit_id) = store::registered(&host, "idle", "environment").await?;
    let config = sources::configuration(&sources::entry("idle", &sources::guest("hostile")))?;
    let registry = Registry::load(&config, &|_| None, &sources::engine()?, &sources::shared()).await;
    // An upstream that says "nothing" is asked once more; here at once.
    let retry = RetryPolicy { confirm: Duration::ZERO, ..RetryPolicy::default() };
    let options = Options { retry, ..Options::in_foreground(&config) };
    let worker = Worker::new(host.clone(), Arc::new(registry), options);
    let tasks: Vec<_> = Month::new(1980, 1)?
        .through(Month::new(2019, 12)?)
        .map(|month| PlannedTask {
            unit_id,
            source: "idle".into(),
            month,
            window: month.window(Tz::UTC),
            verdict: Verdict::Fetch,
        })
        .collect();
    ensure!(tasks.len() == TASKS);
    let mut raw = store::beside(&path).await?;
    sqlx::query("CREATE TABLE raw_commits (id INTEGER PRIMARY KEY, what TEXT)").execute(&mut raw).await?;

    let run = async || {
        let job = store::create_job(&host, windfarm_id, &tasks).await?;
        let (watch, _steps) = mpsc::unbounded_channel();
        let began = Instant::now();
        worker.run_job(job, CancellationToken::new(), watch).await?;
        let took = began.elapsed();
        let summary = host.job_summary(job).await?;
        ensure!(summary.completed == TASKS as i64, "{summary:?}");
        Ok(took)
    };
    let commit = async || commit_raw(&mut raw).await;
    let (run, commit) = turns::best(TURNS, run, commit).await?;
    let empty: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM backfill_tasks WHERE outcome = 'empty'")
        .fetch_one(&mut raw)
        .await?;
    ensure!(empty == (TASKS * TURNS) as i64);
    host.close().await;
    report.add(
        "task-empty-sqlite",
        "tasks/s",
        turns::rate(TASKS, run),
        turns::rate(TASKS, commit),
        "four bare commits a task, a row each",
    );
    Ok(())
}

/// As many commits as the tasks need at least: one that claims and one that ends, twice, since an upstream that says
/// "nothing" is asked once more.
async fn commit_raw(raw: &mut SqliteConnection) -> anyhow::Result<Duration> {
    let began = Instant::now();
    for _ in 0..4 * TASKS {
        sqlx::query("INSERT INTO raw_commits (what) VALUES ('claimed')").execute(&mut *raw).await?;
    }
    Ok(began.elapsed())
}
