//! Worker processes, and what each does.

use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{auth::Viewer, extract::Params, page, problem::Problem, state::Api};
use crate::store::{EndedAttempts, Instant, RunningTask, Worker, WorkerLoad};

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(list))
}

/// How many workers.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct HowMany {
    /// At most so many.
    #[param(minimum = 1, maximum = 100, default = 100)]
    limit: Option<u32>,
}

/// A worker process.
#[derive(Serialize, ToSchema)]
#[schema(as = WorkerStatus)]
struct WorkerView {
    #[serde(flatten)]
    worker: Worker,
    /// Whether it gave a sign of life within the length of a lease, and did not say that it stopped.
    alive: bool,
    /// Tasks that it has under way.
    running: i64,
    /// These tasks, the one that began first at the beginning; of all workers together, no more than 200.
    tasks: Vec<RunningTask>,
    /// What came of its attempts that ended lately.
    recent: RecentAttempts,
}

/// What came of a worker's attempts in the last hour, or in the time in which all workers together began 10,000.
#[derive(Serialize, ToSchema)]
struct RecentAttempts {
    /// Since when they are counted.
    since: Instant,
    #[serde(flatten)]
    ended: EndedAttempts,
}

/// So many tasks are named.
const NAMED: u32 = 200;

/// List worker processes, the one that gave the latest sign of life first.
#[utoipa::path(get, path = "/workers", tag = "operations", params(HowMany),
    responses((status = 200, body = [WorkerView])))]
async fn list(
    State(api): State<Api>,
    _: Viewer,
    Params(many): Params<HowMany>,
) -> Result<Json<Vec<WorkerView>>, Problem> {
    let now = api.store.now();
    let silent_since = now - api.config.worker.lease;
    let loads = api.store.worker_loads(page::limit(many.limit)?).await?;
    let activity = api.store.worker_activity(NAMED, now).await?;
    let view = |WorkerLoad { worker, running }| WorkerView {
        alive: worker.stopped_at.is_none() && worker.heartbeat_at.utc() >= silent_since,
        running,
        tasks: activity.running.iter().filter(|task| task.worker == worker.id).cloned().collect(),
        recent: RecentAttempts {
            since: activity.since,
            ended: activity.ended.iter().find(|of| of.worker == worker.id).cloned().unwrap_or_default(),
        },
        worker,
    };
    Ok(Json(loads.into_iter().map(view).collect()))
}
