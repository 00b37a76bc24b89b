//! Requests that may be sent twice: with an `Idempotency-Key`, the second one gets the answer of the first and does
//! nothing (draft-ietf-httpapi-idempotency-key-header).

use std::{convert::Infallible, time::Duration};

use axum::{
    body::{Body, Bytes, HttpBody, to_bytes},
    extract::{OriginalUri, Request, State},
    http::{HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;

use super::{
    auth::Caller,
    extract::{self, BODY_LIMIT},
    problem::Problem,
    state::Api,
};
use crate::{
    domain::TokenText,
    store::{GivenAnswer, KeyedRequest, Repeated, Store, TURN, Turn},
};

/// The client's name for a request.
pub(super) const HEADER: HeaderName = HeaderName::from_static("idempotency-key");

/// Says that an answer is one that was given before.
pub(super) const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// Headers of an answer that are part of it.
const KEPT: [HeaderName; 3] = [header::CONTENT_TYPE, header::LOCATION, header::ETAG];

/// The longest key.
const LONGEST: usize = 255;

/// The longest answer that is kept.
const LONGEST_ANSWER: usize = 4 * BODY_LIMIT;

/// How often a turn is renewed.
const RENEWED: Duration = Duration::from_secs(TURN.as_secs() / 4);

/// How often old answers are forgotten.
const FORGOTTEN: Duration = Duration::from_secs(600);

/// Answers a request that was answered before as it was answered then.
pub(super) async fn layer(State(api): State<Api>, request: Request, next: Next) -> Response {
    let key = request.headers().get(HEADER).cloned();
    let caller = request.extensions().get::<Caller>().cloned();
    match (key, caller) {
        (Some(key), Some(caller)) if request.method() == Method::POST => {
            once(&api, &caller, &key, request, next).await.unwrap_or_else(IntoResponse::into_response)
        }
        _ => next.run(request).await,
    }
}

/// Forgets answers once they are old, until the host stops.
pub(super) async fn forget_old(store: &Store, stop: &CancellationToken) {
    loop {
        match store.forget_answers(store.now()).await {
            Ok(0) => {}
            Ok(count) => tracing::debug!(count, "old answers are forgotten"),
            Err(error) => tracing::warn!("old answers can't be forgotten: {error}"),
        }
        tokio::select! {
            () = tokio::time::sleep(FORGOTTEN) => {}
            () = stop.cancelled() => return,
        }
    }
}

async fn once(
    api: &Api,
    caller: &Caller,
    key: &HeaderValue,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let Some(key) = key.to_str().ok().filter(|key| (1..=LONGEST).contains(&key.len())) else {
        let expected = format!("expected 1 to {LONGEST} visible letters, for example a UUID");
        return Err(Problem::parameter("Idempotency-Key", expected));
    };
    if TokenText::is_within(key) {
        return Err(Problem::parameter("Idempotency-Key", "it holds a token, and keys are written down"));
    }
    let (parts, body) = request.into_parts();
    let body = extract::bytes(Request::from_parts(parts.clone(), body), &()).await?;
    let hash = hash(
        &parts.method,
        &parts.extensions.get::<OriginalUri>().map_or(&parts.uri, |original| &original.0).to_string(),
        &body,
    );
    let mut request = Request::from_parts(parts, Body::from(body));
    let keyed = KeyedRequest { user_id: caller.user_id, role: caller.role, key, hash: &hash };
    let holder = hex::encode(rand::random::<[u8; 16]>());
    match api.store.take_up(&keyed, &holder, api.store.now()).await? {
        Repeated::Answered(answer) => replay(answer),
        Repeated::Other => Err(Problem::key_reused()),
        Repeated::Above(role) => {
            let detail =
                format!("this request was sent by a token of the role {role}, and yours may do less");
            Err(Problem::forbidden(detail).suggest("send it by a token of that role"))
        }
        Repeated::UnderWay => {
            let detail = "a request with this Idempotency-Key is being answered right now";
            Err(Problem::conflict("under-way", detail).suggest("wait a moment, then send it again"))
        }
        Repeated::New(turn) => {
            request.extensions_mut().insert(turn.clone());
            let response = tokio::select! {
                response = next.run(request) => response,
                never = renew(api, &turn) => match never {},
            };
            Ok(keep(api, &turn, response).await)
        }
    }
}

/// Keeps the turn for as long as the answer takes.
async fn renew(api: &Api, turn: &Turn) -> Infallible {
    loop {
        tokio::time::sleep(RENEWED).await;
        if let Err(error) = api.store.renew_turn(turn, api.store.now()).await {
            tracing::warn!("the turn to answer a request with a key may be lost: {error}");
        }
    }
}

/// Keeps what was answered, unless it says that nothing was done and that it may be tried again. What the request did is
/// done: if that can't be written down, it is answered all the same.
async fn keep(api: &Api, turn: &Turn, response: Response) -> Response {
    let status = response.status();
    let kept = if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
        (response, api.store.give_back(turn).await.map(|()| true))
    } else {
        let (response, body) = text(response).await;
        let headers = KEPT.iter().filter_map(|name| {
            Some((name.to_string(), response.headers().get(name)?.to_str().ok()?.to_owned()))
        });
        let answer = GivenAnswer { status: status.as_u16(), headers: headers.collect(), body };
        (response, api.store.keep_answer(turn, &answer, api.store.now()).await)
    };
    match kept {
        (response, Ok(true)) => response,
        (response, Ok(false)) => {
            tracing::warn!("a request with a key took so long that it was begun a second time");
            response
        }
        (response, Err(error)) => {
            tracing::warn!("the answer to a request with a key could not be kept: {error}");
            response
        }
    }
}

/// An answer, and its text if that may be kept: it is not long, and holds no secret, which is shown once and to one.
async fn text(response: Response) -> (Response, Option<String>) {
    let short = response.body().size_hint().exact().is_some_and(|size| size <= LONGEST_ANSWER as u64);
    if !short {
        return (response, None);
    }
    let (parts, body) = response.into_parts();
    match to_bytes(body, LONGEST_ANSWER).await {
        Ok(body) => {
            let text = String::from_utf8_lossy(&body).into_owned();
            (
                Response::from_parts(parts, Body::from(body)),
                Some(text).filter(|text| !TokenText::is_within(text)),
            )
        }
        Err(error) => (Problem::internal(&error).into_response(), None),
    }
}

fn replay(answer: GivenAnswer) -> Result<Response, Problem> {
    let Some(body) = answer.body else { return Err(given_once(answer.status, &answer.headers)) };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    for (name, value) in answer.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            response.headers_mut().insert(name, value);
        }
    }
    response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    Ok(response)
}

/// 409: the answer is not kept.
fn given_once(status: u16, headers: &[(String, String)]) -> Problem {
    let made = headers.iter().find(|(name, _)| name == header::LOCATION.as_str()).map(|(_, place)| place);
    let made_what = made.map(|place| format!(", and made {place}")).unwrap_or_default();
    let detail = format!(
        "this request was answered with {status}{made_what}; its answer holds a secret, or is very long, and is given once"
    );
    Problem::conflict("given-once", detail).suggest(match made {
        Some(place) => {
            format!("if you do not have it, take {place} back, and send the request under a new key")
        }
        None => "send the request under a new key".to_owned(),
    })
}

fn hash(method: &Method, uri: &str, body: &Bytes) -> String {
    let mut digest = Sha256::new();
    digest.update(format!("{method} {uri}\n"));
    digest.update(body);
    hex::encode(digest.finalize())
}
