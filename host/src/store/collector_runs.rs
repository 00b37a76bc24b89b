//! Collector runs: what a collecting schedule has its sources asked. Of a snapshot that nobody keeps, what is not
//! asked for in time is lost, so a run is tried again until the next one takes its place, by whichever host is there.
//!
//! A run is to measurements what an attempt of a task is: it says who wrote a value, with which component, and which
//! answers it rests on. Measurements name it by its id below zero.

mod steps;

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use sqlx::FromRow;

use super::{
    AttemptReport, Instant, Store, StoreError, Written, bulk::bulk, circuit, commit::int,
    connection::Connection, error::Doing, measurements::Writer, schedules, sql,
};
use crate::domain::{Month, Series, Window};

use self::steps::{OpenRun, cost, end_failed, gaps, hold, open_runs, outcome, waits_for_source};
pub(super) use self::steps::{abandon, begin};

/// A run as it stands.
#[derive(Clone, Debug, PartialEq, FromRow, Serialize, utoipa::ToSchema)]
pub struct CollectorRun {
    /// Row id.
    pub id: i64,
    /// The schedule, if it still exists.
    pub schedule_id: Option<i64>,
    /// Id of the source that is asked.
    pub source: String,
    /// When the schedule was due.
    pub scheduled_for: Instant,
    /// It is not tried any more from then on.
    pub give_up_at: Instant,
    /// How often it was begun.
    pub attempt_count: i64,
    /// `written`, `unchanged` or `failed`; none while it is open.
    pub outcome: Option<String>,
    /// Units that had values.
    pub units: i64,
    /// Values that were new.
    pub records_inserted: i64,
    /// Values in the place of others.
    pub records_updated: i64,
    /// Values that were stored already: the upstream has shown nothing new.
    pub records_unchanged: i64,
    /// Values not fit to be stored.
    pub records_rejected: i64,
    /// SHA-256 of the component that ran.
    pub component_digest: Option<String>,
    /// Requests that went to the upstream, over all tries.
    pub requests: i64,
    /// How its last try failed, in a word.
    pub error_code: Option<String>,
    /// The same for people.
    pub error_message: Option<String>,
    /// When it was first begun.
    pub started_at: Option<Instant>,
    /// When it ended.
    pub ended_at: Option<Instant>,
}

const COLUMNS: &str = "id, schedule_id, source, scheduled_for, give_up_at, attempt_count, outcome, units, \
     records_inserted, records_updated, records_unchanged, records_rejected, component_digest, requests, error_code, \
     error_message, started_at, ended_at";

/// A run that this host tries.
#[derive(Clone, Debug, PartialEq)]
pub struct RunClaim {
    /// The run.
    pub run_id: i64,
    /// Its schedule.
    pub schedule_id: i64,
    /// The source to ask.
    pub source: String,
    /// Which try this is, 1 for the first; proof of holding it.
    pub attempt: i64,
    /// It is not tried any more from then on.
    pub give_up_at: Instant,
    /// The schedule's settings: for whom.
    pub settings: Value,
}

/// What a run found of one month of a unit.
#[derive(Clone, Debug, PartialEq)]
pub struct CollectedMonth {
    /// The unit.
    pub unit_id: i64,
    /// The month, by the source's calendar.
    pub month: Month,
    /// All of that month.
    pub whole: Window,
    /// Validated series, with rows of that month alone.
    pub series: Vec<Series>,
}

/// What a run found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Collection {
    /// Units that were asked about.
    pub asked: usize,
    /// What there is to store.
    pub months: Vec<CollectedMonth>,
    /// Values not fit to be stored.
    pub rejected: u64,
}

/// How a run ended well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CollectedCounts {
    /// What became of its records.
    pub written: Written,
    /// Runs of the same schedule and source before it that failed, in a row.
    pub gaps: i64,
}

impl Store {
    /// Claims runs of these sources that are to be tried, for as long as `lease` unless renewed; none of a source that
    /// is paused since its upstream fails. A run whose host is
    /// gone is tried again; one whose time is over is given up.
    pub async fn claim_runs(
        &self,
        sources: &[&str],
        lease: Duration,
        now: impl Into<Instant>,
    ) -> Result<Vec<RunClaim>, StoreError> {
        const DOING: &str = "claiming collector runs";
        const DUE: &str = "ended_at IS NULL AND (run_after <= $1 OR lease_until <= $1)";
        let now = now.into();
        let exists = format!("SELECT EXISTS (SELECT 1 FROM collector_runs WHERE {DUE})");
        if !self.any(sql::query(exists).bind(now), DOING).await? {
            return Ok(Vec::new());
        }
        self.give_up_runs(now).await?;
        let mut tx = self.write(DOING).await?;
        let due = format!(
            "SELECT id, schedule_id, source, attempt_count + 1, give_up_at FROM collector_runs
             WHERE {DUE} AND give_up_at > $1 AND schedule_id IS NOT NULL ORDER BY source, id {}",
            tx.lock_free_rows()
        );
        let due: Vec<(i64, i64, String, i64, Instant)> =
            sql::query(due).bind(now).all(&mut tx).await.doing(DOING)?;
        let mut claims = Vec::new();
        for (run_id, schedule_id, source, attempt, give_up_at) in due {
            if !sources.contains(&source.as_str()) {
                continue;
            }
            let settings: Option<sqlx::types::Json<Value>> =
                sql::query("SELECT settings FROM schedules WHERE id = $1")
                    .bind(schedule_id)
                    .scalar_optional(&mut tx)
                    .await
                    .doing(DOING)?;
            let Some(sqlx::types::Json(settings)) = settings else { continue };
            if !circuit::admits_one(&mut tx, &source, lease, now).await? {
                waits_for_source(&mut tx, run_id).await.doing(DOING)?;
                continue;
            }
            sql::query(
                "UPDATE collector_runs SET run_after = NULL, lease_until = $2, attempt_count = $3,
                                           started_at = COALESCE(started_at, $4)
                 WHERE id = $1",
            )
            .bind(run_id)
            .bind(now.after(lease))
            .bind(attempt)
            .bind(now)
            .execute(&mut tx)
            .await
            .doing(DOING)?;
            claims.push(RunClaim { run_id, schedule_id, source, attempt, give_up_at, settings });
        }
        tx.commit().await.doing(DOING)?;
        Ok(claims)
    }

    /// Renews the lease of a run. False if this host holds it no more.
    pub async fn renew_run(
        &self,
        claim: &RunClaim,
        lease: Duration,
        now: impl Into<Instant>,
    ) -> Result<bool, StoreError> {
        const DOING: &str = "renewing a collector run";
        let now = now.into();
        let mut tx = self.write(DOING).await?;
        let renewed = sql::query(
            "UPDATE collector_runs SET lease_until = $3
             WHERE id = $1 AND attempt_count = $2 AND ended_at IS NULL AND lease_until > $4",
        )
        .bind(claim.run_id)
        .bind(claim.attempt)
        .bind(now.after(lease))
        .bind(now)
        .execute(&mut tx)
        .await
        .doing(DOING)?;
        tx.commit().await.doing(DOING)?;
        Ok(renewed == 1)
    }

    /// Ends a run with what it found: measurements, revisions, counters and what the schedule last did, or nothing of
    /// it. None if this host holds the run no more; then nothing is stored.
    pub async fn finish_run(
        &self,
        claim: &RunClaim,
        found: &Collection,
        report: &AttemptReport<'_>,
        now: impl Into<Instant>,
    ) -> Result<Option<CollectedCounts>, StoreError> {
        const DOING: &str = "storing a collector run";
        let now = now.into();
        let mut tx = self.write(DOING).await?;
        let Some(schedule) = hold(&mut tx, claim, now).await? else { return Ok(None) };
        let mut written = Written { rejected: found.rejected, ..Written::default() };
        let mut months: Vec<_> = found.months.iter().collect();
        // Several months are locked, in one order.
        months.sort_by_key(|one| (one.unit_id, one.month));
        for one in &months {
            let writer = Writer {
                unit_id: one.unit_id,
                source: &claim.source,
                attempt_id: -claim.run_id,
                month: one.month,
                whole: one.whole,
                now,
            };
            let own = writer.write(&mut tx, &one.series).await.doing(DOING)?;
            written.inserted += own.inserted;
            written.updated += own.updated;
            written.unchanged += own.unchanged;
        }
        months.dedup_by_key(|one| one.unit_id);
        let gaps = gaps(&mut tx, claim).await.doing(DOING)?;
        let new = written.inserted + written.updated > 0;
        sql::query(
            "UPDATE collector_runs SET outcome = $2, units = $3, records_inserted = $4, records_updated = $5,
                    records_unchanged = $6, records_rejected = $7, lease_until = NULL, ended_at = $8,
                    error_code = NULL, error_message = NULL
             WHERE id = $1",
        )
        .bind(claim.run_id)
        .bind(if new { "written" } else { "unchanged" })
        .bind(int(months.len() as u64))
        .bind(int(written.inserted))
        .bind(int(written.updated))
        .bind(int(written.unchanged))
        .bind(int(written.rejected))
        .bind(now)
        .execute(&mut tx)
        .await
        .doing(DOING)?;
        cost(&mut tx, claim, report).await.doing(DOING)?;
        let counts = CollectedCounts { written, gaps };
        if let Some(told) = report.told {
            circuit::hear(&mut tx, &claim.source, told, now).await?;
        }
        outcome(&mut tx, &schedule, &counts.told(&claim.source, months.len(), found.asked))
            .await
            .doing(DOING)?;
        tx.commit().await.doing(DOING)?;
        Ok(Some(counts))
    }

    /// Ends a try of a run that found nothing. The run waits until `again`, or has failed for good where that is
    /// none or too late. False if this host holds the run no more.
    pub async fn fail_run(
        &self,
        claim: &RunClaim,
        (code, message): (&str, &str),
        again: Option<DateTime<Utc>>,
        report: &AttemptReport<'_>,
        now: impl Into<Instant>,
    ) -> Result<bool, StoreError> {
        const DOING: &str = "recording a collector run that failed";
        let now = now.into();
        let mut tx = self.write(DOING).await?;
        let Some(schedule) = hold(&mut tx, claim, now).await? else { return Ok(false) };
        cost(&mut tx, claim, report).await.doing(DOING)?;
        match again.map(Instant::from).filter(|again| *again < claim.give_up_at) {
            Some(again) => {
                sql::query(
                    "UPDATE collector_runs SET run_after = $2, lease_until = NULL, error_code = $3, error_message = $4
                     WHERE id = $1",
                )
                .bind(claim.run_id)
                .bind(again)
                .bind(code)
                .bind(message)
                .execute(&mut tx)
                .await
                .doing(DOING)?;
                let told = format!("{}: {message}; trying again at {}", claim.source, again.utc());
                outcome(&mut tx, &schedule, &told).await.doing(DOING)?;
            }
            None => end_failed(&mut tx, &schedule, claim.run_id, code, message, now).await?,
        }
        if let Some(told) = report.told {
            circuit::hear(&mut tx, &claim.source, told, now).await?;
        }
        tx.commit().await.doing(DOING)?;
        Ok(true)
    }

    /// The last runs of a schedule, newest first; only those older than `before`.
    pub async fn collector_runs(
        &self,
        schedule_id: i64,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<CollectorRun>, StoreError> {
        const DOING: &str = "listing collector runs";
        let mut conn = self.read(DOING).await?;
        sql::query(format!(
            "SELECT {COLUMNS} FROM collector_runs WHERE schedule_id = $1 AND ($2 IS NULL OR id < $2)
             ORDER BY id DESC LIMIT $3"
        ))
        .bind(schedule_id)
        .bind(before)
        .bind(limit)
        .all(&mut conn)
        .await
        .doing(DOING)
    }

    /// Gives up the runs whose time is over and that nobody is trying.
    async fn give_up_runs(&self, now: Instant) -> Result<(), StoreError> {
        const DOING: &str = "giving up collector runs";
        const OVERDUE: &str =
            "ended_at IS NULL AND give_up_at <= $1 AND (lease_until IS NULL OR lease_until <= $1)";
        let mut conn = self.read(DOING).await?;
        let overdue: Vec<i64> = sql::query(format!(
            "SELECT DISTINCT schedule_id FROM collector_runs WHERE {OVERDUE} AND schedule_id IS NOT NULL"
        ))
        .bind(now)
        .scalars(&mut conn)
        .await
        .doing(DOING)?;
        drop(conn);
        for schedule_id in overdue {
            let mut tx = self.write(DOING).await?;
            let Ok(schedule) = schedules::locked(&mut tx, schedule_id).await else { continue };
            let runs: Vec<OpenRun> = open_runs(&mut tx, schedule_id).await.doing(DOING)?;
            for run in runs.iter().filter(|run| run.give_up_at <= now && !run.is_tried(now)) {
                run.give_up(&mut tx, &schedule, now).await?;
            }
            tx.commit().await.doing(DOING)?;
        }
        Ok(())
    }
}

/// Runs by their ids.
pub(super) async fn of_ids(
    conn: &mut Connection,
    ids: impl Iterator<Item = i64>,
) -> sqlx::Result<Vec<CollectorRun>> {
    bulk(
        "WITH wanted (run_id) AS ({rows})
         SELECT id, schedule_id, source, scheduled_for, give_up_at, attempt_count, outcome, units, records_inserted,
                records_updated, records_unchanged, records_rejected, component_digest, requests, error_code,
                error_message, started_at, ended_at
         FROM wanted JOIN collector_runs ON id = run_id",
    )
    .column(ids)
    .all(conn)
    .await
}

impl CollectedCounts {
    /// For people.
    fn told(&self, source: &str, units: usize, asked: usize) -> String {
        let Written { inserted, updated, unchanged, rejected } = self.written;
        let mut text = format!("{source}: {units} of {asked} units, {inserted} new values");
        for (count, what) in [(updated, "changed"), (unchanged, "known already"), (rejected, "rejected")] {
            if count > 0 {
                text.push_str(&format!(", {count} {what}"));
            }
        }
        if self.gaps > 0 {
            text.push_str(&format!("; the {} runs before failed", self.gaps));
        }
        text
    }
}
