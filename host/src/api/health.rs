//! Whether this host lives, and whether it can work: for load balancers and supervisors.

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use chrono::TimeDelta;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::state::Api;
use crate::store::{StoreError, Worker};

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(alive)).routes(routes!(ready))
}

/// How this host is.
#[derive(Serialize, ToSchema)]
struct Health {
    /// `ok`, `ready` or `not ready`.
    status: &'static str,
    /// What is amiss.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

/// The process answers.
#[utoipa::path(get, path = "/healthz", tag = "health", responses((status = 200, body = Health)))]
async fn alive() -> Json<Health> {
    Json(Health { status: "ok", detail: None })
}

/// Whether this host can work: the store can be reached, its schema is the one that this program knows, and tasks that
/// are ready are claimed.
#[utoipa::path(get, path = "/readyz", tag = "health",
    responses((status = 200, body = Health), (status = 503, body = Health, description = "`detail` says what is amiss.")))]
async fn ready(State(api): State<Api>) -> Response {
    let amiss = match api.store.check().await {
        Ok(()) => idle(&api).await,
        Err(error) => Err(error),
    };
    let detail = match amiss {
        Ok(None) => return Json(Health { status: "ready", detail: None }).into_response(),
        Ok(Some(detail)) => detail,
        Err(error) => unusable(&error).to_owned(),
    };
    (StatusCode::SERVICE_UNAVAILABLE, Json(Health { status: "not ready", detail: Some(detail) }))
        .into_response()
}

/// What is amiss with the database, for anybody: where it is and what it says is in the log.
fn unusable(error: &StoreError) -> &'static str {
    tracing::warn!("not ready: {error}");
    match error {
        StoreError::SchemaNewer { .. } | StoreError::SchemaOlder { .. } | StoreError::NoSchema { .. } => {
            "the database's schema is not the one that this program knows; see the host's log"
        }
        _ => "the database can't be used for now; see the host's log",
    }
}

/// Why nothing is claimed, if that is so: the worker of this host does not get to look for tasks, or no worker lives
/// that would. Two leases: by then a live one has given several signs of life.
async fn idle(api: &Api) -> Result<Option<String>, StoreError> {
    let patience = api.config.worker.lease * 2;
    let long = humantime::format_duration(patience);
    if api.last_look.ago() > patience {
        return Ok(Some(format!(
            "this host has not looked for tasks for {long}, so it claims nothing; see its log"
        )));
    }
    let silent_since =
        TimeDelta::from_std(patience).ok().and_then(|span| api.store.now().checked_sub_signed(span));
    let lives = |worker: &Worker| {
        worker.serves
            && worker.stopped_at.is_none()
            && silent_since.is_none_or(|since| worker.heartbeat_at.utc() >= since)
    };
    let moving = api.store.workers().await?.iter().any(lives);
    Ok((!moving).then(|| {
        format!("no worker has given a sign of life for {long}, so nothing is claimed; see `backfill status`")
    }))
}
