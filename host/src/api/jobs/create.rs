//! `POST /backfill/jobs`: a job with all its tasks, in one transaction.

use axum::{
    Json,
    extract::State,
    http::{HeaderName, StatusCode, header},
    response::{AppendHeaders, IntoResponse},
};

use super::{ask::NewBackfill, view::SummedJob};
use crate::{
    api::{PREFIX, auth::Operator, extract::Body, problem::Problem, state::Api},
    planning::{self, HowToRun},
};

/// When to ask again while too much is waiting.
const QUEUE_FULL_SECONDS: u64 = 60;

/// Create a job: every unit and month becomes a task, and running hosts work them off.
#[utoipa::path(post, path = "/backfill/jobs", tag = "jobs", request_body = NewBackfill,
    responses(
        (status = 202, body = SummedJob, headers(("Location" = String, description = "The job."))),
        (status = 429, body = crate::api::problem::ProblemBody, content_type = "application/problem+json",
         description = "Too many tasks wait already; see `Retry-After`."),
    ))]
pub(super) async fn create(
    State(api): State<Api>,
    Operator(caller): Operator,
    Body(ask): Body<NewBackfill>,
) -> Result<impl IntoResponse, Problem> {
    let wanted = ask.wanted()?;
    let open = api.store.open_tasks().await?;
    let limit = api.config.server.max_open_tasks;
    if open >= i64::from(limit) {
        let detail = format!("{open} tasks are open, and this host takes new jobs below {limit}");
        return Err(Problem::too_many(detail, QUEUE_FULL_SECONDS)
            .suggest("wait until some have ended, or raise [server] max_open_tasks"));
    }
    let now = api.store.now();
    let planned = planning::preview(&api.store, &api.registry, wanted, now).await?;
    let how = HowToRun {
        priority: ask.priority,
        max_concurrency: ask.max_concurrency,
        max_attempts: api.config.worker.retry.attempts,
        created_by_id: Some(caller.user_id),
        plan_hash: ask.plan_hash,
    };
    let id = planning::create(&api.store, &planned, &how, now).await?;
    let job = SummedJob::new(api.store.job(id).await?, api.store.job_summary(id).await?);
    let location: [(HeaderName, String); 1] = [(header::LOCATION, format!("{PREFIX}/backfill/jobs/{id}"))];
    Ok((StatusCode::ACCEPTED, AppendHeaders(location), Json(job)))
}
