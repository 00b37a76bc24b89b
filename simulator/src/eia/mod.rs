//! EIA API v2: `/v2/electricity/facility-fuel`, `…/operating-generator-capacity` and `…/rto/fuel-type-data`.

mod dataset;
mod error;
mod facility;
mod generators;
mod metadata;
mod page;
mod request;
mod rto;

use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde_json::{Value, json};

use crate::fault::effects::Content;
use crate::query::Query;
use crate::world::World;
use dataset::Dataset;
use error::Refusal;

pub(crate) async fn answer(
    State(world): State<Arc<World>>,
    Extension(content): Extension<Content>,
    Path(route): Path<String>,
    headers: HeaderMap,
    RawQuery(raw): RawQuery,
) -> Response {
    let query = Query::parse(raw.as_deref().unwrap_or_default());
    match document(&world, &content, &route, &headers, &query) {
        Ok(document) => Json(document).into_response(),
        Err(refusal) => refusal.into_response(),
    }
}

fn document(
    world: &World,
    content: &Content,
    route: &str,
    headers: &HeaderMap,
    query: &Query,
) -> Result<Value, Refusal> {
    check_key(world, headers, query)?;
    let route = route.trim_end_matches('/');
    let (dataset, rest) = Dataset::of_route(route).ok_or(Refusal::NotFound)?;
    let response = match rest.strip_prefix('/').unwrap_or(rest).split_once('/') {
        None if rest.is_empty() => metadata::of(dataset, world.now()),
        None if rest == "/data" => page::of(world, content, dataset, query)?,
        Some(("facet", facet)) => metadata::facet(world, dataset, facet).ok_or(Refusal::NotFound)?,
        _ => return Err(Refusal::NotFound),
    };
    Ok(json!({
        "response": response,
        // The key comes back with the parameters, as it did in the versions of 2025.
        "request": { "command": format!("/v2/{route}/"), "params": request::echo(query) },
        "apiVersion": "2.1.8",
        "ExcelAddInVersion": "2.1.0",
    }))
}

/// The key is documented as a parameter; the header works too.
fn check_key(world: &World, headers: &HeaderMap, query: &Query) -> Result<(), Refusal> {
    let Some(key) = world.options.eia_key.as_deref() else { return Ok(()) };
    let header = headers.get("X-Api-Key").and_then(|value| value.to_str().ok());
    match query.get("api_key").or(header) {
        None => Err(Refusal::KeyMissing),
        Some(given) if given == key => Ok(()),
        Some(_) => Err(Refusal::KeyInvalid),
    }
}
