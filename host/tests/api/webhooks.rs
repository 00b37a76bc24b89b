//! Webhooks over HTTP.

use serde_json::json;

use crate::{
    World,
    support::{Upstream, text},
};

#[tokio::test]
async fn a_webhook_is_entered_told_turned_off_and_removed_by_admins() {
    World::each(async |world| {
        let (admin, operator) = (world.admin().await, world.user("olga", "operator").await);
        let body = json!({ "url": "https://hooks.example.org/x", "secret_from": "env:HOOK", "event_kinds": ["job-created"] });
        operator.post("/webhooks", &body).await.problem(403, "forbidden");
        operator.get("/webhooks").await.problem(403, "forbidden");
        let made = admin.post("/webhooks", &body).await.expect(201);
        let path = format!("/webhooks/{}", made.json["id"]);
        assert_eq!(made.header("location"), format!("/api/v1{path}"));
        assert_eq!((&made.json["active"], &made.json["event_kinds"]), (&json!(true), &json!(["job-created"])));
        assert_eq!(admin.get("/webhooks").await.expect(200).json, json!([made.json]));
        assert_eq!(admin.patch(&path, &json!({ "active": false })).await.expect(200).json["active"], false);
        admin.delete(&path).await.expect(204);
        admin.get(&path).await.problem(404, "not-found");
        admin.patch(&path, &json!({ "active": true })).await.problem(404, "not-found");

        let secret = "hunter2hunter2";
        for (body, pointer) in [
            (json!({ "url": "ftp://example.org" }), "/url"),
            (json!({ "url": "nowhere" }), "/url"),
            (json!({ "url": "https://user:pass@example.org" }), "/url"),
            (json!({ "url": format!("https://example.org/{}", "x".repeat(2000)) }), "/url"),
            (json!({ "url": "https://example.org", "secret_from": secret }), "/secret_from"),
            (json!({ "url": "https://example.org", "secret_from": "env:" }), "/secret_from"),
            (json!({ "url": "https://example.org", "event_kinds": ["task-completed"] }), "/event_kinds"),
            (json!({ "url": "https://example.org", "event_kinds": ["job-begun"] }), "/event_kinds/0"),
        ] {
            let refused = admin.post("/webhooks", &body).await.problem(422, "invalid-body");
            assert_eq!(refused.json["errors"][0]["pointer"], pointer, "{}", refused.text);
            assert!(!refused.text.contains(secret), "{}", refused.text);
        }
    })
    .await;
}

#[tokio::test]
async fn a_message_that_was_given_up_is_shown_and_sent_again() {
    World::each(async |world| {
        let admin = world.admin().await;
        let receiver = Upstream::start(|_| text(410, "")).await;
        let entered = admin
            .post("/webhooks", &json!({ "url": receiver.url(), "event_kinds": ["job-created"] }))
            .await
            .expect(201);
        // Turned off, its next message is given up at once.
        world.filled(&admin).await;
        let path = format!("/webhooks/{}", entered.json["id"]);
        admin.patch(&path, &json!({ "active": false })).await.expect(200);
        let dead = admin.until("/webhooks/dead", |dead| dead[0]["id"].is_number()).await;
        assert_eq!(
            (&dead[0]["channel"], &dead[0]["payload"]["type"]),
            (&json!("webhook"), &json!("job-created"))
        );
        assert!(dead[0]["last_error"].is_string() && dead[0]["dead_at"].is_string(), "{dead:#}");
        let revive = format!("/webhooks/dead/{}/revive", dead[0]["id"]);
        admin.post(&revive, &json!({})).await.expect(204);
        admin
            .until("/webhooks/dead", |again| again[0]["dead_at"].as_str() > dead[0]["dead_at"].as_str())
            .await;
        admin.post("/webhooks/dead/4711/revive", &json!({})).await.problem(404, "not-found");
    })
    .await;
}
