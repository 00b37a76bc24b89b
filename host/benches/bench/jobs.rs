//! Creating a job of 10,000 tasks.

use std::time::{Duration, Instant};

use anyhow::ensure;
use backfill::{
    domain::{Month, PlannedTask, Verdict},
    store::Store,
};
use chrono_tz::Tz;
use sqlx::{AssertSqlSafe, Connection, SqliteConnection};

use crate::{report::Report, store, turns};

const TASKS: usize = 10_000;
const PIECE: usize = 250;

pub(crate) async fn measure(report: &mut Report) -> anyhow::Result<()> {
    report.progress("creating a job of 10,000 tasks");
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("bench.db");
    let host = Store::open(&format!("sqlite://{}", path.display())).await?;
    let (windfarm_id, unit_id) = store::registered(&host, "bench", "unit").await?;
    let tasks: Vec<_> = Month::new(1970, 1)?
        .through(Month::new(2999, 12)?)
        .take(TASKS)
        .map(|month| PlannedTask {
            unit_id,
            source: "bench".into(),
            month,
            window: month.window(Tz::UTC),
            verdict: Verdict::Fetch,
        })
        .collect();
    ensure!(tasks.len() == TASKS);
    let mut raw = store::beside(&path).await?;
    sqlx::query("CREATE TABLE raw_tasks (job INTEGER, unit INTEGER, source TEXT, month TEXT, first INTEGER, last INTEGER, status TEXT)")
        .execute(&mut raw)
        .await?;

    let create = async || {
        let began = Instant::now();
        store::create_job(&host, windfarm_id, &tasks).await?;
        Ok(began.elapsed())
    };
    let insert = async || insert_raw(&mut raw, &tasks).await;
    let (create, insert) = turns::best(5, create, insert).await?;
    let stored: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM backfill_tasks").fetch_one(&mut raw).await?;
    ensure!(stored == 5 * TASKS as i64);
    host.close().await;
    report.add(
        "create-job-sqlite",
        "ms",
        turns::ms(create),
        turns::ms(insert),
        "prepared INSERTs of the same tasks into a table without indexes, one transaction",
    );
    Ok(())
}

async fn insert_raw(raw: &mut SqliteConnection, tasks: &[PlannedTask]) -> anyhow::Result<Duration> {
    let sql = format!("INSERT INTO raw_tasks VALUES {}", vec!["(?, ?, ?, ?, ?, ?, ?)"; PIECE].join(", "));
    let began = Instant::now();
    let mut transaction = raw.begin_with("BEGIN IMMEDIATE").await?;
    for tasks in tasks.chunks(PIECE) {
        let mut query = sqlx::query(AssertSqlSafe(sql.as_str()));
        for task in tasks {
            query = query
                .bind(1)
                .bind(task.unit_id)
                .bind(&task.source)
                .bind(task.month.to_string())
                .bind(task.window.start)
                .bind(task.window.end)
                .bind("pending");
        }
        query.execute(&mut *transaction).await?;
    }
    transaction.commit().await?;
    Ok(began.elapsed())
}
