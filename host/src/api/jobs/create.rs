//! `POST /backfill/jobs`: a job with all its tasks, in one transaction.

use axum::{
    Extension, Json,
    extract::State,
    http::{HeaderName, StatusCode, header},
    response::AppendHeaders,
};

use super::{ask::NewBackfill, view::SummedJob};
use crate::{
    api::{PREFIX, auth::Operator, extract::Body, problem::Problem, state::Api},
    planning::{self, HowToRun},
    store::Turn,
};

/// A job that was made, and where it is.
type Made = (StatusCode, AppendHeaders<[(HeaderName, String); 1]>, Json<SummedJob>);

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
    turn: Option<Extension<Turn>>,
    Body(ask): Body<NewBackfill>,
) -> Result<Made, Problem> {
    let turn = turn.map(|Extension(turn)| turn);
    if let Some(id) = turn.as_ref().and_then(|turn| turn.job_id) {
        // Whoever made it for the same request did not come to say so.
        return made(&api, id).await;
    }
    let wanted = ask.wanted()?;
    let now = api.store.now();
    let planned = planning::preview(&api.store, &api.registry, wanted, now).await?;
    let how = HowToRun {
        priority: ask.priority,
        max_concurrency: ask.max_concurrency,
        max_attempts: api.config.worker.retry.attempts,
        created_by_id: Some(caller.user_id),
        plan_hash: ask.plan_hash,
        max_open_tasks: api.config.server.max_open_tasks,
        turn,
    };
    let id = planning::create(&api.store, &planned, &how, now).await?;
    made(&api, id).await
}

/// Answers with a job that was made.
async fn made(api: &Api, id: i64) -> Result<Made, Problem> {
    let job = SummedJob::new(api.store.job(id).await?, api.store.job_summary(id).await?);
    let location: [(HeaderName, String); 1] = [(header::LOCATION, format!("{PREFIX}/backfill/jobs/{id}"))];
    Ok((StatusCode::ACCEPTED, AppendHeaders(location), Json(job)))
}
