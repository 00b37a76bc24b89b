//! What can be done to a job: by who made it, or by an admin.

use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::view::JobView;
use crate::{
    api::{
        auth::{Caller, Operator},
        extract::{Id, OptionalBody},
        problem::{Problem, ProblemBody},
        state::Api,
    },
    planning::{self, PlanningError},
    store::{Chosen, Drift},
    worker,
};

/// A worker that stopped without a word is taken for dead after this many leases.
const LEASES: u32 = 2;

/// A job after a change, and what was changed.
#[derive(Serialize, ToSchema)]
pub(super) struct ChangedJob<T: ToSchema> {
    #[serde(flatten)]
    job: JobView,
    /// What was changed.
    changed: T,
}

/// What a cancellation stopped.
#[derive(Serialize, ToSchema)]
pub(super) struct Cancelled {
    /// Tasks that will not run.
    skipped: u64,
    /// Those of them that were under way, and were interrupted.
    interrupted: Vec<i64>,
    /// Attempts whose workers gave no answer; their leases have run out, and they can store nothing.
    unanswered: i64,
}

/// What a retry opened.
#[derive(Serialize, ToSchema)]
pub(super) struct Retried {
    /// Tasks that run again.
    reopened: Vec<i64>,
    /// Tasks that failed for good, and stay so unless `force` is given.
    permanent: Vec<i64>,
}

/// What was taken back from workers that are gone.
#[derive(Serialize, ToSchema)]
pub(super) struct Reset {
    /// Tasks that are ready again.
    reset: Vec<i64>,
    /// Tasks that took too many workers with them, and have failed.
    given_up: Vec<i64>,
}

/// What need no longer wait.
#[derive(Serialize, ToSchema)]
pub(super) struct Hastened {
    /// Tasks that waited for their time, and are ready now.
    ready: u64,
}

/// Whether the job is paused now.
#[derive(Serialize, ToSchema)]
pub(super) struct Paused {
    /// Whether it was the other before.
    paused_changed: bool,
}

/// A job that is gone.
#[derive(Serialize, ToSchema)]
pub(super) struct Deleted {
    /// Its id.
    deleted: i64,
    /// The same for people.
    message: String,
}

/// Counters that were counted anew.
#[derive(Serialize, ToSchema)]
pub(super) struct Refreshed {
    #[serde(flatten)]
    job: JobView,
    /// By how much the job's counters were wrong: all zero, unless somebody wrote past the host.
    drift: Drift,
    /// What the former system called the counting.
    task_id: String,
}

/// Which tasks to run again.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Retry {
    /// Only these; all that failed if none is named.
    #[schema(max_items = 10_000)]
    task_ids: Option<Vec<i64>>,
    /// Only those that failed of this cause, as `failures` of the job names it.
    cause: Option<String>,
    /// Also those that failed for good.
    #[serde(default)]
    force: bool,
}

impl Api {
    /// Makes sure that somebody may change a job.
    async fn may_change(&self, caller: &Caller, id: i64) -> Result<(), Problem> {
        caller.owns(self.store.job(id).await?.created_by_id, "this job")
    }

    async fn changed<T: ToSchema>(&self, id: i64, changed: T) -> Result<Json<ChangedJob<T>>, Problem> {
        Ok(Json(ChangedJob { job: self.store.job(id).await?.into(), changed }))
    }
}

/// Cancel a job. Once this is answered, no request is made for it and no row is written; what it stored stays.
#[utoipa::path(post, path = "/backfill/jobs/{id}/cancel", tag = "jobs",
    params(("id" = i64, Path, description = "The job.", minimum = 1)),
    responses((status = 200, body = ChangedJob<Cancelled>)))]
pub(super) async fn cancel(
    State(api): State<Api>,
    Operator(caller): Operator,
    Id(id): Id,
) -> Result<Json<ChangedJob<Cancelled>>, Problem> {
    api.may_change(&caller, id).await?;
    let patience = api.config.worker.lease * LEASES;
    let (done, unanswered) = worker::cancel(&api.store, id, &caller.name, patience).await?;
    api.changed(id, Cancelled { skipped: done.skipped, interrupted: done.interrupted, unanswered }).await
}

/// Run tasks of a job again that failed, or that a cancellation stopped, with all their attempts before them.
#[utoipa::path(post, path = "/backfill/jobs/{id}/retry", tag = "jobs", request_body = Option<Retry>,
    params(("id" = i64, Path, description = "The job.", minimum = 1)),
    responses((status = 200, body = ChangedJob<Retried>),
              (status = 429, body = ProblemBody, content_type = "application/problem+json",
               description = "Too many tasks wait already; see `Retry-After`.")))]
pub(super) async fn retry(
    State(api): State<Api>,
    Operator(caller): Operator,
    Id(id): Id,
    OptionalBody(which): OptionalBody<Retry>,
) -> Result<Json<ChangedJob<Retried>>, Problem> {
    api.may_change(&caller, id).await?;
    let chosen = match (&which.task_ids, &which.cause) {
        (None, None) => Chosen::All,
        (Some(ids), None) => Chosen::Tasks(ids),
        (None, Some(cause)) => Chosen::Cause(cause),
        (Some(_), Some(_)) => return Err(Problem::field("/cause", "give either task_ids, or a cause")),
    };
    let what = planning::Retry { job_id: id, chosen, force: which.force };
    let limit = api.config.server.max_open_tasks;
    let done = match planning::retry(&api.store, what, &caller.name, limit, api.store.now()).await {
        Ok(done) => done,
        // Of what a store refuses here, the body is not to blame.
        Err(PlanningError::Store(error)) => return Err(error.into()),
        Err(other) => return Err(other.into()),
    };
    api.changed(id, Retried { reopened: done.reopened, permanent: done.permanent }).await
}

/// Take back tasks whose worker gives no sign of life; they are ready again at once.
#[utoipa::path(post, path = "/backfill/jobs/{id}/reset-stuck", tag = "jobs",
    params(("id" = i64, Path, description = "The job.", minimum = 1)),
    responses((status = 200, body = ChangedJob<Reset>)))]
pub(super) async fn reset_stuck(
    State(api): State<Api>,
    Operator(caller): Operator,
    Id(id): Id,
) -> Result<Json<ChangedJob<Reset>>, Problem> {
    api.may_change(&caller, id).await?;
    let now = api.store.now();
    let taken = api.store.reset_stuck(id, now - api.config.worker.lease, now).await?;
    let of = |given_up| taken.iter().filter(move |task| task.given_up == given_up).map(|task| task.task_id);
    let changed = Reset { reset: of(false).collect(), given_up: of(true).collect() };
    api.changed(id, changed).await
}

/// Let tasks that wait for their time run now.
#[utoipa::path(post, path = "/backfill/jobs/{id}/process", tag = "jobs",
    params(("id" = i64, Path, description = "The job.", minimum = 1)),
    responses((status = 200, body = ChangedJob<Hastened>)))]
pub(super) async fn process(
    State(api): State<Api>,
    Operator(caller): Operator,
    Id(id): Id,
) -> Result<Json<ChangedJob<Hastened>>, Problem> {
    api.may_change(&caller, id).await?;
    let ready = api.store.process_job(id, api.store.now()).await?;
    api.changed(id, Hastened { ready }).await
}

/// Pause a job: running tasks end, and no more are begun.
#[utoipa::path(post, path = "/backfill/jobs/{id}/pause", tag = "jobs",
    params(("id" = i64, Path, description = "The job.", minimum = 1)),
    responses((status = 200, body = ChangedJob<Paused>)))]
pub(super) async fn pause(
    State(api): State<Api>,
    Operator(caller): Operator,
    Id(id): Id,
) -> Result<Json<ChangedJob<Paused>>, Problem> {
    api.may_change(&caller, id).await?;
    let before = api.store.job(id).await?.paused;
    api.store.pause_job(id, api.store.now()).await?;
    api.changed(id, Paused { paused_changed: !before }).await
}

/// Let a paused job go on.
#[utoipa::path(post, path = "/backfill/jobs/{id}/resume", tag = "jobs",
    params(("id" = i64, Path, description = "The job.", minimum = 1)),
    responses((status = 200, body = ChangedJob<Paused>)))]
pub(super) async fn resume(
    State(api): State<Api>,
    Operator(caller): Operator,
    Id(id): Id,
) -> Result<Json<ChangedJob<Paused>>, Problem> {
    api.may_change(&caller, id).await?;
    let before = api.store.job(id).await?.paused;
    api.store.resume_job(id, api.store.now()).await?;
    api.changed(id, Paused { paused_changed: before }).await
}

/// Delete a job that has ended, with its tasks and attempts; what it stored stays.
#[utoipa::path(delete, path = "/backfill/jobs/{id}", tag = "jobs",
    params(("id" = i64, Path, description = "The job.", minimum = 1)),
    responses((status = 200, body = Deleted)))]
pub(super) async fn delete(
    State(api): State<Api>,
    Operator(caller): Operator,
    Id(id): Id,
) -> Result<Json<Deleted>, Problem> {
    api.may_change(&caller, id).await?;
    api.store.delete_job(id, api.store.now()).await?;
    Ok(Json(Deleted { deleted: id, message: format!("job {id} is deleted; what it stored stays") }))
}

/// Count a job's tasks anew.
#[utoipa::path(post, path = "/backfill/jobs/{id}/refresh-progress", tag = "jobs",
    params(("id" = i64, Path, description = "The job.", minimum = 1)),
    responses((status = 200, body = Refreshed)))]
pub(super) async fn refresh(
    State(api): State<Api>,
    _: Operator,
    Id(id): Id,
) -> Result<Json<Refreshed>, Problem> {
    let drift = api.store.recount_job(id, api.store.now()).await?;
    let job = api.store.job(id).await?.into();
    Ok(Json(Refreshed { job, drift, task_id: format!("backfill-refresh-{id}") }))
}
