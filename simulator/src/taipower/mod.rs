//! Taipower's open data files under `/data/opendata/apply/file/`. No key, no parameters.

mod history;
mod monthly;
mod snapshot;

use std::sync::Arc;

use axum::Router;
use axum::routing::get;

use crate::world::World;

/// UTF-8 with a byte order mark, as Taipower writes its files.
const BYTE_ORDER_MARK: &str = "\u{feff}";

pub(crate) fn routes() -> Router<Arc<World>> {
    Router::new()
        .route("/data/opendata/apply/file/d693001/001.csv", get(monthly::file))
        .route("/data/opendata/apply/file/d006010/001.json", get(history::file))
        .route("/data/opendata/apply/file/d006001/001.json", get(snapshot::file))
}
