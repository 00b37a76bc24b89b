//! A request that changes something is carried through, even if whoever sent it hangs up: a change is never left halfway,
//! and what became of it is written down, under its key and in the audit log.

use std::{panic::resume_unwind, time::Duration};

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::{problem::Problem, state::Api, trace};

/// How long requests may take to end once the host stops.
const LAST_WORDS: Duration = Duration::from_secs(10);

/// Waits for those that are under way, and for nobody: nothing comes any more.
pub(super) async fn end(api: &Api) {
    api.carried().close();
    if tokio::time::timeout(LAST_WORDS, api.carried().wait()).await.is_err() {
        tracing::warn!(requests = api.carried().len(), "requests that did not end in time are left");
    }
}

/// Answers a request in a task of its own, which outlives its connection, unless it only looks.
pub(super) async fn layer(State(api): State<Api>, request: Request, next: Next) -> Response {
    if request.method().is_safe() {
        return next.run(request).await;
    }
    match api.carried().spawn(trace::same(next.run(request))).await {
        Ok(response) => response,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => resume_unwind(panic),
            Err(error) => Problem::internal(&error).into_response(),
        },
    }
}
