//! Wind farms and generation units over HTTP.

use reqwest::Method;
use serde_json::json;

use crate::{
    World,
    client::{Answer, Client},
};

async fn import(client: &Client, query: &str, csv: &str) -> Answer {
    let request = client.request(Method::POST, &format!("/windfarms/import{query}"));
    Answer::of(request.header("content-type", "text/csv; charset=utf-8").body(csv.to_owned())).await
}

fn ids(answer: &Answer) -> Vec<i64> {
    answer.json.as_array().unwrap().iter().map(|one| one["id"].as_i64().unwrap()).collect()
}

#[tokio::test]
async fn a_wind_farm_is_entered_changed_and_deleted_unless_it_is_needed() {
    World::each(async |world| {
        let (client, viewer) = (world.user("olga", "operator").await, world.user("vera", "viewer").await);
        let body = json!({ "name": "Anholt", "metadata": { "country": "DK" } });
        viewer.post("/windfarms", &body).await.problem(403, "forbidden");
        let made = client.post("/windfarms", &body).await.expect(201);
        let path = format!("/windfarms/{}", made.json["id"]);
        assert_eq!(made.header("location"), format!("/api/v1{path}"));
        assert_eq!((&made.json["metadata"]["country"], &made.json["unit_count"]), (&json!("DK"), &json!(0)));
        client.post("/windfarms", &body).await.problem(409, "refused");

        let renamed = client.patch(&path, &json!({ "name": "Anholt 1" })).await.expect(200).json;
        assert_eq!((&renamed["name"], &renamed["metadata"]["country"]), (&json!("Anholt 1"), &json!("DK")));
        let taken = client.patch(&path, &json!({ "name": "Howard" })).await.problem(409, "refused");
        assert!(
            taken.json["detail"].as_str().unwrap().contains("wind farm 1 has the name"),
            "{}",
            taken.text
        );
        assert_eq!(viewer.get(&path).await.expect(200).json, renamed);
        for (body, pointer) in [
            (json!({}), "/name"),
            (json!({ "name": "" }), "/name"),
            (json!({ "name": " x" }), "/name"),
            (json!({ "name": "a\u{0}b" }), "/name"),
            (json!({ "name": "x".repeat(501) }), "/name"),
            (json!({ "name": "x", "metadata": { "": "y" } }), "/metadata"),
            (json!({ "name": "x", "metadata": { "y": 1 } }), "/metadata/y"),
            (json!({ "name": "x", "colour": "red" }), "/colour"),
        ] {
            let refused = client.post("/windfarms", &body).await.problem(422, "invalid-body");
            let at = refused.json["errors"][0]["pointer"].as_str().unwrap();
            assert!(at == pointer || (at.is_empty() && body == json!({})), "{}", refused.text);
        }
        viewer.delete(&path).await.problem(403, "forbidden");
        client.delete(&path).await.expect(204);
        client.get(&path).await.problem(404, "not-found");
        client.delete(&path).await.problem(404, "not-found");
        let needed = client.delete("/windfarms/1").await.problem(409, "refused");
        assert!(needed.json["detail"].as_str().unwrap().contains("has 2 units"), "{}", needed.text);
    })
    .await;
}

#[tokio::test]
async fn a_unit_is_checked_by_its_source_whenever_it_changes() {
    World::each(async |world| {
        let client = world.user("olga", "operator").await;
        let new = |source: &str, code: &str| json!({ "windfarm_id": 2, "source": source, "code": code });
        let refused =
            client.post("/generation-units", &new("eia", "66167_1")).await.problem(422, "invalid-body");
        assert_eq!(refused.json["errors"][0]["pointer"], "/code");
        assert!(
            refused.json["detail"].as_str().unwrap().contains("not an EIA plant code"),
            "{}",
            refused.text
        );
        for (body, pointer) in [
            (new("elexom", "T_X-1"), "/source"),
            (json!({ "windfarm_id": 99, "source": "eia", "code": "80002" }), "/windfarm_id"),
            (json!({ "windfarm_id": 2, "source": "eia", "code": "80002", "capacity_mw": 0 }), "/capacity_mw"),
            (json!({ "windfarm_id": 2, "source": "eia", "code": "" }), "/code"),
            (
                json!({ "windfarm_id": 2, "source": "eia", "code": "80002", "attributes": { "share": "2" } }),
                "/attributes",
            ),
        ] {
            let answer = client.post("/generation-units", &body).await.problem(422, "invalid-body");
            assert_eq!(answer.json["errors"][0]["pointer"], pointer, "{}", answer.text);
        }
        let made = client.post("/generation-units", &new("eia", "80002")).await.expect(201);
        let (id, path) = (made.json["id"].clone(), format!("/generation-units/{}", made.json["id"]));
        assert_eq!((&made.json["name"], &made.json["active"]), (&json!("80002"), &json!(true)));
        let twice = client.post("/generation-units", &new("eia", "80002")).await.problem(409, "refused");
        assert!(twice.json["detail"].as_str().unwrap().contains("already"), "{}", twice.text);
        let other = json!({ "windfarm_id": 1, "source": "eia", "code": "80002", "name": "Other" });
        let whole = client.post("/generation-units", &other).await.problem(409, "refused");
        assert!(whole.json["detail"].as_str().unwrap().contains("give each a `share`"), "{}", whole.text);

        let change = json!({ "capacity_mw": 12.5, "attributes": { "fuel2002": "WND" }, "name": "Isabel 2" });
        let changed = client.patch(&path, &change).await.expect(200).json;
        assert_eq!((&changed["capacity_mw"], &changed["code"]), (&json!(12.5), &json!("80002")));
        assert!(changed["updated_at"].as_str() > changed["created_at"].as_str(), "{changed:#}");
        let same = client.patch(&path, &change).await.expect(200).json;
        assert_eq!(same["updated_at"], changed["updated_at"], "nothing was changed");
        let unknown = client.patch(&path, &json!({ "capacity_mw": null })).await.expect(200).json;
        assert_eq!((&unknown["capacity_mw"], &unknown["name"]), (&json!(null), &json!("Isabel 2")));
        client.patch(&path, &json!({ "code": "66167_1" })).await.problem(422, "invalid-body");
        client.patch(&path, &json!({ "source": "elexon" })).await.problem(422, "invalid-body");
        assert_eq!(client.patch(&path, &json!({ "code": "80003" })).await.expect(200).json["id"], id);
        client.delete(&path).await.expect(204);
        client.get(&path).await.problem(404, "not-found");
    })
    .await;
}

#[tokio::test]
async fn what_was_fetched_for_a_unit_keeps_it() {
    World::each(async |world| {
        let client = world.user("olga", "operator").await;
        world.filled(&client).await;
        let kept = client.delete("/generation-units/1").await.problem(409, "refused");
        assert!(kept.json["detail"].as_str().unwrap().contains("deactivate it instead"), "{}", kept.text);
        let moved = client.patch("/generation-units/1", &json!({ "code": "T_HOWAO-3" })).await;
        assert!(moved.problem(409, "refused").text.contains("stored measurements"));

        client.patch("/generation-units/1", &json!({ "active": false })).await.expect(200);
        let body = json!({ "windfarm_id": 1, "start_year": 2023, "end_year": 2023 });
        let preview = client.post("/backfill/preview", &body).await.expect(200).json;
        assert_eq!(preview["total_tasks"], 12, "the other unit's alone");
        // Bringing the file in again does not turn it on again.
        import(&client, "", crate::REGISTRY).await.expect(200);
        assert_eq!(client.get("/generation-units/1").await.json["active"], false);
    })
    .await;
}

#[tokio::test]
async fn the_registry_is_listed_by_pages_and_filters() {
    World::each(async |world| {
        let client = world.user("vera", "viewer").await;
        let first = client.get("/windfarms?limit=1").await.expect(200);
        assert_eq!((ids(&first), first.header("x-total-count")), (vec![1], "2"));
        let next = client.get(&format!("/windfarms?limit=1&cursor={}", first.header("x-next-cursor"))).await;
        assert_eq!((ids(&next), &next.json[0]["unit_count"]), (vec![2], &json!(1)));
        for (filter, expected) in [
            ("windfarms?q=HOW", vec![1]),
            ("windfarms?q=%25", vec![]),
            ("windfarms?q=_", vec![]),
            ("windfarms?source=eia", vec![2]),
            ("generation-units?q=howao-2", vec![2]),
            ("generation-units?windfarm_id=2", vec![3]),
            ("generation-units?source=elexon&offset=1", vec![2]),
            ("generation-units?active=false", vec![]),
            ("generation-units?active=true&limit=2", vec![1, 2]),
        ] {
            assert_eq!(ids(&client.get(&format!("/{filter}")).await.expect(200)), expected, "{filter}");
        }
        for wrong in ["windfarms?q=", "windfarms?limit=0", "generation-units?active=maybe"] {
            client.get(&format!("/{wrong}")).await.problem(400, "invalid-parameter");
        }
    })
    .await;
}

#[tokio::test]
async fn a_file_is_imported_whole_or_not_at_all() {
    World::each(async |world| {
        let client = world.user("olga", "operator").await;
        let good = "windfarm,source,code,capacity_mw\nHoward,elexon,T_HOWAO-1,400\nNew,eia,80002,7\n";
        let would = import(&client, "?dry_run=true", good).await.expect(200).json;
        let counts = |created, updated, unchanged| {
            json!({ "created": created, "updated": updated, "unchanged": unchanged })
        };
        assert_eq!((&would["dry_run"], &would["units"]), (&json!(true), &counts(1, 1, 0)));
        assert_eq!(client.get("/generation-units").await.header("x-total-count"), "3");
        let done = import(&client, "", good).await.expect(200).json;
        assert_eq!((&done["windfarms"], &done["units"]), (&counts(1, 0, 1), &counts(1, 1, 0)));
        assert_eq!(import(&client, "", good).await.json["units"], counts(0, 0, 2));

        let bad = "windfarm,source,code,capacity_mw\nA,elxon,T_X-1,1\nB,eia,61015,-3\nC,eia,61016,x\n";
        let refused = import(&client, "", bad).await.problem(422, "invalid-body").json;
        let errors = refused["errors"].as_array().unwrap();
        let lines: Vec<_> = errors.iter().map(|error| error["line"].as_i64().unwrap()).collect();
        assert_eq!(lines, [2, 3, 4], "{refused:#}");
        assert!(errors[0]["detail"].as_str().unwrap().contains("did you mean \"elexon\""), "{refused:#}");
        let unfit = "windfarm,source,code\nA,elexon,T_X-1\nB,eia,66167_1\n";
        let refused = import(&client, "", unfit).await.problem(422, "invalid-body").json;
        assert_eq!(refused["errors"][0]["line"], 3);
        assert!(refused["errors"][0]["detail"].as_str().unwrap().contains("not an EIA plant code"));
        let shared = "windfarm,source,code\nElsewhere,elexon,T_HOWAO-1\n";
        import(&client, "?dry_run=true", shared).await.problem(409, "refused");
        assert_eq!(client.get("/windfarms").await.header("x-total-count"), "3");

        import(&client, "", "").await.problem(422, "invalid-body");
        client.post("/windfarms/import", &json!({})).await.problem(415, "media-type");
        let raw = client.request(Method::POST, "/windfarms/import").header("content-type", "text/csv");
        Answer::of(raw.body(vec![0xff, 0xfe])).await.problem(400, "malformed-body");
        let many: String = (0..20_000).map(|n| format!("a,eia,{n}\n")).collect();
        let refused = import(&client, "", &format!("windfarm,source,code\n{many}")).await;
        assert!(refused.problem(422, "invalid-body").text.contains("at most 10000"));
        let same: String = (0..20_000).map(|_| "a,eia,1\n").collect();
        let refused = import(&client, "", &format!("windfarm,source,code\n{same}")).await;
        assert!(refused.expect(422).text.len() < 1_000_000, "the answer is no larger than the question");
    })
    .await;
}
