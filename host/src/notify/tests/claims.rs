//! When messages are written, and which host sends them.

use std::{collections::BTreeSet, time::Duration};

use chrono::TimeDelta;
use tokio_util::sync::CancellationToken;

use super::{PRIVATE, World, at, delivered, http_sink::Sink, none};
use crate::domain::EventKind;

const LEASE: Duration = Duration::from_secs(120);

#[tokio::test]
async fn a_transition_that_did_not_happen_is_not_told_of() {
    for world in World::on_both(PRIVATE).await {
        let sink = Sink::answering([]).await;
        world.webhook(&sink.url, None, &[EventKind::JobCreated, EventKind::JobEnded]).await;
        let job = world.ended_job().await;
        // A second end is refused, and a job with a unit that does not exist.
        assert!(world.store.cancel_job(job, "somebody else", at(1)).await.is_err());
        assert!(world.job_of(1, 999).await.is_err());
        assert_eq!(world.deliver(2).await, delivered(2));
    }
}

#[tokio::test]
async fn of_two_hosts_one_sends_each_message() {
    for world in World::on_both(PRIVATE).await {
        let other = world.another(PRIVATE).await;
        let sink = Sink::answering([]).await;
        for _ in 0..40 {
            world.webhook(&sink.url, None, &[]).await;
        }
        world.ended_job().await;
        let mut sent = 0;
        while sent < 40 {
            let (mine, theirs) =
                tokio::join!(world.dispatcher.deliver(at(1), none), other.deliver(at(1), none));
            let now = mine.unwrap().delivered + theirs.unwrap().delivered;
            assert!(now > 0, "all are due");
            sent += now;
        }
        let ids: BTreeSet<_> =
            sink.heard().iter().map(|heard| heard.header("webhook-id").to_owned()).collect();
        assert_eq!((ids.len(), sink.heard().len()), (40, 40));
    }
}

#[tokio::test]
async fn a_message_whose_sender_died_is_sent_by_another_once_its_claim_has_run_out() {
    for world in World::on_both(PRIVATE).await {
        let sink = Sink::answering([]).await;
        world.webhook(&sink.url, None, &[]).await;
        world.ended_job().await;
        let lost = world.store.claim_messages(16, true, LEASE, at(0)).await.unwrap();
        assert_eq!(lost.len(), 1);
        assert_eq!(world.deliver(119).await, delivered(0));
        assert_eq!(world.deliver(120).await, delivered(1));
        assert_eq!(sink.heard()[0].header("webhook-id"), lost[0].key());
        // The one that was slow, and not dead, changes nothing by what it says now.
        world.store.message_failed(&lost[0], "too late", Some(at(130)), at(130)).await.unwrap();
        assert_eq!(world.deliver(200).await, delivered(0));
        assert_eq!(sink.heard().len(), 1);
    }
}

#[tokio::test]
async fn who_held_a_message_too_long_can_not_put_it_off() {
    for world in World::on_both(PRIVATE).await {
        world.webhook("https://a.org", None, &[]).await;
        world.ended_job().await;
        let first = world.store.claim_messages(16, true, LEASE, at(0)).await.unwrap().remove(0);
        let second = world.store.claim_messages(16, true, LEASE, at(120)).await.unwrap().remove(0);
        assert_eq!((first.id, first.attempts, second.attempts), (second.id, 1, 2));
        world
            .store
            .message_failed(&first, "late", None::<chrono::DateTime<chrono::Utc>>, at(121))
            .await
            .unwrap();
        assert_eq!(world.store.dead_messages(1).await.unwrap(), []);
        // That it has arrived counts, whoever says so.
        world.store.message_delivered(&first, at(122)).await.unwrap();
        assert!(world.store.claim_messages(16, true, LEASE, at(900)).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn the_loop_sends_what_is_due_and_ends_when_it_is_told_to() {
    let world = World::new(PRIVATE).await;
    let sink = Sink::answering([]).await;
    for _ in 0..20 {
        world.webhook(&sink.url, None, &[]).await;
    }
    world.ended_job().await;
    let stop = CancellationToken::new();
    let watch = async {
        while sink.heard().len() < 20 {
            tokio::task::yield_now().await;
        }
        stop.cancel();
    };
    // More than a batch, within one wait of the loop.
    let run = world.dispatcher.run(Duration::from_secs(3600), stop.clone());
    tokio::time::timeout(Duration::from_secs(30), async { tokio::join!(run, watch) }).await.unwrap();
    assert_eq!(world.deliver(1).await, delivered(0));
}

#[tokio::test]
async fn what_is_due_by_the_clock_that_hosts_share_is_sent_though_this_hosts_own_is_behind() {
    for world in World::on_both(PRIVATE).await {
        let sink = Sink::answering([]).await;
        world.webhook(&sink.url, None, &[]).await;
        world.ended_job().await;
        world.store.set_ahead(TimeDelta::hours(1));
        let now = world.store.now();
        let message = world.store.claim_messages(1, true, LEASE, now).await.unwrap().remove(0);
        world.store.message_failed(&message, "it was away", Some(now), now).await.unwrap();
        let stop = CancellationToken::new();
        let watch = async {
            while sink.heard().is_empty() {
                tokio::task::yield_now().await;
            }
            stop.cancel();
        };
        let run = world.dispatcher.run(Duration::from_millis(10), stop.clone());
        tokio::time::timeout(Duration::from_secs(30), async { tokio::join!(run, watch) }).await.unwrap();
    }
}
