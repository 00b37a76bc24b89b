//! `GET /measurements/trace`: where a value comes from.

use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use utoipa::IntoParams;

use super::ask::in_calendar;
use crate::{
    api::{
        auth::Viewer,
        extract::Params,
        problem::{Problem, ProblemBody},
        state::Api,
    },
    store::Trace,
};

/// Which value.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Which {
    /// Its series.
    #[param(minimum = 1)]
    series_id: i64,
    /// The start of its interval, as it is stored.
    #[param(example = "2024-01-31T23:00:00Z")]
    start: DateTime<Utc>,
}

/// Trace a value: what it was before, who wrote it, with which component, and the upstream's answers that it rests on.
#[utoipa::path(get, path = "/measurements/trace", tag = "measurements", params(Which),
    responses((status = 200, body = Trace),
              (status = 404, description = "There is no such value.", body = ProblemBody,
               content_type = "application/problem+json")))]
pub(super) async fn trace(
    State(api): State<Api>,
    _: Viewer,
    Params(which): Params<Which>,
) -> Result<Json<Trace>, Problem> {
    let start = in_calendar(which.start).map_err(|why| Problem::parameter("start", why))?;
    Ok(Json(api.store.trace(which.series_id, start.timestamp()).await?))
}
