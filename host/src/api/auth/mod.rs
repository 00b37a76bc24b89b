//! Who asks: a bearer token of ours, or a JSON Web Token of the configured issuer.

mod jwt;
mod who;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

pub(super) use self::{
    jwt::Issuer,
    who::{Admin, Caller, Operator, Viewer},
};
use super::{problem::Problem, state::Api};
use crate::domain::TokenText;

/// Finds out who asks, and lets nobody pass who does not say.
pub(super) async fn layer(State(api): State<Api>, mut request: Request, next: Next) -> Response {
    match who(&api, request.headers()).await {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(problem) => problem.into_response(),
    }
}

async fn who(api: &Api, headers: &HeaderMap) -> Result<Caller, Problem> {
    let bearer = bearer(headers)?;
    let Some(token) = TokenText::parse(bearer) else {
        return match api.issuer() {
            Some(issuer) => issuer.caller(bearer, &api.store).await,
            None => Err(refused()),
        };
    };
    let login = api.store.login(&token.hash(), api.store.now()).await?.ok_or_else(refused)?;
    Ok(Caller {
        user_id: login.user_id,
        name: login.user_name,
        role: login.role,
        token_id: Some(login.token_id),
    })
}

/// The same for all that does not let in, so that nobody learns which of it was nearly right.
fn refused() -> Problem {
    Problem::unauthenticated("the token is unknown, expired or revoked")
}

fn bearer(headers: &HeaderMap) -> Result<&str, Problem> {
    let Some(value) = headers.get(header::AUTHORIZATION) else {
        return Err(Problem::unauthenticated("the request has no token"));
    };
    let text = value.to_str().map_err(|_| refused())?;
    match text.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Ok(token.trim()),
        _ => Err(Problem::unauthenticated("expected `Authorization: Bearer TOKEN`")),
    }
}
