//! Every request has an id: in its answer, in problems, and in the log of whatever it causes here.

use axum::{
    extract::{MatchedPath, Request},
    http::{HeaderMap, HeaderName, HeaderValue, Method},
    middleware::Next,
    response::Response,
};
use tracing::Instrument;

use crate::observe;

/// Carries the id, from the client if it has one, and back.
pub(super) const HEADER: HeaderName = HeaderName::from_static("x-request-id");

tokio::task_local! {
    static ID: String;
}

/// The id of the request that this task answers; empty where it answers none.
pub(super) fn current() -> String {
    ID.try_with(Clone::clone).unwrap_or_default()
}

/// Does in another task what belongs to the request that this task answers.
pub(super) fn same<F: Future>(work: F) -> impl Future<Output = F::Output> + use<F> {
    ID.scope(current(), work.in_current_span())
}

/// Gives a request its id, and says in the log how it was answered.
pub(super) async fn layer(request: Request, next: Next) -> Response {
    let id = given(&request).unwrap_or_else(|| hex::encode(rand::random::<[u8; 16]>()));
    let method = method(request.method());
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned();
    let span = tracing::info_span!("request", id, method, route, status = tracing::field::Empty);
    follow(&span, request.headers());
    let begun = std::time::Instant::now();
    let answering = async {
        let response = next.run(request).await;
        let status = response.status().as_u16();
        tracing::Span::current().record("status", status);
        let took = begun.elapsed();
        tracing::debug!(status, milliseconds = took.as_millis(), "answered");
        observe::answered(method, route, status, took);
        response
    };
    let mut response = ID.scope(id.clone(), answering.instrument(span)).await;
    // An id is made of letters that a header may hold.
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(HEADER, value);
    }
    response
}

/// Makes the request part of its caller's trace.
fn follow(span: &tracing::Span, headers: &HeaderMap) {
    let header = |name: &str| headers.get(name)?.to_str().ok();
    observe::follow(span, header("traceparent"), header("tracestate"));
}

/// The method, if it is one of HTTP's own: others have no end.
fn method(method: &Method) -> &'static str {
    const KNOWN: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    KNOWN.into_iter().find(|known| *known == method.as_str()).unwrap_or("other")
}

/// The id that the client gave, if it is one that a log may hold.
fn given(request: &Request) -> Option<String> {
    let id = request.headers().get(HEADER)?.to_str().ok()?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    ((1..=64).contains(&id.len()) && id.bytes().all(plain)).then(|| id.to_owned())
}
