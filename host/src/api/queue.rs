//! The queue: what waits, what keeps it, and the emergency stop.

use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    auth::{Admin, Viewer},
    extract::Body,
    problem::Problem,
    schema,
    state::Api,
};
use crate::{
    domain::{Priority, unfit_text},
    store::{self, Purged, SourceQueue},
};

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(show)).routes(routes!(purge))
}

/// What to take from the queue, and why.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Purge {
    /// Why; kept with every task and job.
    #[schema(schema_with = schema::plain)]
    reason: String,
    /// Only tasks of this source.
    #[schema(max_length = 64)]
    source: Option<String>,
    /// Only tasks of jobs of this priority.
    priority: Option<Priority>,
}

/// What was taken from the queue.
#[derive(Serialize, ToSchema)]
struct PurgeReport {
    /// Tasks that will not run.
    tasks: i64,
    /// Job by job.
    jobs: Vec<Purged>,
}

/// Show what waits, source by source, and what keeps it from being worked off.
#[utoipa::path(get, path = "/queue", tag = "operations", responses((status = 200, body = [SourceQueue])))]
async fn show(State(api): State<Api>, _: Viewer) -> Result<Json<Vec<SourceQueue>>, Problem> {
    Ok(Json(api.store.queue(api.store.now()).await?))
}

/// Take every task that waits from the queue, in an emergency. What runs ends as it would. For admins.
#[utoipa::path(post, path = "/queue/purge", tag = "operations", request_body = Purge,
    responses((status = 200, body = PurgeReport)))]
async fn purge(
    State(api): State<Api>,
    Admin(caller): Admin,
    Body(purge): Body<Purge>,
) -> Result<Json<PurgeReport>, Problem> {
    if let Some(why) = unfit_text(&purge.reason, 1) {
        return Err(Problem::field("/reason", why));
    }
    let what = store::Purge {
        reason: &purge.reason,
        by: &caller.name,
        source: purge.source.as_deref(),
        priority: purge.priority,
    };
    let jobs = api.store.purge_queue(&what, api.store.now()).await?;
    Ok(Json(PurgeReport { tasks: jobs.iter().map(|job| job.tasks).sum(), jobs }))
}
