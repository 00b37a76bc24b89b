//! Logging browsers in and out: a one-time link, or a token, is exchanged for a session.

mod attempts;
mod page;

use std::time::Instant as Clock;

use axum::{
    Router,
    body::Bytes,
    extract::{Query, Request, State, rejection::QueryRejection},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use serde_json::json;

pub(super) use self::attempts::Attempts;
use self::page::{Shown, page};
use super::{
    auth::{origin, session},
    extract,
    problem::Problem,
    state::Api,
    trace,
};
use crate::{
    domain::{TokenKind, TokenText},
    store::{Instant, Login, NewAuditEntry, NewToken, StoreError},
};

/// Pages for people, so they are no part of the API's description.
pub(super) fn routes() -> Router<Api> {
    Router::new().route(PATH, get(show).post(log_in)).route("/logout", post(log_out))
}

/// Where browsers log in.
const PATH: &str = "/login";

/// What the page's form sends, or a link.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Given {
    code: Option<String>,
    token: Option<String>,
}

async fn show(given: Result<Query<Given>, QueryRejection>) -> Response {
    let code = given.ok().and_then(|Query(given)| given.code);
    match code.as_deref().map(TokenText::parse) {
        None => page(StatusCode::OK, None, &Shown::Token),
        Some(Some(code)) => page(StatusCode::OK, None, &Shown::Link(&code)),
        Some(None) => page(StatusCode::OK, Some("The link is not whole. Copy all of it."), &Shown::Token),
    }
}

async fn log_in(State(api): State<Api>, request: Request) -> Result<Response, Problem> {
    if origin::is_foreign(request.headers()) {
        return Err(Problem::cross_origin());
    }
    let proxied = api.config.server.behind_proxy;
    let address = origin::of(&request, proxied);
    if let Some(seconds) = api.attempts().wait(address, Clock::now()) {
        let wrong = "Too many attempts. Wait a minute, then try again.";
        let mut refused = page(StatusCode::TOO_MANY_REQUESTS, Some(wrong), &Shown::Token);
        refused.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        return Ok(refused);
    }
    let headers = request.headers().clone();
    let given = form(request).await?;
    let (secret, now) = (TokenText::new(rand::random()), api.store.now());
    let Some((login, seconds)) = exchanged(&api, &given, &secret, now).await? else {
        api.attempts().failed(address, Clock::now());
        tracing::info!(address = address.map(tracing::field::display), "somebody could not log in");
        let wrong = match given.code {
            Some(_) => {
                "The link is used up or too old. <code>backfill login</code> on the host prints another."
            }
            None => "The token is unknown, expired or revoked.",
        };
        return Ok(page(StatusCode::UNAUTHORIZED, Some(wrong), &Shown::Token));
    };
    let address = address.map(|address| address.to_string());
    write_down(&api, &login, PATH, address.as_deref()).await?;
    let cookie = session::header(secret.expose(), seconds, &headers, proxied);
    Ok(away("/", cookie))
}

async fn log_out(State(api): State<Api>, request: Request) -> Result<Response, Problem> {
    if origin::is_foreign(request.headers()) {
        return Err(Problem::cross_origin());
    }
    let proxied = api.config.server.behind_proxy;
    if let Some(session) = session::sent(request.headers()) {
        let login = api.store.login(&session.hash(), api.store.now()).await?;
        if let Some(login) = login.filter(|login| login.kind == TokenKind::Session) {
            api.store.revoke_token(login.token_id, api.store.now()).await?;
            let address = origin::of(&request, proxied).map(|address| address.to_string());
            write_down(&api, &login, "/logout", address.as_deref()).await?;
        }
    }
    Ok(away(PATH, session::header("", 0, request.headers(), proxied)))
}

/// Sends the browser on, with a cookie.
fn away(to: &str, cookie: Option<header::HeaderValue>) -> Response {
    let mut response = Redirect::to(to).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-store"));
    if let Some(cookie) = cookie {
        headers.insert(header::SET_COOKIE, cookie);
    }
    response
}

async fn form(request: Request) -> Result<Given, Problem> {
    const TYPE: &str = "application/x-www-form-urlencoded";
    let is_form = is_form(request.headers(), TYPE);
    let body: Bytes = extract::bytes(request, &()).await?;
    if !is_form {
        return Err(Problem::media_type(TYPE));
    }
    serde_html_form::from_bytes(&body).map_err(|error| Problem::malformed(error.to_string()))
}

fn is_form(headers: &HeaderMap, expected: &str) -> bool {
    let sent = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    sent.split(';').next().is_some_and(|essence| essence.trim().eq_ignore_ascii_case(expected))
}

/// Who is logged in by this, and for how many seconds: what was given became the session of this secret.
async fn exchanged(
    api: &Api,
    given: &Given,
    session: &TokenText,
    now: DateTime<Utc>,
) -> Result<Option<(Login, i64)>, StoreError> {
    let until = now + TimeDelta::hours(session::HOURS);
    let parsed = |text: &Option<String>| text.as_deref().map(str::trim).and_then(TokenText::parse);
    if let Some(code) = parsed(&given.code) {
        let login = api.store.exchange(&code.hash(), session.hash(), until, now).await?;
        return Ok(login.map(|login| (login, session::HOURS * 3600)));
    }
    let Some(token) = parsed(&given.token) else { return Ok(None) };
    let login = api.store.login(&token.hash(), now).await?;
    let Some(login) = login.filter(|login| login.kind == TokenKind::Token) else { return Ok(None) };
    // What a token opens is open no longer than the token itself, and no wider.
    let expires_at =
        api.store.token(login.token_id).await?.expires_at.map_or(until, |at| at.utc().min(until));
    let new = NewToken {
        user_id: login.user_id,
        name: "browser",
        hash: session.hash(),
        kind: TokenKind::Session,
        role: Some(login.role),
        expires_at: Some(Instant::from(expires_at)),
        parent_id: Some(login.token_id),
    };
    api.store.create_token(&new, now).await?;
    Ok(Some((login, (expires_at - now).num_seconds())))
}

async fn write_down(api: &Api, login: &Login, path: &str, address: Option<&str>) -> Result<(), StoreError> {
    let entry = NewAuditEntry {
        user_id: Some(login.user_id),
        actor: None,
        token_id: Some(login.token_id),
        action: &format!("POST {path}"),
        target: path,
        detail: json!({ "request_id": trace::current() }),
        address,
    };
    let id = api.store.append_audit(&entry, api.store.now()).await?;
    api.store.audit_outcome(id, StatusCode::SEE_OTHER.as_u16(), &entry.detail).await
}
