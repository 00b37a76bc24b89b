//! `backfill job create`.

use std::{collections::BTreeMap, path::Path, process::ExitCode};

use anyhow::{Context, bail};
use chrono::NaiveDate;
use clap::Args;
use serde_json::json;

use super::show::follow;
use crate::{
    cli::{
        context::{self, env},
        deed::Deed,
        hosts, output, words,
    },
    domain::{Month, Order, Priority, Range, Reprocess, TaskStatus},
    planning::{self, HowToRun, Planned, Wanted},
    source::Registry,
};

/// Plan the history of wind farms and queue it as a job; a running host works it off.
///
/// Every unit and month of the range becomes one task. By default only what is missing in the store is fetched:
/// running it again is harmless.
///
/// Prints the job's id.
///
/// For example:
///   backfill job create --windfarm Anholt --from 2020 --to 2023 --dry-run
///   backfill job create --windfarm Anholt --windfarm "Horns Rev" --from 2023-01 --to 2023-03 --follow
///   backfill job create --windfarm Anholt --from 2023-01-15 --to 2023-02-10 --reprocess all --priority high
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct Create {
    /// A wind farm's name, as imported; may be given several times.
    #[arg(long = "windfarm", value_name = "NAME", required = true)]
    windfarms: Vec<String>,

    /// Only the unit of this code; may be given several times.
    #[arg(long = "unit", value_name = "CODE")]
    units: Vec<String>,

    /// Only units of this source; may be given several times.
    #[arg(long = "source", value_name = "ID")]
    sources: Vec<String>,

    /// The first year, month or day.
    #[arg(long, value_name = "YYYY[-MM[-DD]]")]
    from: String,

    /// The last year, month or day, included.
    #[arg(long, value_name = "YYYY[-MM[-DD]]")]
    to: String,

    /// Which months: missing, missing+failed (also what failed for good), or all.
    #[arg(long, default_value = "missing")]
    reprocess: Reprocess,

    /// Which months first: oldest or newest.
    #[arg(long, default_value = "oldest")]
    order: Order,

    /// high, normal or default; waiting ages a job, so that nothing starves.
    #[arg(long, default_value = "normal", value_parser = words::priority)]
    priority: Priority,

    /// At most so many of its tasks at once, over all hosts.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    max_concurrency: Option<u32>,

    /// Start only the plan of this hash, as --dry-run shows it.
    #[arg(long, value_name = "HASH")]
    plan_hash: Option<String>,

    /// Show what would be done, and do nothing.
    #[arg(long)]
    dry_run: bool,

    /// Watch the job until it has ended; exit code 0 only if every task ended well.
    #[arg(long, conflicts_with = "dry_run")]
    follow: bool,

    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// A range as people write it: both ends years, months or days.
fn range(from: &str, to: &str) -> anyhow::Result<Range> {
    let dashes = |text: &str| text.matches('-').count();
    if dashes(from) != dashes(to) {
        bail!("--from {from} and --to {to}: give two years, two months or two days");
    }
    Ok(match dashes(from) {
        0 => {
            let year = |text: &str| text.parse::<i64>().with_context(|| format!("{text:?} is no year"));
            Range::of_years(year(from)?, year(to)?)?
        }
        1 => Range::of_months(from.parse::<Month>()?, to.parse::<Month>()?)?,
        _ => {
            let day = |text: &str| {
                text.parse::<NaiveDate>().with_context(|| format!("{text:?} is no day such as 2023-01-31"))
            };
            Range::of_dates(day(from)?, day(to)?)?
        }
    })
}

impl Create {
    pub(super) async fn act(self, config: &Path) -> anyhow::Result<ExitCode> {
        let range = range(&self.from, &self.to)?;
        let config = context::load(config)?;
        let store = context::store(&config).await?;
        let shared = context::shared(&config, &store)?;
        let registry = Registry::load(&config, &env, &context::engine(&config)?, &shared).await;
        let (windfarm_ids, unit_ids) = planning::named(&store, &self.windfarms, &self.units).await?;
        let wanted = Wanted {
            windfarm_ids,
            unit_ids,
            sources: self.sources,
            range,
            reprocess: self.reprocess,
            order: self.order,
        };
        let planned = planning::preview(&store, &registry, wanted, store.now()).await?;
        if self.dry_run {
            show(&planned, self.json)?;
            return Ok(ExitCode::SUCCESS);
        }
        let how = HowToRun {
            priority: self.priority,
            max_concurrency: self.max_concurrency,
            max_attempts: config.worker.retry.attempts,
            created_by_id: None,
            plan_hash: self.plan_hash,
            max_open_tasks: config.server.max_open_tasks,
            turn: None,
        };
        let creating = Deed::new("job create", "/backfill/jobs").with(planned.metadata());
        let created = planning::create(&store, &planned, &how, store.now());
        let id = creating.making(&store, created, |id| Some(format!("/backfill/jobs/{id}"))).await?;
        let (tasks, to_run) = (planned.plan.tasks.len(), planned.plan.to_run());
        if self.json {
            say!("{}", json!({ "id": id, "total_tasks": tasks, "to_run": to_run }))?;
        } else {
            say!("{id}")?;
            eprintln!("job {id}: {tasks} tasks, {to_run} of them to run");
        }
        if to_run > 0 && hosts::alive(&config, &store).await?.is_empty() {
            eprintln!("{}", hosts::NONE);
        }
        if self.follow { follow(&store, id, config.worker.poll).await } else { Ok(ExitCode::SUCCESS) }
    }
}

/// The plan: how many tasks of each verdict, and why.
fn show(planned: &Planned, as_json: bool) -> anyhow::Result<()> {
    let plan = &planned.plan;
    let mut counts: BTreeMap<(&str, &str, String), usize> = BTreeMap::new();
    for task in &plan.tasks {
        let why = task.verdict.reason().unwrap_or_default();
        *counts.entry((&task.source, task.verdict.word(), why)).or_default() += 1;
    }
    if as_json {
        let counts: Vec<_> = counts
            .iter()
            .map(|((source, verdict, why), tasks)| {
                json!({ "source": source, "verdict": verdict, "reason": why, "tasks": tasks })
            })
            .collect();
        say!(
            "{}",
            json!({ "plan_hash": plan.hash(), "total_tasks": plan.tasks.len(), "to_run": plan.to_run(),
                    "units": planned.units.len(), "verdicts": counts })
        )?;
        return Ok(());
    }
    let mut table = output::table(["source", "tasks", "verdict", "reason"]);
    for ((source, verdict, why), tasks) in counts {
        table.add_row([source.to_owned(), tasks.to_string(), verdict.to_owned(), why]);
    }
    say!("{table}")?;
    say!(
        "{} units, {} tasks, {} to run ({}); plan {}",
        planned.units.len(),
        plan.tasks.len(),
        plan.to_run(),
        TaskStatus::Pending,
        plan.hash()
    )?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_of_years_months_or_days_and_its_end_is_included() {
        let text = |from, to| range(from, to).unwrap().to_string();
        assert_eq!(text("2020", "2023"), "2020-01-01 to 2023-12-31");
        assert_eq!(text("2023-01", "2023-02"), "2023-01-01 to 2023-02-28");
        assert_eq!(text("2023-01-15", "2023-01-15"), "2023-01-15 to 2023-01-15");
        for (from, to) in [("2020", "2020-02"), ("2023-02", "2023-01"), ("x", "y"), ("2023-13", "2023-14")] {
            assert!(range(from, to).is_err(), "{from} {to}");
        }
    }
}
