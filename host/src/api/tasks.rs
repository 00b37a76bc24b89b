//! Tasks: one unit's month of a job, its attempts, what its source said, and the answers that it rests on.

use axum::{
    Json,
    extract::{OriginalUri, State},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    auth::Viewer,
    extract::{Id, Params},
    page::{self, Page},
    problem::Problem,
    state::Api,
};
use crate::store::{Attempt, LogLine, RegisteredUnit, Rejection, Task, UsedAnswer};

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(show))
        .routes(routes!(attempts))
        .routes(routes!(logs))
        .routes(routes!(answers))
}

/// A task with its unit.
#[derive(Serialize, ToSchema)]
struct TaskDetail {
    #[serde(flatten)]
    task: Task,
    /// Its unit.
    generation_unit: RegisteredUnit,
    /// What its last attempt returned and was not fit to be stored, by reason.
    rejections: Vec<Rejection>,
}

/// Which lines.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Which {
    /// At most so many.
    #[param(minimum = 1, maximum = 100, default = 100)]
    limit: Option<u32>,
    /// The page after this place.
    #[param(minimum = 1)]
    cursor: Option<i64>,
}

/// Show a task.
#[utoipa::path(get, path = "/backfill/tasks/{id}", tag = "tasks",
    params(("id" = i64, Path, description = "The task.", minimum = 1)),
    responses((status = 200, body = TaskDetail)))]
async fn show(State(api): State<Api>, _: Viewer, Id(id): Id) -> Result<Json<TaskDetail>, Problem> {
    let task = api.store.task(id).await?;
    let generation_unit = api.store.unit(task.generation_unit_id).await?;
    let rejections = api.store.rejections(id).await?;
    Ok(Json(TaskDetail { task, generation_unit, rejections }))
}

/// List the attempts of a task, the first one first.
#[utoipa::path(get, path = "/backfill/tasks/{id}/attempts", tag = "tasks",
    params(("id" = i64, Path, description = "The task.", minimum = 1)),
    responses((status = 200, body = [Attempt])))]
async fn attempts(State(api): State<Api>, _: Viewer, Id(id): Id) -> Result<Json<Vec<Attempt>>, Problem> {
    api.store.task(id).await?;
    Ok(Json(api.store.attempts(id).await?))
}

/// List what a task's source said while it ran.
#[utoipa::path(get, path = "/backfill/tasks/{id}/logs", tag = "tasks",
    params(("id" = i64, Path, description = "The task.", minimum = 1), Which),
    responses((status = 200, body = [LogLine], headers(
        ("X-Next-Cursor" = i64, description = "The `cursor` of the next page, if there is one."),
        ("Link" = String, description = "The next page, `rel=\"next\"`, if there is one.")))))]
async fn logs(
    State(api): State<Api>,
    _: Viewer,
    Id(id): Id,
    OriginalUri(uri): OriginalUri,
    Params(which): Params<Which>,
) -> Result<Page<LogLine>, Problem> {
    let limit = page::limit(which.limit)?;
    api.store.task(id).await?;
    let items = api.store.logs(id, which.cursor.unwrap_or(0), limit).await?;
    let next = page::next(&items, limit, |line| line.id);
    Ok(Page { items, total: None, next, uri })
}

/// List the upstream's answers that a task's attempts used, without secrets.
#[utoipa::path(get, path = "/backfill/tasks/{id}/answers", tag = "tasks",
    params(("id" = i64, Path, description = "The task.", minimum = 1)),
    responses((status = 200, body = [UsedAnswer])))]
async fn answers(State(api): State<Api>, _: Viewer, Id(id): Id) -> Result<Json<Vec<UsedAnswer>>, Problem> {
    api.store.task(id).await?;
    Ok(Json(api.store.task_answers(id).await?))
}
