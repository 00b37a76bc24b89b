//! Who may do what.

use serde_json::json;

use crate::{Client, World};

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
async fn what_a_token_made_ends_with_it() {
    World::each(async |world| {
        let admin = world.admin().await;
        let made = |name: &str| json!({ "name": name, "role": "operator" });
        let first = admin.post("/tokens", &made("first")).await.expect(201).json;
        let first_client = Client::new(&world.base, first["token"].as_str());
        let second = first_client.post("/tokens", &made("second")).await.expect(201).json;
        let second_client = Client::new(&world.base, second["token"].as_str());
        let third = second_client.post("/tokens", &made("third")).await.expect(201).json;
        let third_client = Client::new(&world.base, third["token"].as_str());
        assert_eq!(second["parent_id"], first["id"]);
        assert_eq!(third["expires_at"], first["expires_at"]);
        third_client.get("/users/me").await.expect(200);

        admin.delete(&format!("/tokens/{}", first["id"])).await.expect(200);
        for client in [&first_client, &second_client, &third_client] {
            client.get("/users/me").await.problem(401, "unauthenticated");
        }
        let third = admin.get(&format!("/tokens/{}", third["id"])).await.expect(200).json;
        assert!(third["revoked_at"].is_string(), "{third}");
        admin.get("/users/me").await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn no_token_makes_one_that_outlives_it() {
    let world = World::on(None, "").await;
    let admin = world.admin().await;
    let short =
        admin.post("/tokens", &json!({ "name": "short", "expires_in_days": 2 })).await.expect(201).json;
    let client = Client::new(&world.base, short["token"].as_str());
    for days in [3, 3650] {
        let asked = json!({ "name": "longer", "expires_in_days": days });
        let refused = client.post("/tokens", &asked).await.problem(422, "invalid-body");
        assert_eq!(refused.json["errors"][0]["pointer"], "/expires_in_days", "{}", refused.text);
        assert!(refused.json["detail"].as_str().unwrap().contains("when the token that makes it ends"));
    }
    client.post("/tokens", &json!({ "name": "shorter", "expires_in_days": 1 })).await.expect(201);
    let same = client.post("/tokens", &json!({ "name": "as long" })).await.expect(201).json;
    assert_eq!(same["expires_at"], short["expires_at"]);
    for days in [0, 3651] {
        let asked = json!({ "name": "x", "expires_in_days": days });
        admin.post("/tokens", &asked).await.problem(422, "invalid-body");
    }
}

#[tokio::test]
async fn tokens_of_others_are_not_seen_not_revoked_and_not_made() {
    World::each(async |world| {
        let (anna, ben, admin) =
            (world.user("anna", "operator").await, world.user("ben", "operator").await, world.admin().await);
        let theirs = anna.get("/tokens").await.expect(200).json;
        let (id, user) = (&theirs[0]["id"], &theirs[0]["user_id"]);
        assert_eq!(theirs.as_array().unwrap().len(), 1, "{theirs}");
        let path = format!("/tokens/{id}");
        ben.get(&path).await.problem(404, "not-found");
        ben.delete(&path).await.problem(404, "not-found");
        ben.get(&format!("/tokens?user_id={user}")).await.problem(403, "forbidden");
        ben.post("/tokens", &json!({ "name": "x", "user_id": user })).await.problem(403, "forbidden");
        assert!(!ben.get("/tokens").await.expect(200).text.contains("anna"));
        anna.get("/users/me").await.expect(200);
        // An admin may, and sees all, page by page.
        admin.post("/tokens", &json!({ "name": "x", "user_id": user })).await.expect(201);
        let (mut names, mut path) = (Vec::new(), "/tokens?limit=2".to_owned());
        loop {
            let page = admin.get(&path).await.expect(200);
            names.extend(page.json.as_array().unwrap().iter().map(|token| token["user_name"].clone()));
            match page.header("x-next-cursor") {
                "" => break,
                cursor => path = format!("/tokens?limit=2&cursor={cursor}"),
            }
        }
        assert_eq!(names, ["anna", "admin", "ben", "anna"]);
    })
    .await;
}

#[tokio::test]
async fn users_and_webhooks_are_listed_by_pages() {
    World::each(async |world| {
        let admin = world.admin().await;
        for name in ["anna", "ben"] {
            admin.post("/users", &json!({ "name": name, "role": "viewer" })).await.expect(201);
            admin
                .post("/webhooks", &json!({ "url": format!("https://example.org/{name}") }))
                .await
                .expect(201);
        }
        for (path, field, last) in
            [("/users", "name", "ben"), ("/webhooks", "url", "https://example.org/ben")]
        {
            let all = admin.get(path).await.expect(200).json;
            let count = all.as_array().unwrap().len();
            let page = admin.get(&format!("{path}?limit={}", count - 1)).await.expect(200);
            let rest =
                admin.get(&format!("{path}?cursor={}", page.header("x-next-cursor"))).await.expect(200);
            assert_eq!(
                (rest.json.as_array().unwrap().len(), &rest.json[0][field]),
                (1, &json!(last)),
                "{path}"
            );
            admin.get(&format!("{path}?limit=101")).await.problem(400, "invalid-parameter");
        }
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
