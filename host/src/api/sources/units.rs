//! `GET /sources/{id}/units`: what an upstream knows, to fill the registry from.

use std::collections::BTreeSet;

use axum::{Json, extract::State};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    api::{auth::Operator, extract::Name, problem::Problem, state::Api},
    domain::{Failure, Unit},
};

/// A unit that an upstream knows.
#[derive(Serialize, ToSchema)]
pub(super) struct KnownUnit {
    #[serde(flatten)]
    unit: Unit,
    /// Whether the registry has a unit of this source with this code.
    registered: bool,
}

/// List the units that a source's upstream knows. Not every source can tell; its requests count against its
/// allowance.
#[utoipa::path(get, path = "/sources/{id}/units", tag = "sources",
    params(("id" = String, Path, description = "The source's id in the configuration.")),
    responses((status = 200, body = [KnownUnit]),
        (status = 409, description = "The source can't be called, or failed.", body = crate::api::problem::ProblemBody,
            content_type = "application/problem+json")))]
pub(super) async fn units(
    State(api): State<Api>,
    _: Operator,
    Name(id): Name,
) -> Result<Json<Vec<KnownUnit>>, Problem> {
    let source = api.usable(&id)?;
    let Some(report) = source.list_units().await else {
        return Err(Problem::no_catalog(&id));
    };
    let failed = |why: String| Problem::conflict("source-failed", format!("source {id}: {why}"));
    let listed = match report.outcome {
        Ok(Ok(units)) => units,
        Ok(Err(failure @ (Failure::Unavailable(_) | Failure::RateLimited(_)))) => {
            return Err(Problem::unavailable(format!("source {id}: {failure}")));
        }
        Ok(Err(failure)) => return Err(failed(failure.to_string())),
        Err(fault) => return Err(failed(fault.to_string())),
    };
    let registered: BTreeSet<_> = api.store.unit_codes(&id).await?.into_iter().collect();
    let known = |unit: Unit| KnownUnit { registered: registered.contains(&unit.code), unit };
    Ok(Json(listed.into_iter().map(known).collect()))
}
