//! Lists of jobs and a job by itself, with the history of years stored.

use std::time::{Duration, Instant};

use anyhow::ensure;
use backfill::{
    domain::{JobStatus, TaskStatus},
    store::{JobFilter, Store, TaskFilter},
};
use chrono::DateTime;

use crate::{
    databases::{Kind, Raw},
    history,
    report::Report,
    turns,
};

const TURNS: usize = 7;

pub(crate) async fn measure(
    report: &mut Report,
    kind: Kind,
    store: &Store,
    raw: &mut Raw,
) -> anyhow::Result<()> {
    report.progress(&format!("listing and showing jobs, {kind:?}"));
    let mut slowest = (Duration::ZERO, "");
    for (name, filter, total) in filters() {
        let mut best = Duration::MAX;
        for _ in 0..TURNS {
            let began = Instant::now();
            let page = store.jobs(&filter).await?;
            best = best.min(began.elapsed());
            ensure!(total.contains(&page.total) && !page.jobs.is_empty(), "{name}: {} jobs", page.total);
        }
        report.progress(&format!("  a list of {name}: {:.1} ms", turns::ms(best)));
        slowest = slowest.max((best, name));
    }
    let sql = "SELECT * FROM backfill_jobs ORDER BY id DESC LIMIT 100";
    let plain = read(raw, sql, 100).await?;
    let against = format!("a plain SELECT of 100 jobs; the slowest list is of {}", slowest.1);
    report.add(kind.figure("list-jobs"), "ms", turns::ms(slowest.0), turns::ms(plain), against);

    let mut slowest = (Duration::ZERO, "");
    for (status, id) in history::LARGE {
        let mut best = Duration::MAX;
        for _ in 0..TURNS {
            let began = Instant::now();
            show(store, id, status).await?;
            best = best.min(began.elapsed());
        }
        report.progress(&format!("  a job of 3,000 tasks, {status}: {:.1} ms", turns::ms(best)));
        slowest = slowest.max((best, status));
    }
    let sql = format!("SELECT * FROM backfill_tasks WHERE job_id = {}", history::JOBS);
    let plain = read(raw, &sql, 3000).await?;
    let against = format!("a plain SELECT of 3,000 tasks of a job; the slowest job is {}", slowest.1);
    report.add(kind.figure("show-job"), "ms", turns::ms(slowest.0), turns::ms(plain), against);
    Ok(())
}

/// What people ask for, and about how many jobs there are of it.
fn filters() -> Vec<(&'static str, JobFilter, std::ops::RangeInclusive<i64>)> {
    let all = JobFilter::default;
    let at = |seconds| DateTime::from_timestamp(seconds, 0).map(Into::into);
    let ended = vec![JobStatus::Completed, JobStatus::Failed, JobStatus::PartiallyCompleted];
    let open = vec![JobStatus::Pending, JobStatus::InProgress];
    vec![
        ("all jobs", all(), 100_000..=100_000),
        ("all jobs, page 1,000", JobFilter { offset: 99_900, ..all() }, 100_000..=100_000),
        ("all jobs before one", JobFilter { before: Some(200), ..all() }, 100_000..=100_000),
        ("a wind farm with many", JobFilter { windfarm_id: Some(1), ..all() }, 5000..=5100),
        ("a wind farm", JobFilter { windfarm_id: Some(700), ..all() }, 50..=100),
        ("open jobs", JobFilter { status: open, ..all() }, 300..=300),
        ("failed jobs", JobFilter { status: vec![JobStatus::Failed], ..all() }, 1900..=2100),
        ("ended jobs", JobFilter { status: ended.clone(), ..all() }, 99_700..=99_700),
        ("ended jobs, page 900", JobFilter { status: ended, offset: 89_900, ..all() }, 99_700..=99_700),
        ("a source", JobFilter { source: Some("entsoe".into()), ..all() }, 23_000..=25_000),
        (
            "a source, page 200",
            JobFilter { source: Some("entsoe".into()), offset: 19_900, ..all() },
            23_000..=25_000,
        ),
        ("a user", JobFilter { created_by_id: Some(3), ..all() }, 10_000..=10_000),
        (
            "a user and a source",
            JobFilter { created_by_id: Some(3), source: Some("elexon".into()), ..all() },
            1..=10_000,
        ),
        ("a month", JobFilter { since: at(1_540_000_000), until: at(1_542_600_000), ..all() }, 2600..=2600),
    ]
}

/// All that is shown with a job.
async fn show(store: &Store, id: i64, status: &str) -> anyhow::Result<()> {
    let job = store.job(id).await?;
    let summary = store.job_summary(id).await?;
    let units = store.job_breakdown(id).await?;
    let filter = TaskFilter { status: Some(TaskStatus::Failed), limit: Some(100), ..TaskFilter::default() };
    let failed = store.tasks(id, filter).await?;
    ensure!(job.status.as_str() == status, "job {id} is {}", job.status);
    ensure!(summary.total == 3000 && summary.completed == job.completed_tasks, "{summary:?}");
    ensure!(summary.requests == 31 * (summary.completed + summary.failed), "{summary:?}");
    ensure!(units.len() as i64 == history::UNITS && failed.len() as i64 == job.failed_tasks.min(100));
    Ok(())
}

/// The best time of a plain query that gives so many rows.
async fn read(raw: &mut Raw, sql: &str, rows: usize) -> anyhow::Result<Duration> {
    let mut best = Duration::MAX;
    for _ in 0..TURNS {
        let began = Instant::now();
        let read = raw.read(sql).await?;
        best = best.min(began.elapsed());
        ensure!(read == rows, "{read} rows");
    }
    Ok(best)
}
