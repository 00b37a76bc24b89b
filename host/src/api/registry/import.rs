//! `POST /windfarms/import`: a registry file, as `backfill import` takes it.

use std::{collections::BTreeMap, path::Path};

use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{
    api::{
        auth::Operator,
        extract::{Csv, Params},
        problem::Problem,
        state::Api,
    },
    importing, registry_file,
    store::Imported,
};

/// What the text is called in messages; its ending says what it is.
const FILE: &str = "registry.csv";

/// The most units that one request brings in: they are one transaction.
const MOST_UNITS: usize = 10_000;

/// How to bring it in.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct How {
    /// Only say what would be done.
    #[serde(default)]
    #[param(default = false)]
    dry_run: bool,
}

/// What an import did, or would do.
#[derive(Serialize, ToSchema)]
pub(super) struct ImportReport {
    /// Whether nothing was changed.
    dry_run: bool,
    #[serde(flatten)]
    done: Imported,
    /// How many units could not be checked, by source, since the source can't be used now.
    unchecked: BTreeMap<String, u64>,
}

/// Import wind farms and units from CSV: columns `windfarm`, `source`, `code`, `name`, `capacity_mw`; any further
/// column is an attribute. All of it is imported, or nothing; what is wrong is said line by line.
#[utoipa::path(post, path = "/windfarms/import", tag = "registry", params(How),
    request_body(content = String, content_type = "text/csv",
        example = "windfarm,source,code,name,capacity_mw\nHornsea,elexon,T_HOWAO-1,Hornsea 1,400\n"),
    responses((status = 200, body = ImportReport)))]
pub(super) async fn import(
    State(api): State<Api>,
    _: Operator,
    Params(how): Params<How>,
    Csv(text): Csv,
) -> Result<Json<ImportReport>, Problem> {
    let sources = api.registry.ids();
    let sources: Vec<_> = sources.iter().map(String::as_str).collect();
    let entries = registry_file::parse(Path::new(FILE), &text, &sources).map_err(|problems| {
        Problem::lines(problems.iter().map(|problem| {
            let line = problem.position.map(|position| position.line);
            let detail = match problem.key.as_str() {
                "" => problem.message.clone(),
                key => format!("{key}: {}", problem.message),
            };
            (line, detail)
        }))
    })?;
    let units: usize = entries.iter().map(|windfarm| windfarm.units.len()).sum();
    if units > MOST_UNITS {
        let detail =
            format!("the file has {units} units; expected at most {MOST_UNITS}, so import it in parts");
        return Err(Problem::lines([(None, detail)]));
    }
    let checked = importing::check(&api.registry, &entries).await;
    if !checked.refused.is_empty() {
        return Err(Problem::lines(
            checked.refused.into_iter().map(|refused| (Some(refused.line), refused.why)),
        ));
    }
    let windfarms = importing::new_windfarms(entries);
    let done = match how.dry_run {
        true => api.store.try_import(&windfarms, api.store.now()).await?,
        false => api.store.import(&windfarms, api.store.now()).await?,
    };
    Ok(Json(ImportReport { dry_run: how.dry_run, done, unchecked: checked.unchecked }))
}
