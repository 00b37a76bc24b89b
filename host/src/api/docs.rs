//! The description of the API for people. All of the page comes from this host.

use axum::{
    Router,
    http::{HeaderValue, header},
};
use tower_http::set_header::SetResponseHeaderLayer;
use utoipa_swagger_ui::{Config, SwaggerUi};

use super::{openapi, state::Api};

/// The page's scripts are files of this host; its styles and pictures are partly in the page. It may call this host.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

pub(super) fn routes() -> Router<Api> {
    // The page would have another host check the description.
    let config = Config::from(openapi::PATH).validator_url("none").display_request_duration(true);
    let policy = HeaderValue::from_static(POLICY);
    Router::from(SwaggerUi::new("/docs").config(config))
        .layer(SetResponseHeaderLayer::overriding(header::CONTENT_SECURITY_POLICY, policy))
}
