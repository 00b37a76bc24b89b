//! Schedules over HTTP, and the queue that they fill.

use serde_json::{Value, json};

use simulator::Options;

use crate::{World, support::work_folder::source_at};

fn nightly() -> Value {
    json!({ "name": "nightly", "kind": "incremental", "cron": "30 2 * * *", "time_zone": "Europe/Berlin",
            "settings": { "sources": ["elexon"], "look_back_months": 1 } })
}

#[tokio::test]
async fn a_schedule_is_made_fired_changed_and_removed_by_who_made_it() {
    World::each(async |world| {
        let (anna, ben) = (world.user("anna", "operator").await, world.user("ben", "operator").await);
        let (viewer, admin) = (world.user("vera", "viewer").await, world.admin().await);
        viewer.post("/schedules", &nightly()).await.problem(403, "forbidden");
        let made = anna.post("/schedules", &nightly()).await.expect(201);
        let path = format!("/schedules/{}", made.json["id"]);
        assert_eq!(made.header("location"), format!("/api/v1{path}"));
        assert_eq!((&made.json["overlap"], &made.json["enabled"]), (&json!("skip"), &json!(true)));
        assert_eq!(made.json["settings"]["look_back_months"], 1);
        anna.post("/schedules", &nightly()).await.problem(409, "refused");
        assert_eq!(viewer.get("/schedules").await.expect(200).json, json!([made.json]));

        ben.patch(&path, &json!({ "enabled": false })).await.problem(403, "forbidden");
        ben.post(&format!("{path}/fire"), &json!({})).await.problem(403, "forbidden");
        let fired = anna.post(&format!("{path}/fire"), &json!({})).await.expect(200).json;
        let job = fired["job_id"].as_i64().unwrap();
        assert_eq!(fired["last_job_id"], job);
        let shown = viewer.get(&format!("/backfill/jobs/{job}")).await.expect(200).json;
        assert_eq!(shown["job"]["created_by_id"], made.json["created_by_id"]);

        let changed = anna.patch(&path, &json!({ "cron": "0 6 * * *", "enabled": false })).await.expect(200);
        assert_eq!(
            (&changed.json["cron"], &changed.json["next_fire_at"]),
            (&json!("0 6 * * *"), &json!(null))
        );
        anna.post(&format!("{path}/fire"), &json!({})).await.problem(409, "refused");
        assert_eq!(viewer.get(&format!("{path}/runs")).await.expect(200).json, json!([]));
        ben.delete(&path).await.problem(403, "forbidden");
        admin.delete(&path).await.expect(204);
        viewer.get(&path).await.problem(404, "not-found");
        viewer.get(&format!("{path}/runs")).await.problem(404, "not-found");
    })
    .await;
}

#[tokio::test]
async fn what_is_wrong_with_a_schedule_is_said_by_its_place() {
    let world = World::on(None, "").await;
    let client = world.admin().await;
    let id = client.post("/schedules", &nightly()).await.expect(201).json["id"].clone();
    for (field, value, pointer) in [
        ("cron", json!("61 * * * *"), "/cron"),
        ("cron", json!("* * * *"), "/cron"),
        ("cron", json!("*".repeat(500)), "/cron"),
        ("cron", json!("0 0 30 2 *"), "/cron"),
        ("time_zone", json!("Mars/Phobos"), "/time_zone"),
        ("name", json!(""), "/name"),
        ("overlap", json!("maybe"), "/overlap"),
        ("settings", json!([]), "/settings"),
        ("settings", json!({ "look_back_months": 0 }), "/settings/look_back_months"),
        ("settings", json!({ "a/b": 0 }), "/settings/a~1b"),
        ("settings", json!({ "sources": ["elexom"] }), "/settings/sources"),
        ("settings", json!({ "windfarm_ids": vec![1; 200_000] }), "/settings/windfarm_ids"),
        ("colour", json!("red"), "/colour"),
    ] {
        let mut whole = nightly();
        whole["name"] = json!("another");
        whole[field] = value.clone();
        let change = json!({ field: value });
        let created = client.post("/schedules", &whole).await.problem(422, "invalid-body");
        let changed = client.patch(&format!("/schedules/{id}"), &change).await.problem(422, "invalid-body");
        for answer in [created, changed] {
            assert_eq!(answer.json["errors"][0]["pointer"], pointer, "{}", answer.text);
        }
    }
    let mut elsewhere = nightly();
    elsewhere["name"] = json!("elsewhere");
    elsewhere["settings"] = json!({ "windfarm_ids": [99] });
    client.post("/schedules", &elsewhere).await.problem(409, "refused");
    let collecting = json!({ "name": "now", "kind": "collect", "cron": "*/10 * * * *" });
    let path = format!("/schedules/{}", client.post("/schedules", &collecting).await.expect(201).json["id"]);
    let fired = client.post(&format!("{path}/fire"), &json!({})).await.expect(200).json;
    assert_eq!((&fired["job_id"], &fired["run_ids"]), (&json!(null), &json!([])));
    assert!(fired["last_outcome"].as_str().unwrap().contains("no source that collects"), "{fired:#}");
}

#[tokio::test]
async fn a_collecting_schedule_is_fired_and_its_runs_are_shown() {
    let taipower = simulator::start(Options::default()).await.unwrap();
    let world = World::on(None, &source_at("taipower", &taipower.url(), "")).await;
    let client = world.user("olga", "operator").await;
    let station = json!({ "windfarm_id": 1, "source": "taipower", "code": "離岸一期", "name": "Offshore 1" });
    client.post("/generation-units", &station).await.expect(201);
    let checked = client.post("/sources/taipower/check", &json!({})).await.expect(200).json;
    assert_eq!((&checked["works"], &checked["shape"]["text"]), (&json!(true), &json!("1 values")));
    assert_eq!(world.folder.stored().await.len(), 0);

    let schedule = json!({ "name": "now", "kind": "collect", "cron": "0 0 1 1 *" });
    let path = format!("/schedules/{}", client.post("/schedules", &schedule).await.expect(201).json["id"]);
    let fired = client.post(&format!("{path}/fire"), &json!({})).await.expect(200).json;
    assert_eq!(fired["last_outcome"], "taipower: 1 of 1 units, 1 new values");
    let again = client.post(&format!("{path}/fire"), &json!({})).await.expect(200).json;
    assert_eq!((&fired["run_ids"], &again["run_ids"]), (&json!([1]), &json!([2])), "{again:#}");
    let first = client.get(&format!("{path}/runs?limit=1")).await.expect(200);
    assert_eq!((&first.json[0]["id"], first.header("x-next-cursor")), (&json!(2), "2"));
    let rest = client.get(&format!("{path}/runs?cursor=2")).await.expect(200).json;
    assert_eq!((&rest[0]["id"], &rest[0]["outcome"]), (&json!(1), &json!("written")));
}

#[tokio::test]
async fn workers_are_shown_and_the_queue_is_purged_in_an_emergency() {
    World::each(async |world| {
        let (admin, client) = (world.admin().await, world.user("olga", "operator").await);
        world.hold();
        let body = json!({ "windfarm_id": 1, "start_year": 2023, "end_year": 2023 });
        let id = client.post("/backfill/jobs", &body).await.expect(202).json["id"].clone();
        let at_work = |workers: &Value| workers[0]["running"] == 4 && workers[0]["alive"] == true;
        let workers = client.until("/workers", at_work).await;
        let worker = &workers[0];
        assert_eq!(worker["serves"], true, "{workers:#}");
        assert!(worker["version"].is_string() && worker["heartbeat_at"].is_string());
        let tasks = worker["tasks"].as_array().unwrap();
        assert!(tasks.iter().all(|task| task["job_id"] == id && task["source"] == "elexon"), "{worker:#}");
        assert_eq!((tasks.len(), tasks[0]["windfarm_name"].is_string()), (4, true), "{worker:#}");
        assert_eq!(worker["recent"]["succeeded"], 0, "{worker:#}");
        let queue = client.get("/queue").await.expect(200).json;
        assert_eq!((&queue[0]["source"], &queue[0]["running"]), (&json!("elexon"), &json!(4)), "{queue:#}");

        let purge = json!({ "reason": "wrong key", "source": "elexon" });
        client.post("/queue/purge", &purge).await.problem(403, "forbidden");
        for (body, pointer) in [
            (json!({ "reason": "" }), "/reason"),
            (json!({ "reason": "x", "priority": "urgent" }), "/priority"),
            (json!({ "reason": "x", "source": "x".repeat(65) }), "/source"),
        ] {
            let answer = admin.post("/queue/purge", &body).await.problem(422, "invalid-body");
            assert_eq!(answer.json["errors"][0]["pointer"], pointer, "{}", answer.text);
        }
        let elsewhere =
            admin.post("/queue/purge", &json!({ "reason": "x", "source": "eia" })).await.expect(200);
        assert_eq!(elsewhere.json, json!({ "tasks": 0, "jobs": [] }));
        let purged = admin.post("/queue/purge", &purge).await.expect(200).json;
        assert_eq!((&purged["tasks"], &purged["jobs"][0]["job_id"]), (&json!(20), &id), "{purged:#}");
    })
    .await;
}
