//! `backfill run`: fills a wind farm's history in the foreground.

use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
    process::ExitCode,
    sync::Arc,
    time::Instant,
};

use anyhow::{Context, bail};
use clap::Args;
use serde_json::json;
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::mpsc,
};
use tokio_util::sync::CancellationToken;

use super::{
    context::{self, env},
    deed::Deed,
    end_by_force, output,
    watch::Watch,
};
use crate::{
    config::Config,
    domain::{
        Month, Order, PlanRequest, PlanUnit, PlannedTask, Priority, Range, Reprocess, TaskOutcome,
        TaskStatus, plan, span,
    },
    planning::plan_unit,
    reload::Reloader,
    source::Registry,
    store::{JobSummary, NewJob, RegisteredUnit, Store, Task, TaskFilter},
    worker::{Options, Worker},
};

/// Fill a wind farm's history in the foreground.
///
/// Every unit of the wind farm and every month of the range becomes one task. Running it again is harmless:
/// what is stored already is unchanged.
///
/// The last line of standard output sums the run up. Exit code 0 only if every task ended well.
///
/// Ctrl-C cancels what is left; what is stored stays. A second one ends it at once (exit code 130).
///
/// For example:
///   backfill run --windfarm Anholt --from 2023-01 --to 2023-03
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Run {
    /// The wind farm's name, as imported.
    #[arg(long, value_name = "NAME")]
    windfarm: String,

    /// The first month.
    #[arg(long, value_name = "YYYY-MM")]
    from: Month,

    /// The last month, included.
    #[arg(long, value_name = "YYYY-MM")]
    to: Month,

    /// Only units of this source; may be given several times.
    #[arg(long = "source", value_name = "ID")]
    sources: Vec<String>,
}

impl Run {
    pub(super) async fn act(self, config: &Path) -> anyhow::Result<ExitCode> {
        let began = Instant::now();
        if self.to < self.from {
            bail!("--to {} is before --from {}; swap them", self.to, self.from);
        }
        let range = Range::of_months(self.from, self.to)?;
        let config = context::load(config)?;
        if let Some(unknown) =
            self.sources.iter().find(|id| !config.sources.iter().any(|s| s.id.as_str() == **id))
        {
            let known: Vec<_> = config.sources.iter().map(|source| source.id.as_str()).collect();
            bail!("--source {unknown}: the configuration has no such source; it has {}", known.join(", "));
        }
        let store = context::store(&config).await?;
        let windfarm = store.windfarm_by_name(&self.windfarm).await?;
        let units: Vec<_> =
            store.units(windfarm.id, &self.sources).await?.into_iter().filter(|unit| unit.active).collect();
        if units.is_empty() {
            bail!(
                "wind farm {:?} has no active unit of these sources; import some with `backfill import`",
                windfarm.name
            );
        }
        let shared = context::shared(&config, &store)?;
        let registry = Arc::new(Registry::load(&config, &env, &context::engine(&config)?, &shared).await);
        let request = PlanRequest { range, reprocess: Reprocess::All, order: Order::OldestFirst };
        let tasks = plan(&plan_units(&units, &registry), request, &HashMap::new(), store.now()).tasks;
        self.say_what_is_skipped(&tasks)?;
        give_up_abandoned(&config, &store).await?;
        registry.host().await;
        let options = Options::in_foreground(&config);
        let reloader = Reloader::new(&config, &env, Arc::clone(&registry), options.limits.clone());
        let worker = Worker::new(store.clone(), registry, options);
        let metadata = json!({ "windfarm": windfarm.name, "sources": self.sources, "worker": worker.id() });
        let job = NewJob {
            windfarm_ids: &[windfarm.id],
            window: span(&tasks).context("nothing to plan")?,
            tasks: &tasks,
            priority: Priority::Default,
            max_concurrency: None,
            max_attempts: config.worker.retry.attempts,
            anew: true,
            metadata,
            created_by_id: None,
        };
        let detail =
            json!({ "windfarm": windfarm.name, "sources": self.sources, "range": range.to_string() });
        let making = Deed::new("run", "/backfill/jobs").with(detail);
        let made = store.create_job(&job, store.now());
        let job = making.making(&store, made, |id| Some(format!("/backfill/jobs/{id}"))).await?;
        let ended = CancellationToken::new();
        // Nobody can ask it to look at once: a hangup is to end a command.
        let (_nobody, asked) = mpsc::channel(1);
        let reloading = tokio::spawn(reloader.run(asked, ended.clone()));
        let interrupted = self.fill(&store, &worker, job, &tasks, &units).await;
        ended.cancel();
        reloading.await.context("following the configuration")?;
        let interrupted = interrupted?;
        let summary = store.job_summary(job).await?;
        report(&store, job, &summary, &units).await?;
        store.close().await;
        say!("{}", last_line(&summary, began.elapsed().as_secs_f64()))?;
        let well =
            !interrupted && summary.failed == 0 && summary.completed + summary.skipped == summary.total;
        Ok(if well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    /// Runs the job to its end, or to the first Ctrl-C, which cancels it; so does a configuration that leaves out the
    /// sources of all that is left. True if it was cancelled.
    async fn fill(
        &self,
        store: &Store,
        worker: &Worker,
        job: i64,
        tasks: &[PlannedTask],
        units: &[RegisteredUnit],
    ) -> anyhow::Result<bool> {
        let mut by_source: BTreeMap<String, u64> = BTreeMap::new();
        for task in tasks.iter().filter(|task| task.verdict.runs()) {
            *by_source.entry(task.source.clone()).or_default() += 1;
        }
        let names: HashMap<i64, String> = units.iter().map(|u| (u.id, u.unit.name.clone())).collect();
        let mut watch = Watch::new(&by_source);
        let stop = CancellationToken::new();
        on_interrupts(stop.clone())?;
        let (sender, mut steps) = mpsc::unbounded_channel();
        let run = worker.run_job(job, stop.clone(), sender);
        let mut run = std::pin::pin!(run);
        let result = loop {
            tokio::select! {
                result = &mut run => break result,
                Some(step) = steps.recv() => watch.show(&step, &names),
            }
        };
        while let Ok(step) = steps.try_recv() {
            watch.show(&step, &names);
        }
        watch.end();
        let left_out = result?.join(", ");
        let by = if stop.is_cancelled() {
            "Ctrl-C at backfill run"
        } else if !left_out.is_empty() {
            tracing::error!(
                "the configuration leaves {left_out} out since the run began; what is stored stays, the tasks that are \
                 left are cancelled: run it again once the source is back"
            );
            "backfill run, since the configuration leaves their source out"
        } else {
            return Ok(false);
        };
        store.cancel_job(job, by, store.now()).await?;
        Ok(true)
    }

    fn say_what_is_skipped(&self, tasks: &[PlannedTask]) -> anyhow::Result<()> {
        let mut skipped: BTreeMap<(&str, String), u64> = BTreeMap::new();
        for task in tasks {
            if let Some(why) = task.verdict.skipped() {
                *skipped.entry((&task.source, why)).or_default() += 1;
            }
        }
        for ((source, why), tasks) in &skipped {
            tracing::warn!(source, tasks, "skipped: {why}");
        }
        if skipped.values().sum::<u64>() == tasks.len() as u64 {
            let reasons: Vec<_> = skipped.keys().map(|(source, why)| format!("{source}: {why}")).collect();
            bail!("nothing to fetch between {} and {}: {}", self.from, self.to, reasons.join("; "));
        }
        Ok(())
    }
}

/// Stops the run at the first Ctrl-C, and ends the process at the second, whatever it is that does not end. They are
/// heard from here on: who listened anew for each would miss what comes in between.
fn on_interrupts(stop: CancellationToken) -> anyhow::Result<()> {
    let mut interrupts = signal(SignalKind::interrupt()).context("listening for Ctrl-C")?;
    tokio::spawn(async move {
        interrupts.recv().await;
        tracing::warn!("interrupted; what is stored stays, the rest of the job is cancelled");
        stop.cancel();
        interrupts.recv().await;
        tracing::warn!(
            "interrupted a second time: ending as it is; the next run cancels what is left, unless a host works it off"
        );
        end_by_force()
    });
    Ok(())
}

/// Cancels what runs that were killed left behind; what they stored stays. This run is a job of its own.
async fn give_up_abandoned(config: &Config, store: &Store) -> anyhow::Result<()> {
    let now = store.now();
    for job in store.abandoned_jobs(now - config.worker.lease).await? {
        tracing::warn!(
            job,
            "an earlier run ended without finishing this job; it is cancelled, what it stored stays"
        );
        store.cancel_job(job, "a later backfill run, since its own was gone", now).await?;
    }
    Ok(())
}

/// Units with the calendar of their sources. A source that can't be used is planned for all the same, by UTC
/// months, so that its tasks fail with the reason and are not forgotten.
fn plan_units(units: &[RegisteredUnit], registry: &Registry) -> Vec<PlanUnit> {
    units.iter().map(|unit| PlanUnit { refused: None, ..plan_unit(unit, registry) }).collect()
}

/// A row per unit, and what failed with its reason.
async fn report(
    store: &Store,
    job: i64,
    summary: &JobSummary,
    units: &[RegisteredUnit],
) -> anyhow::Result<()> {
    let tasks = store.tasks(job, TaskFilter::default()).await?;
    let mut table = output::table([
        "unit",
        "source",
        "tasks",
        "completed",
        "empty",
        "failed",
        "inserted",
        "updated",
        "unchanged",
        "rejected",
    ]);
    for unit in units {
        let own: Vec<_> = tasks.iter().filter(|task| task.generation_unit_id == unit.id).collect();
        let count = |holds: &dyn Fn(&&&Task) -> bool| own.iter().filter(|t| holds(t)).count();
        let sum = |of: &dyn Fn(&Task) -> i64| own.iter().map(|task| of(task)).sum::<i64>();
        table.add_row([
            unit.unit.name.clone(),
            unit.source.clone(),
            own.len().to_string(),
            count(&|t| t.status == TaskStatus::Completed).to_string(),
            count(&|t| t.outcome == Some(TaskOutcome::Empty)).to_string(),
            count(&|t| t.status == TaskStatus::Failed).to_string(),
            sum(&|t| t.records_inserted).to_string(),
            sum(&|t| t.records_updated).to_string(),
            sum(&|t| t.records_unchanged).to_string(),
            sum(&|t| t.records_rejected).to_string(),
        ]);
    }
    say!("{table}")?;
    if summary.failed > 0 {
        say!("failed:")?;
    }
    for task in tasks.iter().filter(|task| task.status == TaskStatus::Failed) {
        let name = units.iter().find(|unit| unit.id == task.generation_unit_id).map_or("", |u| &u.unit.name);
        say!(
            "  {name} {}: {}: {}",
            task.month,
            task.error_code.as_deref().unwrap_or_default(),
            task.error_message.as_deref().unwrap_or_default()
        )?;
    }
    Ok(())
}

/// `completed` counts every task that ended well, `empty` those among them for which the upstream has nothing.
fn last_line(summary: &JobSummary, seconds: f64) -> String {
    format!(
        "tasks={} completed={} empty={} failed={} inserted={} updated={} unchanged={} rejected={} requests={} seconds={seconds:.2}",
        summary.total,
        summary.completed,
        summary.empty,
        summary.failed,
        summary.records_inserted,
        summary.records_updated,
        summary.records_unchanged,
        summary.records_rejected,
        summary.requests,
    )
}
