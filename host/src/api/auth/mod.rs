//! Who asks: the one place that decides whether a request goes on, by its token, its JSON Web Token or its session.

mod jwt;
pub(super) mod origin;
pub(super) mod session;
mod who;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, Method, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

pub(super) use self::{
    jwt::Issuer,
    who::{Admin, Caller, Operator, Viewer},
};
use super::{problem::Problem, state::Api};
use crate::domain::{TokenKind, TokenText};

/// Finds out who asks, and lets nobody pass who does not say.
pub(super) async fn layer(State(api): State<Api>, mut request: Request, next: Next) -> Response {
    match who(&api, request.method(), request.headers()).await {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(problem) => problem.into_response(),
    }
}

async fn who(api: &Api, method: &Method, headers: &HeaderMap) -> Result<Caller, Problem> {
    if let Some(bearer) = bearer(headers)? {
        return match (TokenText::parse(bearer), api.issuer()) {
            (Some(token), _) => holder(api, &token, TokenKind::Token).await,
            (None, Some(issuer)) => issuer.caller(bearer, &api.store).await,
            (None, None) => Err(refused()),
        };
    }
    let session =
        session::sent(headers).ok_or_else(|| Problem::unauthenticated("the request has no token"))?;
    // Browsers send cookies with whatever a page makes them send.
    if !method.is_safe() && origin::is_foreign(headers) {
        return Err(Problem::cross_origin());
    }
    holder(api, &session, TokenKind::Session).await
}

/// Whom a secret of ours lets in, if it is of the kind that is sent this way.
async fn holder(api: &Api, token: &TokenText, kind: TokenKind) -> Result<Caller, Problem> {
    let login = api.store.login(&token.hash(), api.store.now()).await?;
    let login = login.filter(|login| login.kind == kind).ok_or_else(refused)?;
    Ok(Caller {
        user_id: login.user_id,
        lasting_id: login.lasting_id(),
        name: login.user_name,
        role: login.role,
        token_id: Some(login.token_id),
        until: None,
    })
}

/// The same for all that does not let in, so that nobody learns which of it was nearly right.
fn refused() -> Problem {
    Problem::unauthenticated("the token is unknown, expired or revoked")
}

/// What stands in the header, if it is there.
fn bearer(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let Some(value) = headers.get(header::AUTHORIZATION) else { return Ok(None) };
    let text = value.to_str().map_err(|_| refused())?;
    match text.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Ok(Some(token.trim())),
        _ => Err(Problem::unauthenticated("expected `Authorization: Bearer TOKEN`")),
    }
}
