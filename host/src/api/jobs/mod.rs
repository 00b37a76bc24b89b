//! Jobs.

mod ask;
mod celery;
mod change;
mod create;
mod detail;
mod events;
mod followers;
mod grid;
mod list;
mod preview;
mod view;

use utoipa_axum::{router::OpenApiRouter, routes};

pub(super) use self::followers::Followers;
use super::state::Api;

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(preview::preview))
        .routes(routes!(create::create, list::list))
        .routes(routes!(detail::detail, change::delete))
        .routes(routes!(detail::tasks))
        .routes(routes!(change::cancel))
        .routes(routes!(change::retry))
        .routes(routes!(change::reset_stuck))
        .routes(routes!(change::process))
        .routes(routes!(change::pause))
        .routes(routes!(change::resume))
        .routes(routes!(change::refresh))
        .routes(routes!(celery::celery_status))
        .routes(routes!(events::events))
        .routes(routes!(grid::grid))
}
