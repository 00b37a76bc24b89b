//! `GET /backfill/jobs/{id}` and its tasks.

use std::collections::BTreeMap;

use axum::{
    extract::{OriginalUri, State},
    http::HeaderMap,
    response::Response,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::view::JobView;
use crate::{
    api::{
        auth::Viewer,
        extract::{Id, Params},
        page::{self, Page},
        problem::Problem,
        state::Api,
        tag::tagged,
    },
    domain::{Month, TaskStatus},
    store::{FailureCause, JobSummary, MonthProgress, Store, Task, TaskFilter, UnitProgress},
};

/// So many failed, and so many running tasks are in a job's page; its `/tasks` has all.
const INLINE: u32 = 100;

/// So many causes of failures are in a job's page. Tasks of rarer ones are in its `/tasks`.
const CAUSES: usize = 200;

/// A job and how far it is.
#[derive(Serialize, ToSchema)]
pub(super) struct JobDetail {
    /// The job.
    job: JobView,
    /// Its tasks, counted and summed.
    tasks_summary: JobSummary,
    /// Its tasks by status.
    by_status: BTreeMap<TaskStatus, i64>,
    /// Its tasks by source.
    by_source: Vec<SourceProgress>,
    /// Its tasks by unit.
    by_unit: Vec<UnitProgress>,
    /// Its tasks by month.
    by_month: Vec<MonthProgress>,
    /// All its failed tasks by what they failed of, the most frequent cause first.
    failures: Vec<FailureCause>,
    /// The first of its failed tasks.
    failed_tasks: Vec<Task>,
    /// The first of its running tasks.
    running_tasks: Vec<Task>,
}

/// A source's tasks of a job, counted by where they stand.
#[derive(Default, Serialize, ToSchema)]
struct SourceProgress {
    /// Id of the source.
    source: String,
    /// All its tasks.
    total: i64,
    /// Waiting.
    pending: i64,
    /// Under way.
    in_progress: i64,
    /// Ended well.
    completed: i64,
    /// Ended without their data.
    failed: i64,
    /// Not run.
    skipped: i64,
}

/// Show a job: its tasks by status, source, unit and month; failed and running ones one by one.
#[utoipa::path(get, path = "/backfill/jobs/{id}", tag = "jobs",
    params(("id" = i64, Path, description = "The job.", minimum = 1),
           ("If-None-Match" = Option<String>, Header, description = "The `ETag` of an answer that the client has.")),
    responses((status = 200, body = JobDetail, headers(("ETag" = String, description = "Changes with the content."))),
              (status = 304, description = "Unchanged.")))]
pub(super) async fn detail(
    State(api): State<Api>,
    _: Viewer,
    Id(id): Id,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    tagged(&headers, &JobDetail::read(&api.store, id).await?)
}

impl JobDetail {
    /// A job as it stands.
    pub(super) async fn read(store: &Store, id: i64) -> Result<Self, Problem> {
        let job = store.job(id).await?;
        let summary = store.job_summary(id).await?;
        let by_unit = store.job_breakdown(id).await?;
        let first = async |status| {
            let filter = TaskFilter { status: Some(status), limit: Some(INLINE), ..TaskFilter::default() };
            store.tasks(id, filter).await
        };
        let counts = [
            (TaskStatus::Pending, summary.pending),
            (TaskStatus::InProgress, summary.in_progress),
            (TaskStatus::Completed, summary.completed),
            (TaskStatus::Failed, summary.failed),
            (TaskStatus::Skipped, summary.skipped),
        ];
        Ok(Self {
            job: job.into(),
            tasks_summary: summary,
            by_status: counts.into(),
            by_source: by_source(&by_unit),
            by_unit,
            by_month: store.job_months(id).await?,
            failures: store.job_causes(id, CAUSES).await?,
            failed_tasks: first(TaskStatus::Failed).await?,
            running_tasks: first(TaskStatus::InProgress).await?,
        })
    }
}

/// Which tasks of a job, and which page of them.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Which {
    /// Only those that stand here.
    status: Option<TaskStatus>,
    /// Only those of this source.
    source: Option<String>,
    /// Only those of this unit.
    generation_unit_id: Option<i64>,
    /// Only those of this month.
    #[serde(default, deserialize_with = "crate::api::extract::word")]
    #[param(value_type = Option<String>, example = "2024-01")]
    month: Option<Month>,
    /// Only those that failed of this cause, as `failures` of the job names it.
    cause: Option<String>,
    /// At most so many.
    #[param(minimum = 1, maximum = 100, default = 100)]
    limit: Option<u32>,
    /// The page after this place.
    #[param(minimum = 1)]
    cursor: Option<i64>,
}

/// List the tasks of a job, in the order in which they were planned.
#[utoipa::path(get, path = "/backfill/jobs/{id}/tasks", tag = "jobs",
    params(("id" = i64, Path, description = "The job.", minimum = 1), Which),
    responses((status = 200, body = [Task], headers(
        ("X-Next-Cursor" = i64, description = "The `cursor` of the next page, if there is one."),
        ("Link" = String, description = "The next page, `rel=\"next\"`, if there is one.")))))]
pub(super) async fn tasks(
    State(api): State<Api>,
    _: Viewer,
    Id(id): Id,
    OriginalUri(uri): OriginalUri,
    Params(which): Params<Which>,
) -> Result<Page<Task>, Problem> {
    let limit = page::limit(which.limit)?;
    api.store.job(id).await?;
    let filter = TaskFilter {
        status: which.status,
        source: which.source,
        generation_unit_id: which.generation_unit_id,
        month: which.month,
        cause: which.cause,
        after: which.cursor.unwrap_or(0),
        limit: Some(limit),
    };
    let items = api.store.tasks(id, filter).await?;
    let next = page::next(&items, limit, |task| task.id);
    Ok(Page { items, total: None, next, uri })
}

fn by_source(units: &[UnitProgress]) -> Vec<SourceProgress> {
    let mut of_sources: BTreeMap<&str, SourceProgress> = BTreeMap::new();
    for unit in units {
        let sum = of_sources.entry(&unit.source).or_default();
        sum.source.clone_from(&unit.source);
        sum.total += unit.total;
        sum.pending += unit.pending;
        sum.in_progress += unit.in_progress;
        sum.completed += unit.completed;
        sum.failed += unit.failed;
        sum.skipped += unit.skipped;
    }
    of_sources.into_values().collect()
}
