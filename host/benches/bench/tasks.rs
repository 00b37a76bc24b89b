//! Durable tasks without data, through the real worker: claim, sandbox, commit.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::ensure;
use backfill::{
    domain::RetryPolicy,
    source::Registry,
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
const TURNS: usize = 5;

pub(crate) async fn measure(report: &mut Report, kind: Kind) -> anyhow::Result<()> {
    report.progress(&format!("durable tasks without data, {kind:?}"));
    let database = kind.database().await?;
    let store = database.store().await?;
    // This one confirms that there is nothing, without asking anybody.
    let farm = Farm::import(&store, "idle", "environment").await?;
    let config = sources::configuration(&sources::entry("idle", &sources::guest("hostile")))?;
    let registry = Registry::load(&config, &|_| None, &sources::engine()?, &sources::shared()).await;
    // An upstream that says "nothing" is asked once more; here at once.
    let retry = RetryPolicy { confirm: Duration::ZERO, ..RetryPolicy::default() };
    let options = Options { retry, ..Options::in_foreground(&config) };
    let worker = Worker::new(store.clone(), Arc::new(registry), options);
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
    let commit = async || commit_raw(&mut raw).await;
    let (run, commit) = turns::best(TURNS, run, commit).await?;
    let empty = raw.number("SELECT COUNT(*) FROM backfill_tasks WHERE outcome = 'empty'").await?;
    ensure!(empty == (TASKS * TURNS) as i64);
    store.close().await;
    let each = |took: Duration| turns::ms(took) / TASKS as f64;
    let against = "four bare commits a task, a row each";
    let (tasks, commits) = (turns::rate(TASKS, run), turns::rate(TASKS, commit));
    report.add(kind.figure("task-empty"), "ms", each(run), each(commit), against);
    report.add(kind.figure("task-empty-rate"), "tasks/s", tasks, commits, against);
    Ok(())
}

/// As many commits as the tasks need at least: one that claims and one that ends, twice, since an upstream that says
/// "nothing" is asked once more.
async fn commit_raw(raw: &mut Raw) -> anyhow::Result<Duration> {
    let began = Instant::now();
    for _ in 0..4 * TASKS {
        raw.execute("INSERT INTO raw_commits (what) VALUES ('claimed')").await?;
    }
    Ok(began.elapsed())
}
