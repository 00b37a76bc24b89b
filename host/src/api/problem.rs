//! What goes wrong, as RFC 9457 has it: a stable code, what it was, where, and what to do.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use super::trace;
use crate::{
    planning::PlanningError,
    store::{Fault, StoreError},
};

/// A problem, to be answered. Boxed, since handlers return it in place of what they are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem(Box<Parts>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Parts {
    status: StatusCode,
    code: &'static str,
    title: &'static str,
    detail: String,
    suggestion: String,
    fields: Vec<FieldProblem>,
    retry_after_seconds: Option<u64>,
}

/// The body of every answer that is not a success.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Problem)]
pub(super) struct ProblemBody {
    /// Names the kind of problem: `urn:backfill:problem:` and the code.
    #[serde(rename = "type")]
    kind: String,
    /// The kind of problem, for people.
    title: &'static str,
    /// The HTTP status.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// What was wrong this time.
    detail: String,
    /// The kind of problem, for programs; it never changes.
    #[schema(example = "invalid-body")]
    code: &'static str,
    /// What to do about it.
    suggestion: String,
    /// The request's id, which the host's log has too.
    trace_id: String,
    /// What was wrong with which part of the request.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    errors: Vec<FieldProblem>,
}

/// What was wrong with one part of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub(super) struct FieldProblem {
    /// Where in the body, as a JSON pointer (RFC 6901).
    #[serde(skip_serializing_if = "Option::is_none")]
    pointer: Option<String>,
    /// Which line of the body, from 1, where that is no JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    /// Which parameter of path, query or header.
    #[serde(skip_serializing_if = "Option::is_none")]
    parameter: Option<String>,
    /// What is wrong with it.
    detail: String,
}

/// What is wrong with one field of a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Misfit(FieldProblem);

/// What is wrong with a field of a body, by its JSON pointer (empty for all of it).
pub(super) fn misfit(pointer: impl Into<String>, detail: impl Into<String>) -> Misfit {
    let (pointer, detail) = (Some(pointer.into()), detail.into());
    Misfit(FieldProblem { pointer, line: None, parameter: None, detail })
}

/// Ends a detail that names the first of several.
fn and_more(count: usize) -> String {
    if count == 0 { String::new() } else { format!("; and {count} more, which `errors` names") }
}

/// So many wrong lines are told of.
const MOST_LINES: usize = 1000;

/// After a passing fault of the database, for who would try again.
const PASSING_SECONDS: u64 = 5;

/// When to ask again while too much is waiting.
const QUEUE_FULL_SECONDS: u64 = 60;

/// What to do about a problem of which no more is known.
fn usual(status: StatusCode) -> &'static str {
    match status {
        StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY => {
            "change what `detail` and `errors` name; /docs says what is expected"
        }
        StatusCode::FORBIDDEN => "ask whoever may, or an admin",
        StatusCode::NOT_FOUND => "look up what there is in the list that it belongs to, or see /docs",
        StatusCode::REQUEST_TIMEOUT => "send it again, over a better connection or in parts",
        StatusCode::CONFLICT => "look at how things stand now, and decide by that",
        StatusCode::PAYLOAD_TOO_LARGE => "send less, or send it in parts",
        StatusCode::UNSUPPORTED_MEDIA_TYPE => "send it as the `Content-Type` that `detail` names",
        StatusCode::TOO_MANY_REQUESTS => "try again after the seconds in `Retry-After`",
        StatusCode::SERVICE_UNAVAILABLE => "try again shortly",
        _ => "look into the host's log under the `trace_id`",
    }
}

impl Problem {
    fn new(status: StatusCode, code: &'static str, title: &'static str, detail: String) -> Self {
        let (fields, retry_after_seconds) = (Vec::new(), None);
        let suggestion = usual(status).to_owned();
        Self(Box::new(Parts { status, code, title, detail, suggestion, fields, retry_after_seconds }))
    }

    /// What to do about it, where that is more than what is usual.
    pub(super) fn suggest(mut self, suggestion: impl Into<String>) -> Self {
        self.0.suggestion = suggestion.into();
        self
    }

    /// 400: the body is no JSON.
    pub(super) fn malformed(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "malformed-body", "The body can't be read", detail.into())
    }

    /// 400: a parameter of path, query or header.
    pub(super) fn parameter(name: impl Into<String>, detail: impl Into<String>) -> Self {
        let (name, detail) = (name.into(), detail.into());
        let text = if name.is_empty() { detail.clone() } else { format!("{name}: {detail}") };
        let mut problem =
            Self::new(StatusCode::BAD_REQUEST, "invalid-parameter", "A parameter is wrong", text);
        if !name.is_empty() {
            problem.0.fields.push(FieldProblem { pointer: None, line: None, parameter: Some(name), detail });
        }
        problem
    }

    /// 400, if anything is wrong with parameters: each with its name.
    pub(super) fn unless_fit_parameters(wrong: Vec<(String, String)>) -> Result<(), Self> {
        let fields = wrong.iter().map(|(name, detail)| FieldProblem {
            pointer: None,
            line: None,
            parameter: Some(name.clone()),
            detail: detail.clone(),
        });
        let fields: Vec<_> = fields.collect();
        let Some((name, detail)) = wrong.into_iter().next() else { return Ok(()) };
        let mut problem = Self::parameter(name, detail);
        problem.0.detail.push_str(&and_more(fields.len() - 1));
        problem.0.fields = fields;
        Err(problem)
    }

    /// 422: a field of the body, by its JSON pointer (empty for all of it).
    pub(super) fn field(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::misfits([misfit(pointer, detail)])
    }

    /// 422, if anything is wrong with the body.
    pub(super) fn unless_fit(wrong: Vec<Misfit>) -> Result<(), Self> {
        if wrong.is_empty() { Ok(()) } else { Err(Self::misfits(wrong)) }
    }

    /// 422: all that is wrong with the body.
    pub(super) fn misfits(wrong: impl IntoIterator<Item = Misfit>) -> Self {
        let fields: Vec<_> = wrong.into_iter().map(|Misfit(field)| field).collect();
        let first = fields.first().map(|first| match first.pointer.as_deref().unwrap_or_default() {
            "" => first.detail.clone(),
            pointer => format!("{pointer}: {}", first.detail),
        });
        let mut detail = first.unwrap_or_default();
        detail.push_str(&and_more(fields.len().saturating_sub(1)));
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        let mut problem = Self::new(status, "invalid-body", "The body is not what is expected", detail);
        problem.0.fields = fields;
        problem
    }

    /// 422: lines of a body that is no JSON, each with what is wrong with it (none: with all of it).
    pub(super) fn lines(wrong: impl IntoIterator<Item = (Option<usize>, String)>) -> Self {
        let all = wrong.into_iter().map(|(line, detail)| FieldProblem {
            pointer: None,
            line,
            parameter: None,
            detail,
        });
        let mut fields: Vec<_> = all.collect();
        let count = fields.len();
        fields.truncate(MOST_LINES);
        let detail = match count {
            0..=MOST_LINES => format!("{count} things are wrong; `errors` says what, and where"),
            _ => format!("{count} things are wrong; `errors` tells of the first {MOST_LINES}"),
        };
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        let mut problem = Self::new(status, "invalid-body", "The body is not what is expected", detail);
        problem.0.fields = fields;
        problem
    }

    /// 401: nobody is logged in.
    pub(super) fn unauthenticated(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthenticated", "A token is needed", detail.into())
            .suggest("send `Authorization: Bearer TOKEN`; `backfill token create` makes one")
    }

    /// 403: who is logged in may not do this.
    pub(super) fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", "This is not for you to do", detail.into())
    }

    /// 403: a page of another origin made the browser send this.
    pub(super) fn cross_origin() -> Self {
        let detail =
            "the request comes from a page of another origin, with the cookie of this one".to_owned();
        Self::new(StatusCode::FORBIDDEN, "cross-origin", "Another page may not do this", detail)
            .suggest("send a token instead: `Authorization: Bearer TOKEN`")
    }

    /// 404.
    pub(super) fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", "There is no such thing", detail.into())
    }

    /// 404: a source without a catalogue.
    pub(super) fn no_catalog(source: &str) -> Self {
        let detail = format!("source {source} can't list the units of its upstream");
        Self::new(StatusCode::NOT_FOUND, "no-catalog", "There is no such thing", detail)
            .suggest("look its units up in the upstream's own documents, and import them as CSV")
    }

    /// 405.
    pub(super) fn method_not_allowed() -> Self {
        let detail = "the path exists, and does not answer this method".to_owned();
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", "Another method is expected", detail)
            .suggest("see the Allow header, or /docs")
    }

    /// 409: what is asked for contradicts how things stand.
    pub(super) fn conflict(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, code, "This can't be done as things stand", detail.into())
    }

    /// 413.
    pub(super) fn too_large(limit: usize) -> Self {
        let detail = format!("the body is longer than {limit} bytes");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", "The body is too long", detail)
    }

    /// 415.
    pub(super) fn media_type(expected: &'static str) -> Self {
        let detail = format!("expected a body with `Content-Type: {expected}`");
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "media-type", "The body is of another type", detail)
    }

    /// 422: a key that was used for another request.
    pub(super) fn key_reused() -> Self {
        let detail = "this Idempotency-Key was used for another request".to_owned();
        Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "key-reused",
            "The key belongs to another request",
            detail,
        )
        .suggest("send each new request with a new key")
    }

    /// 429: no more tasks may wait.
    pub(super) fn queue_full(detail: impl Into<String>) -> Self {
        let status = StatusCode::TOO_MANY_REQUESTS;
        let mut problem = Self::new(status, "queue-full", "Too much is waiting already", detail.into());
        problem.0.retry_after_seconds = Some(QUEUE_FULL_SECONDS);
        problem.suggest("wait until some have ended, ask for less at once, or raise [server] max_open_tasks")
    }

    /// 429: no more may stay connected.
    pub(super) fn crowded(detail: impl Into<String>, retry_after_seconds: u64) -> Self {
        let status = StatusCode::TOO_MANY_REQUESTS;
        let mut problem = Self::new(status, "crowded", "Too many do this already", detail.into());
        problem.0.retry_after_seconds = Some(retry_after_seconds);
        problem
    }

    /// 408: the body came too slowly.
    pub(super) fn too_slow(seconds: u64) -> Self {
        let detail = format!("the body did not arrive within {seconds} s");
        Self::new(StatusCode::REQUEST_TIMEOUT, "too-slow", "The body came too slowly", detail)
    }

    /// 503: something that is needed is away for now.
    pub(super) fn unavailable(detail: impl Into<String>) -> Self {
        let status = StatusCode::SERVICE_UNAVAILABLE;
        let mut problem = Self::new(status, "unavailable", "Something is away for now", detail.into());
        problem.0.retry_after_seconds = Some(PASSING_SECONDS);
        problem
    }

    /// 500. What went wrong is in the host's log under the trace id and not in the answer, which anybody may see.
    pub(super) fn internal(cause: &dyn std::fmt::Display) -> Self {
        tracing::error!("a request failed: {cause}");
        let detail = "the host failed to answer; its log says more under this trace id".to_owned();
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "The host failed", detail)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let problem = *self.0;
        let body = ProblemBody {
            kind: format!("urn:backfill:problem:{}", problem.code),
            title: problem.title,
            status: problem.status.as_u16(),
            detail: problem.detail,
            code: problem.code,
            suggestion: problem.suggestion,
            trace_id: trace::current(),
            errors: problem.fields,
        };
        let mut response = (problem.status, Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if problem.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = problem.retry_after_seconds {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match &error {
            StoreError::NotFound { .. } => Self::not_found(error.to_string()),
            StoreError::Refused { why, .. } => Self::conflict("refused", why.clone()),
            _ if error.is_passing() => {
                tracing::warn!("a request failed: {error}");
                let detail = match error.fault() {
                    Some(Fault::Full) => "the database's disk is full",
                    _ => "the database can't be reached for now",
                };
                Self::unavailable(detail)
            }
            _ => Self::internal(&error),
        }
    }
}

impl From<PlanningError> for Problem {
    fn from(error: PlanningError) -> Self {
        let detail = error.to_string();
        match error {
            PlanningError::Store(error) => match &error {
                StoreError::NotFound { what: "unit", .. } => Self::field("/generation_unit_ids", detail),
                StoreError::NotFound { .. } => Self::field("/windfarm_id", detail),
                StoreError::Refused { why, .. } => Self::field("", why.clone()),
                _ => error.into(),
            },
            PlanningError::UnknownSource { .. } => Self::field("/sources", detail),
            PlanningError::NoUnits { .. } => Self::field("/windfarm_id", detail),
            PlanningError::UnknownUnit { .. } => Self::field("/generation_unit_ids", detail),
            PlanningError::TooMany { .. } => {
                Self::field("", detail).suggest("ask for fewer wind farms, units or years at once")
            }
            PlanningError::QueueFull { .. } => Self::queue_full(detail),
            PlanningError::Nothing => Self::field("/start_date", detail),
            PlanningError::Changed { .. } => Self::conflict("plan-changed", detail)
                .suggest("ask for the preview again, and start what it shows"),
        }
    }
}
