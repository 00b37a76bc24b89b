//! Users, and what each may do.

use axum::{
    Json,
    extract::{OriginalUri, State},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    auth::{Admin, Viewer},
    created::Created,
    extract::{Body, Id, Params},
    page::{self, Page, Place},
    problem::Problem,
    state::Api,
};
use crate::{
    domain::Role,
    store::{User, UserChange},
};

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(me)).routes(routes!(list, create)).routes(routes!(show, change))
}

/// Who asks.
#[derive(Serialize, ToSchema)]
struct Me {
    /// Row id of the user.
    id: i64,
    /// The user's name.
    name: String,
    /// What may be done with the token that was sent.
    role: Role,
    /// The token that was sent; none for a JSON Web Token.
    token_id: Option<i64>,
}

/// A user to make.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewUser {
    /// Unique name.
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    /// Address, if known.
    #[schema(max_length = 320)]
    email: Option<String>,
    /// What it may do.
    role: Role,
}

/// What to change of a user.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Change {
    /// What it may do from now on.
    role: Option<Role>,
    /// Whether nobody may act as it any more.
    disabled: Option<bool>,
}

/// Show who one is.
#[utoipa::path(get, path = "/users/me", tag = "access", responses((status = 200, body = Me)))]
async fn me(Viewer(caller): Viewer) -> Json<Me> {
    Json(Me { id: caller.user_id, name: caller.name, role: caller.role, token_id: caller.token_id })
}

/// List users, the oldest first. For admins.
#[utoipa::path(get, path = "/users", tag = "access", params(Place),
    responses((status = 200, body = [User], headers(
        ("X-Next-Cursor" = i64, description = "The `cursor` of the next page, if there is one."),
        ("Link" = String, description = "The next page, `rel=\"next\"`, if there is one.")))))]
async fn list(
    State(api): State<Api>,
    _: Admin,
    OriginalUri(uri): OriginalUri,
    Params(place): Params<Place>,
) -> Result<Page<User>, Problem> {
    let limit = page::limit(place.limit)?;
    let items = api.store.users(place.cursor, limit).await?;
    let next = page::next(&items, limit, |user| user.id);
    Ok(Page { items, total: None, next, uri })
}

/// Make a user. For admins.
#[utoipa::path(post, path = "/users", tag = "access", request_body = NewUser,
    responses((status = 201, body = User, headers(("Location" = String, description = "The user.")))))]
async fn create(
    State(api): State<Api>,
    _: Admin,
    Body(new): Body<NewUser>,
) -> Result<Created<User>, Problem> {
    let name = new.name.trim();
    if name.is_empty() || name.chars().count() > 200 {
        return Err(Problem::field("/name", "expected 1 to 200 characters"));
    }
    let user = api.store.create_user(name, new.email.as_deref(), new.role, api.store.now()).await?;
    Ok(Created { path: format!("/users/{}", user.id), body: user })
}

/// Show a user. For admins.
#[utoipa::path(get, path = "/users/{id}", tag = "access",
    params(("id" = i64, Path, description = "The user.", minimum = 1)),
    responses((status = 200, body = User)))]
async fn show(State(api): State<Api>, _: Admin, Id(id): Id) -> Result<Json<User>, Problem> {
    Ok(Json(api.store.user(id).await?))
}

/// Change what a user may do; the last admin stays one. For admins.
#[utoipa::path(patch, path = "/users/{id}", tag = "access", request_body = Change,
    params(("id" = i64, Path, description = "The user.", minimum = 1)),
    responses((status = 200, body = User)))]
async fn change(
    State(api): State<Api>,
    _: Admin,
    Id(id): Id,
    Body(change): Body<Change>,
) -> Result<Json<User>, Problem> {
    let change = UserChange { role: change.role, disabled: change.disabled };
    Ok(Json(api.store.change_user(id, change, api.store.now()).await?))
}
