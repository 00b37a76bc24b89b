//! Every request that could change something is written into the audit log: before it acts, so that no change
//! escapes, and with its outcome once that is known.

use axum::{
    extract::{MatchedPath, OriginalUri, Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use serde_json::json;

use super::{
    auth::{Caller, origin},
    problem::Problem,
    state::Api,
    trace,
};
use crate::store::NewAuditEntry;

/// Writes down who is about to change what, and how it went.
pub(super) async fn layer(State(api): State<Api>, request: Request, next: Next) -> Response {
    let caller = request.extensions().get::<Caller>().cloned();
    match caller {
        Some(caller) if !request.method().is_safe() => written_down(&api, &caller, request, next).await,
        _ => next.run(request).await,
    }
}

async fn written_down(api: &Api, caller: &Caller, request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
    let address = origin::of(&request, api.config.server.behind_proxy).map(|address| address.to_string());
    // Routers below others see their own part of the path only.
    let target = request.extensions().get::<OriginalUri>().map_or(request.uri(), |original| &original.0);
    let entry = NewAuditEntry {
        user_id: Some(caller.user_id),
        token_id: caller.token_id,
        action: &format!("{} {route}", request.method()),
        target: target.path(),
        detail: json!({ "request_id": trace::current() }),
        address: address.as_deref(),
    };
    let id = match api.store.append_audit(&entry, api.store.now()).await {
        Ok(id) => id,
        // What can't be written down is not done.
        Err(error) => return Problem::from(error).into_response(),
    };
    let response = next.run(request).await;
    let status = response.status().as_u16();
    if let Err(error) = api.store.audit_outcome(id, status).await {
        tracing::warn!(status, "the audit log lacks how a request went: {error}");
    }
    response
}
