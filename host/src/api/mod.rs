//! What the host answers over HTTP: one file per resource.
//!
//! A request passes, from the outside in: its id ([`trace`]), what holds for all answers ([`around`]), who asks ([`auth`]), that it is not left halfway
//! ([`carry`]), whether it was answered already ([`repeat`]), the audit log ([`changes`]), whether it is one that the description has ([`described`]), its
//! handler.

mod around;
mod audit;
mod auth;
mod availability;
mod carry;
mod changes;
mod created;
mod described;
mod docs;
mod extract;
mod health;
mod jobs;
mod login;
mod measurements;
mod metrics;
mod openapi;
mod page;
mod problem;
mod queue;
mod registry;
mod repeat;
mod schedules;
mod schema;
mod schema_check;
mod server;
mod sources;
mod state;
mod tag;
mod tasks;
mod tokens;
mod trace;
mod users;
mod web;
mod webhooks;
mod workers;

use std::sync::Arc;

use axum::{
    Router,
    extract::DefaultBodyLimit,
    middleware::{from_fn, from_fn_with_state},
    routing::get,
};
use tokio::net::TcpListener;
use utoipa_axum::router::OpenApiRouter;

pub use self::state::{Api, Parts};
use self::{around::around, extract::BODY_LIMIT, problem::Problem, server::Bounds};

/// Before every path that needs somebody to be logged in.
pub(crate) const PREFIX: &str = "/api/v1";

/// Of what there is not.
const NOWHERE: &str = "there is no such path; see /docs";

/// Answers until the host stops; requests under way are finished, if they are soon.
pub async fn serve(listener: TcpListener, api: Api) {
    let (store, stop) = (api.store.clone(), api.stop.clone());
    let followers = Arc::clone(api.followers());
    let answering = server::run(listener, router(api.clone()), Bounds::default(), stop.clone());
    tokio::join!(answering, followers.watch(&store, &stop), repeat::forget_old(&store, &stop));
    // Also those that nobody waits for any more.
    carry::end(&api).await;
}

/// The same with nothing but health and metrics, for hosts that only work.
pub async fn serve_health(listener: TcpListener, api: Api) {
    let stop = api.stop.clone();
    let router = open().split_for_parts().0.fallback(async || Problem::not_found(NOWHERE));
    server::run(listener, finished(router, api), Bounds::default(), stop).await;
}

/// The description of the API, as `/openapi.json` answers it.
pub fn description() -> utoipa::openapi::OpenApi {
    openapi::finish(documented().split_for_parts().1)
}

fn documented() -> OpenApiRouter<Api> {
    OpenApiRouter::with_openapi(openapi::base()).merge(open()).nest(PREFIX, resources())
}

/// What needs nobody to be logged in, and every host answers.
fn open() -> OpenApiRouter<Api> {
    OpenApiRouter::new().merge(health::routes()).merge(metrics::routes())
}

/// What needs somebody to be logged in.
fn resources() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .merge(jobs::routes())
        .merge(audit::routes())
        .merge(availability::routes())
        .merge(measurements::routes())
        .merge(queue::routes())
        .merge(registry::routes())
        .merge(schedules::routes())
        .merge(sources::routes())
        .merge(tasks::routes())
        .merge(tokens::routes())
        .merge(users::routes())
        .merge(webhooks::routes())
        .merge(workers::routes())
}

fn router(api: Api) -> Router {
    let described = Arc::new(description());
    let (resources, _) = resources().split_for_parts();
    let resources = resources
        .fallback(async || Problem::not_found(NOWHERE))
        // Before the layers, so that who is not logged in learns nothing of this either.
        .method_not_allowed_fallback(|| async { Problem::method_not_allowed() })
        .layer(from_fn(described::layer))
        .layer(from_fn_with_state(api.clone(), changes::layer))
        .layer(from_fn_with_state(api.clone(), repeat::layer))
        .layer(from_fn_with_state(api.clone(), carry::layer))
        .layer(from_fn_with_state(api.clone(), auth::layer));
    let (open, _) = open().split_for_parts();
    let router = open.route(openapi::PATH, get(move || openapi::answer(described))).nest(PREFIX, resources);
    let router =
        router.merge(login::routes()).merge(docs::routes()).merge(web::routes()).fallback(web::nowhere);
    finished(router, api)
}

/// What holds for every path.
fn finished(router: Router<Api>, api: Api) -> Router {
    let origins = api.config.server.cors_origins.clone();
    let router = router
        .method_not_allowed_fallback(|| async { Problem::method_not_allowed() })
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .with_state(api);
    around(router, &origins).layer(from_fn(trace::layer))
}
