//! Requests that may be sent twice: with an `Idempotency-Key`, the second one gets the answer of the first and does
//! nothing (draft-ietf-httpapi-idempotency-key-header).

use axum::{
    body::{Body, Bytes, to_bytes},
    extract::{OriginalUri, Request, State},
    http::{HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use sha2::{Digest, Sha256};

use super::{
    auth::Caller,
    extract::{self, BODY_LIMIT},
    problem::Problem,
    state::Api,
};
use crate::store::{GivenAnswer, Repeated};

/// The client's name for a request.
pub(super) const HEADER: HeaderName = HeaderName::from_static("idempotency-key");

/// Says that an answer is one that was given before.
pub(super) const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// Headers of an answer that are part of it.
const KEPT: [HeaderName; 3] = [header::CONTENT_TYPE, header::LOCATION, header::ETAG];

/// The longest key.
const LONGEST: usize = 255;

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
    let (parts, body) = request.into_parts();
    let body = extract::bytes(Request::from_parts(parts.clone(), body), &()).await?;
    let hash = hash(
        &parts.method,
        &parts.extensions.get::<OriginalUri>().map_or(&parts.uri, |original| &original.0).to_string(),
        &body,
    );
    let request = Request::from_parts(parts, Body::from(body));
    match api.store.take_up(caller.user_id, key, &hash, api.store.now()).await? {
        Repeated::Answered(answer) => Ok(replay(answer)),
        Repeated::Other => Err(Problem::key_reused()),
        Repeated::UnderWay => {
            let detail = "a request with this Idempotency-Key is being answered right now";
            Err(Problem::conflict("under-way", detail).suggest("wait a moment, then send it again"))
        }
        Repeated::New => answer(api, caller, key, next.run(request).await).await,
    }
}

/// Keeps what was answered, unless it says that nothing was done and that it may be tried again.
async fn answer(api: &Api, caller: &Caller, key: &str, response: Response) -> Result<Response, Problem> {
    let status = response.status();
    if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
        api.store.give_back(caller.user_id, key).await?;
        return Ok(response);
    }
    let (parts, body) = response.into_parts();
    // Answers to POST are of a bounded size, made in memory.
    let body = to_bytes(body, 64 * BODY_LIMIT).await.map_err(|error| Problem::internal(&error))?;
    let headers = KEPT
        .iter()
        .filter_map(|name| Some((name.to_string(), parts.headers.get(name)?.to_str().ok()?.to_owned())));
    let answer = GivenAnswer {
        status: status.as_u16(),
        headers: headers.collect(),
        body: String::from_utf8_lossy(&body).into_owned(),
    };
    api.store.keep_answer(caller.user_id, key, &answer, api.store.now()).await?;
    Ok(Response::from_parts(parts, Body::from(body)))
}

fn replay(answer: GivenAnswer) -> Response {
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    for (name, value) in answer.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            response.headers_mut().insert(name, value);
        }
    }
    response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    response
}

fn hash(method: &Method, uri: &str, body: &Bytes) -> String {
    let mut digest = Sha256::new();
    digest.update(format!("{method} {uri}\n"));
    digest.update(body);
    hex::encode(digest.finalize())
}
