//! Tokens: one's own, or everybody's for an admin.

use axum::{
    Json,
    extract::{OriginalUri, State},
};
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    auth::{Caller, Viewer},
    created::Created,
    extract::{Body, Id, Params},
    page::{self, Page},
    problem::Problem,
    state::Api,
};
use crate::{
    domain::{Role, TokenKind, TokenText},
    store::{Instant, NewToken, Token, User},
};

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(show, revoke))
}

/// A token lets in for so long, unless something else is asked for.
const DAYS: u32 = 90;

/// What an issuer of JSON Web Tokens lets in, or who makes it by one, lets in for no longer: this host does not hear of it
/// when the issuer takes somebody out.
const ISSUED_DAYS: u32 = 30;

/// A token to make.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewToken)]
struct Wanted {
    /// What it is for, in your words.
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    /// What it may do; as much as its user if nothing is said.
    role: Option<Role>,
    /// Whom it lets in: oneself, unless an admin names somebody else.
    #[schema(minimum = 1)]
    user_id: Option<i64>,
    /// How long it lets in: 90 days, or as long as may be, if nothing is said. No longer than the token that makes it, with
    /// which it ends; no longer than 30 days if it is made by a JSON Web Token, or for a user of the issuer.
    #[schema(minimum = 1, maximum = 3650)]
    expires_in_days: Option<u32>,
}

/// A token that was made, with the secret, which is shown this once.
#[derive(Serialize, ToSchema)]
struct Made {
    #[serde(flatten)]
    about: Token,
    /// The secret: send it as `Authorization: Bearer …`. Only its hash is kept.
    token: String,
}

/// Whose tokens.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Whose {
    /// Those of this user; one's own if nobody is named, all for an admin.
    user_id: Option<i64>,
    /// At most so many.
    #[param(minimum = 1, maximum = 100, default = 100)]
    limit: Option<u32>,
    /// The page after this place.
    #[param(minimum = 1)]
    cursor: Option<i64>,
}

/// List tokens, the newest first: one's own; an admin sees everybody's.
#[utoipa::path(get, path = "/tokens", tag = "access", params(Whose),
    responses((status = 200, body = [Token], headers(
        ("X-Next-Cursor" = i64, description = "The `cursor` of the next page, if there is one."),
        ("Link" = String, description = "The next page, `rel=\"next\"`, if there is one.")))))]
async fn list(
    State(api): State<Api>,
    Viewer(caller): Viewer,
    OriginalUri(uri): OriginalUri,
    Params(whose): Params<Whose>,
) -> Result<Page<Token>, Problem> {
    let user = match (caller.role, whose.user_id) {
        (Role::Admin, user) => user,
        (_, Some(user)) if user != caller.user_id => return Err(only_own()),
        _ => Some(caller.user_id),
    };
    let limit = page::limit(whose.limit)?;
    let items = api.store.tokens(user, whose.cursor, limit).await?;
    let next = page::next(&items, limit, |token| token.id);
    Ok(Page { items, total: None, next, uri })
}

/// Make a token. The answer holds the secret, this once.
#[utoipa::path(post, path = "/tokens", tag = "access", request_body = Wanted,
    responses((status = 201, body = Made, headers(("Location" = String, description = "The token.")))))]
async fn create(
    State(api): State<Api>,
    Viewer(caller): Viewer,
    Body(wanted): Body<Wanted>,
) -> Result<Created<Made>, Problem> {
    let name = wanted.name.trim();
    if name.is_empty() || name.chars().count() > 200 {
        return Err(Problem::field("/name", "expected 1 to 200 characters"));
    }
    if wanted.expires_in_days.is_some_and(|days| !(1..=3650).contains(&days)) {
        return Err(Problem::field("/expires_in_days", "expected 1 to 3650"));
    }
    let user_id = wanted.user_id.unwrap_or(caller.user_id);
    if user_id != caller.user_id && caller.role != Role::Admin {
        return Err(only_own());
    }
    let user =
        api.store.user(user_id).await.map_err(|_| Problem::field("/user_id", "there is no such user"))?;
    // A token that may do less does not make one that may do more.
    let most = if user_id == caller.user_id { user.role.min(caller.role) } else { user.role };
    let role = wanted.role.unwrap_or(most);
    if role > most {
        return Err(Problem::field(
            "/role",
            format!("{role} is more than {most}, which its maker or user is"),
        ));
    }
    let (now, text) = (api.store.now(), TokenText::new(rand::random()));
    let latest = latest(&api, &caller, &user, now).await?;
    let new = NewToken {
        user_id,
        name,
        hash: text.hash(),
        kind: TokenKind::Token,
        role: Some(role),
        expires_at: Some(Instant::from(end(wanted.expires_in_days, &latest)?)),
        parent_id: caller.lasting_id,
    };
    let id = api.store.create_token(&new, now).await?;
    let made = Made { about: api.store.token(id).await?, token: text.expose().to_owned() };
    Ok(Created { path: format!("/tokens/{id}"), body: made })
}

/// When a token that is made now has to end at the latest, and why.
struct Latest {
    now: DateTime<Utc>,
    bounds: Vec<(DateTime<Utc>, &'static str)>,
}

async fn latest(api: &Api, caller: &Caller, user: &User, now: DateTime<Utc>) -> Result<Latest, Problem> {
    let mut bounds = Vec::new();
    if caller.until.is_some() || user.issuer.is_some() {
        let why = "since this host is not told when the issuer of JSON Web Tokens takes somebody out";
        bounds.push((now + TimeDelta::days(ISSUED_DAYS.into()), why));
    }
    if let Some(maker) = caller.lasting_id
        && let Some(at) = api.store.token(maker).await?.expires_at
    {
        bounds.push((at.utc(), "when the token that makes it ends"));
    }
    Ok(Latest { now, bounds })
}

/// When a token ends for which so many days were asked.
fn end(days: Option<u32>, Latest { now, bounds }: &Latest) -> Result<DateTime<Utc>, Problem> {
    let end = *now + TimeDelta::days(days.unwrap_or(DAYS).into());
    match bounds.iter().min().filter(|(latest, _)| end > *latest) {
        None => Ok(end),
        Some((latest, _)) if days.is_none() => Ok(*latest),
        Some((latest, why)) => {
            let latest = latest.to_rfc3339_opts(SecondsFormat::Secs, true);
            Err(Problem::field("/expires_in_days", format!("it may let in until {latest} at most, {why}")))
        }
    }
}

/// Show a token, without its secret.
#[utoipa::path(get, path = "/tokens/{id}", tag = "access",
    params(("id" = i64, Path, description = "The token.", minimum = 1)),
    responses((status = 200, body = Token)))]
async fn show(State(api): State<Api>, Viewer(caller): Viewer, Id(id): Id) -> Result<Json<Token>, Problem> {
    Ok(Json(own(&api, &caller, id).await?))
}

/// Revoke a token: it lets nobody in any more, nor do sessions that it began and tokens that were made by it.
#[utoipa::path(delete, path = "/tokens/{id}", tag = "access",
    params(("id" = i64, Path, description = "The token.", minimum = 1)),
    responses((status = 200, body = Token)))]
async fn revoke(State(api): State<Api>, Viewer(caller): Viewer, Id(id): Id) -> Result<Json<Token>, Problem> {
    own(&api, &caller, id).await?;
    api.store.revoke_token(id, api.store.now()).await?;
    Ok(Json(api.store.token(id).await?))
}

/// A token of one's own, or anybody's for an admin. To others it does not exist.
async fn own(api: &Api, caller: &Caller, id: i64) -> Result<Token, Problem> {
    let token = api.store.token(id).await?;
    if caller.role == Role::Admin || token.user_id == caller.user_id {
        return Ok(token);
    }
    Err(Problem::not_found(format!("no token {id}")))
}

fn only_own() -> Problem {
    Problem::forbidden("these tokens are somebody else's; only an admin may look at them, or make some")
}
