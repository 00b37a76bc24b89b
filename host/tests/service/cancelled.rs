use backfill::clock;

use crate::{World, host::Host, status};

#[tokio::test]
async fn after_cancel_returns_nothing_is_asked_and_nothing_is_stored() {
    for world in World::on_both().await {
        world.hold("");
        let job = world.job(&["--windfarm", "Howard", "--from", "2023-01", "--to", "2023-12"]).await;
        let mut host = Host::start(&world.folder, &["worker"]).await;
        world.until(&job, |shown| shown["summary"]["in_progress"].as_i64() > Some(2)).await;
        world.folder.backfill(&["job", "cancel", &job]).await.succeeded();
        let (returned, stored) = (clock::now(), world.folder.stored().await.len());
        let shown = world.show(&job).await;
        assert_eq!((status(&shown), shown["job"]["reason"].as_str()), ("failed", Some("cancelled")));
        assert_eq!(shown["summary"]["in_progress"], 0);

        // Another job runs meanwhile: the host is well.
        world.simulator.set_faults(vec![]);
        let other = world.job(&["--windfarm", "Isabel", "--from", "2024-01", "--to", "2024-01"]).await;
        world.until(&other, |shown| status(shown) == "completed").await;
        assert_eq!(world.requests_after("elexon", returned), 0, "no request followed the cancellation");
        let elexon = world.folder.stored().await.into_iter().filter(|row| row.source == "elexon").count();
        assert_eq!(elexon, stored, "no row followed the cancellation");

        let retried = world.folder.backfill(&["job", "retry", &job]).await.succeeded();
        assert!(retried.out.contains("run again"), "{}", retried.out);
        world.until(&job, |shown| status(shown) == "completed").await;
        host.signal("-TERM");
        assert_eq!(host.ended().await, Some(0));
    }
}

#[tokio::test]
async fn a_paused_job_waits_and_a_resumed_one_ends() {
    for world in World::on_both().await {
        let job = world.job(&["--windfarm", "Howard", "--from", "2024-01", "--to", "2024-03"]).await;
        world.folder.backfill(&["job", "pause", &job]).await.succeeded();
        let _host = Host::start(&world.folder, &["worker"]).await;
        let other = world.job(&["--windfarm", "Isabel", "--from", "2024-01", "--to", "2024-01"]).await;
        world.until(&other, |shown| status(shown) == "completed").await;
        assert_eq!(status(&world.show(&job).await), "pending");
        world.folder.backfill(&["job", "resume", &job]).await.succeeded();
        world.until(&job, |shown| status(shown) == "completed").await;
    }
}

#[tokio::test]
async fn a_queued_or_running_job_is_not_deleted_and_an_ended_one_leaves_its_measurements() {
    for world in World::on_both().await {
        let job = world.job(&["--windfarm", "Isabel", "--from", "2024-01", "--to", "2024-01"]).await;
        let refused = world.folder.backfill(&["job", "delete", &job]).await.failed();
        assert!(refused.err.contains("cancel it first"), "{}", refused.err);
        let _host = Host::start(&world.folder, &["worker"]).await;
        world.until(&job, |shown| status(shown) == "completed").await;
        let stored = world.folder.stored().await.len();
        assert!(stored > 0);
        world.folder.backfill(&["job", "delete", &job]).await.succeeded();
        assert_eq!(world.folder.stored().await.len(), stored);
        let gone = world.folder.backfill(&["job", "show", &job]).await.failed();
        assert!(gone.err.contains("no job"), "{}", gone.err);
    }
}

#[tokio::test]
async fn a_host_that_was_stopped_past_its_lease_asks_nothing_more_when_it_goes_on() {
    let Some(server) = crate::postgres::database().await else { return };
    let world = World::on(Some(server), "").await;
    world.shorten_leases();
    // The two requests of a task go out one after the other.
    world.configure("concurrency = 4", "concurrency = 1");
    world.hold("");
    let job = world.job(&["--windfarm", "Howard", "--from", "2024-01", "--to", "2024-02"]).await;
    let mut host = Host::start(&world.folder, &["worker"]).await;
    world.until_asked(|upstream| upstream.in_flight() == 1).await;
    host.freeze().await;
    world.simulator.set_faults(vec![]);
    world.until_asked(|upstream| upstream.log().iter().any(|request| request.ended.is_some())).await;
    let cancelled = world.folder.backfill(&["job", "cancel", &job]).await.succeeded();
    assert!(cancelled.out.contains("gave no answer"), "{}", cancelled.out);
    let asked = (world.requests(), world.simulator.in_flight());
    assert_eq!(asked, (1, 0), "it was stopped between the two");
    host.signal("-CONT");
    host.says("nothing of this attempt was stored").await;
    // The host is well, and nothing of the job is under way.
    let other = world.job(&["--windfarm", "Isabel", "--from", "2024-01", "--to", "2024-01"]).await;
    world.until(&other, |shown| status(shown) == "completed").await;
    let asked = world.simulator.log().iter().filter(|request| request.api == "elexon").count();
    assert_eq!(asked, 1, "the answer that waited for it led to no other request");
}
