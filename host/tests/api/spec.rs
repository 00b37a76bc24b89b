//! The description of the API, and what holds for every route in it.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::Value;

use crate::{World, client::Answer};

/// Every operation of the description: its method and its path, with 1 for each id.
fn operations(spec: &Value) -> Vec<(Method, String)> {
    let paths = spec["paths"].as_object().unwrap();
    let all = paths.iter().flat_map(|(path, item)| {
        let methods = item.as_object().unwrap().keys();
        methods.map(move |method| {
            let filled = path.split('/').map(|part| if part.starts_with('{') { "1" } else { part });
            (method.to_uppercase().parse().unwrap(), filled.collect::<Vec<_>>().join("/"))
        })
    });
    all.collect()
}

#[tokio::test]
async fn the_description_that_is_served_is_the_one_that_is_committed() {
    let world = World::on(None, "").await;
    let served = world.stranger().get("//openapi.json").await.expect(200).json;
    let committed = std::fs::read_to_string(crate::support::manifest("../openapi.json")).unwrap();
    let committed: Value = serde_json::from_str(&committed).unwrap();
    assert!(served == committed, "the API has changed: `make openapi`, and look at the difference");
    assert!(served["openapi"].as_str().unwrap().starts_with("3.1"));
}

#[test]
fn every_schema_that_the_description_refers_to_is_in_it() {
    let text = std::fs::read_to_string(crate::support::manifest("../openapi.json")).unwrap();
    let spec: Value = serde_json::from_str(&text).unwrap();
    for name in text.split("\"#/components/schemas/").skip(1).map(|rest| rest.split('"').next().unwrap()) {
        assert!(spec["components"]["schemas"][name].is_object(), "{name}");
    }
}

#[tokio::test]
async fn every_route_but_health_needs_a_token() {
    let world = World::on(None, "").await;
    let spec = world.stranger().get("//openapi.json").await.expect(200).json;
    let operations = operations(&spec);
    assert!(operations.len() > 15, "{operations:?}");
    for (method, path) in &operations {
        let answer = Answer::of(world.stranger().request(method.clone(), &format!("/{path}"))).await;
        if path.starts_with("/api/") {
            answer.problem(401, "unauthenticated");
        } else {
            assert_ne!(answer.status, 401, "{method} {path}");
        }
    }
    // Nor does anybody learn which paths there are, or what they answer.
    let methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"];
    let known =
        operations.iter().map(|(_, path)| format!("/{path}")).filter(|path| path.starts_with("//api/"));
    let paths: BTreeSet<_> = known.chain(["/no", "/no/such/path"].map(str::to_owned)).collect();
    for path in paths {
        for method in methods {
            let request = world.stranger().request(method.parse().unwrap(), &path);
            assert_eq!(Answer::of(request).await.status, 401, "{method} {path}");
        }
    }
}

#[tokio::test]
async fn what_does_not_exist_is_a_problem_too() {
    let world = World::on(None, "").await;
    let admin = world.admin().await;
    admin.get("/no/such/path").await.problem(404, "not-found");
    admin.get("//nowhere").await.problem(404, "not-found");
    admin.get("/backfill/jobs/4711").await.problem(404, "not-found");
    let wrong = admin.get("/backfill/jobs/seven").await.problem(400, "invalid-parameter");
    assert_eq!(wrong.json["errors"][0]["parameter"], "id");
    Answer::of(admin.request(Method::PUT, "/backfill/jobs")).await.problem(405, "method-not-allowed");
}
