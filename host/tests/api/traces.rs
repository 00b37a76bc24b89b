//! Traces, as a collector on loopback receives them.

use std::sync::{Arc, Mutex};

use axum::{Router, body::Bytes, routing::post};
use reqwest::Method;

use crate::{World, client::Answer, support::work_folder::CANARY};

/// All that was received.
type Received = Arc<Mutex<Vec<u8>>>;

/// A collector; gives its address and what it receives.
async fn collector() -> (String, Received) {
    let received = Received::default();
    let kept = Arc::clone(&received);
    let take = move |body: Bytes| async move { kept.lock().unwrap().extend_from_slice(&body) };
    let app = Router::new().route("/v1/traces", post(take));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    (address, received)
}

/// How often some bytes occur.
fn count(bytes: &[u8], what: &[u8]) -> usize {
    bytes.windows(what.len()).filter(|window| *window == what).count()
}

/// A short text as protobuf has it: its length, then its bytes.
fn text(text: &str) -> Vec<u8> {
    [&[u8::try_from(text.len()).unwrap()], text.as_bytes()].concat()
}

#[tokio::test]
async fn requests_and_attempts_are_traced_with_their_steps_and_without_secrets() {
    let (address, received) = collector().await;
    let more = format!("[telemetry]\notlp_endpoint = {address:?}\nservice_name = \"backfill-test\"\n");
    let mut world = World::on(None, &more).await;
    let admin = world.admin().await;
    // The source whose credential is part of the query.
    let body = serde_json::json!({ "windfarm_id": 2, "start_date": "2024-01-01", "end_date": "2024-01-31" });
    let made = admin.post("/backfill/jobs", &body).await.expect(202);
    let path = format!("/backfill/jobs/{}", made.json["id"]);
    admin.until(&path, |shown| shown["job"]["completed_at"].is_string()).await;
    let (trace, parent) = ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7");
    let with = format!("00-{trace}-{parent}-01");
    // It is refused, and traced all the same.
    Answer::of(admin.request(Method::GET, "/users/me?canary=seen").header("traceparent", &with))
        .await
        .expect(400);

    // What has not been sent by then is sent at the end.
    world.host.signal("-INT");
    let log = world.host.rest().await;
    let received = received.lock().unwrap().clone();
    for name in ["backfill-test", "request", "task", "sandbox", "upstream", "commit"] {
        assert!(count(&received, &text(name)) > 0, "no {name}");
    }
    for attribute in ["job", "task", "unit", "month", "source", "route", "host", "path", "status"] {
        assert!(count(&received, &text(attribute)) > 0, "no {attribute}");
    }
    assert!(count(&received, &text("/api/v1/users/me")) > 0);
    assert!(count(&received, &hex::decode(trace).unwrap()) > 0, "the caller's trace is not followed");
    assert!(count(&received, &hex::decode(parent).unwrap()) > 0);
    let token = admin.token.clone().unwrap();
    let escaped = "canary%2F4711%2Bsecret";
    for secret in [token.as_str(), CANARY, escaped, "canary/4711", "canary=seen", "api_key"] {
        assert_eq!(count(&received, secret.as_bytes()), 0, "{secret} is in a trace");
    }
    // The log's lines name the task, and not the step.
    assert!(!log.contains("\"name\":\"sandbox\"") && !log.contains("\"name\":\"commit\""), "{log}");
}

#[tokio::test]
async fn a_collector_that_is_away_stops_nothing() {
    let more = "[telemetry]\notlp_endpoint = \"http://127.0.0.1:9\"\n";
    let mut world = World::on(None, more).await;
    world.filled(&world.admin().await).await;
    world.host.signal("-INT");
    assert_eq!(world.host.ended().await, Some(0));
    let log = world.host.rest().await;
    assert_eq!(log.matches("traces can't be sent").count(), 1, "{log}");
}
