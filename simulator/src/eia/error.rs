//! The EIA's error bodies.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

#[derive(Debug)]
pub(super) enum Refusal {
    KeyMissing,
    KeyInvalid,
    NotFound,
    /// A parameter that can't be used, in the EIA's words.
    BadParameter(String),
}

impl Refusal {
    /// "Invalid frequency 'x' provided. The only valid frequencies are 'monthly'."
    pub(super) fn invalid(what: &str, given: &str, plural: &str, valid: &[&str]) -> Refusal {
        let valid: Vec<_> = valid.iter().map(|name| format!("'{name}'")).collect();
        let valid = valid.join(", ");
        Refusal::BadParameter(format!(
            "Invalid {what} '{given}' provided. The only valid {plural} are {valid}."
        ))
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, body) = match self {
            Refusal::KeyMissing => (
                StatusCode::FORBIDDEN,
                json!({ "error": {
                    "code": "API_KEY_MISSING",
                    "message": "No api_key was supplied.  Please register for one at https://www.eia.gov/opendata/register.php",
                }}),
            ),
            Refusal::KeyInvalid => (
                StatusCode::FORBIDDEN,
                json!({ "error": {
                    "code": "API_KEY_INVALID",
                    "message": "An invalid api_key was supplied. Get one at https://api.eia.gov:443",
                }}),
            ),
            Refusal::NotFound => (StatusCode::NOT_FOUND, json!({ "error": "Not found.", "code": 404 })),
            Refusal::BadParameter(text) => (StatusCode::BAD_REQUEST, json!({ "error": text, "code": 400 })),
        };
        (status, Json(body)).into_response()
    }
}
