//! Workers whose database goes away in the middle.

use std::time::Duration;

use simulator::Options;

use crate::{
    alone,
    cluster::Cluster,
    disturb::Wanted,
    is_long,
    killed::assert_nothing_is_disturbed,
    postgres, random,
    workload::{Batch, sources},
};

#[tokio::test]
async fn workers_whose_database_is_restarted_under_load_store_what_undisturbed_ones_store() {
    let _alone = alone().await;
    let (Some(server), Some(other)) = (postgres::own_server(), postgres::database().await) else { return };
    let (restarts, of_workers) = if is_long() { (30, 60) } else { (3, 4) };
    let wanted = Wanted { of_workers, restarts: Some((&server, restarts)) };
    let databases = [&server.url("postgres"), other.url()];
    let done = assert_nothing_is_disturbed(2, databases, wanted, &mut random()).await;
    assert!(done.restarts >= restarts, "{done}");
}

#[tokio::test]
async fn what_was_fetched_while_the_database_was_away_is_stored_and_not_asked_for_again() {
    let _alone = alone().await;
    let Some(server) = postgres::own_server() else { return };
    let options = Options {
        now: Some("2024-12-15T12:00:00Z".parse().unwrap()),
        faults: vec!["kind=latency,milliseconds=300000".parse().unwrap()],
        ..Options::default()
    };
    let simulator = simulator::start(options).await.unwrap();
    // Answers that are not kept need no database, so that attempts get to their end without one.
    let sources = format!("[archive]\nenabled = false\n{}", sources(&simulator.url(), "concurrency = 8"));
    let mut cluster = Cluster::new(&server.url("postgres"), &sources).await;
    // A machine that is busy takes its time to start a database.
    cluster.configure("lease = \"2s\"", "lease = \"10m\"");
    // Ten tasks of one request each, eight at once.
    cluster.create(&Batch { windfarms: vec!["America"], month: "2024-01".parse().unwrap() }).await;
    cluster.start(1);
    let until = async |what: &str, holds: &dyn Fn() -> bool| {
        let begun = std::time::Instant::now();
        while !holds() {
            assert!(begun.elapsed().as_secs() < 120, "{what}: {:?}", simulator.log());
            tokio::time::sleep(Duration::from_millis(5)).await; // waits for the worker's requests
        }
    };
    // Each has its slot of the allowance, which was on disk before it was sent; so is its claim.
    until("eight are asked for", &|| simulator.in_flight() == 8).await;
    server.stop();
    simulator.set_faults(vec![]);
    until("they are answered", &|| simulator.log().len() == 8 && simulator.in_flight() == 0).await;
    tokio::time::sleep(Duration::from_secs(11)).await; // waits for longer than a worker waits for a connection
    server.start();
    cluster.drain(Duration::from_secs(180)).await;
    cluster.end().await;
    let attempts: Vec<(i64, Option<String>, Option<String>)> =
        sqlx::query_as("SELECT task_id, outcome, error_message FROM task_attempts ORDER BY id")
            .fetch_all(&mut cluster.database().await)
            .await
            .unwrap();
    let written = |attempt: &(_, Option<String>, _)| attempt.1.as_deref() == Some("written");
    assert!(attempts.len() == 10 && attempts.iter().all(written), "{attempts:#?}");
    assert_eq!(simulator.log().len(), 10, "and nothing was asked for twice");
}
