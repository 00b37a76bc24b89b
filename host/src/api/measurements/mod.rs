//! What was measured: read out in any resolution, and each value traced to where it comes from.

mod ask;
mod stream;
mod trace;

use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
};
use utoipa_axum::{router::OpenApiRouter, routes};

use self::ask::Ask;
use super::{
    auth::Viewer,
    extract::Params,
    problem::{Problem, ProblemBody},
    state::Api,
};
use crate::export::{Format, JsonBody};

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(measurements)).routes(routes!(trace::trace))
}

/// Read measurements: as they are stored, or gathered into hours, days or months; as JSON, CSV or Parquet.
///
/// Series are never added up. An interval that reaches over the end of a bucket is divided by time; power that was read
/// at instants is averaged reading by reading. Buckets without a value are left out, and `coverage` says which part of
/// a bucket its value is about. Values as they are stored belong to the span that they start in. Answers are streamed;
/// one that breaks off was not finished.
#[utoipa::path(get, path = "/measurements", tag = "measurements", params(Ask),
    responses(
        (status = 200, description = "The values, by unit, series and start.", content(
            (JsonBody = "application/json"),
            (String = "text/csv"),
            (String = "application/vnd.apache.parquet"))),
        (status = 404, description = "There is no such wind farm or unit.", body = ProblemBody,
         content_type = "application/problem+json")))]
async fn measurements(
    State(api): State<Api>,
    _: Viewer,
    headers: HeaderMap,
    Params(ask): Params<Ask>,
) -> Result<Response, Problem> {
    let wanted = ask.wanted(&headers, api.store.now())?;
    if let Some(id) = wanted.filter.windfarm_id {
        api.store.windfarm(id).await?;
    }
    // Refuses units that there are not.
    api.store.windfarms_of_units(&wanted.filter.unit_ids).await?;
    let (kind, name) = match wanted.format {
        Format::Json => ("application/json", None),
        Format::Csv => ("text/csv; charset=utf-8", Some("attachment; filename=\"measurements.csv\"")),
        Format::Parquet => {
            ("application/vnd.apache.parquet", Some("attachment; filename=\"measurements.parquet\""))
        }
    };
    let mut response = stream::body(api, wanted).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::VARY, HeaderValue::from_static("accept"));
    if let Some(name) = name {
        headers.insert(header::CONTENT_DISPOSITION, HeaderValue::from_static(name));
    }
    Ok(response)
}
