//! `/_admin`: faults and log of a running simulator, for those who hold no [`crate::Simulator`].

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};

use crate::fault::Fault;
use crate::log::LogEntry;
use crate::world::World;

pub(crate) fn routes() -> Router<Arc<World>> {
    Router::new()
        .route("/_admin/health", get(async |State(world): State<Arc<World>>| Json(health(&world))))
        .route("/_admin/faults", get(faults).put(set_faults).delete(clear_faults))
        .route("/_admin/log", get(log).delete(clear_log))
}

fn health(world: &World) -> Value {
    json!({ "status": "ok", "now": world.now() })
}

async fn faults(State(world): State<Arc<World>>) -> Json<Vec<Fault>> {
    Json(world.faults.faults())
}

/// A list that can't be read answers 422 with the reason, and changes nothing.
async fn set_faults(State(world): State<Arc<World>>, Json(faults): Json<Vec<Fault>>) -> StatusCode {
    world.faults.set(faults);
    StatusCode::NO_CONTENT
}

async fn clear_faults(State(world): State<Arc<World>>) -> StatusCode {
    world.faults.set(Vec::new());
    StatusCode::NO_CONTENT
}

async fn log(State(world): State<Arc<World>>) -> Json<Vec<LogEntry>> {
    Json(world.log.entries())
}

async fn clear_log(State(world): State<Arc<World>>) -> StatusCode {
    world.log.clear();
    StatusCode::NO_CONTENT
}
