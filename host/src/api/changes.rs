//! Every request that could change something is written into the audit log: before it acts, so that no change
//! escapes, and with its outcome once that is known.

use axum::{
    body::{Body, Bytes},
    extract::{MatchedPath, OriginalUri, Request, State},
    http::{Uri, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use super::{
    auth::{Caller, origin},
    extract,
    problem::Problem,
    state::Api,
    trace,
};
use crate::{domain::TokenText, store::NewAuditEntry};

/// The longest body, and the longest path, that is written down.
const LONGEST: usize = 8 * 1024;

/// Fields whose names hold one of these are not written down.
const SECRET: [&str; 6] = ["secret", "password", "token", "credential", "api_key", "apikey"];

/// So deep into a body is written down. Documents that are deeper by far can't be read again.
const DEEPEST: usize = 32;

/// No number of a request is that large; Postgres spells such ones out, and the largest can't be read again then.
const LARGEST: f64 = 1e300;

/// Writes down who is about to change what, and how it went.
pub(super) async fn layer(State(api): State<Api>, request: Request, next: Next) -> Response {
    let caller = request.extensions().get::<Caller>().cloned();
    match caller {
        Some(caller) if !request.method().is_safe() => {
            written_down(&api, &caller, request, next).await.unwrap_or_else(IntoResponse::into_response)
        }
        _ => next.run(request).await,
    }
}

async fn written_down(api: &Api, caller: &Caller, request: Request, next: Next) -> Result<Response, Problem> {
    let (request, body) = read(request).await?;
    let route = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
    let address = origin::of(&request, api.config.server.behind_proxy).map(|address| address.to_string());
    // Routers below others see their own part of the path only.
    let target = request.extensions().get::<OriginalUri>().map_or(request.uri(), |original| &original.0);
    let mut detail = json!({ "request_id": trace::current() });
    if let Some(body) = body.as_ref().and_then(noted) {
        detail["body"] = body;
    }
    let entry = NewAuditEntry {
        user_id: Some(caller.user_id),
        actor: None,
        token_id: caller.token_id,
        action: &format!("{} {route}", request.method()),
        target: &path(target),
        detail: detail.clone(),
        address: address.as_deref(),
    };
    // What can't be written down is not done.
    let id = api.store.append_audit(&entry, api.store.now()).await?;
    let response = next.run(request).await;
    let status = response.status().as_u16();
    if let Some(made) = response.headers().get(header::LOCATION).and_then(|place| place.to_str().ok()) {
        detail["made"] = json!(made);
    }
    if let Err(error) = api.store.audit_outcome(id, status, &detail).await {
        tracing::warn!(status, "the audit log lacks how a request went: {error}");
    }
    Ok(response)
}

/// Reads a request's body if it says that it is JSON: other bodies are tables, which imports keep.
async fn read(request: Request) -> Result<(Request, Option<Bytes>), Problem> {
    if !extract::is_json(request.headers()) {
        return Ok((request, None));
    }
    let (parts, body) = request.into_parts();
    let bytes = extract::bytes(Request::from_parts(parts.clone(), body), &()).await?;
    Ok((Request::from_parts(parts, Body::from(bytes.clone())), Some(bytes)))
}

/// A path, without the tokens that somebody may have put there.
fn path(uri: &Uri) -> String {
    let path = percent_decode_str(uri.path()).decode_utf8_lossy();
    TokenText::without(&path).chars().take(LONGEST).collect()
}

/// What is written down of a body; nothing if it can't be read, since then nothing is done.
fn noted(body: &Bytes) -> Option<Value> {
    if body.len() > LONGEST {
        return Some(json!(format!("{} bytes, too many to be written down", body.len())));
    }
    serde_json::from_slice(body).ok().map(|value| notable(value, DEEPEST))
}

/// A value without secrets, that can be read again from any database: so many levels of it.
fn notable(value: Value, levels: usize) -> Value {
    match value {
        Value::String(text) => Value::String(TokenText::without(&text)),
        Value::Number(number) if number.as_f64().is_none_or(|number| number.abs() > LARGEST) => {
            Value::String(number.to_string())
        }
        Value::Array(_) | Value::Object(_) if levels == 0 => json!("too deep to be written down"),
        Value::Array(items) => {
            Value::Array(items.into_iter().map(|item| notable(item, levels - 1)).collect())
        }
        Value::Object(fields) => {
            let fields = fields.into_iter().map(|(name, value)| {
                let lower = name.to_ascii_lowercase();
                let secret = !value.is_null() && SECRET.iter().any(|word| lower.contains(word));
                let value = if secret { json!("[hidden]") } else { notable(value, levels - 1) };
                (TokenText::without(&name), value)
            });
            Value::Object(fields.collect())
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_down_of_a_request_holds_no_secret() {
        let token = TokenText::new([7; 32]);
        let token = token.expose();
        let body = json!({
            "role": "viewer", "name": format!("instead of {token}"), "secret_from": "hush", "Password": "hush",
            "settings": [{ "api_key": "hush", "area": "10Y" }], token: 1, "token_id": null,
        });
        let expected = json!({
            "role": "viewer", "name": "instead of bft_…", "secret_from": "[hidden]", "Password": "[hidden]",
            "settings": [{ "api_key": "[hidden]", "area": "10Y" }], "bft_…": 1, "token_id": null,
        });
        assert_eq!(noted(&Bytes::from(body.to_string())), Some(expected));
        let long = noted(&Bytes::from(format!("\"{}\"", "x".repeat(LONGEST))));
        assert_eq!(long, Some(json!("8194 bytes, too many to be written down")));
        assert_eq!(noted(&Bytes::from_static(b"{")), None);
        for written in [format!("/tokens/{token}"), format!("/tokens/%62%66t_{}", &token[4..])] {
            assert_eq!(path(&written.parse().unwrap()), "/tokens/bft_…");
        }
    }
}
