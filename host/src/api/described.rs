//! Requests held against the description of the API: what it does not have is refused, and what it bounds is checked,
//! so that no bound is there for show. What no description can say, handlers check.

use std::{collections::BTreeMap, sync::LazyLock};

use axum::{
    body::Body,
    extract::{MatchedPath, Request},
    http::Method,
    middleware::Next,
    response::{IntoResponse, Response},
};
use serde_json::Value;

use super::{
    extract,
    problem::{Misfit, Problem, misfit},
    schema_check,
};

/// What requests are held against.
struct Described {
    /// The schemas that bodies are made of, by name.
    schemas: Value,
    operations: BTreeMap<(String, String), Operation>,
}

/// What a method of a path takes.
struct Operation {
    /// The parameters in its query, each with its schema.
    query: BTreeMap<String, Value>,
    has_body: bool,
}

static DESCRIBED: LazyLock<Described> = LazyLock::new(|| {
    let all = serde_json::to_value(super::description()).unwrap_or_default();
    let paths = all["paths"].as_object().into_iter().flatten();
    let operations = paths.flat_map(|(path, methods)| {
        let methods = methods.as_object().into_iter().flatten();
        methods.map(|(method, operation)| ((method.to_uppercase(), path.clone()), Operation::of(operation)))
    });
    Described { operations: operations.collect(), schemas: all["components"]["schemas"].clone() }
});

impl Operation {
    fn of(described: &Value) -> Self {
        let parameters = described["parameters"].as_array().into_iter().flatten();
        let query = parameters.filter(|parameter| parameter["in"] == "query");
        let query = query.filter_map(|parameter| {
            Some((parameter["name"].as_str()?.to_owned(), parameter["schema"].clone()))
        });
        Self { query: query.collect(), has_body: described["requestBody"].is_object() }
    }
}

impl Operation {
    /// Parameters that are not there, or not what they may be, each with the reason.
    fn misfits(&self, pairs: &[(String, String)]) -> Vec<(String, String)> {
        let mut given: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (name, text) in pairs {
            given.entry(name).or_default().push(text);
        }
        let misfits = given.into_iter().flat_map(|(name, texts)| {
            let found = match self.query.get(name) {
                Some(schema) => schema_check::text_misfits(&DESCRIBED.schemas, schema, &texts),
                None if self.query.is_empty() => {
                    vec!["there is no such parameter; this takes none".to_owned()]
                }
                None => {
                    let known: Vec<_> = self.query.keys().map(String::as_str).collect();
                    vec![format!("there is no such parameter; this takes {}", known.join(", "))]
                }
            };
            found.into_iter().map(move |why| (name.to_owned(), why))
        });
        misfits.collect()
    }
}

/// What does not fit the schema of a name.
pub(super) fn misfits(name: &str, value: &Value) -> Vec<Misfit> {
    schema_check::misfits(&DESCRIBED.schemas, &DESCRIBED.schemas[name], value)
}

/// Refuses parameters of the query, and bodies, that the description does not have.
pub(super) async fn layer(request: Request, next: Next) -> Response {
    match held(request).await {
        Ok(request) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

async fn held(request: Request) -> Result<Request, Problem> {
    let path = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
    let method = if request.method() == Method::HEAD { &Method::GET } else { request.method() };
    // What is not described is not there: the router says so.
    let Some(operation) = DESCRIBED.operations.get(&(method.to_string(), path.to_owned())) else {
        return Ok(request);
    };
    let query = request.uri().query().unwrap_or_default();
    let pairs: Vec<(String, String)> = serde_html_form::from_str(query).unwrap_or_default();
    Problem::unless_fit_parameters(operation.misfits(&pairs))?;
    if operation.has_body || method != Method::POST {
        return Ok(request);
    }
    let (parts, body) = request.into_parts();
    let body = extract::bytes(Request::from_parts(parts.clone(), body), &()).await?;
    nothing_in(&body)?;
    Ok(Request::from_parts(parts, Body::empty()))
}

/// Refuses a body where none is taken. An object without fields is as good as none: many clients send it.
fn nothing_in(body: &[u8]) -> Result<(), Problem> {
    if body.trim_ascii().is_empty() {
        return Ok(());
    }
    match serde_json::from_slice(body) {
        Ok(Value::Object(fields)) => {
            let nowhere = |name: &String| misfit(schema_check::below("", name), "there is no such field");
            Problem::unless_fit(fields.keys().map(nowhere).collect())
        }
        _ => Err(Problem::field("", "this takes no body; leave it out")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_nothing_is_taken_an_empty_object_is_nothing() {
        for nothing in ["", " \n", "{}", " { } "] {
            assert!(nothing_in(nothing.as_bytes()).is_ok(), "{nothing:?}");
        }
        for something in ["x", "[]", "null", "{\"a\": 1}", "{"] {
            assert!(nothing_in(something.as_bytes()).is_err(), "{something:?}");
        }
    }

    #[test]
    fn every_body_has_a_schema_of_its_own_name() {
        for (name, path) in
            [("NewBackfill", "/api/v1/backfill/jobs"), ("UnitsToImport", "/api/v1/sources/{id}/units/import")]
        {
            assert!(DESCRIBED.schemas[name].is_object(), "{name}");
            assert!(DESCRIBED.operations[&("POST".to_owned(), path.to_owned())].has_body, "{path}");
        }
    }
}
