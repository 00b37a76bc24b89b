//! Answers that something was made, and where it is.

use axum::{
    Json,
    http::{HeaderName, StatusCode, header},
    response::{AppendHeaders, IntoResponse, Response},
};
use serde::Serialize;

use super::PREFIX;

/// 201, with what was made and its path below the prefix.
pub(super) struct Created<T> {
    /// `/windfarms/7`
    pub(super) path: String,
    /// What was made.
    pub(super) body: T,
}

impl<T: Serialize> IntoResponse for Created<T> {
    fn into_response(self) -> Response {
        let location: [(HeaderName, String); 1] = [(header::LOCATION, format!("{PREFIX}{}", self.path))];
        (StatusCode::CREATED, AppendHeaders(location), Json(self.body)).into_response()
    }
}
