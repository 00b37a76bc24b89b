//! Storing what tasks return: a month of hours each, a commit each.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use anyhow::ensure;
use backfill::{
    clock,
    domain::{
        Measurement, Month, PlannedTask, Priority, Quantity, Series, Validated, Verdict, Window, validate,
    },
    store::{AttemptReport, ClaimRequest, Ending, NewJob, NewUnit, NewWindfarm, Store},
};
use chrono_tz::Tz;
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};
use tempfile::TempDir;

use crate::{report::Report, turns};

const TURNS: usize = 5;
const TASKS: usize = 84;
const HOURS: usize = 744;
const ROWS: usize = TASKS * HOURS;

pub(crate) const LEASE: Duration = Duration::from_secs(600);

/// A database of its own for every turn, so that all of them find it empty.
struct World {
    store: Store,
    tasks: Vec<PlannedTask>,
    windfarm_id: i64,
    /// Beside the store, to count and to compare: not through the host's code.
    raw: SqliteConnection,
    _folder: TempDir,
}

pub(crate) async fn measure(report: &mut Report) -> anyhow::Result<()> {
    report.progress("storing new and unchanged rows");
    let mut best = [Duration::MAX; 4];
    for _ in 0..TURNS {
        let mut world = World::new().await?;
        world.reference_table().await?;
        let turn = [
            world.write_raw().await?,
            world.fill(0).await?,
            world.read_raw().await?,
            world.fill(ROWS as i64).await?,
        ];
        for (best, took) in best.iter_mut().zip(turn) {
            *best = took.min(*best);
        }
        world.store.close().await;
    }
    let [raw_write, new, raw_read, unchanged] = best.map(|time| turns::rate(ROWS, time));
    report.add(
        "store-new-sqlite",
        "rows/s",
        new,
        raw_write,
        "prepared INSERTs of 372 rows each into an identical table, a commit each 744 rows, nothing else",
    );
    report.add(
        "store-unchanged-sqlite",
        "rows/s",
        unchanged,
        raw_read,
        "a plain SELECT of the same rows, 744 at a time",
    );
    Ok(())
}

/// The months of 31 days of twelve years.
fn months() -> impl Iterator<Item = Month> {
    let (first, last) = (Month::new(2012, 1), Month::new(2023, 12));
    let all = first.ok().zip(last.ok()).into_iter().flat_map(|(first, last)| first.through(last));
    all.filter(|month| matches!(month.number(), 1 | 3 | 5 | 7 | 8 | 10 | 12))
}

/// What a source returns for a month, values that differ.
fn rows(window: Window) -> Vec<Measurement> {
    (0..HOURS as i64)
        .map(|hour| Measurement {
            start: window.start + hour * 3600,
            seconds: 3600,
            value: ((window.start / 3600 + hour) * 7919 % 4000) as f64 / 10.0,
        })
        .collect()
}

fn answer(window: Window) -> Validated {
    let series = Series {
        kind: "generation".into(),
        quantity: Quantity::MeanPower,
        labels: [("production-type".to_owned(), "wind-offshore".to_owned())].into(),
        measurements: rows(window),
    };
    validate(window, Some(400.0), vec![series])
}

impl World {
    async fn new() -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("bench.db");
        let store = Store::open(&format!("sqlite://{}", path.display())).await?;
        let (windfarm_id, unit_id) = registered(&store, "bench", "unit").await?;
        let tasks = months()
            .map(|month| PlannedTask {
                unit_id,
                source: "bench".into(),
                month,
                window: month.window(Tz::UTC),
                verdict: Verdict::Fetch,
            })
            .collect();
        let raw = beside(&path).await?;
        Ok(Self { store, tasks, windfarm_id, raw, _folder: folder })
    }

    /// Runs a job over all months, every one with the same answer each time. Takes the time of claiming and
    /// committing, and makes sure in the database that `before` rows became [`ROWS`] and none was replaced.
    async fn fill(&mut self, before: i64) -> anyhow::Result<Duration> {
        ensure!(self.count("measurements").await? == before);
        let job = create_job(&self.store, self.windfarm_id, &self.tasks).await?;
        let answers: Vec<_> = self.tasks.iter().map(|task| answer(task.window)).collect();
        let request = ClaimRequest {
            owner: "bench",
            source: "bench",
            job: Some(job),
            limit: 1,
            source_limit: Some(4),
            total_limit: None,
            lease: LEASE,
            heeds_circuit: false,
        };
        let began = Instant::now();
        for answer in &answers {
            let claims = self.store.claim(request, clock::now()).await?;
            ensure!(claims.len() == 1);
            for claim in claims {
                let ending = Ending::Records(answer);
                self.store.finish(&claim, ending, &AttemptReport::default(), clock::now()).await?;
            }
        }
        let took = began.elapsed();
        ensure!(self.count("measurements").await? == ROWS as i64);
        ensure!(self.count("measurement_revisions").await? == 0);
        ensure!(self.store.job(job).await?.status.ended());
        Ok(took)
    }

    async fn count(&mut self, table: &str) -> anyhow::Result<i64> {
        let sql = format!("SELECT COUNT(*) FROM {table}");
        Ok(sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&mut self.raw).await?)
    }

    /// A table like the store's, made from its own text.
    async fn reference_table(&mut self) -> anyhow::Result<()> {
        let sql: String = sqlx::query_scalar("SELECT sql FROM sqlite_master WHERE name = 'measurements'")
            .fetch_one(&mut self.raw)
            .await?;
        let sql = sql.replacen("measurements", "raw_measurements", 1);
        sqlx::query(AssertSqlSafe(sql)).execute(&mut self.raw).await?;
        sqlx::query(
            "INSERT INTO series (generation_unit_id, source, kind, quantity, labels)
             SELECT id, source, 'raw', 'energy', '{}' FROM generation_units",
        )
        .execute(&mut self.raw)
        .await?;
        Ok(())
    }

    async fn write_raw(&mut self) -> anyhow::Result<Duration> {
        const PIECE: usize = HOURS / 2;
        let months: Vec<_> = self.tasks.iter().map(|task| rows(task.window)).collect();
        let sql =
            format!("INSERT INTO raw_measurements VALUES {}", vec!["(?, ?, ?, ?, ?)"; PIECE].join(", "));
        let began = Instant::now();
        for month in &months {
            let mut transaction = self.raw.begin_with("BEGIN IMMEDIATE").await?;
            for rows in month.chunks(PIECE) {
                let mut query = sqlx::query(AssertSqlSafe(sql.as_str()));
                for row in rows {
                    query = query.bind(1).bind(row.start).bind(row.seconds).bind(row.value).bind(1);
                }
                query.execute(&mut *transaction).await?;
            }
            transaction.commit().await?;
        }
        let took = began.elapsed();
        ensure!(self.count("raw_measurements").await? == ROWS as i64);
        Ok(took)
    }

    async fn read_raw(&mut self) -> anyhow::Result<Duration> {
        let began = Instant::now();
        for task in &self.tasks {
            let rows: Vec<(i64, u32, f64)> = sqlx::query_as(
                "SELECT start, seconds, value FROM raw_measurements
                 WHERE series_id = 1 AND start >= ? AND start < ? ORDER BY start",
            )
            .bind(task.window.start)
            .bind(task.window.end)
            .fetch_all(&mut self.raw)
            .await?;
            ensure!(rows.len() == HOURS);
        }
        Ok(began.elapsed())
    }
}

/// A connection beside the store, with the settings that the store has.
pub(crate) async fn beside(path: &Path) -> anyhow::Result<SqliteConnection> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal)
        .pragma("cache_size", "-65536")
        .row_buffer_size(1024)
        .disable_statement_logging();
    Ok(options.connect().await?)
}

/// A wind farm with one unit of a source: their ids.
pub(crate) async fn registered(store: &Store, source: &str, code: &str) -> anyhow::Result<(i64, i64)> {
    let unit = backfill::domain::Unit {
        code: code.into(),
        name: code.into(),
        capacity_mw: Some(400.0),
        attributes: [].into(),
    };
    let windfarm = NewWindfarm {
        name: "bench".into(),
        units: vec![NewUnit { source: source.into(), unit, active: true }],
        ..NewWindfarm::default()
    };
    store.import(&[windfarm], clock::now()).await?;
    let windfarm = store.windfarm_by_name("bench").await?;
    let units = store.units(windfarm.id, &[]).await?;
    let unit = units.first().ok_or_else(|| anyhow::anyhow!("the unit was not imported"))?;
    Ok((windfarm.id, unit.id))
}

/// A job of these tasks.
pub(crate) async fn create_job(
    store: &Store,
    windfarm_id: i64,
    tasks: &[PlannedTask],
) -> anyhow::Result<i64> {
    let window = Window { start: tasks[0].window.start, end: tasks[tasks.len() - 1].window.end };
    let job = NewJob {
        windfarm_ids: &[windfarm_id],
        window,
        tasks,
        priority: Priority::Default,
        max_concurrency: None,
        max_attempts: 3,
        metadata: serde_json::json!({}),
        created_by_id: None,
    };
    Ok(store.create_job(&job, clock::now()).await?)
}
