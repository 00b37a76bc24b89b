//! Creating a job of 10,000 tasks.

use std::{
    fmt::Write,
    time::{Duration, Instant},
};

use anyhow::ensure;
use backfill::domain::PlannedTask;
use sqlx::{AssertSqlSafe, Connection, SqliteConnection};

use crate::{
    databases::{Kind, Raw},
    planned::{self, Farm},
    report::Report,
    turns,
};

const TASKS: usize = 10_000;
const TURNS: usize = 5;
const PIECE: usize = 250;

pub(crate) async fn measure(report: &mut Report, kind: Kind) -> anyhow::Result<()> {
    report.progress(&format!("creating a job of 10,000 tasks, {kind:?}"));
    let database = kind.database().await?;
    let store = database.store().await?;
    let farm = Farm::import(&store, "bench", "unit").await?;
    let tasks = farm.tasks(planned::months(1970, TASKS)?);
    let mut raw = database.beside().await?;
    raw.execute(
        "CREATE TABLE raw_tasks (job BIGINT, unit BIGINT, source TEXT, month TEXT, first BIGINT, last BIGINT, status TEXT)",
    )
    .await?;

    let create = async || {
        let began = Instant::now();
        farm.create_job(&store, &tasks).await?;
        Ok(began.elapsed())
    };
    let mut loader = database.loader().await?;
    let insert = async || insert_raw(&mut loader, &tasks).await;
    let (create, insert) = turns::best(TURNS, create, insert).await?;
    let stored = raw.number("SELECT COUNT(*) FROM backfill_tasks").await?;
    ensure!(stored == (TURNS * TASKS) as i64);
    store.close().await;
    let against = match kind {
        Kind::Sqlite => "prepared INSERTs of the same tasks into a table without indexes, one transaction",
        Kind::Postgres => "raw COPY of the same tasks into a table without indexes, one transaction",
    };
    report.add(kind.figure("create-job"), "ms", turns::ms(create), turns::ms(insert), against);
    Ok(())
}

async fn insert_raw(raw: &mut Raw, tasks: &[PlannedTask]) -> anyhow::Result<Duration> {
    let began;
    match raw {
        Raw::Sqlite(conn) => {
            began = Instant::now();
            insert_sqlite(conn, tasks).await?;
        }
        Raw::Postgres(_) => {
            let mut rows = String::new();
            for PlannedTask { unit_id, source, month, window, .. } in tasks {
                writeln!(rows, "1\t{unit_id}\t{source}\t{month}\t{}\t{}\tpending", window.start, window.end)?;
            }
            began = Instant::now();
            raw.copy("raw_tasks", &rows).await?;
        }
    }
    Ok(began.elapsed())
}

async fn insert_sqlite(raw: &mut SqliteConnection, tasks: &[PlannedTask]) -> anyhow::Result<()> {
    let sql = format!("INSERT INTO raw_tasks VALUES {}", vec!["(?, ?, ?, ?, ?, ?, ?)"; PIECE].join(", "));
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
    Ok(transaction.commit().await?)
}
