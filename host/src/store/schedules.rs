//! Schedules: what fires when, for whom, and what it last did. Firing them is in [`super::firings`].

use std::{collections::BTreeMap, time::Duration};

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use sqlx::{FromRow, types::Json};

use super::{
    Fault, Instant, Store, StoreError, collector_runs,
    connection::{Connection, Transaction},
    error::Doing,
    sql,
};
use crate::domain::{Overlap, ScheduleKind, ScheduleSettings, Timetable};

/// A schedule as it stands.
#[derive(Clone, Debug, PartialEq, FromRow, Serialize, utoipa::ToSchema)]
pub struct Schedule {
    /// Row id.
    pub id: i64,
    /// Its name, unique.
    pub name: String,
    /// What it does.
    pub kind: ScheduleKind,
    /// When it fires: five fields, by the clocks of its zone.
    pub cron: String,
    /// The zone, by its IANA name.
    pub time_zone: String,
    /// What becomes of a firing while the one before is under way.
    pub overlap: Overlap,
    /// For whom and how; see [`ScheduleSettings`].
    #[sqlx(json)]
    pub settings: Value,
    /// Whether it fires.
    pub enabled: bool,
    /// When it last did what it is for. Firings that were left out or failed don't show here.
    pub last_fired_at: Option<Instant>,
    /// When it fires next; in the past if no host ran then.
    pub next_fire_at: Option<Instant>,
    /// Sources that it had to go without when it last fired, each with since when.
    #[sqlx(json)]
    #[serde(skip)]
    pub left_out: BTreeMap<String, DateTime<Utc>>,
    /// The last job that it made, if that still exists.
    pub last_job_id: Option<i64>,
    /// What its last firing came to, for people.
    pub last_outcome: Option<String>,
    /// The user who made it.
    pub created_by_id: Option<i64>,
    /// When it was made.
    pub created_at: Instant,
}

impl Schedule {
    /// What its settings say.
    ///
    /// # Errors
    /// They were written by another program, or by hand.
    pub fn settings(&self) -> Result<ScheduleSettings, StoreError> {
        ScheduleSettings::parse(self.kind, &self.settings).map_err(|error| {
            StoreError::refused("reading a schedule", format!("schedule {:?}: {error}", self.name))
        })
    }

    /// Since when it has not done what it is for, for a source: since its last firing that did not have to go without
    /// it, or else its creation.
    pub fn idle_since(&self, source: &str) -> DateTime<Utc> {
        let fired = || self.last_fired_at.unwrap_or(self.created_at).utc();
        self.left_out.get(source).copied().unwrap_or_else(fired)
    }
}

/// A schedule to make.
#[derive(Clone, Debug)]
pub struct NewSchedule {
    /// Its name, unique.
    pub name: String,
    /// What it does.
    pub kind: ScheduleKind,
    /// When it fires.
    pub cron: String,
    /// By the clocks of this zone.
    pub time_zone: String,
    /// What becomes of a firing while the one before is under way.
    pub overlap: Overlap,
    /// For whom and how, an object; what is left out has its default.
    pub settings: Value,
    /// Whether it fires.
    pub enabled: bool,
    /// The user who makes it.
    pub created_by_id: Option<i64>,
}

/// What to change of a schedule; the rest stays.
#[derive(Clone, Debug, Default)]
pub struct ScheduleChange {
    /// Its name.
    pub name: Option<String>,
    /// When it fires.
    pub cron: Option<String>,
    /// By the clocks of which zone.
    pub time_zone: Option<String>,
    /// What becomes of a firing while the one before is under way.
    pub overlap: Option<Overlap>,
    /// All of its settings.
    pub settings: Option<Value>,
    /// Whether it fires. What was due while it did not is not made up for.
    pub enabled: Option<bool>,
}

/// Columns of [`Schedule`].
pub(super) const COLUMNS: &str = "id, name, kind, cron, time_zone, overlap, settings, enabled, last_fired_at, \
     next_fire_at, left_out, last_job_id, last_outcome, created_by_id, created_at";

impl Store {
    /// Makes a schedule; it first fires at the first of its times after `now`.
    pub async fn create_schedule(
        &self,
        new: &NewSchedule,
        now: impl Into<Instant>,
    ) -> Result<Schedule, StoreError> {
        const DOING: &str = "making a schedule";
        let now = now.into();
        let timetable = timetable(DOING, &new.cron, &new.time_zone)?;
        let settings = parsed(DOING, new.kind, &new.settings)?;
        let mut tx = self.write(DOING).await?;
        check_name(&mut tx, DOING, &new.name, None).await?;
        check_subjects(&mut tx, DOING, &settings).await?;
        let next = timetable.next_after(now.utc()).filter(|_| new.enabled).map(Instant::from);
        let made = sql::query(format!(
            "INSERT INTO schedules (name, kind, cron, time_zone, overlap, settings, enabled, next_fire_at,
                                    created_by_id, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) RETURNING {COLUMNS}"
        ))
        .bind(&new.name)
        .bind(new.kind)
        .bind(&new.cron)
        .bind(&new.time_zone)
        .bind(new.overlap)
        .bind(Json(&settings))
        .bind(new.enabled)
        .bind(next)
        .bind(new.created_by_id)
        .bind(now)
        .one(&mut tx)
        .await
        .doing(DOING)
        .map_err(|error| unless_taken(error, DOING, &new.name))?;
        tx.commit().await.doing(DOING)?;
        Ok(made)
    }

    /// Changes a schedule. With another timetable, or enabled again, it next fires at the first of its times after
    /// `now`.
    pub async fn change_schedule(
        &self,
        id: i64,
        change: &ScheduleChange,
        now: impl Into<Instant>,
    ) -> Result<Schedule, StoreError> {
        const DOING: &str = "changing a schedule";
        let now = now.into();
        let mut tx = self.write(DOING).await?;
        let old = locked(&mut tx, id).await?;
        let name = change.name.as_ref().unwrap_or(&old.name);
        let cron = change.cron.as_ref().unwrap_or(&old.cron);
        let time_zone = change.time_zone.as_ref().unwrap_or(&old.time_zone);
        let settings = parsed(DOING, old.kind, change.settings.as_ref().unwrap_or(&old.settings))?;
        let enabled = change.enabled.unwrap_or(old.enabled);
        let timetable = timetable(DOING, cron, time_zone)?;
        check_name(&mut tx, DOING, name, Some(id)).await?;
        check_subjects(&mut tx, DOING, &settings).await?;
        let same_times = (cron, time_zone, enabled) == (&old.cron, &old.time_zone, old.enabled);
        let next = match old.next_fire_at {
            _ if !enabled => None,
            Some(next) if same_times => Some(next),
            _ => timetable.next_after(now.utc()).map(Instant::from),
        };
        let changed = sql::query(format!(
            "UPDATE schedules SET name = $2, cron = $3, time_zone = $4, overlap = $5, settings = $6, enabled = $7,
                    next_fire_at = $8, claimed_until = NULL
             WHERE id = $1 RETURNING {COLUMNS}"
        ))
        .bind(id)
        .bind(name)
        .bind(cron)
        .bind(time_zone)
        .bind(change.overlap.unwrap_or(old.overlap))
        .bind(Json(&settings))
        .bind(enabled)
        .bind(next)
        .one(&mut tx)
        .await
        .doing(DOING)
        .map_err(|error| unless_taken(error, DOING, name))?;
        tx.commit().await.doing(DOING)?;
        Ok(changed)
    }

    /// Makes a schedule due now, besides its times. It has to be enabled.
    pub async fn ask_schedule(
        &self,
        id: i64,
        hold: Duration,
        now: impl Into<Instant>,
    ) -> Result<Schedule, StoreError> {
        const DOING: &str = "firing a schedule by hand";
        let now = now.into();
        let mut tx = self.write(DOING).await?;
        let schedule = locked(&mut tx, id).await?;
        if !schedule.enabled {
            let why = format!("schedule {:?} is disabled; enable it first", schedule.name);
            return Err(StoreError::refused(DOING, why));
        }
        // One that is due already is not made later.
        let at = schedule.next_fire_at.map_or(now, |next| next.min(now));
        let due = format!(
            "UPDATE schedules SET next_fire_at = $2, claimed_until = $3 WHERE id = $1 RETURNING {COLUMNS}"
        );
        let due = sql::query(due).bind(id).bind(at).bind(now.after(hold)).one(&mut tx).await.doing(DOING)?;
        tx.commit().await.doing(DOING)?;
        Ok(due)
    }

    /// Removes a schedule. Its jobs stay, and what its collector runs wrote; runs that wait are given up.
    pub async fn delete_schedule(&self, id: i64, now: impl Into<Instant>) -> Result<(), StoreError> {
        const DOING: &str = "removing a schedule";
        let mut tx = self.write(DOING).await?;
        locked(&mut tx, id).await?;
        collector_runs::abandon(&mut tx, id, now.into()).await.doing(DOING)?;
        sql::query("DELETE FROM schedules WHERE id = $1").bind(id).execute(&mut tx).await.doing(DOING)?;
        tx.commit().await.doing(DOING)
    }

    /// All schedules, by name.
    pub async fn schedules(&self) -> Result<Vec<Schedule>, StoreError> {
        const DOING: &str = "listing schedules";
        let mut conn = self.read(DOING).await?;
        sql::query(format!("SELECT {COLUMNS} FROM schedules ORDER BY name")).all(&mut conn).await.doing(DOING)
    }

    /// One schedule.
    pub async fn schedule(&self, id: i64) -> Result<Schedule, StoreError> {
        const DOING: &str = "reading a schedule";
        let mut conn = self.read(DOING).await?;
        sql::query(format!("SELECT {COLUMNS} FROM schedules WHERE id = $1"))
            .bind(id)
            .optional(&mut conn)
            .await
            .doing(DOING)?
            .ok_or_else(|| StoreError::not_found("schedule", id))
    }

    /// The schedule of a name, exactly; else an error that lists the names that there are.
    pub async fn schedule_by_name(&self, name: &str) -> Result<Schedule, StoreError> {
        let schedules = self.schedules().await?;
        let names: Vec<_> = schedules.iter().map(|schedule| format!("{:?}", schedule.name)).collect();
        let hint = match names.len() {
            0 => "there is none yet; `backfill schedule add` makes one".to_owned(),
            _ => format!("there are {}", names.join(", ")),
        };
        let found = schedules.into_iter().find(|schedule| schedule.name == name);
        found.ok_or_else(|| StoreError::NotFound {
            what: "schedule",
            name: format!("{name:?}"),
            hint: Some(hint),
        })
    }
}

/// A schedule that nobody else changes or fires until the transaction ends. It is locked before its collector runs.
pub(super) async fn locked(tx: &mut Transaction, id: i64) -> Result<Schedule, StoreError> {
    sql::query(format!("SELECT {COLUMNS} FROM schedules WHERE id = $1 {}", tx.lock_rows()))
        .bind(id)
        .optional(tx)
        .await
        .doing("locking a schedule")?
        .ok_or_else(|| StoreError::not_found("schedule", id))
}

fn timetable(doing: &'static str, cron: &str, time_zone: &str) -> Result<Timetable, StoreError> {
    Timetable::parse(cron, time_zone).map_err(|error| StoreError::refused(doing, error.to_string()))
}

fn parsed(doing: &'static str, kind: ScheduleKind, settings: &Value) -> Result<ScheduleSettings, StoreError> {
    ScheduleSettings::parse(kind, settings).map_err(|error| StoreError::refused(doing, error.to_string()))
}

async fn check_name(
    conn: &mut Connection,
    doing: &'static str,
    name: &str,
    own: Option<i64>,
) -> Result<(), StoreError> {
    if name.trim().is_empty() || name.chars().any(char::is_control) {
        let why = "its name is empty or holds control characters; give one that people can read";
        return Err(StoreError::refused(doing, why));
    }
    let of_name: Option<i64> = sql::query("SELECT id FROM schedules WHERE name = $1")
        .bind(name)
        .scalar_optional(conn)
        .await
        .doing(doing)?;
    if of_name.is_some_and(|id| Some(id) != own) {
        return Err(taken(doing, name));
    }
    Ok(())
}

fn taken(doing: &'static str, name: &str) -> StoreError {
    let why = format!("there is a schedule {name:?} already; give another name, or change that one");
    StoreError::refused(doing, why)
}

/// The error, unless it says that somebody else has taken the name since it was looked up.
fn unless_taken(error: StoreError, doing: &'static str, name: &str) -> StoreError {
    if error.fault() == Some(Fault::Constraint) { taken(doing, name) } else { error }
}

/// Whether the wind farms and units that settings name are in the registry.
async fn check_subjects(
    conn: &mut Connection,
    doing: &'static str,
    settings: &ScheduleSettings,
) -> Result<(), StoreError> {
    let subjects = settings.subjects();
    for (field, table, ids) in [
        ("windfarm_ids", "windfarms", subjects.windfarm_ids),
        ("generation_unit_ids", "generation_units", subjects.generation_unit_ids),
    ] {
        for id in ids {
            let known: bool = sql::query(format!("SELECT EXISTS (SELECT 1 FROM {table} WHERE id = $1)"))
                .bind(*id)
                .scalar(conn)
                .await
                .doing(doing)?;
            if !known {
                let why = format!("settings.{field}: the registry has no {id}");
                return Err(StoreError::refused(doing, why));
            }
        }
    }
    Ok(())
}
