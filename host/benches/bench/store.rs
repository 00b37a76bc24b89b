//! Storing what tasks return: a month of hours each, a commit each.

use std::time::{Duration, Instant};

use anyhow::ensure;
use backfill::{
    clock,
    domain::{Measurement, Month, PlannedTask, Quantity, Series, Validated, Window, validate},
    store::{AttemptReport, ClaimRequest, Ending, Store},
};

use crate::{
    databases::{Database, Kind, Raw},
    planned::{self, Farm},
    raw_rows,
    report::Report,
    turns,
};

const TURNS: usize = 5;
const HOURS: usize = 744;

/// Twelve years have 84 months of 31 days.
const ROWS: usize = 84 * HOURS;

const LEASE: Duration = Duration::from_secs(600);

/// A database of its own for every turn, so that all of them find it empty.
struct World {
    database: Database,
    store: Store,
    farm: Farm,
    tasks: Vec<PlannedTask>,
    raw: Raw,
}

pub(crate) async fn measure(report: &mut Report, kind: Kind) -> anyhow::Result<()> {
    report.progress(&format!("storing new and unchanged rows, {kind:?}"));
    let mut best = [Duration::MAX; 4];
    for _ in 0..TURNS {
        let mut world = World::new(kind).await?;
        let months: Vec<_> = world.tasks.iter().map(|task| rows(task.window)).collect();
        raw_rows::make_table(&mut world.raw).await?;
        let written = raw_rows::write(&mut world.database.loader().await?, &months).await?;
        ensure!(world.count("raw_measurements").await? == ROWS as i64);
        let new = world.fill(0).await?;
        let read = raw_rows::read(&mut world.raw, &world.tasks).await?;
        let unchanged = world.fill(ROWS as i64).await?;
        for (best, took) in best.iter_mut().zip([written, new, read, unchanged]) {
            *best = took.min(*best);
        }
        world.store.close().await;
    }
    let [written, new, read, unchanged] = best.map(|time| turns::rate(ROWS, time));
    let against = match kind {
        Kind::Sqlite => "prepared INSERTs of 372 rows each into an identical table, a commit each 744 rows",
        Kind::Postgres => "raw COPY of the same rows into an identical table, a commit each 744 rows",
    };
    report.add(kind.figure("store-new"), "rows/s", new, written, against);
    let against = "a plain SELECT of the same rows, 744 at a time";
    report.add(kind.figure("store-unchanged"), "rows/s", unchanged, read, against);
    Ok(())
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
    async fn new(kind: Kind) -> anyhow::Result<Self> {
        let database = kind.database().await?;
        let store = database.store().await?;
        let farm = Farm::import(&store, "bench", "unit").await?;
        let long = |month: &Month| matches!(month.number(), 1 | 3 | 5 | 7 | 8 | 10 | 12);
        let tasks = farm.tasks(planned::months(2012, 144)?.into_iter().filter(long));
        ensure!(tasks.len() * HOURS == ROWS);
        let raw = database.beside().await?;
        Ok(Self { database, store, farm, tasks, raw })
    }

    /// Runs a job over all months, every one with the same answer each time. Takes the time of claiming and
    /// committing, and makes sure in the database that `before` rows became [`ROWS`] and none was replaced.
    async fn fill(&mut self, before: i64) -> anyhow::Result<Duration> {
        ensure!(self.count("measurements").await? == before);
        let job = self.farm.create_job(&self.store, &self.tasks).await?;
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
            let claims = self.store.claim(request, clock::now).await?;
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
        self.raw.number(&format!("SELECT COUNT(*) FROM {table}")).await
    }
}
