//! `POST /sources/{id}/check`: whether a source works right now, step by step.

use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{
    api::{
        auth::Operator,
        extract::{Name, Params, word},
        problem::Problem,
        state::Api,
    },
    domain::{CheckVerdict, Finding, Month, Unit, unfit_text},
    source::SourceCheck,
    store::UnitRecord,
};

/// What to ask the source for.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct What {
    /// A unit's code at the upstream, of the registry or not; the first active unit of the source if none is given.
    #[param(min_length = 1, max_length = 500)]
    code: Option<String>,
    /// The month; the last one that should be published if none is given.
    #[serde(default, deserialize_with = "word")]
    #[param(value_type = Option<String>, pattern = r"^(19[7-9]\d|2\d{3})-(0[1-9]|1[0-2])$", example = "2024-01")]
    month: Option<Month>,
}

/// What a check found: of each step, how it went. A step that could not be told anything of is skipped.
#[derive(Serialize, ToSchema)]
#[schema(as = SourceCheck)]
pub(super) struct Report {
    /// The source.
    source: String,
    /// The code that it was asked for.
    code: Option<String>,
    /// The month that it was asked for.
    month: String,
    /// Whether the source works: no step failed, and it made sense of an answer.
    works: bool,
    /// Whether the names of its hosts lead to addresses that it may reach.
    dns: Finding,
    /// Whether its hosts can be connected to, with TLS unless plain http was granted.
    tls: Finding,
    /// Whether its upstream takes the credential.
    auth: Finding,
    /// Whether it made sense of what its upstream answered.
    shape: Finding,
    /// The first two steps, host by host.
    hosts: Vec<HostReport>,
}

/// What a check found of one host.
#[derive(Serialize, ToSchema)]
struct HostReport {
    /// As granted.
    host: String,
    /// Whether its name leads to addresses that the source may reach.
    dns: Finding,
    /// Whether it can be connected to.
    tls: Finding,
}

/// Check whether a source works: name resolution, connection, credential, and the shape of what is answered. Nothing
/// is stored; its requests count against the source's allowance.
#[utoipa::path(post, path = "/sources/{id}/check", tag = "sources",
    params(("id" = String, Path, description = "The source's id in the configuration."), What),
    responses((status = 200, body = Report)))]
pub(super) async fn check(
    State(api): State<Api>,
    _: Operator,
    Name(id): Name,
    Params(what): Params<What>,
) -> Result<Json<Report>, Problem> {
    let source = api.usable(&id)?;
    if let Some(why) = what.code.as_deref().and_then(|code| unfit_text(code, 1)) {
        return Err(Problem::parameter("code", why));
    }
    let now = api.store.now();
    if let Some(until) = api.store.held_until(&id).await?.filter(|until| until.utc() > now) {
        let detail = format!("the upstream of {id} asked to slow down: nobody asks it before {until}");
        return Err(Problem::conflict("source-held", detail).suggest("check again after that"));
    }
    let month = what.month.unwrap_or_else(|| source.description().calendar().last_published_month(now));
    let registered = api.store.unit_of_source(&id, what.code.as_deref()).await?;
    let unit = registered.as_ref().map(UnitRecord::unit).or_else(|| {
        let code = what.code?;
        Some(Unit { name: code.clone(), code, ..Unit::default() })
    });
    let found = source.check(unit.as_ref().map(|unit| (unit, month))).await;
    Ok(Json(Report::new(id, unit.map(|unit| unit.code), month, found)))
}

impl Report {
    fn new(source: String, code: Option<String>, month: Month, found: SourceCheck) -> Self {
        let SourceCheck { hosts, auth, shape } = found;
        let dns = Finding::of_all(hosts.iter().map(|host| (host.host.as_str(), &host.lookup)));
        let tls = Finding::of_all(hosts.iter().map(|host| (host.host.as_str(), &host.connection)));
        let failed = [&dns, &tls, &auth, &shape].into_iter().any(Finding::has_failed);
        let host = |probe: crate::source::Probe| HostReport {
            host: probe.host,
            dns: probe.lookup,
            tls: probe.connection,
        };
        Self {
            source,
            code,
            month: month.to_string(),
            works: !failed && shape.verdict == CheckVerdict::Ok,
            dns,
            tls,
            auth,
            shape,
            hosts: hosts.into_iter().map(host).collect(),
        }
    }
}
