//! What storing is compared with: the same rows in a table like the store's, written and read without the host.

use std::{
    fmt::Write,
    time::{Duration, Instant},
};

use anyhow::ensure;
use backfill::domain::{Measurement, PlannedTask};
use chrono::{DateTime, Utc};
use sqlx::{AssertSqlSafe, Connection, SqliteConnection};

use crate::databases::Raw;

/// Rows of one INSERT in SQLite.
const PIECE: usize = 372;

/// The series that the rows are of.
const SERIES: i64 = 1;

/// Makes `raw_measurements`, like `measurements` in everything.
pub(crate) async fn make_table(raw: &mut Raw) -> anyhow::Result<()> {
    raw.execute(
        "INSERT INTO series (generation_unit_id, source, kind, quantity, labels)
         SELECT id, source, 'raw', 'energy', '{}' FROM generation_units",
    )
    .await?;
    if let Raw::Sqlite(_) = raw {
        let like = raw.texts("SELECT sql FROM sqlite_schema WHERE name = 'measurements'").await?.concat();
        return raw.execute(&like.replacen("measurements", "raw_measurements", 1)).await;
    }
    raw.execute("CREATE TABLE raw_measurements (LIKE measurements INCLUDING ALL) PARTITION BY RANGE (start)")
        .await?;
    raw.execute(
        "DO $$ BEGIN
             FOR year IN 2000..2049 LOOP
                 EXECUTE format('CREATE TABLE raw_measurements_%s PARTITION OF raw_measurements
                                 FOR VALUES FROM (%L) TO (%L)', year,
                                year || '-01-01T00:00:00Z', year + 1 || '-01-01T00:00:00Z');
             END LOOP;
         END $$",
    )
    .await
}

/// Writes months, a commit each.
pub(crate) async fn write(raw: &mut Raw, months: &[Vec<Measurement>]) -> anyhow::Result<Duration> {
    if let Raw::Sqlite(conn) = raw {
        let began = Instant::now();
        insert(conn, months).await?;
        return Ok(began.elapsed());
    }
    let months: Vec<_> = months.iter().map(|rows| text(rows)).collect::<Result<_, _>>()?;
    let began = Instant::now();
    for rows in &months {
        raw.copy("raw_measurements", rows).await?;
    }
    Ok(began.elapsed())
}

/// Rows as COPY wants them.
fn text(rows: &[Measurement]) -> anyhow::Result<String> {
    let mut text = String::new();
    for Measurement { start, seconds, value } in rows {
        let start = DateTime::from_timestamp(*start, 0).unwrap_or_default().format("%Y-%m-%d %H:%M:%S+00");
        writeln!(text, "{SERIES}\t{start}\t{seconds}\t{value}\t1")?;
    }
    Ok(text)
}

async fn insert(raw: &mut SqliteConnection, months: &[Vec<Measurement>]) -> anyhow::Result<()> {
    let sql = format!("INSERT INTO raw_measurements VALUES {}", vec!["(?, ?, ?, ?, ?)"; PIECE].join(", "));
    for month in months {
        let mut transaction = raw.begin_with("BEGIN IMMEDIATE").await?;
        for rows in month.chunks(PIECE) {
            ensure!(rows.len() == PIECE);
            let mut query = sqlx::query(AssertSqlSafe(sql.as_str()));
            for row in rows {
                query = query.bind(SERIES).bind(row.start).bind(row.seconds).bind(row.value).bind(1);
            }
            query.execute(&mut *transaction).await?;
        }
        transaction.commit().await?;
    }
    Ok(())
}

/// Reads the months of tasks, one by one.
pub(crate) async fn read(raw: &mut Raw, tasks: &[PlannedTask]) -> anyhow::Result<Duration> {
    const SQL: &str = "SELECT start, seconds, value FROM raw_measurements
                       WHERE series_id = $1 AND start >= $2 AND start < $3 ORDER BY start";
    let began = Instant::now();
    for PlannedTask { window, .. } in tasks {
        let rows = match raw {
            Raw::Sqlite(conn) => {
                let query = sqlx::query_as::<_, (i64, i64, f64)>(SQL);
                query.bind(SERIES).bind(window.start).bind(window.end).fetch_all(conn).await?.len()
            }
            Raw::Postgres(conn) => {
                let at = |seconds| DateTime::from_timestamp(seconds, 0).unwrap_or_default();
                let query = sqlx::query_as::<_, (DateTime<Utc>, i64, f64)>(SQL);
                query.bind(SERIES).bind(at(window.start)).bind(at(window.end)).fetch_all(conn).await?.len()
            }
        };
        ensure!(rows * tasks.len() == rows_of(tasks), "{rows} rows of {window:?}");
    }
    Ok(began.elapsed())
}

/// Hours of all tasks.
fn rows_of(tasks: &[PlannedTask]) -> usize {
    tasks.iter().map(|task| (task.window.end - task.window.start) as usize / 3600).sum()
}
