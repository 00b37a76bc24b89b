//! `GET /backfill/jobs`: pages of jobs, the newest first.

use axum::extract::{OriginalUri, State};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use utoipa::IntoParams;

use super::view::JobView;
use crate::{
    api::{
        auth::Viewer,
        extract::{Params, list as words},
        page::{self, Page},
        problem::Problem,
        state::Api,
    },
    domain::JobStatus,
    store::JobFilter,
};

/// Which jobs, and which page of them.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Which {
    /// Only those that fill this wind farm, perhaps among others.
    windfarm_id: Option<i64>,
    /// Only those that stand in one of these.
    #[serde(default, deserialize_with = "words")]
    #[param(value_type = Vec<JobStatus>, style = Form, explode)]
    status: Vec<JobStatus>,
    /// Only those with tasks of this source.
    source: Option<String>,
    /// Only those that this user made.
    created_by: Option<i64>,
    /// Only those made at this instant or later.
    since: Option<DateTime<Utc>>,
    /// Only those made before this instant.
    until: Option<DateTime<Utc>>,
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

/// List jobs, the newest first.
#[utoipa::path(get, path = "/backfill/jobs", tag = "jobs", params(Which),
    responses((status = 200, body = [JobView], headers(
        ("X-Total-Count" = i64, description = "How many there are on all pages."),
        ("X-Next-Cursor" = i64, description = "The `cursor` of the next page, if there is one."),
        ("Link" = String, description = "The next page, `rel=\"next\"`, if there is one.")))))]
pub(super) async fn list(
    State(api): State<Api>,
    _: Viewer,
    OriginalUri(uri): OriginalUri,
    Params(which): Params<Which>,
) -> Result<Page<JobView>, Problem> {
    let limit = page::limit(which.limit)?;
    let filter = JobFilter {
        windfarm_id: which.windfarm_id,
        status: which.status,
        source: which.source,
        created_by_id: which.created_by,
        since: which.since.map(Into::into),
        until: which.until.map(Into::into),
        before: which.cursor,
        offset: which.offset.unwrap_or(0),
        limit: Some(limit),
    };
    let found = api.store.jobs(&filter).await?;
    let next = page::next(&found.jobs, limit, |job| job.id);
    Ok(Page {
        items: found.jobs.into_iter().map(JobView::from).collect(),
        total: Some(found.total),
        next,
        uri,
    })
}
