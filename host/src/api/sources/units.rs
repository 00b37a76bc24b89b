//! `/sources/{id}/units`: what an upstream knows, and filling the registry from it.

use std::collections::BTreeSet;

use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    api::{
        auth::Operator,
        extract::{Body, Name},
        problem::Problem,
        state::Api,
    },
    domain::{Failure, Unit},
    importing::{
        self,
        catalogue::{self, Grouping, Selection},
    },
    source::Source,
    store::Imported,
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
    let listed = listed(&id, &source).await?;
    let registered: BTreeSet<_> = api.store.unit_codes(&id).await?.into_iter().collect();
    let known = |unit: Unit| KnownUnit { registered: registered.contains(&unit.code), unit };
    Ok(Json(listed.into_iter().map(known).collect()))
}

/// Which of an upstream's units to register, and where.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = UnitsToImport)]
pub(super) struct Wanted {
    /// The wind farm that they belong to. `{site}`, `{name}`, `{code}` or another attribute in braces stands for what a
    /// unit has there.
    #[schema(example = "{site}")]
    windfarm: String,
    /// Only these codes.
    codes: Option<BTreeSet<String>>,
    /// Only units with this text in their code, name or attributes.
    filter: Option<String>,
    /// Only what the wind turns.
    #[serde(default)]
    wind: bool,
    /// Only say what would be done.
    #[serde(default)]
    dry_run: bool,
}

/// What registering units did, or would do.
#[derive(Serialize, ToSchema)]
pub(super) struct UnitsImported {
    /// Whether nothing was changed.
    dry_run: bool,
    #[serde(flatten)]
    done: Imported,
    /// Codes that stay in the wind farm in which they are registered.
    elsewhere: Vec<String>,
    /// Codes that are left as they are, since several units share them.
    shared: Vec<String>,
}

/// Register units that a source's upstream knows. A unit that is registered keeps its wind farm, its name, and what the
/// upstream does not know of it; all are brought in, or none.
#[utoipa::path(post, path = "/sources/{id}/units/import", tag = "sources", request_body = Wanted,
    params(("id" = String, Path, description = "The source's id in the configuration.")),
    responses((status = 200, body = UnitsImported),
        (status = 409, description = "The source can't be called, or failed.", body = crate::api::problem::ProblemBody,
            content_type = "application/problem+json")))]
pub(super) async fn import(
    State(api): State<Api>,
    _: Operator,
    Name(id): Name,
    Body(wanted): Body<Wanted>,
) -> Result<Json<UnitsImported>, Problem> {
    let grouping = Grouping::parse(&wanted.windfarm).map_err(|why| Problem::field("/windfarm", why))?;
    let source = api.usable(&id)?;
    let selection = Selection { text: wanted.filter, wind: wanted.wind, attributes: Vec::new() };
    let mut units = selection.of(listed(&id, &source).await?);
    units.retain(|unit| wanted.codes.as_ref().is_none_or(|codes| codes.contains(&unit.code)));
    let sorted = catalogue::sort(&id, units, &grouping, &api.store.units_of_source(&id).await?);
    if let Some((code, field)) = sorted.ungrouped.first() {
        let count = sorted.ungrouped.len();
        let why = format!("{count} units have no {field:?} to be grouped by, of which the first is {code:?}");
        return Err(Problem::field("/windfarm", why));
    }
    let refused = catalogue::check(&source, &sorted.windfarms).await;
    if !refused.is_empty() {
        return Err(Problem::lines(refused.into_iter().map(|why| (None, why))));
    }
    let windfarms = importing::new_windfarms(sorted.windfarms);
    let done = match wanted.dry_run {
        true => api.store.try_import(&windfarms, api.store.now()).await?,
        false => api.store.import(&windfarms, api.store.now()).await?,
    };
    let (elsewhere, shared) = (sorted.elsewhere, sorted.shared);
    Ok(Json(UnitsImported { dry_run: wanted.dry_run, done, elsewhere, shared }))
}

/// What the source lists.
async fn listed(id: &str, source: &Source) -> Result<Vec<Unit>, Problem> {
    let Some(report) = source.list_units().await else { return Err(Problem::no_catalog(id)) };
    let failed = |why: String| Problem::conflict("source-failed", format!("source {id}: {why}"));
    match report.outcome {
        Ok(Ok(units)) => Ok(units),
        Ok(Err(failure @ (Failure::Unavailable(_) | Failure::RateLimited(_)))) => {
            Err(Problem::unavailable(format!("source {id}: {failure}")))
        }
        Ok(Err(failure)) => Err(failed(failure.to_string())),
        Err(fault) => Err(failed(fault.to_string())),
    }
}
