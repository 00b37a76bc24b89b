//! Elexon Insights: `/bmrs/api/v1`, the B1610 and PN streams and the list of units. No key.

mod bmunits;
mod streams;
mod window;

use std::sync::Arc;

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::json;

use crate::noise;
use crate::world::World;

pub(crate) fn routes() -> Router<Arc<World>> {
    Router::new()
        .route("/bmrs/api/v1/datasets/B1610/stream", get(streams::b1610))
        .route("/bmrs/api/v1/datasets/PN/stream", get(streams::pn))
        .route("/bmrs/api/v1/reference/bmunits/all", get(bmunits::all))
}

/// A parameter that can't be used: 400 with a problem document (RFC 9110).
#[derive(Debug)]
struct BadParameter {
    name: &'static str,
    reasons: Vec<String>,
}

impl IntoResponse for BadParameter {
    fn into_response(self) -> Response {
        let trace = noise::hash(self.name, self.reasons.len() as i64);
        let problem = json!({
            "type": "https://tools.ietf.org/html/rfc9110#section-15.5.1",
            "title": "One or more validation errors occurred.",
            "status": 400,
            "errors": { self.name: self.reasons },
            "traceId": format!("00-{trace:032x}-{trace:016x}-00"),
        });
        let content_type = [(header::CONTENT_TYPE, "application/problem+json; charset=utf-8")];
        (StatusCode::BAD_REQUEST, content_type, Json(problem).0.to_string()).into_response()
    }
}
