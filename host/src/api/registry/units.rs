//! Generation units: each is checked by its source before it is kept.

use std::collections::BTreeMap;

use axum::{
    Json,
    extract::{OriginalUri, State},
    http::StatusCode,
};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::search;
use crate::{
    api::{
        auth::{Operator, Viewer},
        created::Created,
        extract::{Body, Id, Params, given},
        page::{self, Page},
        problem::{Misfit, Problem, misfit},
        schema,
        state::Api,
    },
    domain::Unit,
    importing::{self, Verdict},
    store::{NewUnit, RegistryFilter, StoreError, UnitChange, UnitRecord},
};

/// Which units, and which page of them.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Which {
    /// Only those whose name holds this, in upper or lower case.
    #[param(min_length = 1, max_length = 200)]
    q: Option<String>,
    /// Only those of this wind farm.
    windfarm_id: Option<i64>,
    /// Only those that this source serves.
    #[param(example = "entsoe")]
    source: Option<String>,
    /// Only those that are planned for, or only those that are not.
    active: Option<bool>,
    /// At most so many.
    #[param(minimum = 1, maximum = 100, default = 100)]
    limit: Option<u32>,
    /// Passes over so many; `cursor` is quicker.
    #[param(minimum = 0, maximum = 2_147_483_647)]
    offset: Option<u32>,
    /// The page after this place, as `X-Next-Cursor` and `Link` said.
    #[param(minimum = 1)]
    cursor: Option<i64>,
}

/// A unit to enter.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewGenerationUnit {
    /// The wind farm that it belongs to.
    #[schema(minimum = 1)]
    windfarm_id: i64,
    /// Id of the source that serves it.
    #[schema(min_length = 1, max_length = 64, pattern = "^[a-z][a-z0-9-]*$", example = "elexon")]
    source: String,
    /// The upstream's own identifier: an EIC, a BM unit, a plant code, a station name.
    #[schema(schema_with = schema::plain)]
    code: String,
    /// What people call it; its code if nothing is said.
    #[schema(schema_with = schema::plain_or_null)]
    name: Option<String>,
    /// Rated capacity in MW, where it is known.
    #[schema(exclusive_minimum = 0.0)]
    capacity_mw: Option<f64>,
    /// What its source reads. `share`, above 0 and at most 1, is its part of what the upstream reports for the code;
    /// units with one code must have it.
    #[serde(default)]
    #[schema(schema_with = schema::texts)]
    attributes: BTreeMap<String, String>,
    /// Whether it is planned for.
    #[serde(default = "yes")]
    #[schema(default = true)]
    active: bool,
}

const fn yes() -> bool {
    true
}

/// What to change of a unit; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = GenerationUnitChange)]
pub(super) struct Change {
    /// Another code; refused once something is stored for the unit.
    #[schema(schema_with = schema::plain_or_null)]
    code: Option<String>,
    /// What people call it.
    #[schema(schema_with = schema::plain_or_null)]
    name: Option<String>,
    /// Rated capacity in MW; null if it is not known.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<f64>, exclusive_minimum = 0.0)]
    capacity_mw: Option<Option<f64>>,
    /// All of its attributes.
    #[schema(schema_with = schema::texts_or_null)]
    attributes: Option<BTreeMap<String, String>>,
    /// Whether it is planned for.
    active: Option<bool>,
}

/// List generation units, in the order of their ids.
#[utoipa::path(get, path = "/generation-units", tag = "registry", params(Which),
    responses((status = 200, body = [UnitRecord], headers(
        ("X-Total-Count" = i64, description = "How many there are on all pages."),
        ("X-Next-Cursor" = i64, description = "The `cursor` of the next page, if there is one."),
        ("Link" = String, description = "The next page, `rel=\"next\"`, if there is one.")))))]
pub(super) async fn list(
    State(api): State<Api>,
    _: Viewer,
    OriginalUri(uri): OriginalUri,
    Params(which): Params<Which>,
) -> Result<Page<UnitRecord>, Problem> {
    let limit = page::limit(which.limit)?;
    let filter = RegistryFilter {
        name: search(which.q)?,
        windfarm_id: which.windfarm_id,
        source: which.source,
        active: which.active,
        after: which.cursor,
        offset: which.offset.unwrap_or(0),
        limit: Some(limit),
    };
    let found = api.store.unit_list(&filter).await?;
    let next = page::next(&found.items, limit, |unit| unit.id);
    Ok(Page { items: found.items, total: Some(found.total), next, uri })
}

/// Enter a generation unit, once its source says that it can use its code and attributes.
#[utoipa::path(post, path = "/generation-units", tag = "registry", request_body = NewGenerationUnit,
    responses((status = 201, body = UnitRecord, headers(("Location" = String, description = "The unit.")))))]
pub(super) async fn create(
    State(api): State<Api>,
    _: Operator,
    Body(new): Body<NewGenerationUnit>,
) -> Result<Created<UnitRecord>, Problem> {
    let unit = Unit {
        name: new.name.unwrap_or_else(|| new.code.clone()),
        code: new.code,
        capacity_mw: new.capacity_mw,
        attributes: new.attributes,
    };
    let wrong = [api.misfit_of_source(&new.source), misfit_of_unit(&unit)];
    Problem::unless_fit(wrong.into_iter().flatten().collect())?;
    api.check_unit(&new.source, &unit).await?;
    let unit = NewUnit { source: new.source, unit, active: Some(new.active) };
    let made = api.store.create_unit(new.windfarm_id, &unit, api.store.now()).await;
    let body = made.map_err(|error| match error {
        StoreError::NotFound { .. } => Problem::field("/windfarm_id", error.to_string()),
        other => other.into(),
    })?;
    Ok(Created { path: format!("/generation-units/{}", body.id), body })
}

/// Show a generation unit.
#[utoipa::path(get, path = "/generation-units/{id}", tag = "registry",
    params(("id" = i64, Path, description = "The unit.", minimum = 1)),
    responses((status = 200, body = UnitRecord)))]
pub(super) async fn show(State(api): State<Api>, _: Viewer, Id(id): Id) -> Result<Json<UnitRecord>, Problem> {
    Ok(Json(api.store.unit_record(id).await?))
}

/// Change a generation unit. Months that failed for good before are planned again.
#[utoipa::path(patch, path = "/generation-units/{id}", tag = "registry", request_body = Change,
    params(("id" = i64, Path, description = "The unit.", minimum = 1)),
    responses((status = 200, body = UnitRecord)))]
pub(super) async fn change(
    State(api): State<Api>,
    _: Operator,
    Id(id): Id,
    Body(change): Body<Change>,
) -> Result<Json<UnitRecord>, Problem> {
    let change = UnitChange {
        code: change.code,
        name: change.name,
        capacity_mw: change.capacity_mw,
        attributes: change.attributes,
        active: change.active,
    };
    let old = api.store.unit_record(id).await?;
    let unit = change.applied(old.unit());
    // One that its source refuses by now can still be turned off.
    if unit != old.unit() {
        api.check_unit(&old.source, &unit).await?;
    }
    Ok(Json(api.store.change_unit(id, &change, || api.store.now()).await?))
}

/// Forget a generation unit that nothing was ever asked or stored for; others are to be deactivated.
#[utoipa::path(delete, path = "/generation-units/{id}", tag = "registry",
    params(("id" = i64, Path, description = "The unit.", minimum = 1)),
    responses((status = 204, description = "It is gone.")))]
pub(super) async fn delete(State(api): State<Api>, _: Operator, Id(id): Id) -> Result<StatusCode, Problem> {
    api.store.delete_unit(id).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl Api {
    fn misfit_of_source(&self, id: &str) -> Option<Misfit> {
        let known = self.registry.ids();
        let detail = format!("the configuration has no such source; it has {}", known.join(", "));
        (!known.iter().any(|other| other == id)).then(|| misfit("/source", detail))
    }

    /// Refuses a unit that nobody could keep, or that its source can't use.
    async fn check_unit(&self, source: &str, unit: &Unit) -> Result<(), Problem> {
        Problem::unless_fit(misfit_of_unit(unit).into_iter().collect())?;
        match importing::check_unit(&self.registry, source, unit).await {
            Verdict::Fit => Ok(()),
            Verdict::Unfit(why) => Err(Problem::field("/code", why)),
            Verdict::Unchecked => {
                tracing::warn!(source, "the source can't be used now, so a unit of it is kept unchecked");
                Ok(())
            }
        }
    }
}

/// Why nobody could keep a unit.
fn misfit_of_unit(unit: &Unit) -> Option<Misfit> {
    unit.unfit().map(|(field, why)| misfit(format!("/{field}"), why))
}
