//! `backfill schedule`: what happens by itself, and when.

mod add;
mod run_now;
mod show;

use std::{path::Path, process::ExitCode};

use chrono::{DateTime, Utc};
use clap::{Args, Subcommand};

use super::{context, deed::Deed, output};
use crate::{
    domain::Timetable,
    store::{Schedule, ScheduleChange, Store},
};

/// Schedules: what happens by itself, and when. A running host (`backfill serve` or `backfill worker`) fires them.
///
/// For example:
///   backfill schedule add nightly --kind incremental --cron "30 2 * * *" --zone Europe/Berlin
///   backfill schedule add corrections --kind revise --cron "0 6 * * *" --revise-after 1d,10d,45d,14mo
///   backfill schedule add taipower-now --kind collect --cron "*/10 * * * *" --source taipower
///   backfill schedule list
#[derive(Subcommand)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) enum ScheduleCommand {
    Add(add::Add),
    List(List),
    Show(show::Show),
    Enable(Enable),
    Disable(Disable),
    Remove(Remove),
    #[command(name = "run-now")]
    RunNow(run_now::RunNow),
}

/// List all schedules: when each fires, and what it last did.
///
/// For example:
///   backfill schedule list
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct List {}

/// Let a schedule fire again, from its next time on. What it missed while it was disabled is not made up for.
///
/// For example:
///   backfill schedule enable nightly
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct Enable {
    /// The schedule's name.
    name: String,
}

/// Keep a schedule from firing, until it is enabled.
///
/// For example:
///   backfill schedule disable nightly
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct Disable {
    /// The schedule's name.
    name: String,
}

/// Remove a schedule. The jobs that it made stay, and everything that was stored.
///
/// For example:
///   backfill schedule remove nightly
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct Remove {
    /// The schedule's name.
    name: String,
}

impl ScheduleCommand {
    pub(super) async fn act(self, config: &Path) -> anyhow::Result<ExitCode> {
        let config = context::load(config)?;
        let store = context::store(&config).await?;
        match self {
            Self::Add(add) => add.act(&config, &store).await?,
            Self::List(List {}) => list(&store).await?,
            Self::Show(show) => show.act(&store).await?,
            Self::Enable(Enable { name }) => set_enabled(&store, &name, true).await?,
            Self::Disable(Disable { name }) => set_enabled(&store, &name, false).await?,
            Self::Remove(Remove { name }) => {
                let schedule = store.schedule_by_name(&name).await?;
                let removing = Deed::new("schedule remove", &format!("/schedules/{}", schedule.id));
                removing.done(&store, store.delete_schedule(schedule.id, store.now())).await?;
                say!("removed schedule {name:?}")?;
            }
            Self::RunNow(run) => run.act(&config, &store).await?,
        }
        store.close().await;
        Ok(ExitCode::SUCCESS)
    }
}

async fn list(store: &Store) -> anyhow::Result<()> {
    let schedules = store.schedules().await?;
    if schedules.is_empty() {
        say!("there is no schedule yet; `backfill schedule add` makes one")?;
        return Ok(());
    }
    let mut table =
        output::table(["schedule", "kind", "cron", "zone", "last fired", "next", "what it last did"]);
    for schedule in &schedules {
        let at = |at: Option<DateTime<Utc>>| at.map(|at| local(schedule, at)).unwrap_or_default();
        table.add_row([
            schedule.name.clone(),
            schedule.kind.to_string(),
            schedule.cron.clone(),
            schedule.time_zone.clone(),
            at(schedule.last_fired_at.map(|at| at.utc())),
            if schedule.enabled {
                at(schedule.next_fire_at.map(|at| at.utc()))
            } else {
                "disabled".to_owned()
            },
            schedule.last_outcome.clone().unwrap_or_default(),
        ]);
    }
    say!("{table}")?;
    Ok(())
}

async fn set_enabled(store: &Store, name: &str, enabled: bool) -> anyhow::Result<()> {
    let schedule = store.schedule_by_name(name).await?;
    let change = ScheduleChange { enabled: Some(enabled), ..ScheduleChange::default() };
    let command = if enabled { "schedule enable" } else { "schedule disable" };
    let changing = Deed::new(command, &format!("/schedules/{}", schedule.id));
    let changed = changing.done(store, store.change_schedule(schedule.id, &change, store.now())).await?;
    match changed.next_fire_at {
        Some(next) => say!("enabled schedule {name:?}; it fires next at {}", local(&changed, next.utc()))?,
        None => say!("disabled schedule {name:?}")?,
    }
    Ok(())
}

/// An instant by the clocks of a schedule's zone.
fn local(schedule: &Schedule, at: DateTime<Utc>) -> String {
    let zone: chrono_tz::Tz = schedule.time_zone.parse().unwrap_or(chrono_tz::UTC);
    at.with_timezone(&zone).format("%Y-%m-%d %H:%M %Z").to_string()
}

/// Prints the next five firings after an instant.
fn say_firings(schedule: &Schedule, now: DateTime<Utc>) -> anyhow::Result<()> {
    let timetable = Timetable::parse(&schedule.cron, &schedule.time_zone)?;
    let next = std::iter::successors(timetable.next_after(now), |at| timetable.next_after(*at));
    say!("next firings:")?;
    for at in next.take(5) {
        say!("  {}  ({})", local(schedule, at), output::instant(at.timestamp()))?;
    }
    Ok(())
}
