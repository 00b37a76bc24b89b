//! Recording and replaying: cases of a source project, attempts that are stored, and another component over the
//! answers that are kept. The real binary, real components, upstreams on loopback.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests fail like tests")]

#[path = "../support/postgres.rs"]
mod postgres;
#[path = "../support/mod.rs"]
mod support;

mod recorded;
mod refused;
mod shadow;
mod tasks;
mod world;

use axum::response::Response;
use support::{Asked, text};

const FEBRUARY: i64 = 1_706_745_600; // 2024-02-01T00:00:00Z

/// Three hours of a park: 10, 11 and 12 MW.
fn three_hours() -> String {
    (0..3).map(|hour| format!("{},{}\n", FEBRUARY + hour * 3600, 10 + hour)).collect()
}

/// Parks of which each has three hours of February 2024.
fn parks(asked: &Asked) -> Response {
    if asked.path.contains("/2024-02.csv") { text(200, three_hours()) } else { text(404, "") }
}

/// The measurements of those three hours, as `expected.json` and `--format json` have them.
fn three_rows() -> serde_json::Value {
    let row = |hour: i64| serde_json::json!({ "start": format!("2024-02-01T0{hour}:00:00Z"), "seconds": 3600, "value": 10.0 + hour as f64 });
    [0, 1, 2].map(row).into()
}
