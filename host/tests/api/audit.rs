//! Each change is in the audit log: who, to what, what was asked for, what came of it.

use reqwest::Method;
use serde_json::{Value, json};

use crate::{World, client::Answer};

/// The newest entry of an action.
fn entry<'a>(audit: &'a Value, action: &str) -> &'a Value {
    let found = audit.as_array().unwrap().iter().find(|entry| entry["action"] == action);
    found.unwrap_or_else(|| panic!("no {action} in {audit:#}"))
}

#[tokio::test]
async fn an_entry_says_what_was_asked_for_and_what_was_made() {
    World::each(async |world| {
        let admin = world.admin().await;
        let token = json!({ "name": "dashboard", "role": "viewer" });
        let made = admin.post("/tokens", &token).await.expect(201).json;
        let body = json!({ "windfarm_id": 1, "start_date": "2024-01-01", "end_date": "2024-01-31" });
        let job = admin.post("/backfill/jobs", &body).await.expect(202).json;
        let user = admin.post("/users", &json!({ "name": "ben", "role": "viewer" })).await.expect(201).json;
        admin.patch(&format!("/users/{}", user["id"]), &json!({ "role": "operator" })).await.expect(200);

        let audit = admin.get("/audit").await.expect(200).json;
        let tokens = entry(&audit, "POST /api/v1/tokens");
        assert_eq!(tokens["detail"]["body"], token, "{tokens:#}");
        assert_eq!(tokens["detail"]["made"], format!("/api/v1/tokens/{}", made["id"]));
        assert!(!audit.to_string().contains(made["token"].as_str().unwrap()));
        let jobs = entry(&audit, "POST /api/v1/backfill/jobs");
        assert_eq!(jobs["detail"]["made"], format!("/api/v1/backfill/jobs/{}", job["id"]), "{jobs:#}");
        let changed = entry(&audit, "PATCH /api/v1/users/{id}");
        assert_eq!(changed["detail"]["body"], json!({ "role": "operator" }), "{changed:#}");
        assert_eq!((&changed["user_name"], &changed["actor"]), (&json!("admin"), &Value::Null));
    })
    .await;
}

#[tokio::test]
async fn what_the_command_line_changes_is_written_down_with_its_account() {
    World::each(async |world| {
        let admin = world.admin().await;
        let run = async |arguments: &[&str]| world.folder.backfill(arguments).await;
        let made = run(&["token", "create", "--user", "anna", "--json"]).await.succeeded();
        let made: Value = serde_json::from_str(&made.out).unwrap();
        let id = made["id"].to_string();
        run(&["token", "revoke", &id]).await.succeeded();
        run(&["token", "revoke", "4711"]).await.failed();
        run(&["login"]).await.succeeded();
        let webhook = run(&["webhook", "add", "https://example.org/hook"]).await.succeeded().out;
        run(&["webhook", "disable", webhook.trim()]).await.succeeded();
        run(&["webhook", "remove", webhook.trim()]).await.succeeded();
        let nightly = ["schedule", "add", "nightly", "--kind", "incremental", "--cron", "0 3 * * *"];
        run(&nightly).await.succeeded();
        run(&["schedule", "disable", "nightly"]).await.succeeded();
        run(&["schedule", "remove", "nightly"]).await.succeeded();
        world.hold();
        let month = ["--from", "2024-01", "--to", "2024-01"];
        let job =
            run(&[&["job", "create", "--windfarm", "Howard"][..], &month].concat()).await.succeeded().out;
        run(&["job", "cancel", job.trim()]).await.succeeded();
        run(&["queue", "purge", "--reason", "test"]).await.succeeded();

        let audit = admin.get("/audit").await.expect(200).json;
        for (action, status) in [
            ("backfill import", 200),
            ("backfill token create", 200),
            ("backfill login", 200),
            ("backfill webhook add", 200),
            ("backfill webhook disable", 200),
            ("backfill webhook remove", 200),
            ("backfill schedule add", 200),
            ("backfill schedule disable", 200),
            ("backfill schedule remove", 200),
            ("backfill job create", 200),
            ("backfill job cancel", 200),
            ("backfill queue purge", 200),
            // The newest of them is the one that failed.
            ("backfill token revoke", 404),
        ] {
            let entry = entry(&audit, action);
            assert_eq!((&entry["status"], &entry["user_id"]), (&json!(status), &Value::Null), "{entry:#}");
            assert!(entry["actor"].as_str().unwrap().starts_with("the command line"), "{entry:#}");
        }
        let token = entry(&audit, "backfill token create");
        assert_eq!(token["detail"]["made"], format!("/api/v1/tokens/{id}"));
        let job = entry(&audit, "backfill job create");
        assert_eq!(job["detail"]["made"], entry(&audit, "backfill job cancel")["target"]);
        assert!(!audit.to_string().contains("bft_"));
    })
    .await;
}

/// Postgres spells large numbers out, and what is deep in a document is deeper in the one that it is written into.
#[tokio::test]
async fn whatever_somebody_sends_the_audit_log_can_be_read() {
    World::each(async |world| {
        let operator = world.user("operator", "operator").await;
        let deep = format!("{}{}", "[".repeat(126), "]".repeat(126));
        for name in
            ["1.7976931348623157e308", "-1.7976931348623157e308", "5e-324", "18446744073709551615", &deep]
        {
            let body = format!("{{\"name\":{name}}}");
            let request =
                operator.request(Method::POST, "/tokens").header("content-type", "application/json");
            let refused = Answer::of(request.body(body)).await;
            assert!(refused.status == 400 || refused.status == 422, "{name}: {}", refused.text);
        }
        let entries = world.admin().await.get("/audit").await.expect(200).json;
        let text = entries.to_string();
        assert!(text.contains(r#""name":"1.7976931348623157e+308""#) && text.contains("too deep"), "{text}");
    })
    .await;
}
