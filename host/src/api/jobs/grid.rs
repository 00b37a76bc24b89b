//! `GET /backfill/jobs/{id}/grid`: units × months, cell by cell, in as few bytes as a page needs to draw them.

use axum::extract::{OriginalUri, State};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::{
    api::{
        auth::Viewer,
        extract::{Id, Params},
        page::{self, Page},
        problem::Problem,
        state::Api,
    },
    store::GridCell,
};

/// So many cells are in one answer: a wind farm of forty units over twenty years.
const MOST: u32 = 10_000;

/// Which page of the cells.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Which {
    /// At most so many.
    #[param(minimum = 1, maximum = 10_000, default = 10_000)]
    limit: Option<u32>,
    /// The page after this place.
    #[param(minimum = 1)]
    cursor: Option<i64>,
}

/// Show where each task of a job stands, and no more: for a grid of units and months.
#[utoipa::path(get, path = "/backfill/jobs/{id}/grid", tag = "jobs",
    params(("id" = i64, Path, description = "The job.", minimum = 1), Which),
    responses((status = 200, body = [GridCell], headers(
        ("X-Next-Cursor" = i64, description = "The `cursor` of the next page, if there is one."),
        ("Link" = String, description = "The next page, `rel=\"next\"`, if there is one.")))))]
pub(super) async fn grid(
    State(api): State<Api>,
    _: Viewer,
    Id(id): Id,
    OriginalUri(uri): OriginalUri,
    Params(which): Params<Which>,
) -> Result<Page<GridCell>, Problem> {
    let limit = which.limit.unwrap_or(MOST);
    if !(1..=MOST).contains(&limit) {
        return Err(Problem::parameter("limit", format!("{limit} is not 1 to {MOST}")));
    }
    api.store.job(id).await?;
    let items = api.store.job_grid(id, which.cursor.unwrap_or(0), limit).await?;
    let next = page::next(&items, limit, |cell| cell.task_id);
    Ok(Page { items, total: None, next, uri })
}
