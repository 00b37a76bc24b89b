//! The life of a job over HTTP.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::json;

use crate::{World, client::Answer, postgres};

#[tokio::test]
async fn a_job_is_previewed_created_worked_off_and_deleted() {
    World::each(async |world| {
        let client = world.user("olga", "operator").await;
        let body = json!({ "windfarm_id": 1, "start_year": 2024, "end_year": 2024, "sources": ["elexon"] });
        let preview = client.post("/backfill/preview", &body).await.expect(200).json;
        assert_eq!(
            (&preview["total_tasks"], &preview["by_verdict"]["fetch"]),
            (&json!(24), &json!(24)),
            "{preview:#}"
        );
        assert_eq!(preview["generation_units"].as_array().unwrap().len(), 2);
        assert_eq!(preview["requests_estimate"], json!(null), "nothing was measured yet");

        let body = json!({ "windfarm_id": 1, "start_date": "2024-01-01", "end_date": "2024-02-29" });
        let shown = client.post("/backfill/preview", &body).await.expect(200).json;
        let mut start = body.clone();
        start["plan_hash"] = json!("another");
        client.post("/backfill/jobs", &start).await.problem(409, "plan-changed");
        start["plan_hash"] = shown["plan_hash"].clone();
        let made = client.post("/backfill/jobs", &start).await.expect(202);
        let id = made.json["id"].as_i64().unwrap();
        assert_eq!(made.header("location"), format!("/api/v1/backfill/jobs/{id}"));
        assert_eq!(made.json["tasks_summary"]["total"], 4);

        let path = format!("/backfill/jobs/{id}");
        let done = client.until(&path, |shown| shown["job"]["completed_at"].is_string()).await;
        assert_eq!(
            (&done["job"]["status"], &done["by_status"]["completed"]),
            (&json!("completed"), &json!(4)),
            "{done:#}"
        );
        assert_eq!(done["by_month"].as_array().unwrap().len(), 2);
        assert_eq!(done["by_unit"].as_array().unwrap().len(), 2);
        assert_eq!(done["by_source"][0]["source"], "elexon");
        let celery = client.get(&format!("{path}/celery-status")).await.expect(200).json;
        assert_eq!((&celery["state"], &celery["progress"]["percent"]), (&json!("SUCCESS"), &json!(100.0)));
        let refreshed = client.post(&format!("{path}/refresh-progress"), &json!({})).await.expect(200).json;
        assert_eq!(refreshed["drift"], json!({ "total": 0, "completed": 0, "failed": 0, "skipped": 0 }));

        let first = client.get(&path).await;
        let tag = first.header("etag").to_owned();
        let again = client.request(Method::GET, &path).header("if-none-match", &tag);
        assert_eq!(Answer::of(again).await.status, 304);
        let page = client.get(&format!("{path}/tasks?limit=3")).await.expect(200);
        assert_eq!(page.json.as_array().unwrap().len(), 3);
        let rest = client.get(&format!("{path}/tasks?limit=3&cursor={}", page.header("x-next-cursor"))).await;
        assert_eq!(rest.json.as_array().unwrap().len(), 1);

        let preview = client.post("/backfill/preview", &body).await.expect(200).json;
        assert_eq!(preview["by_verdict"]["skip-complete"], 4, "{preview:#}");
        client.delete(&path).await.expect(200);
        client.get(&path).await.problem(404, "not-found");
    })
    .await;
}

#[tokio::test]
async fn a_running_job_is_not_deleted_and_a_cancelled_one_stops() {
    World::each(async |world| {
        let client = world.admin().await;
        world.hold();
        let body = json!({ "windfarm_id": 1, "start_date": "2024-01-01", "end_date": "2024-01-31" });
        let id = client.post("/backfill/jobs", &body).await.expect(202).json["id"].clone();
        let path = format!("/backfill/jobs/{id}");
        client.until(&path, |shown| shown["by_status"]["in_progress"] == 2).await;
        let tag = client.get(&path).await.header("etag").to_owned();
        client.post(&format!("{path}/pause"), &json!({})).await.expect(200);
        let since = client.request(Method::GET, &path).header("if-none-match", &tag);
        let since = Answer::of(since).await.expect(200);
        assert_eq!(since.json["job"]["paused"], true);
        assert_ne!(since.header("etag"), tag, "what has changed is told, under another tag");
        client.delete(&path).await.problem(409, "refused");
        let cancelled = client.post(&format!("{path}/cancel"), &json!({})).await.expect(200).json;
        assert_eq!((&cancelled["status"], &cancelled["changed"]["skipped"]), (&json!("failed"), &json!(2)));
        client.post(&format!("{path}/cancel"), &json!({})).await.problem(409, "refused");
        world.simulator.set_faults(vec![]);
        let retried = client.post(&format!("{path}/retry"), &json!({})).await.expect(200).json;
        assert_eq!(retried["changed"]["reopened"].as_array().unwrap().len(), 2);
        client.until(&path, |shown| shown["job"]["status"] == "completed").await;
    })
    .await;
}

#[tokio::test]
async fn failures_are_told_listed_and_retried_by_cause() {
    World::each(async |world| {
        let client = world.user("olga", "operator").await;
        let refusal = |words: &str, unit: &str| {
            let body = json!({ "errors": { "BmUnit": [words] } }).to_string();
            let fault = json!({ "kind": "status", "status": 400, "body": body, "match": unit });
            serde_json::from_value(fault).unwrap()
        };
        let faults = vec![refusal("is on strike", "T_HOWAO-1"), refusal("is not known", "T_HOWAO-2")];
        world.simulator.set_faults(faults);
        let body = json!({ "windfarm_id": 1, "start_date": "2024-01-01", "end_date": "2024-02-29" });
        let id = client.post("/backfill/jobs", &body).await.expect(202).json["id"].clone();
        let path = format!("/backfill/jobs/{id}");
        let done = client.until(&path, |shown| shown["job"]["completed_at"].is_string()).await;
        world.simulator.set_faults(vec![]);
        let failures = done["failures"].as_array().unwrap();
        let told: Vec<_> = failures.iter().map(|cause| (&cause["tasks"], &cause["permanent"])).collect();
        assert_eq!(told, [(&json!(2), &json!(true)); 2], "{done:#}");
        assert!(failures.iter().all(|cause| cause["error_code"] == "invalid-unit"), "{done:#}");

        let cause = &done["failures"][0]["cause"];
        let listed = client.get(&format!("{path}/tasks?cause={}", cause.as_str().unwrap())).await.expect(200);
        let ids: Vec<_> = listed.json.as_array().unwrap().iter().map(|task| task["id"].clone()).collect();
        assert_eq!(ids.len(), 2);
        let retry = format!("{path}/retry");
        client.post(&retry, &json!({ "cause": cause, "task_ids": [1] })).await.problem(422, "invalid-body");
        client.post(&retry, &json!({ "cause": "another" })).await.problem(409, "refused");
        client.post(&retry, &json!({ "cause": cause })).await.problem(409, "refused");
        let retried = client.post(&retry, &json!({ "cause": cause, "force": true })).await.expect(200).json;
        assert_eq!(retried["changed"]["reopened"], json!(ids));
        client.until(&path, |shown| shown["by_status"]["completed"] == 2).await;
    })
    .await;
}

#[tokio::test]
async fn jobs_are_listed_by_pages_and_filters() {
    World::each(async |world| {
        let (anna, ben) = (world.user("anna", "operator").await, world.user("ben", "operator").await);
        let (first, second) = (world.filled(&anna).await, world.filled(&ben).await);
        let ids = |answer: &Answer| {
            answer.json.as_array().unwrap().iter().map(|job| job["id"].as_i64().unwrap()).collect::<Vec<_>>()
        };
        let page = anna.get("/backfill/jobs?limit=1&status=completed").await.expect(200);
        assert_eq!((ids(&page), page.header("x-total-count")), (vec![second], "2"));
        assert!(
            page.header("link").contains(&format!("cursor={second}>; rel=\"next\"")),
            "{}",
            page.header("link")
        );
        let next = anna.get(&format!("/backfill/jobs?limit=1&cursor={}", page.header("x-next-cursor"))).await;
        assert_eq!(ids(&next), [first]);
        let me = anna.get("/users/me").await.json["id"].clone();
        assert_eq!(ids(&anna.get(&format!("/backfill/jobs?created_by={me}")).await), [first]);
        for none in [
            "windfarm_id=2",
            "status=failed,pending",
            "status=failed&status=pending",
            "source=eia",
            "until=2020-01-01T00:00:00Z",
        ] {
            assert_eq!(
                ids(&anna.get(&format!("/backfill/jobs?{none}")).await.expect(200)),
                [0i64; 0],
                "{none}"
            );
        }
        for (wrong, name) in [
            ("limit=101", "limit"),
            ("status=done", "status"),
            ("colour=red", ""),
            ("since=yesterday", "since"),
        ] {
            let answer = anna.get(&format!("/backfill/jobs?{wrong}")).await.problem(400, "invalid-parameter");
            if !name.is_empty() {
                assert_eq!(answer.json["errors"][0]["parameter"], name, "{}", answer.text);
            }
        }
    })
    .await;
}

#[tokio::test]
async fn what_is_wrong_with_a_body_is_said_by_its_place() {
    let world = World::on(None, "").await;
    let client = world.admin().await;
    let cases = [
        (json!({ "windfarm_id": 1 }), "/start_year"),
        (json!({ "windfarm_id": 1, "start_year": 2024 }), "/end_year"),
        (json!({ "windfarm_id": 1, "start_year": 2024, "end_year": 2023 }), "/start_year"),
        (json!({ "windfarm_id": 1, "start_year": 1, "end_year": 9999 }), "/start_year"),
        (json!({ "windfarm_id": 99, "start_year": 2024, "end_year": 2024 }), "/windfarm_id"),
        (json!({ "start_year": 2024, "end_year": 2024 }), "/windfarm_id"),
        (
            json!({ "windfarm_id": 1, "start_year": 2024, "end_year": 2024, "sources": ["elexom"] }),
            "/sources",
        ),
        (
            json!({ "windfarm_id": 1, "start_year": 2024, "end_year": 2024, "generation_unit_ids": [3] }),
            "/generation_unit_ids",
        ),
        (json!({ "windfarm_id": "one" }), "/windfarm_id"),
        (json!({ "windfarm_ids": [1, "two"] }), "/windfarm_ids/1"),
        (json!({ "windfarm_id": 1, "colour": "red" }), "/colour"),
        (
            json!({ "windfarm_id": 1, "start_year": 2024, "end_year": 2024, "priority": "urgent" }),
            "/priority",
        ),
    ];
    for (body, pointer) in cases {
        let answer = client.post("/backfill/jobs", &body).await.problem(422, "invalid-body");
        assert_eq!(answer.json["errors"][0]["pointer"], pointer, "{body} {}", answer.text);
    }
    let send = |body: &'static str, kind: &'static str| {
        client.request(Method::POST, "/backfill/jobs").header("content-type", kind).body(body)
    };
    Answer::of(send("{", "application/json")).await.problem(400, "malformed-body");
    Answer::of(send("{}", "text/plain")).await.problem(415, "media-type");
}

#[tokio::test]
async fn all_that_is_wrong_with_a_body_is_said_at_once() {
    let world = World::on(None, "").await;
    let client = world.admin().await;
    let pointers = async |path: &str, body: serde_json::Value| -> Vec<String> {
        let answer = client.post(path, &body).await.problem(422, "invalid-body");
        let errors = answer.json["errors"].as_array().unwrap().iter();
        let all: BTreeSet<_> = errors.map(|error| error["pointer"].as_str().unwrap().to_owned()).collect();
        all.into_iter().collect()
    };
    let body = json!({ "windfarm_id": "one", "sources": [1], "priority": "urgent", "colour": "red" });
    let all = pointers("/backfill/preview", body).await;
    assert_eq!(all, ["/colour", "/priority", "/sources/0", "/windfarm_id"]);
    assert_eq!(pointers("/backfill/preview", json!({})).await, ["/start_year", "/windfarm_id"]);
    let schedule =
        json!({ "name": " ", "kind": "incremental", "cron": "30 25 * * *", "settings": { "colour": 1 } });
    assert_eq!(pointers("/schedules", schedule).await, ["/cron", "/name", "/settings/colour"]);
    let webhook = json!({ "url": "ftp", "event_kinds": ["job-ended", "tea-time"] });
    assert_eq!(pointers("/webhooks", webhook).await, ["/event_kinds/1", "/url"]);
}

#[tokio::test]
async fn bounds_that_the_description_has_are_kept() {
    let world = World::on(None, "").await;
    let client = world.admin().await;
    let year = |what: &str, value: serde_json::Value| {
        let mut body = json!({ "windfarm_id": 1, "start_year": 2024, "end_year": 2024 });
        body[what] = value;
        body
    };
    for (what, beyond) in [
        ("windfarm_ids", json!(vec![1; 1001])),
        ("generation_unit_ids", json!(vec![1; 10_001])),
        ("sources", json!(vec!["elexon"; 101])),
        ("max_concurrency", json!(65_537)),
        ("max_concurrency", json!(0)),
    ] {
        let refused =
            client.post("/backfill/preview", &year(what, beyond)).await.problem(422, "invalid-body");
        assert_eq!(refused.json["errors"][0]["pointer"], format!("/{what}"), "{}", refused.text);
    }
    let within = year("generation_unit_ids", json!(vec![1; 10_000]));
    let planned = client.post("/backfill/preview", &within).await.expect(200).json;
    assert_eq!(planned["total_tasks"], 12, "who is named often is planned for once");
    let retry = json!({ "task_ids": vec![1; 10_001] });
    client.post("/backfill/jobs/1/retry", &retry).await.problem(422, "invalid-body");
    let user = json!({ "name": "long", "role": "viewer", "email": "x".repeat(321) });
    client.post("/users", &user).await.problem(422, "invalid-body");
}

#[tokio::test]
async fn what_the_description_does_not_have_is_refused() {
    let world = World::on(None, "").await;
    let client = world.admin().await;
    let id = world.filled(&client).await;
    let path = format!("/backfill/jobs/{id}");
    for get in ["/users/me?colour=red", "/sources?limit=3", &format!("{path}?colour=red"), "/schedules?x"] {
        let refused = client.get(get).await.problem(400, "invalid-parameter");
        assert!(refused.json["errors"][0]["parameter"].is_string(), "{get}: {}", refused.text);
    }
    let all = client.get("/backfill/jobs?limit=0&cursor=0&status=done&colour=red").await;
    let all = all.problem(400, "invalid-parameter").json;
    let names: Vec<_> = all["errors"].as_array().unwrap().iter().map(|error| &error["parameter"]).collect();
    assert_eq!(names, ["colour", "cursor", "limit", "status"], "{all:#}");
    for act in ["cancel", "pause", "resume", "process", "reset-stuck", "refresh-progress"] {
        let at = format!("{path}/{act}");
        let refused = client.post(&at, &json!({ "force": true })).await.problem(422, "invalid-body");
        assert_eq!(refused.json["errors"][0]["pointer"], "/force");
        client.post(&at, &json!([1])).await.problem(422, "invalid-body");
        client.post(&format!("{at}?force=true"), &json!({})).await.problem(400, "invalid-parameter");
    }
    // No body, and an object without fields, say the same.
    let bare = client.request(Method::POST, &format!("{path}/refresh-progress"));
    Answer::of(bare).await.expect(200);
    client.post(&format!("{path}/refresh-progress"), &json!({})).await.expect(200);
}

#[tokio::test]
async fn a_body_that_is_too_long_is_refused_whoever_reads_it() {
    World::each(async |world| {
        let client = world.admin().await;
        let long = json!({ "sources": "x".repeat(2_000_000) });
        for path in ["/backfill/jobs", "/backfill/jobs/1/cancel"] {
            client.post(path, &long).await.problem(413, "too-large");
            let named = client.request(Method::POST, path).header("idempotency-key", "long").json(&long);
            Answer::of(named).await.problem(413, "too-large");
        }
    })
    .await;
}

#[tokio::test]
async fn a_plan_that_nobody_could_hold_is_refused_before_it_is_made() {
    World::each(async |world| {
        let csv: Vec<_> = (0..90).map(|n| format!("Large,eia,{},WND", 70_000 + n)).collect();
        world.folder.import(&format!("windfarm,source,code,fuel2002\n{}\n", csv.join("\n"))).await;
        let viewer = world.user("vera", "viewer").await;
        let large = viewer.get("/windfarms?q=Large").await.expect(200).json[0]["id"].clone();
        let century = json!({ "windfarm_id": large, "start_year": 1950 + 20, "end_year": 2069 });
        let refused = viewer.post("/backfill/preview", &century).await.problem(422, "invalid-body");
        let said = refused.json["detail"].as_str().unwrap();
        assert!(said.contains("90 units and 1200 months are 108000 tasks"), "{said}");
        assert!(said.contains("at most 100000"), "{said}");
        let decade = json!({ "windfarm_id": large, "start_year": 2010, "end_year": 2019 });
        let planned = viewer.post("/backfill/preview", &decade).await.expect(200).json;
        assert_eq!(planned["total_tasks"], 10_800);
    })
    .await;
}

#[tokio::test]
async fn a_request_that_is_sent_twice_under_one_key_is_done_once() {
    World::each(async |world| {
        let (anna, ben) = (world.user("anna", "operator").await, world.user("ben", "operator").await);
        let body = json!({ "windfarm_id": 1, "start_date": "2024-01-01", "end_date": "2024-01-31" });
        let send = |client: &crate::Client, body: &serde_json::Value| {
            Answer::of(
                client.request(Method::POST, "/backfill/jobs").header("idempotency-key", "k1").json(body),
            )
        };
        let first = send(&anna, &body).await.expect(202);
        let second = send(&anna, &body).await.expect(202);
        assert_eq!((&first.text, first.header("location")), (&second.text, second.header("location")));
        assert_eq!(
            (first.header("idempotency-replayed"), second.header("idempotency-replayed")),
            ("", "true")
        );
        let mut other = body.clone();
        other["windfarm_id"] = json!(2);
        send(&anna, &other).await.problem(422, "key-reused");
        let theirs = send(&ben, &body).await.expect(202);
        assert_ne!(theirs.json["id"], first.json["id"], "a key is its user's own");
        assert_eq!(anna.get("/backfill/jobs").await.header("x-total-count"), "2");
    })
    .await;
}

#[tokio::test]
async fn nobody_brings_more_tasks_than_may_wait() {
    for server in [None, postgres::database().await] {
        let world = World::on(server.as_ref(), "[server]\nmax_open_tasks = 3\n").await;
        let client = world.admin().await;
        world.hold();
        let january = json!({ "windfarm_id": 1, "start_date": "2024-01-01", "end_date": "2024-01-31" });
        let first = client.post("/backfill/jobs", &january).await.expect(202).json["id"].clone();
        // What waits and what would come are counted together.
        let february = json!({ "windfarm_id": 1, "start_date": "2024-02-01", "end_date": "2024-02-29" });
        let refused = client.post("/backfill/jobs", &february).await.problem(429, "queue-full");
        assert_eq!(refused.header("retry-after"), "60");
        assert!(refused.json["detail"].as_str().unwrap().contains("2 tasks are open"), "{}", refused.text);
        let one = json!({ "windfarm_id": 2, "start_date": "2024-02-01", "end_date": "2024-02-29" });
        client.post("/backfill/jobs", &one).await.expect(202);

        let schedule = json!({ "name": "nightly", "kind": "incremental", "cron": "0 3 * * *" });
        let schedule = client.post("/schedules", &schedule).await.expect(201).json["id"].clone();
        client.post(&format!("/schedules/{schedule}/fire"), &json!({})).await.problem(429, "queue-full");

        client.post(&format!("/backfill/jobs/{first}/cancel"), &json!({})).await.expect(200);
        client.post("/backfill/jobs", &february).await.expect(202);
        let retry = format!("/backfill/jobs/{first}/retry");
        client.post(&retry, &json!({})).await.problem(429, "queue-full");
        let output = world.folder.backfill(&["job", "retry", &first.to_string()]).await;
        assert!(output.err.contains("max_open_tasks"), "{}", output.err);
    }
}
