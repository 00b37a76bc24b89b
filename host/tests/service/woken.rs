use std::time::Duration;

use sqlx::{Connection, PgConnection};

use crate::{World, host::Host, postgres, status};

/// Looks are an hour apart here, renewals half of one, and what is held is held for five minutes: what happens sooner does
/// so since the host was told.
const SOON: Duration = Duration::from_secs(240);

#[tokio::test]
async fn a_host_is_told_of_jobs_and_of_cancelled_ones_also_once_the_connection_that_tells_it_broke() {
    let Some(server) = postgres::database().await else { return };
    let world = World::on(Some(server), "").await;
    world.configure("poll = \"50ms\"", "poll = \"1h\"");
    world.configure("lease = \"60s\"", "lease = \"1h\"");
    world.configure("heartbeat = \"400ms\"", "heartbeat = \"30m\"");
    let mut database = PgConnection::connect(world.url()).await.unwrap();
    let mut host = Host::start(&world.folder, &["worker"]).await;
    for (month, held) in [("2024-01", "2024-02"), ("2024-03", "2024-04")] {
        let told = async {
            let job = world.job(&["--windfarm", "Isabel", "--from", month, "--to", month]).await;
            world.until(&job, |shown| status(shown) == "completed").await;

            world.hold("");
            let job = world.job(&["--windfarm", "Howard", "--from", held, "--to", held]).await;
            world.until(&job, |shown| shown["summary"]["in_progress"] == 2).await;
            // It returns once the guests have stopped.
            world.folder.backfill(&["job", "cancel", &job]).await.succeeded();
            world.simulator.set_faults(vec![]);
        };
        tokio::time::timeout(SOON, told).await.expect("nobody waits for the next look");
        let broken: i64 = sqlx::query_scalar(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
             WHERE datname = current_database() AND query LIKE 'LISTEN %'",
        )
        .fetch_one(&mut database)
        .await
        .unwrap();
        assert_eq!(broken, 1, "one connection listens");
    }
    host.signal("-TERM");
    assert_eq!(host.ended().await, Some(0));
}
