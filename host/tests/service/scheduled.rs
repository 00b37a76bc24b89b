use std::time::Duration;

use crate::{World, host::Host};

#[tokio::test]
async fn a_host_fires_what_is_due_and_fills_it() {
    for world in World::on_both().await {
        // Once a year, so that it fires only when it is asked for.
        let add = ["schedule", "add", "yearly", "--kind", "incremental", "--cron", "0 3 1 1 *"];
        world.folder.backfill(&[&add[..], &["--source", "elexon"]].concat()).await.succeeded();
        let store = world.store().await;
        let schedule = store.schedule_by_name("yearly").await.unwrap();
        store.ask_schedule(schedule.id, Duration::ZERO, store.now()).await.unwrap();

        let mut host = Host::start(&world.folder, &["worker"]).await;
        assert!(host.says("fired").await.contains("yearly"));
        let begun = world.until("1", |shown| shown["job"]["started_at"].is_string()).await;
        assert_eq!(begun["job"]["job_metadata"]["schedule"], "yearly", "{begun:#}");
        assert_eq!(begun["job"]["total_tasks"], 6, "three months of two units");
        let shown = world.folder.backfill(&["schedule", "show", "yearly"]).await.succeeded().out;
        assert!(shown.contains("last did    job 1: 6 tasks\n"), "{shown}");
        host.signal("-TERM");
        assert_eq!(host.ended().await, Some(0));
        store.close().await;
    }
}
