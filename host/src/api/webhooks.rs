//! Webhooks: addresses that are told of what happens. For admins, since whoever enters one makes the host send there.

use axum::{
    Json,
    extract::{OriginalUri, State},
    http::StatusCode,
};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    auth::Admin,
    created::Created,
    extract::{Body, Id, Params},
    page::{self, Page, Place},
    problem::Problem,
    state::Api,
};
use crate::{
    domain::EventKind,
    store::{self, DeadMessage, Webhook},
};

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(dead))
        .routes(routes!(revive))
        .routes(routes!(show, change, delete))
}

/// A webhook to enter.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewWebhook {
    /// Where messages go, http or https.
    #[schema(
        min_length = 8,
        max_length = 2000,
        pattern = "^https?://",
        example = "https://example.org/hooks/backfill"
    )]
    url: String,
    /// Where the signing secret is on every host, `env:NAME` or `file:PATH`; without it messages are not signed.
    #[schema(max_length = 500, pattern = "^(env|file):.+$", example = "env:HOOK_SECRET")]
    secret_from: Option<String>,
    /// The kinds of events to be told of; the usual ones if none is named. Of single tasks nobody is told.
    #[serde(default)]
    #[schema(max_items = 100)]
    event_kinds: Vec<EventKind>,
}

/// What to change of a webhook.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = WebhookChange)]
struct Change {
    /// Whether it gets messages. What waits for one that does not is given up.
    active: bool,
}

/// How many messages.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct HowMany {
    /// At most so many.
    #[param(minimum = 1, maximum = 100, default = 100)]
    limit: Option<u32>,
}

/// List webhooks, the oldest first. For admins.
#[utoipa::path(get, path = "/webhooks", tag = "webhooks", params(Place),
    responses((status = 200, body = [Webhook], headers(
        ("X-Next-Cursor" = i64, description = "The `cursor` of the next page, if there is one."),
        ("Link" = String, description = "The next page, `rel=\"next\"`, if there is one.")))))]
async fn list(
    State(api): State<Api>,
    _: Admin,
    OriginalUri(uri): OriginalUri,
    Params(place): Params<Place>,
) -> Result<Page<Webhook>, Problem> {
    let limit = page::limit(place.limit)?;
    let items = api.store.webhooks(place.cursor, limit).await?;
    let next = page::next(&items, limit, |webhook| webhook.id);
    Ok(Page { items, total: None, next, uri })
}

/// Tell an address of what happens from now on. For admins.
#[utoipa::path(post, path = "/webhooks", tag = "webhooks", request_body = NewWebhook,
    responses((status = 201, body = Webhook, headers(("Location" = String, description = "The webhook.")))))]
async fn create(
    State(api): State<Api>,
    Admin(caller): Admin,
    Body(new): Body<NewWebhook>,
) -> Result<Created<Webhook>, Problem> {
    let webhook = store::NewWebhook {
        url: &new.url,
        secret_from: new.secret_from.as_deref(),
        event_kinds: &new.event_kinds,
        created_by_id: Some(caller.user_id),
    };
    webhook.check().map_err(|(field, why)| Problem::field(format!("/{field}"), why))?;
    let id = api.store.add_webhook(&webhook, api.store.now()).await?;
    Ok(Created { path: format!("/webhooks/{id}"), body: api.store.webhook(id).await? })
}

/// Show a webhook. For admins.
#[utoipa::path(get, path = "/webhooks/{id}", tag = "webhooks",
    params(("id" = i64, Path, description = "The webhook.", minimum = 1)),
    responses((status = 200, body = Webhook)))]
async fn show(State(api): State<Api>, _: Admin, Id(id): Id) -> Result<Json<Webhook>, Problem> {
    Ok(Json(api.store.webhook(id).await?))
}

/// Turn a webhook on or off. For admins.
#[utoipa::path(patch, path = "/webhooks/{id}", tag = "webhooks", request_body = Change,
    params(("id" = i64, Path, description = "The webhook.", minimum = 1)),
    responses((status = 200, body = Webhook)))]
async fn change(
    State(api): State<Api>,
    _: Admin,
    Id(id): Id,
    Body(change): Body<Change>,
) -> Result<Json<Webhook>, Problem> {
    api.store.set_webhook_active(id, change.active).await?;
    Ok(Json(api.store.webhook(id).await?))
}

/// Forget a webhook. What waits for it is given up. For admins.
#[utoipa::path(delete, path = "/webhooks/{id}", tag = "webhooks",
    params(("id" = i64, Path, description = "The webhook.", minimum = 1)),
    responses((status = 204, description = "It is gone.")))]
async fn delete(State(api): State<Api>, _: Admin, Id(id): Id) -> Result<StatusCode, Problem> {
    api.store.remove_webhook(id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// List messages, by webhook or mail, that were given up, the latest first. For admins.
#[utoipa::path(get, path = "/webhooks/dead", tag = "webhooks", params(HowMany),
    responses((status = 200, body = [DeadMessage])))]
async fn dead(
    State(api): State<Api>,
    _: Admin,
    Params(many): Params<HowMany>,
) -> Result<Json<Vec<DeadMessage>>, Problem> {
    Ok(Json(api.store.dead_messages(page::limit(many.limit)?).await?))
}

/// Send a message again that was given up, with all its attempts before it. For admins.
#[utoipa::path(post, path = "/webhooks/dead/{id}/revive", tag = "webhooks",
    params(("id" = i64, Path, description = "The message.", minimum = 1)),
    responses((status = 204, description = "It is sent again.")))]
async fn revive(State(api): State<Api>, _: Admin, Id(id): Id) -> Result<StatusCode, Problem> {
    api.store.revive_message(id, api.store.now()).await?;
    Ok(StatusCode::NO_CONTENT)
}
