//! Who may do what.

use serde_json::json;

use crate::World;

#[tokio::test]
async fn a_token_lets_in_until_it_is_revoked() {
    World::each(async |world| {
        let admin = world.admin().await;
        let me = admin.get("/users/me").await.expect(200).json;
        assert_eq!((&me["name"], &me["role"]), (&json!("admin"), &json!("admin")));

        let made = admin.post("/tokens", &json!({ "name": "dashboard", "role": "viewer" })).await.expect(201);
        let (id, text) = (&made.json["id"], made.json["token"].as_str());
        assert_eq!(made.header("location"), format!("/api/v1/tokens/{id}"));
        let viewer = crate::Client::new(&world.base, text);
        assert_eq!(viewer.get("/users/me").await.expect(200).json["role"], "viewer");
        viewer
            .post("/tokens", &json!({ "name": "more", "role": "admin" }))
            .await
            .problem(422, "invalid-body");

        admin.delete(&format!("/tokens/{id}")).await.expect(200);
        viewer.get("/users/me").await.problem(401, "unauthenticated");
        let listed = admin.get("/tokens").await.expect(200);
        assert!(!listed.text.contains("bft_"), "{}", listed.text);
    })
    .await;
}

#[tokio::test]
async fn two_users_and_their_rights() {
    World::each(async |world| {
        let (anna, ben) = (world.user("anna", "operator").await, world.user("ben", "operator").await);
        let (viewer, admin) = (world.user("vera", "viewer").await, world.admin().await);
        let body = json!({ "windfarm_id": 1, "start_date": "2024-01-01", "end_date": "2024-01-31" });
        viewer.post("/backfill/jobs", &body).await.problem(403, "forbidden");
        viewer.post("/backfill/preview", &body).await.expect(200);
        let id = world.filled(&anna).await;
        for act in ["cancel", "retry", "pause", "resume", "process", "reset-stuck"] {
            ben.post(&format!("/backfill/jobs/{id}/{act}"), &json!({})).await.problem(403, "forbidden");
        }
        ben.delete(&format!("/backfill/jobs/{id}")).await.problem(403, "forbidden");
        viewer.get(&format!("/backfill/jobs/{id}")).await.expect(200);
        viewer.get("/users").await.problem(403, "forbidden");
        ben.get("/audit").await.problem(403, "forbidden");
        anna.delete(&format!("/backfill/jobs/{id}")).await.expect(200);
        let second = world.filled(&ben).await;
        admin.delete(&format!("/backfill/jobs/{second}")).await.expect(200);

        let audit = admin.get("/audit?limit=100").await.expect(200).json;
        let deeds: Vec<_> = audit.as_array().unwrap().iter().collect();
        let deleted = deeds
            .iter()
            .find(|deed| deed["target"] == format!("/api/v1/backfill/jobs/{id}") && deed["status"] == 200);
        assert_eq!(deleted.unwrap()["user_name"], "anna");
        assert!(deeds.iter().any(|deed| deed["user_name"] == "ben" && deed["status"] == 403), "{audit:#}");
    })
    .await;
}

#[tokio::test]
async fn the_last_admin_stays_one() {
    let world = World::on(None, "").await;
    let admin = world.admin().await;
    let id = admin.get("/users/me").await.expect(200).json["id"].clone();
    admin.patch(&format!("/users/{id}"), &json!({ "role": "viewer" })).await.problem(409, "refused");
    let other = admin.post("/users", &json!({ "name": "second", "role": "admin" })).await.expect(201);
    admin.patch(&format!("/users/{}", other.json["id"]), &json!({ "disabled": true })).await.expect(200);
    admin.patch(&format!("/users/{id}"), &json!({ "disabled": true })).await.problem(409, "refused");
    admin.post("/users", &json!({ "name": "second", "role": "viewer" })).await.problem(409, "refused");
}
