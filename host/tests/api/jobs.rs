//! The life of a job over HTTP.

use reqwest::Method;
use serde_json::json;

use crate::{World, client::Answer};

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
        let refusal = |words: &str, times: Option<u32>| {
            let body = json!({ "errors": { "BmUnit": [words] } }).to_string();
            let fault = json!({ "kind": "status", "status": 400, "body": body, "times": times });
            serde_json::from_value(fault).unwrap()
        };
        world.simulator.set_faults(vec![refusal("is on strike", Some(1)), refusal("is not known", None)]);
        let body = json!({ "windfarm_id": 1, "start_date": "2024-01-01", "end_date": "2024-02-29" });
        let id = client.post("/backfill/jobs", &body).await.expect(202).json["id"].clone();
        let path = format!("/backfill/jobs/{id}");
        let done = client.until(&path, |shown| shown["job"]["completed_at"].is_string()).await;
        world.simulator.set_faults(vec![]);
        let told: Vec<_> = done["failures"]
            .as_array()
            .unwrap()
            .iter()
            .map(|cause| (&cause["tasks"], &cause["error_code"], &cause["permanent"]))
            .collect();
        let (code, yes) = (json!("invalid-unit"), json!(true));
        assert_eq!(told, [(&json!(3), &code, &yes), (&json!(1), &code, &yes)], "{done:#}");

        let cause = &done["failures"][0]["cause"];
        let listed = client.get(&format!("{path}/tasks?cause={}", cause.as_str().unwrap())).await.expect(200);
        let ids: Vec<_> = listed.json.as_array().unwrap().iter().map(|task| task["id"].clone()).collect();
        assert_eq!(ids.len(), 3);
        let retry = format!("{path}/retry");
        client.post(&retry, &json!({ "cause": cause, "task_ids": [1] })).await.problem(422, "invalid-body");
        client.post(&retry, &json!({ "cause": "another" })).await.problem(409, "refused");
        client.post(&retry, &json!({ "cause": cause })).await.problem(409, "refused");
        let retried = client.post(&retry, &json!({ "cause": cause, "force": true })).await.expect(200).json;
        assert_eq!(retried["changed"]["reopened"], json!(ids));
        client.until(&path, |shown| shown["by_status"]["completed"] == 3).await;
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
    let long =
        client.request(Method::POST, "/backfill/jobs").json(&json!({ "sources": "x".repeat(2_000_000) }));
    Answer::of(long).await.problem(413, "too-large");
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
async fn new_jobs_are_refused_while_too_much_is_waiting() {
    let world = World::on(None, "[server]\nmax_open_tasks = 1\n").await;
    let client = world.admin().await;
    world.hold();
    let body = json!({ "windfarm_id": 1, "start_date": "2024-01-01", "end_date": "2024-01-31" });
    client.post("/backfill/jobs", &body).await.expect(202);
    let refused = client.post("/backfill/jobs", &body).await.problem(429, "queue-full");
    assert_eq!(refused.header("retry-after"), "60");
}
