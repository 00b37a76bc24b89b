//! `backfill schedule show`.

use clap::Args;

use super::{local, say_firings};
use crate::{
    cli::output,
    domain::ScheduleKind,
    store::{CollectorRun, Store},
};

/// How many collector runs are shown.
const RUNS: u32 = 10;

/// Show a schedule: its settings, its next five firings, and what it last did.
///
/// For example:
///   backfill schedule show taipower-now
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct Show {
    /// The schedule's name.
    name: String,
}

impl Show {
    pub(in crate::cli) async fn act(self, store: &Store) -> anyhow::Result<()> {
        let schedule = store.schedule_by_name(&self.name).await?;
        say!("schedule    {}", schedule.name)?;
        say!("kind        {}", schedule.kind)?;
        say!("cron        {} ({})", schedule.cron, schedule.time_zone)?;
        say!("overlap     {}", schedule.overlap)?;
        say!("settings    {}", schedule.settings)?;
        if let Some(at) = schedule.last_fired_at {
            say!("last fired  {}", local(&schedule, at.utc()))?;
        }
        if let Some(outcome) = &schedule.last_outcome {
            say!("last did    {outcome}")?;
        }
        if let Some(job) = schedule.last_job_id {
            say!("last job    {job}")?;
        }
        if schedule.kind == ScheduleKind::Collect {
            runs(&store.collector_runs(schedule.id, None, RUNS).await?)?;
        }
        if schedule.enabled {
            say_firings(&schedule, store.now())
        } else {
            say!("disabled; `backfill schedule enable {}` lets it fire", schedule.name)?;
            Ok(())
        }
    }
}

fn runs(runs: &[CollectorRun]) -> anyhow::Result<()> {
    let mut table = output::table([
        "due", "source", "outcome", "tries", "units", "new", "changed", "known", "rejected", "why",
    ]);
    for run in runs {
        table.add_row([
            output::instant(run.scheduled_for.timestamp()),
            run.source.clone(),
            run.outcome.clone().unwrap_or_else(|| "open".to_owned()),
            run.attempt_count.to_string(),
            run.units.to_string(),
            run.records_inserted.to_string(),
            run.records_updated.to_string(),
            run.records_unchanged.to_string(),
            run.records_rejected.to_string(),
            run.error_message.clone().unwrap_or_default(),
        ]);
    }
    say!("{table}")?;
    Ok(())
}
