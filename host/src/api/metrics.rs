//! What can be measured, for Prometheus: what this process counted, and what the store says at this moment.

use std::{collections::BTreeMap, time::Duration};

use axum::{extract::State, http::header, response::IntoResponse};
use chrono::{DateTime, Utc};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::state::Api;
use crate::{
    observe::{self, SourceView, StoreView},
    source::Entry,
    store::{Instant, SourceLimits, SourceQueue, StoreError},
};

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(scrape))
}

/// The version of Prometheus' text format.
const FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// A database that takes longer counts as away: who scrapes gives up after ten seconds.
const PATIENCE: Duration = Duration::from_secs(5);

/// Metrics of this host, and of the queue that it shares with others.
#[utoipa::path(get, path = "/metrics", tag = "health", responses((status = 200, body = String,
    content_type = "text/plain", description = "Prometheus' text format. While the database is away, \
    `backfill_store_up` is 0 and what is read from it is left out.")))]
async fn scrape(State(api): State<Api>) -> impl IntoResponse {
    let view = match tokio::time::timeout(PATIENCE, view(&api)).await {
        Ok(Ok(view)) => Some(view),
        Ok(Err(error)) => {
            tracing::warn!("metrics lack what the database says: {error}");
            None
        }
        Err(_) => {
            tracing::warn!("metrics lack what the database says: it took longer than {PATIENCE:?}");
            None
        }
    };
    let text = observe::counted() + &observe::store(view.as_ref());
    ([(header::CONTENT_TYPE, FORMAT)], text)
}

async fn view(api: &Api) -> Result<StoreView, StoreError> {
    let now = api.store.now();
    let (limits, queue) = (api.store.limits().await?, api.store.queue(now).await?);
    let (connections, idle) = api.store.connections();
    let sources = sources(&api.registry.entries(), &limits, &queue, now);
    Ok(StoreView { connections: (connections.saturating_sub(idle), idle), sources })
}

/// Every source that is configured, or of which the store knows something.
fn sources(
    entries: &[Entry],
    limits: &[SourceLimits],
    queue: &[SourceQueue],
    now: DateTime<Utc>,
) -> Vec<SourceView> {
    let configured = entries.iter().filter(|entry| entry.source.is_some()).map(Entry::id);
    let known = limits.iter().map(|limits| &limits.source).chain(queue.iter().map(|queue| &queue.source));
    let mut views: BTreeMap<&str, SourceView> =
        configured.chain(known.map(String::as_str)).map(|id| (id, empty(id))).collect();
    for queue in queue {
        let Some(view) = views.get_mut(queue.source.as_str()) else { continue };
        view.tasks = tasks(queue.ready, queue.waiting, queue.running, queue.held);
        view.oldest_ready_seconds = queue.oldest_ready.map_or(0.0, |oldest| seconds(now - oldest.utc()));
    }
    for limits in limits {
        let Some(view) = views.get_mut(limits.source.as_str()) else { continue };
        view.held_seconds = limits.held_until.map_or(0.0, |until| seconds(until.utc() - now));
        view.circuit_open = limits.open_until.is_some_and(|until| until.utc() > now);
    }
    for source in entries.iter().map(|entry| &entry.configured) {
        let limits = limits.iter().find(|limits| limits.source == source.id.as_str());
        let arrival = limits.and_then(|limits| limits.arrival).map(Instant::utc);
        let held_until = limits.and_then(|limits| limits.held_until).map(Instant::utc);
        if let Some(view) = views.get_mut(source.id.as_str()) {
            view.allowance_left = source.rate.map(|rate| rate.available(arrival, held_until, now));
        }
    }
    views.into_values().collect()
}

fn empty(source: &str) -> SourceView {
    SourceView { source: source.to_owned(), tasks: tasks(0, 0, 0, 0), ..SourceView::default() }
}

fn tasks(ready: i64, waiting: i64, running: i64, held: i64) -> Vec<(&'static str, i64)> {
    vec![("ready", ready), ("waiting", waiting), ("running", running), ("held", held)]
}

fn seconds(span: chrono::TimeDelta) -> f64 {
    span.as_seconds_f64().max(0.0)
}
