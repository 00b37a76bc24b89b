//! Durable tasks without data, through the real worker: claim, sandbox, commit.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::ensure;
use backfill::{
    domain::RetryPolicy,
    source::Registry,
    store::Store,
    worker::{Options, Worker},
};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::{
    databases::{Kind, Raw},
    planned::{self, Farm},
    report::Report,
    sources, turns,
};

const TASKS: usize = 480;

/// So often a task was claimed, its source called, and what that came to committed: an upstream that says "nothing" is
/// asked once more.
const RUNS: usize = 2 * TASKS;
const TURNS: usize = 5;

pub(crate) async fn measure(report: &mut Report, kind: Kind) -> anyhow::Result<()> {
    report.progress(&format!("durable tasks without data, {kind:?}"));
    let database = kind.database().await?;
    let store = database.store().await?;
    // This one confirms that there is nothing, without asking anybody.
    let farm = Farm::import(&store, "idle", "environment").await?;
    let config = sources::configuration(&sources::entry("idle", &sources::guest("hostile")))?;
    let registry = Registry::load(&config, &|_| None, &sources::engine()?, &sources::shared()).await;
    // The second asking follows at once.
    let retry = RetryPolicy { confirm: Duration::ZERO, ..RetryPolicy::default() };
    let registry = Arc::new(registry);
    let options = Options { retry: retry.clone(), ..Options::in_foreground(&config) };
    let worker = Worker::new(store.clone(), Arc::clone(&registry), options);
    let server = Worker::new(store.clone(), registry, Options { retry, ..Options::of(&config) });
    let tasks = farm.tasks(planned::months(1980, TASKS)?);
    let mut raw = database.beside().await?;
    raw.execute("CREATE TABLE raw_commits (what TEXT)").await?;

    let run = async || {
        let job = farm.create_job(&store, &tasks).await?;
        let (watch, _steps) = mpsc::unbounded_channel();
        let began = Instant::now();
        worker.run_job(job, CancellationToken::new(), watch).await?;
        let took = began.elapsed();
        let summary = store.job_summary(job).await?;
        ensure!(summary.completed == TASKS as i64, "{summary:?}");
        Ok(took)
    };
    // As a host does it, with all that it heeds beside: circuits, other jobs in line, months that are under way.
    let serve = async || {
        let job = farm.create_job(&store, &tasks).await?;
        let (began, stop) = (Instant::now(), CancellationToken::new());
        let ended = async {
            let took = ended(&store, job).await.map(|()| began.elapsed());
            stop.cancel();
            took
        };
        server.announce().await?;
        let (served, took) = tokio::join!(server.serve(stop.clone(), CancellationToken::new()), ended);
        served?;
        took
    };
    let (run, commit) = turns::best(TURNS, run, async || commit_raw(&mut raw).await).await?;
    let (serve, commit_beside) = turns::best(TURNS, serve, async || commit_raw(&mut raw).await).await?;
    let empty = raw.number("SELECT COUNT(*) FROM backfill_tasks WHERE outcome = 'empty'").await?;
    ensure!(empty == (2 * TASKS * TURNS) as i64);
    store.close().await;
    let each = |took: Duration| turns::ms(took) / RUNS as f64;
    let against = "two bare commits, a row each; a month that is empty takes two such runs";
    for (name, took, commit) in [("task-empty", run, commit), ("task-empty-served", serve, commit_beside)] {
        let (runs, commits) = (turns::rate(RUNS, took), turns::rate(RUNS, commit));
        report.add(kind.figure(name), "ms", each(took), each(commit), against);
        report.add(kind.figure(&format!("{name}-rate")), "runs/s", runs, commits, against);
    }
    Ok(())
}

/// Waits until a job has ended, and well.
async fn ended(store: &Store, job: i64) -> anyhow::Result<()> {
    while !store.job(job).await?.status.ended() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let summary = store.job_summary(job).await?;
    ensure!(summary.completed == TASKS as i64, "{summary:?}");
    Ok(())
}

/// As many commits as that needs at least: one that claims and one that ends.
async fn commit_raw(raw: &mut Raw) -> anyhow::Result<Duration> {
    let began = Instant::now();
    for _ in 0..2 * RUNS {
        raw.execute("INSERT INTO raw_commits (what) VALUES ('claimed')").await?;
    }
    Ok(began.elapsed())
}
