//! What holds for every answer, whatever is asked for: other pages' access, compression, safe headers, and that a panic
//! is a problem like any other.

use std::{any::Any, time::Duration};

use axum::{
    Router,
    http::{HeaderName, HeaderValue, Method, header},
    response::{IntoResponse, Response},
};
use tower_http::{
    catch_panic::CatchPanicLayer,
    compression::{
        CompressionLayer, Predicate,
        predicate::{DefaultPredicate, NotForContentType},
    },
    cors::CorsLayer,
    set_header::SetResponseHeaderLayer,
};

use super::{problem::Problem, repeat, trace};
use crate::config::WebOrigin;

/// What pages of other origins may see of an answer, besides what they always may.
const EXPOSED: [HeaderName; 8] = [
    HeaderName::from_static("x-total-count"),
    HeaderName::from_static("x-next-cursor"),
    header::LINK,
    header::ETAG,
    header::LOCATION,
    trace::HEADER,
    header::RETRY_AFTER,
    repeat::REPLAYED,
];

/// What they may send.
const SENT: [HeaderName; 7] = [
    header::AUTHORIZATION,
    header::CONTENT_TYPE,
    header::IF_MATCH,
    header::IF_NONE_MATCH,
    HeaderName::from_static("last-event-id"),
    repeat::HEADER,
    trace::HEADER,
];

/// How long a browser may remember what it may do.
const REMEMBERED: Duration = Duration::from_secs(3600);

/// Puts a router's answers in order. These web pages may call it.
pub(super) fn around(router: Router, origins: &[WebOrigin]) -> Router {
    // Events are to arrive when they happen, and Parquet is compressed already.
    let worthwhile = DefaultPredicate::new()
        .and(NotForContentType::const_new("application/x-ndjson"))
        .and(NotForContentType::const_new("application/vnd.apache.parquet"));
    let router = router
        .layer(CatchPanicLayer::custom(panicked))
        .layer(CompressionLayer::new().gzip(true).compress_when(worthwhile));
    let router = match origins {
        [] => router,
        some => router.layer(cors(some)),
    };
    let unless_set = |name: HeaderName, value: &'static str| {
        SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
    };
    router
        .layer(unless_set(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(unless_set(header::REFERRER_POLICY, "same-origin"))
}

/// Cookies are not among what other pages may send: they need a token of their own.
fn cors(origins: &[WebOrigin]) -> CorsLayer {
    let origins = origins.iter().filter_map(|origin| HeaderValue::from_str(origin.as_str()).ok());
    CorsLayer::new()
        .allow_origin(origins.collect::<Vec<_>>())
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
        .allow_headers(SENT)
        .expose_headers(EXPOSED)
        .max_age(REMEMBERED)
}

fn panicked(cause: Box<dyn Any + Send>) -> Response {
    let text = cause.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| cause.downcast_ref::<&str>().copied()).unwrap_or("without a text");
    Problem::internal(&format_args!("panic: {text}")).into_response()
}

#[cfg(test)]
mod tests {
    use axum::{
        body::{Body, to_bytes},
        http::Request,
        routing::get,
    };
    use tower::ServiceExt;

    use super::*;

    async fn panics() -> String {
        panic!("a secret detail")
    }

    #[tokio::test]
    async fn a_panic_is_a_problem_that_says_nothing_of_it() {
        let router = around(Router::new().route("/", get(panics)), &[]);
        let answer = router.oneshot(Request::get("/").body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(answer.status(), 500);
        assert_eq!(answer.headers()["content-type"], "application/problem+json");
        assert_eq!(answer.headers()["x-content-type-options"], "nosniff");
        let body = to_bytes(answer.into_body(), 10_000).await.unwrap();
        let problem: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(problem["code"], "internal");
        assert!(!problem.to_string().contains("secret detail"), "{problem}");
    }

    #[tokio::test]
    async fn answers_are_compressed_unless_that_does_harm() {
        let of = async |content_type: &'static str| {
            let answer = move || async move { ([(header::CONTENT_TYPE, content_type)], "a".repeat(1000)) };
            let router = around(Router::new().route("/", get(answer)), &[]);
            let request = Request::get("/").header("accept-encoding", "gzip").body(Body::empty()).unwrap();
            let answer = router.oneshot(request).await.unwrap();
            answer.headers().get("content-encoding").is_some_and(|encoding| encoding == "gzip")
        };
        assert!(of("application/json").await && of("text/csv").await);
        for as_it_is in ["text/event-stream", "application/x-ndjson", "application/vnd.apache.parquet"] {
            assert!(!of(as_it_is).await, "{as_it_is}");
        }
    }
}
