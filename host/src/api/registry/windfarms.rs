//! Wind farms.

use std::collections::BTreeMap;

use axum::{
    Json,
    extract::{OriginalUri, State},
    http::StatusCode,
};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::{misfit_of_name, search};
use crate::{
    api::{
        auth::{Operator, Viewer},
        created::Created,
        extract::{Body, Id, Params},
        page::{self, Page},
        problem::{Misfit, Problem, misfit},
        schema,
        state::Api,
    },
    domain::unfit_text,
    store::{RegistryFilter, WindfarmChange, WindfarmRecord},
};

/// Which wind farms, and which page of them.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Which {
    /// Only those whose name holds this, in upper or lower case.
    #[param(min_length = 1, max_length = 200, example = "horns")]
    q: Option<String>,
    /// Only those with units of this source.
    source: Option<String>,
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

/// A wind farm to enter.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewWindfarm {
    /// Unique name.
    #[schema(schema_with = schema::plain)]
    name: String,
    /// What else is known of it, as texts.
    #[serde(default)]
    #[schema(schema_with = schema::texts)]
    metadata: BTreeMap<String, String>,
}

/// What to change of a wind farm; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = WindfarmChange)]
pub(super) struct Change {
    /// Unique name.
    #[schema(schema_with = schema::plain_or_null)]
    name: Option<String>,
    /// All that is known of it besides, as texts.
    #[schema(schema_with = schema::texts_or_null)]
    metadata: Option<BTreeMap<String, String>>,
}

/// List wind farms, in the order of their ids.
#[utoipa::path(get, path = "/windfarms", tag = "registry", params(Which),
    responses((status = 200, body = [WindfarmRecord], headers(
        ("X-Total-Count" = i64, description = "How many there are on all pages."),
        ("X-Next-Cursor" = i64, description = "The `cursor` of the next page, if there is one."),
        ("Link" = String, description = "The next page, `rel=\"next\"`, if there is one.")))))]
pub(super) async fn list(
    State(api): State<Api>,
    _: Viewer,
    OriginalUri(uri): OriginalUri,
    Params(which): Params<Which>,
) -> Result<Page<WindfarmRecord>, Problem> {
    let limit = page::limit(which.limit)?;
    let filter = RegistryFilter {
        name: search(which.q)?,
        source: which.source,
        after: which.cursor,
        offset: which.offset.unwrap_or(0),
        limit: Some(limit),
        ..RegistryFilter::default()
    };
    let found = api.store.windfarm_list(&filter).await?;
    let next = page::next(&found.items, limit, |farm| farm.id);
    Ok(Page { items: found.items, total: Some(found.total), next, uri })
}

/// Enter a wind farm.
#[utoipa::path(post, path = "/windfarms", tag = "registry", request_body = NewWindfarm,
    responses((status = 201, body = WindfarmRecord,
        headers(("Location" = String, description = "The wind farm.")))))]
pub(super) async fn create(
    State(api): State<Api>,
    _: Operator,
    Body(new): Body<NewWindfarm>,
) -> Result<Created<WindfarmRecord>, Problem> {
    let wrong = [misfit_of_name(&new.name), misfit_of_metadata(&new.metadata)];
    Problem::unless_fit(wrong.into_iter().flatten().collect())?;
    let body = api.store.create_windfarm(&new.name, &new.metadata, api.store.now()).await?;
    Ok(Created { path: format!("/windfarms/{}", body.id), body })
}

/// Show a wind farm.
#[utoipa::path(get, path = "/windfarms/{id}", tag = "registry",
    params(("id" = i64, Path, description = "The wind farm.", minimum = 1)),
    responses((status = 200, body = WindfarmRecord)))]
pub(super) async fn show(
    State(api): State<Api>,
    _: Viewer,
    Id(id): Id,
) -> Result<Json<WindfarmRecord>, Problem> {
    Ok(Json(api.store.windfarm_record(id).await?))
}

/// Change a wind farm's name or what else is known of it.
#[utoipa::path(patch, path = "/windfarms/{id}", tag = "registry", request_body = Change,
    params(("id" = i64, Path, description = "The wind farm.", minimum = 1)),
    responses((status = 200, body = WindfarmRecord)))]
pub(super) async fn change(
    State(api): State<Api>,
    _: Operator,
    Id(id): Id,
    Body(change): Body<Change>,
) -> Result<Json<WindfarmRecord>, Problem> {
    let wrong = [
        change.name.as_deref().and_then(misfit_of_name),
        change.metadata.as_ref().and_then(misfit_of_metadata),
    ];
    Problem::unless_fit(wrong.into_iter().flatten().collect())?;
    let change = WindfarmChange { name: change.name, metadata: change.metadata };
    Ok(Json(api.store.change_windfarm(id, &change, api.store.now()).await?))
}

/// Forget a wind farm that has no units and that no job ever filled.
#[utoipa::path(delete, path = "/windfarms/{id}", tag = "registry",
    params(("id" = i64, Path, description = "The wind farm.", minimum = 1)),
    responses((status = 204, description = "It is gone.")))]
pub(super) async fn delete(State(api): State<Api>, _: Operator, Id(id): Id) -> Result<StatusCode, Problem> {
    api.store.delete_windfarm(id).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn misfit_of_metadata(metadata: &BTreeMap<String, String>) -> Option<Misfit> {
    let unfit = |(name, value): (&String, &String)| unfit_text(name, 1).or_else(|| unfit_text(value, 0));
    let why = metadata.iter().find_map(unfit)?;
    Some(misfit("/metadata", format!("a name or a value: {why}")))
}
