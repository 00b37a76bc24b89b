use backfill::clock;

use crate::{World, host::Host, status};

#[tokio::test]
async fn a_killed_hosts_tasks_are_taken_over_and_every_row_is_stored_once() {
    for world in World::on_both().await {
        world.shorten_leases();
        // One task only, January of the first unit: several would take all places, so that no other ever ends.
        world.hold("to=2024-02-02T00:00:00Z&bmUnit=T_HOWAO-1");
        let job = world.job(&["--windfarm", "Howard", "--from", "2024-01", "--to", "2024-06"]).await;
        let mut host = Host::start(&world.folder, &["worker"]).await;
        world.until(&job, |shown| shown["summary"]["completed"].as_i64() > Some(1)).await;
        host.signal("-KILL");
        assert_eq!(host.ended().await, None, "it did not end by itself");
        world.simulator.set_faults(vec![]);
        let _host = Host::start(&world.folder, &["worker"]).await;
        let done = world.until(&job, |shown| status(shown) == "completed").await;
        let stored = world.folder.stored().await;
        assert_eq!(done["summary"]["records_inserted"].as_i64(), Some(stored.len() as i64), "{done:#}");
        assert_eq!(done["summary"]["records_updated"], 0);
        let mut keys: Vec<_> = stored
            .iter()
            .map(|row| (&row.unit_code, &row.kind, &row.quantity, &row.labels, &row.start))
            .collect();
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), stored.len());
    }
}

#[tokio::test]
async fn a_source_that_fails_is_left_alone_and_its_tasks_wait_without_losing_attempts() {
    for world in World::on_both().await {
        world.simulator.set_faults(vec!["kind=status,status=503".parse().unwrap()]);
        let job = world.job(&["--windfarm", "Howard", "--from", "2022-01", "--to", "2022-12"]).await;
        let mut host = Host::start(&world.folder, &["worker"]).await;
        host.says("the source is paused").await;
        let shown = world.until(&job, |shown| shown["summary"]["in_progress"] == 0).await;
        assert!(shown["summary"]["failed"].as_i64() < Some(8), "most tasks wait: {shown:#}");
        let paused = clock::now();
        let other = world.job(&["--windfarm", "Howard", "--from", "2024-01", "--to", "2024-01"]).await;
        assert_eq!(status(&world.show(&other).await), "pending");
        assert_eq!(world.requests_after("elexon", paused), 0, "nothing is asked of a source that is paused");
    }
}
