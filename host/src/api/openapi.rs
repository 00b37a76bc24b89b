//! The description of the API, made from the handlers: what all of them have in common is added here.

use axum::Json;
use utoipa::{
    OpenApi, ToSchema,
    openapi::{
        self, Components, Content, HttpMethod, Info, License, Ref, RefOr, Response, Server,
        path::{Operation, ParameterBuilder, ParameterIn},
        schema::{ObjectBuilder, Type},
        security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme},
    },
};

use super::problem::ProblemBody;
use crate::domain::{Measure, Resolution};

/// Where the description is answered.
pub(super) const PATH: &str = "/openapi.json";

const BEARER: &str = "bearer";

const ABOUT: &str = "Fills and keeps the history of power generation. \
    Times are RFC 3339 in UTC. Whatever is not a success is answered as a problem (RFC 9457) with a stable `code`. \
    POST requests may carry an `Idempotency-Key`: sent again, they get the same answer and do nothing.";

#[derive(OpenApi)]
// What only parameters name is not found by itself.
#[openapi(components(schemas(ProblemBody, Measure, Resolution)))]
struct Base;

/// What the handlers' descriptions are added to.
pub(super) fn base() -> openapi::OpenApi {
    let mut api = Base::openapi();
    let mut info = Info::new("Backfill", env!("CARGO_PKG_VERSION"));
    info.description = Some(ABOUT.to_owned());
    info.license = Some(License::new("Apache-2.0 OR MIT"));
    api.info = info;
    api.servers = Some(vec![Server::new("/")]);
    api
}

/// Adds what all operations have in common: who may call them, and how they fail.
pub(super) fn finish(mut api: openapi::OpenApi) -> openapi::OpenApi {
    for (path, item) in &mut api.paths.paths {
        let operations = [
            (HttpMethod::Get, &mut item.get),
            (HttpMethod::Post, &mut item.post),
            (HttpMethod::Put, &mut item.put),
            (HttpMethod::Patch, &mut item.patch),
            (HttpMethod::Delete, &mut item.delete),
        ];
        for (method, operation) in operations {
            if let Some(operation) = operation {
                complete(path, &method, operation);
            }
        }
    }
    let components = api.components.get_or_insert_with(Components::new);
    let description = "A token of `backfill token create`, or a JSON Web Token of the configured issuer.";
    components.add_security_scheme(
        BEARER,
        SecurityScheme::Http(
            HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(description)).build(),
        ),
    );
    api
}

/// The description, as it is answered.
pub(super) async fn answer(api: std::sync::Arc<openapi::OpenApi>) -> Json<openapi::OpenApi> {
    Json(api.as_ref().clone())
}

fn complete(path: &str, method: &HttpMethod, operation: &mut Operation) {
    operation.operation_id = Some(operation_id(path, method));
    for response in operation.responses.responses.values_mut() {
        if let RefOr::T(response) = response
            && response.description.is_empty()
        {
            response.description = "As asked for.".to_owned();
        }
    }
    let open = !path.starts_with(super::PREFIX);
    let post = *method == HttpMethod::Post;
    let changes = *method != HttpMethod::Get;
    if post && !open {
        operation.parameters.get_or_insert_default().push(idempotency_key());
    }
    let in_path = path.contains('{');
    let body = operation.request_body.is_some();
    let mut fail = |status: &str, when: &str| {
        let responses = &mut operation.responses.responses;
        responses.entry(status.to_owned()).or_insert_with(|| problem(when));
    };
    if !open {
        fail("400", "A parameter or the body can't be read; `errors` says which.");
        fail("401", "No token, or one that lets nobody in.");
        fail("403", "The token's user may not do this.");
        fail("503", "The store can't be reached for now; see `Retry-After`.");
    }
    fail("500", "The host failed; its log says more under the `trace_id`.");
    if in_path {
        fail("404", "There is no such thing.");
    }
    if changes {
        fail("409", "This can't be done as things stand.");
    }
    if body {
        fail("415", "The body is of another type.");
    }
    // Where none is taken, a body is read all the same: to refuse it, or for the `Idempotency-Key`.
    if body || post {
        fail("408", "The body came too slowly.");
        fail("413", "The body is too long.");
        fail("422", "The body is not what is expected, or the `Idempotency-Key` belongs to another request.");
    }
    if !open {
        operation.security = Some(vec![SecurityRequirement::new::<_, [&str; 0], &str>(BEARER, [])]);
    }
}

/// A name for programs, of method and path: handlers of several resources have one name.
fn operation_id(path: &str, method: &HttpMethod) -> String {
    let verb = match method {
        HttpMethod::Get => "get",
        HttpMethod::Post => "post",
        HttpMethod::Put => "put",
        HttpMethod::Patch => "patch",
        _ => "delete",
    };
    let resource = path.strip_prefix(super::PREFIX).unwrap_or(path);
    let words = resource.split(['/', '-', '{', '}']).filter(|word| !word.is_empty());
    std::iter::once(verb).chain(words).collect::<Vec<_>>().join("_")
}

fn idempotency_key() -> RefOr<openapi::path::Parameter> {
    ParameterBuilder::new()
        .name("Idempotency-Key")
        .parameter_in(ParameterIn::Header)
        .description(Some(
            "Your name for this request: sent again with the same body, it gets the same answer, for a day. An answer that \
             holds a secret is given once.",
        ))
        .schema(Some(
            ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)).max_length(Some(255)),
        ))
        .build()
        .into()
}

fn problem(when: &str) -> RefOr<Response> {
    let body = Ref::from_schema_name(ProblemBody::name());
    let content = Content::new(Some(body));
    openapi::ResponseBuilder::new()
        .description(when)
        .content("application/problem+json", content)
        .build()
        .into()
}
