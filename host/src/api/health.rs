//! Whether this host lives, and whether it can work: for load balancers and supervisors.

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::state::Api;

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
    match api.store.check().await {
        Ok(()) => Json(Health { status: "ready", detail: None }).into_response(),
        Err(error) => {
            let answer = Json(Health { status: "not ready", detail: Some(error.to_string()) });
            (StatusCode::SERVICE_UNAVAILABLE, answer).into_response()
        }
    }
}
