//! What the host answers over HTTP: one file per resource.
//!
//! A request passes, from the outside in: its id ([`trace`]), who asks ([`auth`]), whether it was answered already
//! ([`repeat`]), the audit log ([`changes`]), its handler.

mod audit;
mod auth;
mod changes;
mod extract;
mod health;
mod jobs;
mod openapi;
mod page;
mod problem;
mod repeat;
mod state;
mod tag;
mod tasks;
mod tokens;
mod trace;
mod users;
mod web;

use std::{net::SocketAddr, sync::Arc};

use axum::{
    Router,
    extract::DefaultBodyLimit,
    middleware::{from_fn, from_fn_with_state},
    routing::get,
};
use tokio::net::TcpListener;
use utoipa_axum::router::OpenApiRouter;

pub use self::state::{Api, Parts};
use self::{extract::BODY_LIMIT, problem::Problem};

/// Before every path that needs somebody to be logged in.
const PREFIX: &str = "/api/v1";

/// Answers until the host stops; requests under way are finished.
pub async fn serve(listener: TcpListener, api: Api) -> anyhow::Result<()> {
    let stop = api.stop.clone();
    let service = router(api).into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, service).with_graceful_shutdown(stop.cancelled_owned()).await?;
    Ok(())
}

/// The description of the API, as `/openapi.json` answers it.
pub fn description() -> utoipa::openapi::OpenApi {
    openapi::finish(documented().split_for_parts().1)
}

fn documented() -> OpenApiRouter<Api> {
    OpenApiRouter::with_openapi(openapi::base()).merge(health::routes()).nest(PREFIX, resources())
}

/// What needs somebody to be logged in.
fn resources() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .merge(jobs::routes())
        .merge(audit::routes())
        .merge(tasks::routes())
        .merge(tokens::routes())
        .merge(users::routes())
}

fn router(api: Api) -> Router {
    let described = Arc::new(description());
    let (resources, _) = resources().split_for_parts();
    let resources = resources
        .fallback(|| async { Problem::not_found("there is no such path; see /docs") })
        .layer(from_fn_with_state(api.clone(), changes::layer))
        .layer(from_fn_with_state(api.clone(), repeat::layer))
        .layer(from_fn_with_state(api.clone(), auth::layer));
    let (open, _) = health::routes().split_for_parts();
    open.route(openapi::PATH, get(move || openapi::answer(described)))
        .nest(PREFIX, resources)
        .merge(web::routes())
        .fallback(|| async { Problem::not_found("there is no such path; see /docs") })
        .method_not_allowed_fallback(|| async { Problem::method_not_allowed() })
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(from_fn(trace::layer))
        .with_state(api)
}
