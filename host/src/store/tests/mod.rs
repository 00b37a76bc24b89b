//! The rules of the store, each on a real SQLite file and on a real Postgres.

mod activity;
mod availability;
mod causes;
mod circuit;
mod claims;
mod collector_runs;
mod commits;
mod counters;
mod exporting;
mod history;
mod idempotency;
mod jobs;
mod known;
mod listing;
mod opening;
#[path = "../../../tests/support/postgres.rs"]
pub(crate) mod postgres;
mod processes;
mod queueing;
mod records;
mod registry;
mod retention;
mod retries;
mod schedules;
mod schema;
mod stuck;
mod tokens;
mod twins;
mod views;

use std::{borrow::Cow, path::PathBuf, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use tempfile::TempDir;

use super::{
    AttemptReport, Claim, ClaimRequest, Ending, Finished, NewJob, NewUnit, NewWindfarm, Store, StoreError,
    TaskError,
    instant::Seconds,
    sql::{self, Record},
};
use crate::domain::{
    Labels, Measurement, Month, PlannedTask, Priority, Quantity, Series, Unit, Validated, Verdict, Window,
    validate,
};

const LEASE: Duration = Duration::from_secs(60);

/// An instant of the tests, in seconds after their beginning.
fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_704_067_200, 0).unwrap() + TimeDelta::seconds(seconds)
}

pub(crate) fn month(index: usize) -> Month {
    (0..index).fold("2023-01".parse().unwrap(), |month: Month, _| month.next())
}

fn window(month: Month) -> Window {
    month.window(chrono_tz::UTC)
}

pub(crate) fn unit(source: &str, code: &str) -> NewUnit {
    let unit = Unit { code: code.to_owned(), name: format!("Unit {code}"), ..Unit::default() };
    NewUnit { source: source.to_owned(), unit, active: None }
}

/// Mean power by start.
fn power(rows: &[(i64, u32, f64)]) -> Series {
    Series {
        kind: "generation".to_owned(),
        quantity: Quantity::MeanPower,
        labels: Labels::new(),
        measurements: rows
            .iter()
            .map(|&(start, seconds, value)| Measurement { start, seconds, value })
            .collect(),
    }
}

/// The hours of a claim's window with one value.
fn hours(claim: &Claim, count: i64, value: f64) -> Vec<Series> {
    let rows: Vec<_> = (0..count).map(|hour| (claim.window.start + hour * 3600, 3600, value)).collect();
    vec![power(&rows)]
}

const fn error<'a>(code: &'a str, message: &'a str) -> TaskError<'a> {
    TaskError { code, message, rejected: None }
}

/// A store of its own, gone at the end of the test.
struct World {
    store: Store,
    dir: TempDir,
    server: Option<postgres::TestDatabase>,
}

impl World {
    /// On SQLite alone: for what only a file can do.
    async fn on_sqlite() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path().join("backfill.db").to_str().unwrap()).await.unwrap();
        Self { store, dir, server: None }
    }

    /// On Postgres alone; none where there is no server, which was said aloud.
    async fn on_postgres() -> Option<Self> {
        let migrate = async |url: &str| drop(Store::migrate(url).await.unwrap());
        let server = postgres::database_from("store", migrate).await?;
        let store = Store::open(server.url()).await.unwrap();
        Some(Self { store, dir: tempfile::tempdir().unwrap(), server: Some(server) })
    }

    /// One on each database, for a test to be passed on both.
    async fn on_both() -> Vec<Self> {
        let mut worlds = vec![Self::on_sqlite().await];
        worlds.extend(Self::on_postgres().await);
        worlds
    }

    /// The file of a world on SQLite.
    fn path(&self) -> PathBuf {
        self.dir.path().join("backfill.db")
    }

    /// The address of the database.
    fn url(&self) -> String {
        match &self.server {
            Some(server) => server.url().to_owned(),
            None => self.path().display().to_string(),
        }
    }

    /// A wind farm with units, by (source, code); gives its id and theirs, in the order of source and code.
    async fn windfarm(&self, name: &str, units: &[(&str, &str)]) -> (i64, Vec<i64>) {
        let units = units.iter().map(|(source, code)| unit(source, code)).collect();
        let windfarm = NewWindfarm { name: name.to_owned(), units, ..NewWindfarm::default() };
        self.store.import(&[windfarm], at(0)).await.unwrap();
        let id = self.store.windfarm_by_name(name).await.unwrap().id;
        let units = self.store.units(id, &[]).await.unwrap();
        (id, units.iter().map(|unit| unit.id).collect())
    }

    /// A job of one unit of source `s` and so many months.
    async fn job(&self, months: usize) -> i64 {
        let name = format!("farm {}", self.store.windfarms().await.unwrap().len());
        let (windfarm, units) = self.windfarm(&name, &[("s", &name)]).await;
        self.job_of(windfarm, &units, months, Priority::Default, at(0)).await
    }

    async fn job_of(
        &self,
        windfarm_id: i64,
        units: &[i64],
        months: usize,
        priority: Priority,
        now: DateTime<Utc>,
    ) -> i64 {
        let tasks: Vec<_> =
            (0..months).flat_map(|index| units.iter().map(move |&unit| task(unit, month(index)))).collect();
        self.create(windfarm_id, &tasks, priority, now).await.unwrap()
    }

    async fn create(
        &self,
        windfarm_id: i64,
        tasks: &[PlannedTask],
        priority: Priority,
        now: DateTime<Utc>,
    ) -> Result<i64, StoreError> {
        self.store.create_job(&NewJob { priority, ..new_job(&[windfarm_id], tasks) }, now).await
    }

    async fn claim(&self, owner: &str, limit: u32, now: DateTime<Utc>) -> Vec<Claim> {
        self.store.claim(request(owner, limit), || now).await.unwrap()
    }

    async fn one(&self, owner: &str, now: DateTime<Utc>) -> Claim {
        let claims = self.claim(owner, 1, now).await;
        assert_eq!(claims.len(), 1, "one task is ready");
        claims.into_iter().next().unwrap()
    }

    async fn finish(
        &self,
        claim: &Claim,
        ending: Ending<'_>,
        now: DateTime<Utc>,
    ) -> Result<Finished, StoreError> {
        self.store.finish(claim, ending, &AttemptReport::default(), now).await
    }

    /// Validates against the claim's window and unit, and commits.
    async fn write(&self, claim: &Claim, answer: Vec<Series>, now: DateTime<Utc>) -> Finished {
        let validated = checked(claim, answer);
        self.finish(claim, Ending::Records(&validated), now).await.unwrap()
    }

    /// Runs one month of a unit through claim and commit.
    async fn fill(&self, windfarm: i64, unit: i64, rows: &[(i64, u32, f64)], now: DateTime<Utc>) -> Finished {
        self.job_of(windfarm, &[unit], 1, Priority::Default, now).await;
        let claim = self.one("w", now).await;
        let start = claim.window.start;
        let rows: Vec<_> =
            rows.iter().map(|&(offset, seconds, value)| (start + offset, seconds, value)).collect();
        self.write(&claim, vec![power(&rows)], now).await
    }

    /// Runs a statement past the store; for breaking rules on purpose. `@5` is the instant of 5 s after 1970, `#5` the
    /// start of a measurement then.
    async fn sql(&self, text: &str) -> sqlx::Result<u64> {
        let mut tx = self.store.db.begin().await?;
        let changed = sql::query(self.dialect(text)).execute(&mut tx).await?;
        tx.commit().await?;
        Ok(changed)
    }

    fn dialect(&self, text: &str) -> String {
        let words = text.split_inclusive([' ', ',', ')', '(']).map(|word| {
            let (mark, rest) = word.split_at_checked(1).unwrap_or(("", word));
            let digits = rest.trim_end_matches(|c: char| !c.is_ascii_digit());
            let end = &rest[digits.len()..];
            let seconds = match (mark, digits.parse::<i64>()) {
                ("@" | "#", Ok(seconds)) => seconds,
                _ => return word.to_owned(),
            };
            match (mark, &self.server) {
                (_, Some(_)) => format!("to_timestamp({seconds}){end}"),
                ("@", None) => format!("{}{end}", seconds * 1_000_000),
                (_, None) => format!("{seconds}{end}"),
            }
        });
        words.collect()
    }

    /// The rows of a query.
    async fn rows<T: Record>(&self, text: impl Into<Cow<'static, str>>) -> Vec<T> {
        let mut conn = self.store.db.read().await.unwrap();
        sql::query(text).all(&mut conn).await.unwrap()
    }

    /// The first column of the first row, a number.
    async fn number(&self, text: impl Into<Cow<'static, str>>) -> i64 {
        self.rows::<(i64,)>(text).await[0].0
    }

    /// All measurements as (unit, start since 2023, seconds, value).
    async fn measurements(&self) -> Vec<(i64, i64, i64, f64)> {
        let rows: Vec<(i64, Seconds, i64, f64)> = self
            .rows(
                "SELECT generation_unit_id, start, seconds, value
                 FROM measurements JOIN series ON id = series_id ORDER BY 1, kind, 2",
            )
            .await;
        rows.into_iter()
            .map(|(unit, Seconds(start), seconds, value)| (unit, start - 1_672_531_200, seconds, value))
            .collect()
    }
}

pub(crate) fn new_job<'a>(windfarm_ids: &'a [i64], tasks: &'a [PlannedTask]) -> NewJob<'a> {
    NewJob {
        windfarm_ids,
        window: Window { start: window(month(0)).start, end: window(month(11)).end },
        tasks,
        priority: Priority::Default,
        max_concurrency: None,
        max_attempts: 3,
        anew: false,
        metadata: json!({}),
        created_by_id: None,
    }
}

/// A month of a unit that is to be fetched from source `s`.
pub(crate) fn task(unit_id: i64, month: Month) -> PlannedTask {
    PlannedTask { unit_id, source: "s".to_owned(), month, window: window(month), verdict: Verdict::Fetch }
}

fn checked(claim: &Claim, answer: Vec<Series>) -> Validated {
    validate(claim.window, claim.unit.capacity_mw, answer)
}

pub(crate) fn request(owner: &str, limit: u32) -> ClaimRequest<'_> {
    ClaimRequest {
        owner,
        source: "s",
        job: None,
        limit,
        source_limit: None,
        total_limit: None,
        lease: LEASE,
        heeds_circuit: true,
    }
}
