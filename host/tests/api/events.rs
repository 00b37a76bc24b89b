//! Following a job: what is told, that nothing is lost over a restart, and that a host can stop meanwhile.

use std::collections::BTreeSet;

use backfill::{
    clock,
    store::{Instant, LogLevel, NewLogLine, TaskFilter},
};
use futures::StreamExt;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::{Client, World};

/// What was told, one by one.
#[derive(Clone, Debug, Default)]
struct Told {
    id: String,
    event: String,
    data: Value,
}

/// Follows a job until `enough`, or until the host ends it.
async fn follow(client: &Client, job: i64, after: Option<&str>, enough: impl Fn(&Told) -> bool) -> Vec<Told> {
    let request = client.request(Method::GET, &format!("/backfill/jobs/{job}/events"));
    let request = after.into_iter().fold(request, |request, id| request.header("Last-Event-ID", id));
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut bytes = response.bytes_stream();
    let (mut text, mut all) = (String::new(), Vec::new());
    while let Some(Ok(piece)) = bytes.next().await {
        text += std::str::from_utf8(&piece).unwrap();
        while let Some(end) = text.find("\n\n") {
            let block: String = text.drain(..end + 2).collect();
            let field = |name: &str| {
                let lines = block.lines().filter_map(|line| line.strip_prefix(name));
                lines.map(str::trim).collect::<Vec<_>>().join("\n")
            };
            if field("data:").is_empty() {
                continue;
            }
            let data = serde_json::from_str(&field("data:")).unwrap();
            all.push(Told { id: field("id:"), event: field("event:"), data });
            if all.last().is_some_and(&enough) {
                return all;
            }
        }
    }
    all
}

/// Ids of the events among what was told.
fn ids(told: &[Told]) -> BTreeSet<i64> {
    let events = told.iter().filter(|told| ["task", "job"].contains(&told.event.as_str()));
    events.map(|told| told.data["id"].as_i64().unwrap()).collect()
}

/// Ids of the log lines among what was told.
fn lines(told: &[Told]) -> Vec<i64> {
    let lines = told.iter().filter(|told| told.event == "log");
    lines.map(|told| told.data["id"].as_i64().unwrap()).collect()
}

const TWO_MONTHS: &str = r#"{ "windfarm_id": 1, "start_date": "2024-01-01", "end_date": "2024-02-29" }"#;

#[tokio::test]
async fn a_job_is_followed_from_a_snapshot_to_its_end() {
    World::each(async |world| {
        let client = world.admin().await;
        world.hold();
        let body: Value = serde_json::from_str(TWO_MONTHS).unwrap();
        let job = client.post("/backfill/jobs", &body).await.expect(202).json["id"].as_i64().unwrap();
        let told = follow(&client, job, None, |_| {
            world.simulator.set_faults(vec![]);
            false
        })
        .await;
        assert_eq!((told[0].event.as_str(), &told[0].data["job"]["id"]), ("snapshot", &json!(job)));
        let last = told.last().unwrap();
        assert_eq!((last.event.as_str(), &last.data["status"]), ("end", &json!("completed")));
        let completed = told.iter().filter(|told| told.data["kind"] == "task-completed").count();
        assert_eq!(completed, 4, "{told:#?}");

        let again = follow(&client, job, None, |_| false).await;
        assert_eq!(again.iter().map(|told| told.event.as_str()).collect::<Vec<_>>(), ["snapshot", "end"]);
        let lines = client.request(Method::GET, &format!("/backfill/jobs/{job}/events"));
        let lines =
            lines.header("accept", "application/x-ndjson").send().await.unwrap().text().await.unwrap();
        let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!((&lines[0]["event"], &lines[1]["event"]), (&json!("snapshot"), &json!("end")));
        let wrong = client.request(Method::GET, &format!("/backfill/jobs/{job}/events"));
        crate::client::Answer::of(wrong.header("last-event-id", "x")).await.problem(400, "invalid-parameter");
    })
    .await;
}

#[tokio::test]
async fn who_goes_on_where_they_were_hears_something_before_anything_happens() {
    let world = World::on(None, "").await;
    let client = world.admin().await;
    world.hold();
    let body: Value = serde_json::from_str(TWO_MONTHS).unwrap();
    let job = client.post("/backfill/jobs", &body).await.expect(202).json["id"].as_i64().unwrap();
    let last = follow(&client, job, None, |told| told.event == "snapshot").await.remove(0).id;
    let again = client.request(Method::GET, &format!("/backfill/jobs/{job}/events"));
    let again = again.header("Last-Event-ID", last).send().await.unwrap();
    let first = again.bytes_stream().next().await.unwrap().unwrap();
    assert!(first.starts_with(b":"), "a comment comes first: {:?}", String::from_utf8_lossy(&first));
}

#[tokio::test]
async fn who_follows_a_job_misses_nothing_over_a_restart_of_the_host() {
    World::each(async |mut world| {
        let client = world.admin().await;
        world.hold();
        let body: Value = serde_json::from_str(TWO_MONTHS).unwrap();
        let job = client.post("/backfill/jobs", &body).await.expect(202).json["id"].as_i64().unwrap();
        // Its tasks may have begun already; what they ask for is held.
        let before = follow(&client, job, None, |told| told.event == "snapshot").await;
        let place = before.last().unwrap().id.clone();
        let connected = Notify::new();
        let rest = follow(&client, job, Some(&place), |_| {
            connected.notify_one();
            false
        });
        world.simulator.set_faults(vec!["kind=latency,milliseconds=60000,match=T_HOWAO-1".parse().unwrap()]);
        let restart = async {
            connected.notified().await;
            // What still runs ends, so that the host need not wait for it.
            world.simulator.set_faults(vec![]);
            world.restart().await;
        };
        let (interrupted, ()) = tokio::join!(rest, restart);
        let place = interrupted.last().map_or(place, |told| told.id.clone());
        let client = Client::new(&world.base, client.token.as_deref());
        let after = follow(&client, job, Some(&place), |_| false).await;
        assert_ne!(after[0].event, "snapshot", "it goes on where it was");
        assert_eq!(after.last().unwrap().event, "end");

        let told = [before, interrupted, after].concat();
        let first = *ids(&told).first().unwrap();
        let store = world.store().await;
        let all = store.events(Some(job), 0, 10_000).await.unwrap();
        let all: BTreeSet<_> = all.iter().map(|event| event.id).filter(|id| *id >= first).collect();
        assert_eq!(ids(&told), all);
    })
    .await;
}

#[tokio::test]
async fn every_line_is_told_before_the_end_also_to_who_comes_back() {
    World::each(async |world| {
        let client = world.admin().await;
        let job = world.filled(&client).await;
        let store = world.store().await;
        let task = store.tasks(job, TaskFilter::default()).await.unwrap()[0].id;
        // More than is read at once, several times.
        let line = |number: usize| NewLogLine {
            task_id: task,
            fence: 1,
            at: Instant::from(clock::now()),
            level: LogLevel::Info,
            message: format!("line {number}"),
        };
        store.append_logs(&(0..1700).map(line).collect::<Vec<_>>()).await.unwrap();
        let all: Vec<i64> = lines(&follow(&client, job, Some("0-0"), |_| false).await);
        let kept = store.job_lines(job, 0, 10_000).await.unwrap();
        assert_eq!(all, kept.iter().map(|line| line.id).collect::<Vec<_>>(), "each once, in order");

        let half = follow(&client, job, Some("0-0"), |told| told.data["message"] == "line 900").await;
        let place = half.last().unwrap().id.clone();
        let rest = follow(&client, job, Some(&place), |_| false).await;
        assert_eq!(rest.last().unwrap().event, "end");
        assert_eq!([lines(&half), lines(&rest)].concat(), all);
        let without = client.request(Method::GET, &format!("/backfill/jobs/{job}/events?logs=false"));
        let without = without.header("Last-Event-ID", "0-0").send().await.unwrap();
        assert_eq!(without.headers()["x-accel-buffering"], "no");
        assert!(!without.text().await.unwrap().contains("line 900"));
    })
    .await;
}

#[tokio::test]
async fn who_is_let_in_no_more_is_told_no_more() {
    World::each(async |world| {
        let admin = world.admin().await;
        world.hold();
        let body: Value = serde_json::from_str(TWO_MONTHS).unwrap();
        let job = admin.post("/backfill/jobs", &body).await.expect(202).json["id"].as_i64().unwrap();
        let made = admin.post("/tokens", &json!({ "name": "x", "role": "viewer" })).await.expect(201).json;
        let viewer = Client::new(&world.base, made["token"].as_str());
        let connected = Notify::new();
        let following = follow(&viewer, job, None, |_| {
            connected.notify_one();
            false
        });
        let revoking = async {
            connected.notified().await;
            admin.delete(&format!("/tokens/{}", made["id"])).await.expect(200);
        };
        // It ends although the job does not.
        let (told, ()) = tokio::join!(following, revoking);
        assert!(told.iter().all(|told| told.event != "end"), "{told:#?}");
        world.simulator.set_faults(vec![]);
    })
    .await;
}

#[tokio::test]
async fn a_task_is_shown_with_its_attempts_its_log_and_its_answers() {
    World::each(async |world| {
        let client = world.admin().await;
        let job = world.filled(&client).await;
        let tasks =
            client.get(&format!("/backfill/jobs/{job}/tasks?status=completed")).await.expect(200).json;
        let path = format!("/backfill/tasks/{}", tasks[0]["id"]);
        let task = client.get(&path).await.expect(200).json;
        assert_eq!(
            (&task["month"], &task["generation_unit"]["source"]),
            (&json!("2024-01"), &json!("elexon"))
        );
        let attempts = client.get(&format!("{path}/attempts")).await.expect(200).json;
        // A machine that stands still for longer than a lease has had others before.
        let attempt = attempts.as_array().unwrap().last().unwrap();
        assert_eq!(attempt["outcome"], "written", "{attempts:#}");
        let answers = client.get(&format!("{path}/answers")).await.expect(200).json;
        let answer = answers.as_array().unwrap().last().unwrap();
        assert_eq!(answer["attempt_id"], attempt["id"], "{answers:#}");
        assert!(client.get(&format!("{path}/logs")).await.expect(200).json.is_array());
        for part in ["", "/attempts", "/logs", "/answers"] {
            client.get(&format!("/backfill/tasks/4711{part}")).await.problem(404, "not-found");
        }
    })
    .await;
}
