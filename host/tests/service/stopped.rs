use sqlx::{Connection, PgConnection};

use crate::{World, host::Host, postgres, status};

#[tokio::test]
async fn told_to_stop_a_host_lets_running_tasks_end_and_claims_no_more() {
    for world in World::on_both().await {
        world.hold("");
        let job = world.job(&["--windfarm", "Howard", "--from", "2023-01", "--to", "2023-12"]).await;
        let mut host = Host::start(&world.folder, &["worker"]).await;
        world.until(&job, |shown| shown["summary"]["in_progress"].as_i64() > Some(2)).await;
        host.signal("-TERM");
        host.says("what runs may end within").await;
        world.simulator.set_faults(vec![]);
        assert_eq!(host.ended().await, Some(0));
        let shown = world.show(&job).await;
        let count = |what: &str| shown["summary"][what].as_i64().unwrap();
        assert_eq!(count("in_progress"), 0, "{shown:#}");
        assert!(count("completed") > 0 && count("pending") > 0, "{shown:#}");
    }
}

#[tokio::test]
async fn what_does_not_end_in_time_is_given_back_and_costs_no_attempt() {
    let mut servers = vec![None];
    servers.extend(postgres::database().await.map(Some));
    for server in servers {
        let world = World::on(server, "grace = \"0s\"\n").await;
        world.hold("");
        let job = world.job(&["--windfarm", "Howard", "--from", "2023-01", "--to", "2023-12"]).await;
        let mut host = Host::start(&world.folder, &["worker"]).await;
        world.until(&job, |shown| shown["summary"]["in_progress"].as_i64() > Some(2)).await;
        host.signal("-TERM");
        assert_eq!(host.ended().await, Some(0));
        let shown = world.show(&job).await;
        assert_eq!((status(&shown), shown["summary"]["pending"].as_i64()), ("in_progress", Some(24)));
        let tasks = world.folder.backfill(&["job", "tasks", &job, "--json"]).await.succeeded();
        for task in tasks.out.lines() {
            assert!(task.contains("\"attempt_count\":0"), "{task}");
        }
        // The next host takes it up where it was left.
        world.simulator.set_faults(vec![]);
        let _host = Host::start(&world.folder, &["worker"]).await;
        world.until(&job, |shown| status(shown) == "completed").await;
    }
}

#[tokio::test]
async fn told_a_third_time_a_host_ends_whatever_holds_it() {
    let Some(server) = postgres::database().await else { return };
    let mut conn = PgConnection::connect(server.url()).await.unwrap();
    let world = World::on(Some(server), "").await;
    world.hold("");
    let job = world.job(&["--windfarm", "Howard", "--from", "2023-01", "--to", "2023-12"]).await;
    let mut host = Host::start(&world.folder, &["worker"]).await;
    world.until(&job, |shown| shown["summary"]["in_progress"].as_i64() > Some(2)).await;
    // Nothing can be given back while somebody holds the tasks.
    let mut tx = conn.begin().await.unwrap();
    sqlx::query("LOCK TABLE backfill_tasks IN EXCLUSIVE MODE").execute(&mut *tx).await.unwrap();
    for said in ["what runs may end within", "a second time", "a third time"] {
        host.signal("-TERM");
        host.says(said).await;
    }
    assert_eq!(host.ended().await, Some(130));
    tx.rollback().await.unwrap();
}
