//! Firing schedules: once each over all hosts, whatever becomes of the host that does it.
//!
//! Who finds a schedule due has it for a while, so that others need not plan the same. But only the transaction that
//! makes the job (or the collector runs) also moves the schedule to its next time, and it does so only from the time
//! that it planned for: a host that dies in between has fired nothing, and two that plan the same fire once.

use std::{collections::BTreeMap, fmt, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use sqlx::types::Json;

use super::{
    Instant, NewJob, Schedule, Store, StoreError, collector_runs,
    connection::{Connection, Transaction},
    error::Doing,
    events::{self, EventKind, Subject},
    jobs,
    schedules::COLUMNS,
    sql,
};
use crate::domain::{Firing, JobStatus, Timetable};

const DOING: &str = "firing a schedule";

/// What a due schedule is to do.
#[derive(Clone, Copy, Debug)]
pub enum Act<'a> {
    /// Make this job.
    Job(&'a NewJob<'a>),
    /// Have these sources asked what their upstreams show now.
    Collect(&'a [String]),
    /// Nothing, and that is well; why, for people.
    Nothing(&'a str),
    /// Nothing, since it can't; why, for people.
    Fail(&'a str),
}

/// A source that a firing has to go without.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Without {
    /// Its id.
    pub source: String,
    /// Why, for people.
    pub why: String,
}

impl fmt::Display for Without {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "source {} ({})", self.source, self.why)
    }
}

/// What became of a firing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fired {
    /// It made this job.
    Job(i64),
    /// It made these collector runs.
    Runs(Vec<i64>),
    /// There was nothing to do, or it failed, as was said.
    Noted,
    /// It was left out: what the firing before began is still under way.
    LeftOut(String),
    /// It is not due any more: another host fired it, or somebody changed it.
    Taken,
}

impl Store {
    /// Schedules that are due, for whoever asks first; nobody else gets them for as long as `hold`.
    pub async fn due_schedules(
        &self,
        hold: Duration,
        now: impl Into<Instant>,
    ) -> Result<Vec<Schedule>, StoreError> {
        const DOING: &str = "looking for schedules that are due";
        const DUE: &str = "enabled AND next_fire_at <= $1 AND (claimed_until IS NULL OR claimed_until <= $1)";
        let now = now.into();
        let exists = format!("SELECT EXISTS (SELECT 1 FROM schedules WHERE {DUE})");
        if !self.any(sql::query(exists).bind(now), DOING).await? {
            return Ok(Vec::new());
        }
        let mut tx = self.write(DOING).await?;
        let due = format!(
            "SELECT {COLUMNS} FROM schedules WHERE {DUE} ORDER BY next_fire_at, id {}",
            tx.lock_free_rows()
        );
        let due: Vec<Schedule> = sql::query(due).bind(now).all(&mut tx).await.doing(DOING)?;
        let until = now.after(hold);
        for schedule in &due {
            sql::query("UPDATE schedules SET claimed_until = $2 WHERE id = $1")
                .bind(schedule.id)
                .bind(until)
                .execute(&mut tx)
                .await
                .doing(DOING)?;
        }
        tx.commit().await.doing(DOING)?;
        Ok(due)
    }

    /// When something of schedules is next to be done: a firing, or a collector run that waits or whose host is
    /// gone. None if there is nothing.
    pub async fn next_firing(&self) -> Result<Option<DateTime<Utc>>, StoreError> {
        const DOING: &str = "looking when schedules fire";
        let mut conn = self.read(DOING).await?;
        let next: Option<Instant> = sql::query(
            "SELECT MIN(at) FROM (
                 SELECT CASE WHEN claimed_until > next_fire_at THEN claimed_until ELSE next_fire_at END AS at
                 FROM schedules WHERE enabled
                 UNION ALL
                 SELECT COALESCE(run_after, lease_until) FROM collector_runs WHERE ended_at IS NULL
             ) AS due",
        )
        .scalar(&mut conn)
        .await
        .doing(DOING)?;
        Ok(next.map(Instant::utc))
    }

    /// Fires a schedule that was due: acts, moves it to its next time and says what happened, all of it or nothing.
    /// `due` is the schedule for which the act was planned; `without` says which sources had to be left out of it: what
    /// they owe from now on is theirs when it next fires with them ([`Schedule::idle_since`]).
    pub async fn fire(
        &self,
        due: &Schedule,
        act: Act<'_>,
        without: &[Without],
        now: impl Into<Instant>,
    ) -> Result<Fired, StoreError> {
        let now = now.into();
        let Some(scheduled_for) = due.next_fire_at else { return Ok(Fired::Taken) };
        let mut tx = self.write(DOING).await?;
        let still_due = format!(
            "SELECT {COLUMNS} FROM schedules WHERE id = $1 AND enabled AND next_fire_at = $2 {}",
            tx.lock_rows()
        );
        let still_due: Option<Schedule> =
            sql::query(still_due).bind(due.id).bind(scheduled_for).optional(&mut tx).await.doing(DOING)?;
        let Some(schedule) = still_due.filter(|now| now.settings == due.settings) else {
            tx.rollback().await.doing(DOING)?;
            return Ok(Fired::Taken);
        };
        let timetable = match Timetable::parse(&schedule.cron, &schedule.time_zone) {
            Ok(timetable) => timetable,
            Err(error) => {
                let report = Report { schedule: &schedule, firing: None, why: error.to_string() };
                report.missed(&mut tx, now).await?;
                let outcome = format!("can't fire: {error}");
                moved(&mut tx, &schedule, None, None, &schedule.left_out, &outcome).await.doing(DOING)?;
                tx.commit().await.doing(DOING)?;
                return Ok(Fired::Noted);
            }
        };
        let firing = Firing::since(&timetable, scheduled_for.utc(), now.utc());
        let next = timetable.next_after(now.utc());
        let fired = self.act(&mut tx, &schedule, act, &firing, next, now).await?;

        let (did, mut outcome) = match (&fired, act) {
            (Fired::Job(id), Act::Job(job)) => (true, format!("job {id}: {} tasks", job.tasks.len())),
            (Fired::Runs(_), Act::Collect(sources)) => (true, format!("asking {}", sources.join(", "))),
            (Fired::LeftOut(why), _) => (false, format!("left out: {why}")),
            (_, Act::Fail(why)) => (false, format!("failed: {why}")),
            (_, Act::Nothing(why)) => (true, why.to_owned()),
            (_, Act::Job(_) | Act::Collect(_)) => (false, "nothing".to_owned()),
        };
        if !without.is_empty() {
            let without: Vec<_> = without.iter().map(ToString::to_string).collect();
            outcome.push_str(&format!("; without {}", without.join("; ")));
        }
        if firing.was_missed(now.utc()) {
            let more = match firing.missed {
                0 => String::new(),
                missed => format!(", and for {missed} later ones"),
            };
            let due = scheduled_for.utc();
            outcome.push_str(&format!("; no host ran at {due}, and this made up for that firing{more}"));
        }
        // What goes on as it was is told once.
        let is_news = schedule.last_outcome.as_deref() != Some(&outcome);
        if is_news && (!did || !without.is_empty() || firing.was_missed(now.utc())) {
            let report = Report { schedule: &schedule, firing: Some(&firing), why: outcome.clone() };
            report.missed(&mut tx, now).await?;
        }
        let left_out = match did {
            true => {
                without.iter().map(|one| (one.source.clone(), schedule.idle_since(&one.source))).collect()
            }
            false => schedule.left_out.clone(),
        };
        moved(&mut tx, &schedule, next, did.then_some(now), &left_out, &outcome).await.doing(DOING)?;
        tx.commit().await.doing(DOING)?;
        Ok(fired)
    }

    async fn act(
        &self,
        tx: &mut Transaction,
        schedule: &Schedule,
        act: Act<'_>,
        firing: &Firing,
        next: Option<DateTime<Utc>>,
        now: Instant,
    ) -> Result<Fired, StoreError> {
        match act {
            Act::Nothing(_) | Act::Fail(_) => Ok(Fired::Noted),
            Act::Collect(sources) => {
                // A timetable ends in the year 5000.
                let give_up_at = next.unwrap_or(now.utc() + TimeDelta::days(1));
                let (begun, under_way) =
                    collector_runs::begin(tx, schedule, sources, firing, give_up_at, now).await?;
                if begun.is_empty() && !under_way.is_empty() {
                    let why = format!("{} is still being asked for the firing before", under_way.join(", "));
                    return Ok(Fired::LeftOut(why));
                }
                Ok(Fired::Runs(begun))
            }
            Act::Job(job) => {
                if let Some(open) = open_job(tx, schedule).await.doing(DOING)?
                    && !schedule.overlap.starts(true)
                {
                    return Ok(Fired::LeftOut(format!("job {open} of an earlier firing is still open")));
                }
                let id = jobs::create(tx, job, now).await?;
                sql::query("UPDATE schedules SET last_job_id = $2 WHERE id = $1")
                    .bind(schedule.id)
                    .bind(id)
                    .execute(tx)
                    .await
                    .doing(DOING)?;
                let data = Report { schedule, firing: Some(firing), why: String::new() }.data();
                events::append(tx, EventKind::ScheduleFired, Subject::job(id), data, now).await?;
                tx.announce_work().await.doing(DOING)?;
                Ok(Fired::Job(id))
            }
        }
    }
}

/// What is told of a schedule.
pub(super) struct Report<'a> {
    pub(super) schedule: &'a Schedule,
    pub(super) firing: Option<&'a Firing>,
    /// For people; empty if nothing is wrong.
    pub(super) why: String,
}

impl Report<'_> {
    fn data(&self) -> Value {
        let mut data = json!({ "schedule": self.schedule.name, "schedule_id": self.schedule.id });
        if let Some(firing) = self.firing {
            data["scheduled_for"] = json!(firing.scheduled_for);
            data["missed"] = json!(firing.missed);
        }
        if !self.why.is_empty() {
            data["why"] = json!(self.why);
        }
        data
    }

    pub(super) async fn missed(self, conn: &mut Connection, now: Instant) -> Result<(), StoreError> {
        events::append(conn, EventKind::ScheduleMissed, Subject::default(), self.data(), now).await
    }
}

/// The schedule's last job, if it has not ended.
async fn open_job(conn: &mut Connection, schedule: &Schedule) -> sqlx::Result<Option<i64>> {
    let Some(last) = schedule.last_job_id else { return Ok(None) };
    let status: Option<JobStatus> =
        sql::query("SELECT status FROM backfill_jobs WHERE id = $1").bind(last).scalar_optional(conn).await?;
    Ok(status.filter(|status| !status.ended()).map(|_| last))
}

/// Moves a schedule on; `did` says when it did what it is for, if it did.
async fn moved(
    conn: &mut Connection,
    schedule: &Schedule,
    next: Option<DateTime<Utc>>,
    did: Option<Instant>,
    left_out: &BTreeMap<String, DateTime<Utc>>,
    outcome: &str,
) -> sqlx::Result<()> {
    sql::query(
        "UPDATE schedules SET next_fire_at = $2, last_fired_at = COALESCE($3, last_fired_at), last_outcome = $4,
                              left_out = $5, claimed_until = NULL
         WHERE id = $1",
    )
    .bind(schedule.id)
    .bind(next.map(Instant::from))
    .bind(did)
    .bind(outcome)
    .bind(Json(left_out))
    .execute(conn)
    .await
    .map(drop)
}
