//! Who changed what.

use axum::extract::{OriginalUri, State};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    auth::Admin,
    extract::Params,
    page::{self, Page},
    problem::Problem,
    state::Api,
};
use crate::store::{AuditEntry, AuditFilter};

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(list))
}

/// Which changes, and which page of them.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Which {
    /// Only those of this user.
    user_id: Option<i64>,
    /// Only those to what begins like this.
    #[param(example = "/api/v1/backfill/jobs/7")]
    target: Option<String>,
    /// At most so many.
    #[param(minimum = 1, maximum = 100, default = 100)]
    limit: Option<u32>,
    /// The page after this place.
    #[param(minimum = 1)]
    cursor: Option<i64>,
}

/// List who changed what, the latest first. For admins.
#[utoipa::path(get, path = "/audit", tag = "access", params(Which),
    responses((status = 200, body = [AuditEntry], headers(
        ("X-Next-Cursor" = i64, description = "The `cursor` of the next page, if there is one."),
        ("Link" = String, description = "The next page, `rel=\"next\"`, if there is one.")))))]
async fn list(
    State(api): State<Api>,
    _: Admin,
    OriginalUri(uri): OriginalUri,
    Params(which): Params<Which>,
) -> Result<Page<AuditEntry>, Problem> {
    let limit = page::limit(which.limit)?;
    let filter = AuditFilter { user_id: which.user_id, target: which.target, before: which.cursor, limit };
    let items = api.store.audit(&filter).await?;
    let next = page::next(&items, limit, |entry| entry.id);
    Ok(Page { items, total: None, next, uri })
}
