//! The registry: wind farms, their generation units, and files of them.

mod import;
mod units;
mod windfarms;

use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    problem::{Misfit, Problem, misfit},
    state::Api,
};
use crate::domain::unfit_text;

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(import::import))
        .routes(routes!(windfarms::list, windfarms::create))
        .routes(routes!(windfarms::show, windfarms::change, windfarms::delete))
        .routes(routes!(units::list, units::create))
        .routes(routes!(units::show, units::change, units::delete))
}

/// The longest text to look for, in characters.
const LONGEST_SEARCH: usize = 200;

/// Refuses a text to look for that no name can hold.
fn search(q: Option<String>) -> Result<Option<String>, Problem> {
    match &q {
        Some(text) if text.is_empty() || text.chars().count() > LONGEST_SEARCH => {
            Err(Problem::parameter("q", format!("expected 1 to {LONGEST_SEARCH} characters")))
        }
        _ => Ok(q),
    }
}

/// Why nobody could read a name.
fn misfit_of_name(name: &str) -> Option<Misfit> {
    unfit_text(name, 1).map(|why| misfit("/name", why))
}
