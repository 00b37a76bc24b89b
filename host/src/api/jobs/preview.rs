//! `POST /backfill/preview`: what a job would do, how long it would take, and nothing done.

use std::collections::BTreeMap;

use axum::{Json, extract::State};
use chrono::NaiveDate;
use serde::Serialize;
use utoipa::ToSchema;

use super::ask::NewBackfill;
use crate::{
    api::{auth::Viewer, extract::Body, problem::Problem, state::Api},
    domain::PlannedTask,
    planning::{self, Planned},
    store::{Instant, Pace, RegisteredUnit},
};

/// What a job would do.
#[derive(Serialize, ToSchema)]
pub(super) struct Preview {
    /// The wind farms.
    windfarms: Vec<PreviewWindfarm>,
    /// The units that are planned for.
    generation_units: Vec<RegisteredUnit>,
    /// The months of the span.
    date_ranges: Vec<PreviewRange>,
    /// All tasks: a unit's month each.
    total_tasks: usize,
    /// Tasks that would be fetched.
    to_fetch: usize,
    /// Tasks by verdict.
    by_verdict: BTreeMap<&'static str, usize>,
    /// The tasks, in the order in which they would run.
    tasks: Vec<PreviewTask>,
    /// Requests to the upstreams, going by the last attempts; none if nothing was measured yet.
    requests_estimate: Option<u64>,
    /// How long it would take if nothing else ran, in seconds, going by the last attempts and the sources' allowances.
    seconds_estimate: Option<u64>,
    /// The same by source.
    estimates: Vec<Estimate>,
    /// Names this plan: a job that is created with it does this, or nothing.
    plan_hash: String,
}

/// A wind farm of a preview.
#[derive(Serialize, ToSchema)]
struct PreviewWindfarm {
    /// Row id.
    id: i64,
    /// Its name.
    name: String,
}

/// A month of the span, cut to it.
#[derive(Serialize, ToSchema)]
struct PreviewRange {
    /// The month.
    #[schema(example = "2024-01")]
    month: String,
    /// Its first day in the span.
    start_date: NaiveDate,
    /// Its last day in the span.
    end_date: NaiveDate,
}

/// One task, and what would become of it.
#[derive(Serialize, ToSchema)]
struct PreviewTask {
    /// The unit.
    generation_unit_id: i64,
    /// Its source.
    source: String,
    /// The month.
    #[schema(example = "2024-01")]
    month: String,
    /// First instant of the month in the upstream's zone.
    start_date: Instant,
    /// First instant after it.
    end_date: Instant,
    /// `fetch`, `skip-complete`, `skip-in-flight` or `invalid`.
    verdict: &'static str,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// What the tasks of one source would cost.
#[derive(Serialize, ToSchema)]
struct Estimate {
    /// Id of the source.
    source: String,
    /// Tasks that would be fetched.
    tasks: usize,
    /// Median time of an attempt, in seconds; none if nothing was measured yet.
    task_seconds_p50: Option<f64>,
    /// Requests to its upstream.
    requests: Option<u64>,
    /// How long it would take, in seconds.
    seconds: Option<u64>,
}

/// Show what a job would do: what is fetched, what is skipped and why, how many requests it needs, how long it takes.
#[utoipa::path(post, path = "/backfill/preview", tag = "jobs", request_body = NewBackfill,
    responses((status = 200, body = Preview)))]
pub(super) async fn preview(
    State(api): State<Api>,
    _: Viewer,
    Body(ask): Body<NewBackfill>,
) -> Result<Json<Preview>, Problem> {
    let planned = planning::preview(&api.store, &api.registry, ask.wanted()?, api.store.now()).await?;
    let paces = api.store.paces().await?;
    Ok(Json(Preview::of(&api, planned, &paces)))
}

impl Preview {
    fn of(api: &Api, planned: Planned, paces: &BTreeMap<String, Pace>) -> Self {
        let estimates = estimates(api, &planned.plan.tasks, paces);
        let mut by_verdict =
            BTreeMap::from(["fetch", "skip-complete", "skip-in-flight", "invalid"].map(|word| (word, 0)));
        for task in &planned.plan.tasks {
            *by_verdict.entry(task.verdict.word()).or_default() += 1;
        }
        let windfarms = planned.windfarms.into_iter();
        Self {
            windfarms: windfarms
                .map(|windfarm| PreviewWindfarm { id: windfarm.id, name: windfarm.name })
                .collect(),
            generation_units: planned.units,
            date_ranges: planned
                .wanted
                .range
                .months()
                .filter_map(|month| {
                    let (start_date, end_date) = planned.wanted.range.days(month)?;
                    Some(PreviewRange { month: month.to_string(), start_date, end_date })
                })
                .collect(),
            total_tasks: planned.plan.tasks.len(),
            to_fetch: planned.plan.to_run(),
            by_verdict,
            // Sources are asked side by side.
            requests_estimate: estimates.iter().map(|of| of.requests).sum(),
            seconds_estimate: estimates
                .iter()
                .map(|of| of.seconds)
                .try_fold(0, |longest, of| Some(longest.max(of?))),
            estimates,
            plan_hash: planned.plan.hash(),
            tasks: planned.plan.tasks.into_iter().map(PreviewTask::from).collect(),
        }
    }
}

impl From<PlannedTask> for PreviewTask {
    fn from(task: PlannedTask) -> Self {
        Self {
            generation_unit_id: task.unit_id,
            month: task.month.to_string(),
            start_date: Instant::from_seconds(task.window.start),
            end_date: Instant::from_seconds(task.window.end),
            verdict: task.verdict.word(),
            reason: task.verdict.reason(),
            source: task.source,
        }
    }
}

fn estimates(api: &Api, tasks: &[PlannedTask], paces: &BTreeMap<String, Pace>) -> Vec<Estimate> {
    let mut of_sources: BTreeMap<&str, usize> = BTreeMap::new();
    for task in tasks.iter().filter(|task| task.verdict.runs()) {
        *of_sources.entry(&task.source).or_default() += 1;
    }
    let estimate = |(source, tasks): (&str, usize)| {
        let pace = paces.get(source);
        let configured = api.registry.entry(source).map(|entry| entry.configured);
        let requests = pace.map(|pace| (pace.requests_mean * tasks as f64).ceil() as u64);
        let seconds = pace.zip(configured).map(|(pace, configured)| {
            let at_once = configured.concurrency.min(api.config.worker.concurrency).max(1);
            let working = pace.seconds_p50 * tasks as f64 / f64::from(at_once);
            let interval = configured.rate.map_or(0.0, |rate| rate.interval().as_secs_f64());
            let waiting = interval * requests.unwrap_or(0) as f64;
            working.max(waiting).ceil() as u64
        });
        let task_seconds_p50 = pace.map(|pace| pace.seconds_p50);
        Estimate { source: source.to_owned(), tasks, task_seconds_p50, requests, seconds }
    };
    of_sources.into_iter().map(estimate).collect()
}
