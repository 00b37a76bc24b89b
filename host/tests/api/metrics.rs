//! What Prometheus and load balancers are told.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use serde_json::json;
use simulator::Fault;
use sqlx::{Connection, PgConnection};

use crate::{Client, World, client::Answer, host::Host, postgres, support::guest};

/// Every sample of Prometheus' text: its name and labels as they stand there, and its value.
pub(crate) fn samples(text: &str) -> BTreeMap<String, f64> {
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| {
            let (name, value) = line.rsplit_once(' ').unwrap();
            (name.to_owned(), value.parse().unwrap())
        })
        .collect()
}

async fn scraped(client: &Client) -> BTreeMap<String, f64> {
    samples(&client.get("//metrics").await.expect(200).text)
}

/// Scrapes until a sample is as wanted.
async fn until(client: &Client, name: &str, wanted: impl Fn(f64) -> bool) -> BTreeMap<String, f64> {
    let begun = Instant::now();
    loop {
        let seen = scraped(client).await;
        if seen.get(name).copied().is_some_and(&wanted) {
            return seen;
        }
        assert!(begun.elapsed().as_secs() < 180, "{name} in {seen:#?}");
        tokio::time::sleep(Duration::from_millis(50)).await; // waits for the host's work
    }
}

/// Asks whether the host is ready until it is as wanted.
async fn ready(client: &Client, wanted: u16) -> Answer {
    let begun = Instant::now();
    loop {
        let answer = client.get("//readyz").await;
        if answer.status == wanted {
            return answer;
        }
        assert!(begun.elapsed().as_secs() < 180, "{}", answer.text);
        tokio::time::sleep(Duration::from_millis(200)).await; // waits for two leases to pass
    }
}

#[tokio::test]
async fn what_happens_is_counted_by_source_and_outcome() {
    World::each(async |world| {
        let (stranger, anna) = (world.stranger(), world.user("anna", "operator").await);
        let before = scraped(&stranger).await;
        assert_eq!(before["backfill_jobs_created_total"], 0.0);
        let busy = "kind=status,status=503,times=1,api=elexon";
        world.simulator.set_faults(vec![busy.parse::<Fault>().unwrap()]);
        let id = world.filled(&anna).await;
        let again = world.filled(&anna).await;
        assert_ne!(id, again);
        anna.get("/backfill/jobs/4711").await.expect(404);

        // An attempt counts once it is over, just after others can see that its task has ended; how long it took, last.
        let written = r#"backfill_tasks_ended_total{source="elexon",outcome="written"}"#;
        let took = r#"backfill_task_duration_seconds_count{source="elexon"}"#;
        until(&stranger, took, |attempts| attempts >= 2.0).await;
        let answer = stranger.get("//metrics").await.expect(200);
        assert_eq!(answer.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
        let seen = samples(&answer.text);
        let is =
            |name: &str, value: f64| assert_eq!(seen.get(name), Some(&value), "{name} in {}", answer.text);
        is("backfill_jobs_created_total", 2.0);
        is(written, 2.0);
        // The second job finds everything there.
        is(r#"backfill_tasks_ended_total{source="elexon",outcome="skipped"}"#, 2.0);
        is(took, 2.0);
        is(r#"backfill_upstream_requests_total{source="elexon",status="503"}"#, 1.0);
        assert!(seen[r#"backfill_upstream_requests_total{source="elexon",status="200"}"#] >= 2.0);
        assert!(seen[r#"backfill_rows_total{source="elexon",result="inserted"}"#] > 1000.0);
        is(r#"backfill_rows_total{source="elexon",result="rejected"}"#, 0.0);
        let route = "/api/v1/backfill/jobs/{id}";
        let asked = format!(r#"backfill_http_requests_total{{method="GET",route="{route}",status="404"}}"#);
        is(&asked, 1.0);
        is("backfill_store_up", 1.0);
        is(r#"backfill_queue_tasks{source="elexon",state="ready"}"#, 0.0);
        is(r#"backfill_circuit_open{source="elexon"}"#, 0.0);
        assert!(seen[r#"backfill_allowance_left_requests{source="elexon"}"#] > 0.0);
        assert!(seen["process_start_time_seconds"] > 1.7e9);
        assert!(seen.keys().any(|name| name.starts_with("backfill_build_info{version=")));
        let described: Vec<_> =
            answer.text.lines().filter_map(|line| line.strip_prefix("# HELP ")?.split(' ').next()).collect();
        for kind in answer.text.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
            let name = kind.split(' ').next().unwrap();
            assert!(described.contains(&name), "{name} says not what it is");
        }
    })
    .await;
}

#[tokio::test]
async fn the_queue_and_retries_show_while_an_upstream_fails() {
    let world = World::on(None, "").await;
    let (stranger, anna) = (world.stranger(), world.user("anna", "operator").await);
    world.simulator.set_faults(vec!["kind=status,status=500".parse::<Fault>().unwrap()]);
    let body = json!({ "windfarm_id": 1, "start_date": "2024-01-01", "end_date": "2024-01-31" });
    anna.post("/backfill/jobs", &body).await.expect(202);
    let failed = r#"backfill_tasks_ended_total{source="elexon",outcome="failed"}"#;
    let seen = until(&stranger, failed, |count| count == 2.0).await;
    let retried = r#"backfill_task_retries_total{source="elexon",case="unavailable"}"#;
    assert!(seen[retried] >= 2.0, "{seen:#?}");
    let open = r#"backfill_circuit_open{source="elexon"}"#;
    until(&stranger, open, |open| open == 1.0).await;
    anna.post("/backfill/jobs", &body).await.expect(202);
    let ready = r#"backfill_queue_tasks{source="elexon",state="ready"}"#;
    until(&stranger, ready, |count| count == 2.0).await;
    let age = r#"backfill_queue_oldest_ready_seconds{source="elexon"}"#;
    until(&stranger, age, |seconds| seconds > 0.0).await;
}

#[tokio::test]
async fn what_the_sandbox_ended_is_counted_by_source_and_kind() {
    let source = format!("[[source]]\nid = \"wild\"\ncomponent = {:?}\n", guest("hostile"));
    let world = World::on(None, &source).await;
    world.folder.import("windfarm,source,code\nWild,wild,panic\n").await;
    let (stranger, anna) = (world.stranger(), world.user("anna", "operator").await);
    let wild = anna.get("/windfarms?q=Wild").await.expect(200).json[0]["id"].clone();
    let body = json!({ "windfarm_id": wild, "start_date": "2024-01-01", "end_date": "2024-01-31" });
    anna.post("/backfill/jobs", &body).await.expect(202);
    let faults = r#"backfill_sandbox_faults_total{source="wild",kind="trap"}"#;
    until(&stranger, faults, |count| count >= 1.0).await;
}

#[tokio::test]
async fn a_database_that_is_away_fails_no_scrape() {
    let Some(server) = postgres::own_server() else { return };
    let world = World::at(Some(&server.url("postgres")), "").await;
    let stranger = world.stranger();
    until(&stranger, "backfill_store_up", |up| up == 1.0).await;
    server.stop();
    let seen = until(&stranger, "backfill_store_up", |up| up == 0.0).await;
    assert!(seen.keys().all(|name| !name.starts_with("backfill_queue")), "{seen:#?}");
    assert!(seen.contains_key("backfill_jobs_created_total"), "{seen:#?}");
    let said = stranger.get("//readyz").await.expect(503);
    assert_eq!(said.json["status"], "not ready");
    let detail = said.json["detail"].as_str().unwrap();
    assert!(detail.contains("see the host's log") && !detail.contains("127.0.0.1"), "{detail}");
    stranger.get("//healthz").await.expect(200);
    server.start();
    until(&stranger, "backfill_store_up", |up| up == 1.0).await;
}

#[tokio::test]
async fn a_host_that_only_works_answers_health_and_metrics_and_nothing_else() {
    let Some(server) = postgres::database().await else { return };
    let world = World::on(Some(&server), "").await;
    let mut worker = Host::start(&world.folder, &["worker", "--listen", "127.0.0.1:0"]).await;
    let address = worker.address().await;
    let admin = Client::new(&format!("http://{address}"), world.admin().await.token.as_deref());
    for path in ["//healthz", "//readyz", "//metrics"] {
        admin.get(path).await.expect(200);
    }
    for path in ["/users/me", "//openapi.json", "//docs", "//login"] {
        admin.get(path).await.problem(404, "not-found");
    }
}

#[tokio::test]
async fn a_host_that_does_not_get_to_look_for_tasks_is_not_ready() {
    let Some(server) = postgres::database().await else { return };
    let world = World::on(Some(&server), "").await;
    let (stranger, admin) = (world.stranger(), world.admin().await);
    stranger.get("//readyz").await.expect(200);
    // The lock of whoever claims; signs of life need none.
    let mut conn = PgConnection::connect(server.url()).await.unwrap();
    sqlx::query("SELECT pg_advisory_lock(x'6261636b66696c6c'::bigint)").execute(&mut conn).await.unwrap();
    let body = json!({ "windfarm_id": 1, "start_date": "2024-01-01", "end_date": "2024-01-31" });
    admin.post("/backfill/jobs", &body).await.expect(202);
    let said = ready(&stranger, 503).await;
    assert!(said.json["detail"].as_str().unwrap().contains("has not looked for tasks"), "{}", said.text);
    conn.close().await.unwrap();
    ready(&stranger, 200).await;
}

#[tokio::test]
async fn a_host_whose_workers_give_no_sign_of_life_is_not_ready() {
    let Some(server) = postgres::database().await else { return };
    let world = World::on(Some(&server), "").await;
    let stranger = world.stranger();
    stranger.get("//readyz").await.expect(200);
    // Signs of life wait for whoever has locked the rows.
    let mut conn = PgConnection::connect(server.url()).await.unwrap();
    let mut tx = conn.begin().await.unwrap();
    sqlx::query("SELECT id FROM workers FOR UPDATE").execute(&mut *tx).await.unwrap();
    let said = ready(&stranger, 503).await;
    assert!(
        said.json["detail"].as_str().unwrap().contains("no worker has given a sign of life"),
        "{}",
        said.text
    );
    tx.rollback().await.unwrap();
    ready(&stranger, 200).await;
}
