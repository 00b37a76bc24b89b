//! Whether this host lives, and whether it can work: for load balancers and supervisors.

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::json;

use crate::store::Store;

/// The process answers.
pub(super) async fn alive() -> Json<serde_json::Value> {
    Json(json!({ "status": "ok" }))
}

/// The store can be reached, and its schema is the one that this program knows; else 503 with the reason.
pub(super) async fn ready(State(store): State<Store>) -> Response {
    match store.check().await {
        Ok(()) => Json(json!({ "status": "ready" })).into_response(),
        Err(error) => {
            let answer = Json(json!({ "status": "not ready", "detail": error.to_string() }));
            (StatusCode::SERVICE_UNAVAILABLE, answer).into_response()
        }
    }
}
