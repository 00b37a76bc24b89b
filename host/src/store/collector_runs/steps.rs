//! The steps that claiming, finishing and giving up collector runs have in common, each within its caller's transaction.

use chrono::{DateTime, Utc};
use sqlx::FromRow;

use super::{
    super::{
        AttemptReport, Instant, Schedule, StoreError,
        bulk::bulk,
        commit::int,
        connection::{Connection, Transaction},
        error::Doing,
        firings::Report,
        schedules, sql,
    },
    RunClaim,
};
use crate::domain::Firing;

/// Makes the runs of a firing within its transaction, which holds the schedule. What waits to be tried again from the
/// firing before gives way. Gives the new runs, and the sources that are left out since they are under way.
pub(in crate::store) async fn begin(
    tx: &mut Transaction,
    schedule: &Schedule,
    sources: &[String],
    firing: &Firing,
    give_up_at: DateTime<Utc>,
    now: Instant,
) -> Result<(Vec<i64>, Vec<String>), StoreError> {
    const DOING: &str = "making collector runs";
    let mut under_way = Vec::new();
    for run in open_runs(tx, schedule.id).await.doing(DOING)? {
        if run.is_tried(now) {
            under_way.push(run.source);
        } else {
            run.give_up(tx, schedule, now).await?;
        }
    }
    if schedule.overlap.starts(true) {
        under_way.clear();
    }
    let mut begun = Vec::new();
    for source in sources.iter().filter(|source| !under_way.contains(source)) {
        let id: i64 = sql::query(
            "INSERT INTO collector_runs (schedule_id, source, scheduled_for, give_up_at, run_after, created_at)
             VALUES ($1, $2, $3, $4, $5, $5) RETURNING id",
        )
        .bind(schedule.id)
        .bind(source)
        .bind(Instant::from(firing.scheduled_for))
        .bind(Instant::from(give_up_at))
        .bind(now)
        .scalar(tx)
        .await
        .doing(DOING)?;
        begun.push(id);
    }
    Ok((begun, under_way))
}

/// Ends all open runs of a schedule that is about to be removed; who tries one can store nothing.
pub(in crate::store) async fn abandon(
    conn: &mut Connection,
    schedule_id: i64,
    now: Instant,
) -> sqlx::Result<()> {
    sql::query(
        "UPDATE collector_runs SET outcome = 'failed', error_code = 'cancelled', run_after = NULL, lease_until = NULL,
                error_message = 'the schedule was removed', ended_at = $2
         WHERE schedule_id = $1 AND ended_at IS NULL",
    )
    .bind(schedule_id)
    .bind(now)
    .execute(conn)
    .await
    .map(drop)
}

/// What decides about an open run.
#[derive(FromRow)]
pub(super) struct OpenRun {
    pub(super) id: i64,
    pub(super) source: String,
    pub(super) give_up_at: Instant,
    pub(super) lease_until: Option<Instant>,
    pub(super) error_code: Option<String>,
    pub(super) error_message: Option<String>,
}

impl OpenRun {
    pub(super) fn is_tried(&self, now: Instant) -> bool {
        self.lease_until.is_some_and(|until| until > now)
    }

    /// Ends it with its last error.
    pub(super) async fn give_up(
        &self,
        tx: &mut Transaction,
        schedule: &Schedule,
        now: Instant,
    ) -> Result<(), StoreError> {
        let (code, message) = match (&self.error_code, &self.error_message, self.lease_until) {
            (_, _, Some(_)) => ("lost", "the host that asked is gone, and no other asked in time"),
            (Some(code), Some(message), None) => (code.as_str(), message.as_str()),
            _ => ("missed", "no host that has the source asked in time"),
        };
        end_failed(tx, schedule, self.id, code, message, now).await
    }
}

/// The open runs of a schedule that the caller has locked; nobody else changes them until the transaction ends.
pub(super) async fn open_runs(conn: &mut Connection, schedule_id: i64) -> sqlx::Result<Vec<OpenRun>> {
    let open = format!(
        "SELECT id, source, give_up_at, lease_until, error_code, error_message FROM collector_runs
         WHERE schedule_id = $1 AND ended_at IS NULL ORDER BY id {}",
        conn.lock_rows()
    );
    sql::query(open).bind(schedule_id).all(conn).await
}

/// The schedule of a run that this host holds, both locked; none if it holds the run no more.
pub(super) async fn hold(
    tx: &mut Transaction,
    claim: &RunClaim,
    now: Instant,
) -> Result<Option<Schedule>, StoreError> {
    let schedule = match schedules::locked(tx, claim.schedule_id).await {
        Err(StoreError::NotFound { .. }) => return Ok(None),
        schedule => schedule?,
    };
    let held = format!(
        "SELECT id FROM collector_runs
         WHERE id = $1 AND attempt_count = $2 AND ended_at IS NULL AND lease_until > $3 {}",
        tx.lock_rows()
    );
    let held: Option<i64> = sql::query(held)
        .bind(claim.run_id)
        .bind(claim.attempt)
        .bind(now)
        .scalar_optional(tx)
        .await
        .doing("locking a collector run")?;
    Ok(held.map(|_| schedule))
}

/// Ends a run for good. The first gap of a row is told of; each of them is a row.
pub(super) async fn end_failed(
    conn: &mut Connection,
    schedule: &Schedule,
    run_id: i64,
    code: &str,
    message: &str,
    now: Instant,
) -> Result<(), StoreError> {
    const DOING: &str = "ending a collector run";
    let (source, scheduled_for): (String, Instant) = sql::query(
        "UPDATE collector_runs SET outcome = 'failed', error_code = $2, error_message = $3, run_after = NULL,
                lease_until = NULL, ended_at = $4
         WHERE id = $1 RETURNING source, scheduled_for",
    )
    .bind(run_id)
    .bind(code)
    .bind(message)
    .bind(now)
    .one(conn)
    .await
    .doing(DOING)?;
    let before: Option<String> = sql::query(
        "SELECT outcome FROM collector_runs
         WHERE schedule_id = $1 AND source = $2 AND id < $3 AND ended_at IS NOT NULL ORDER BY id DESC LIMIT 1",
    )
    .bind(schedule.id)
    .bind(&source)
    .bind(run_id)
    .scalar_optional(conn)
    .await
    .doing(DOING)?;
    let told = format!("{source} failed, and what was due at {} is lost: {message}", scheduled_for.utc());
    if before.as_deref() != Some("failed") {
        let firing = Firing { scheduled_for: scheduled_for.utc(), missed: 0 };
        Report { schedule, firing: Some(&firing), why: told.clone() }.missed(conn, now).await?;
    }
    outcome(conn, schedule, &told).await.doing(DOING)
}

/// How many runs of the same schedule and source before this one failed, in a row.
pub(super) async fn gaps(conn: &mut Connection, claim: &RunClaim) -> sqlx::Result<i64> {
    sql::query(
        "SELECT COUNT(*) FROM collector_runs
         WHERE schedule_id = $1 AND source = $2 AND id < $3 AND outcome = 'failed'
           AND id > COALESCE((SELECT MAX(id) FROM collector_runs
                              WHERE schedule_id = $1 AND source = $2 AND id < $3 AND outcome <> 'failed'), 0)",
    )
    .bind(claim.schedule_id)
    .bind(&claim.source)
    .bind(claim.run_id)
    .scalar(conn)
    .await
}

/// Records what a try cost, and what it rests on.
pub(super) async fn cost(
    conn: &mut Connection,
    claim: &RunClaim,
    report: &AttemptReport<'_>,
) -> sqlx::Result<()> {
    sql::query(
        "UPDATE collector_runs SET component_digest = $2, requests = requests + $3,
                response_bytes = response_bytes + $4, cpu_us = cpu_us + $5
         WHERE id = $1",
    )
    .bind(claim.run_id)
    .bind(&report.component_digest)
    .bind(int(report.requests))
    .bind(int(report.response_bytes))
    .bind(i64::try_from(report.cpu.as_micros()).unwrap_or(i64::MAX))
    .execute(conn)
    .await?;
    bulk("INSERT INTO collector_run_answers (run_id, answer_id) {rows} ON CONFLICT DO NOTHING")
        .column(report.answers.iter().map(|_| claim.run_id))
        .column(report.answers.iter().copied())
        .execute(conn)
        .await
        .map(drop)
}

/// Notes what a schedule last did.
pub(super) async fn outcome(conn: &mut Connection, schedule: &Schedule, text: &str) -> sqlx::Result<()> {
    sql::query("UPDATE schedules SET last_outcome = $2 WHERE id = $1")
        .bind(schedule.id)
        .bind(text)
        .execute(conn)
        .await
        .map(drop)
}

/// Says of a run that nobody tried yet what it waits for. The last error of one that was tried says more.
pub(super) async fn waits_for_source(conn: &mut Connection, run_id: i64) -> sqlx::Result<()> {
    sql::query(
        "UPDATE collector_runs SET error_code = 'source-paused',
                error_message = 'the source is paused, since its upstream fails'
         WHERE id = $1 AND error_code IS NULL",
    )
    .bind(run_id)
    .execute(conn)
    .await
    .map(drop)
}
