//! Sources: what each says of itself, how it fares, whether it works, and what its upstream knows.

mod check;
mod units;
mod view;

use std::sync::Arc;

use axum::{Json, extract::State};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use self::view::SourceView;
use super::{
    auth::{Operator, Viewer},
    extract::Name,
    problem::Problem,
    state::Api,
};
use crate::source::{Entry, Source};

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(show))
        .routes(routes!(check::check))
        .routes(routes!(resume))
        .routes(routes!(units::units))
        .routes(routes!(units::import))
}

/// A source that is asked again.
#[derive(Serialize, ToSchema)]
struct ResumedSource {
    #[serde(flatten)]
    source: SourceView,
    /// Whether it was paused before.
    resumed: bool,
}

/// List the sources of the configuration: what each says of itself, and how it fares.
#[utoipa::path(get, path = "/sources", tag = "sources", responses((status = 200, body = [SourceView])))]
async fn list(State(api): State<Api>, _: Viewer) -> Result<Json<Vec<SourceView>>, Problem> {
    let (queues, limits) = (api.store.queue(api.store.now()).await?, api.store.limits().await?);
    let entries = api.registry.entries();
    let mut sources = Vec::with_capacity(entries.len());
    for entry in entries.iter() {
        sources.push(SourceView::of(&api, entry, &queues, &limits).await?);
    }
    Ok(Json(sources))
}

/// Show a source.
#[utoipa::path(get, path = "/sources/{id}", tag = "sources",
    params(("id" = String, Path, description = "The source's id in the configuration.")),
    responses((status = 200, body = SourceView)))]
async fn show(State(api): State<Api>, _: Viewer, Name(id): Name) -> Result<Json<SourceView>, Problem> {
    Ok(Json(api.source_view(&id).await?))
}

/// Let a paused source be asked again at once, beginning with one task on trial.
#[utoipa::path(post, path = "/sources/{id}/resume", tag = "sources",
    params(("id" = String, Path, description = "The source's id in the configuration.")),
    responses((status = 200, body = ResumedSource)))]
async fn resume(State(api): State<Api>, _: Operator, Name(id): Name) -> Result<Json<ResumedSource>, Problem> {
    api.entry(&id)?;
    let resumed = api.store.resume_source(&id, api.store.now()).await?;
    Ok(Json(ResumedSource { source: api.source_view(&id).await?, resumed }))
}

impl Api {
    async fn source_view(&self, id: &str) -> Result<SourceView, Problem> {
        let (queues, limits) = (self.store.queue(self.store.now()).await?, self.store.limits().await?);
        SourceView::of(self, &self.entry(id)?, &queues, &limits).await
    }

    /// A source of the configuration, as it is now.
    fn entry(&self, id: &str) -> Result<Entry, Problem> {
        let found = self.registry.entry(id);
        found.ok_or_else(|| Problem::not_found(format!("the configuration has no source {id:?}")))
    }

    /// A source that can be called.
    fn usable(&self, id: &str) -> Result<Arc<Source>, Problem> {
        match self.entry(id)?.source {
            Some(Ok(source)) => Ok(source),
            Some(Err(why)) => Err(Problem::conflict("source-unusable", why.to_string())),
            None => {
                let detail = format!("source {id} is turned off in the configuration (`enabled = false`)");
                Err(Problem::conflict("source-unusable", detail))
            }
        }
    }
}
