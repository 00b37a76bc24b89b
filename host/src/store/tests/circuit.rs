//! A source whose upstream fails is left alone by all workers, and tried with one task.

use chrono::{DateTime, Utc};

use super::{World, at, error, request};
use crate::{
    domain::{CircuitPolicy, Heard},
    store::{AttemptReport, ClaimRequest, Ending, EventKind, StoreError, Told, circuit},
};

impl World {
    /// Says something of source `s`; gives until when that paused it.
    async fn hears(&self, heard: Heard<'_>, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let mut tx = self.store.write("hearing").await.unwrap();
        let told = Told { heard, policy: &CircuitPolicy::default() };
        let paused = circuit::hear(&mut tx, "s", told, now.into()).await.unwrap();
        tx.commit().await.unwrap();
        paused.map(|until| until.utc())
    }
}

async fn fail(world: &World, times: i64, from: i64) {
    for time in 0..times {
        world.hears(Heard::Failure("503"), at(from + time)).await;
    }
}

#[tokio::test]
async fn after_failures_in_a_row_nothing_is_claimed_until_one_task_on_trial_has_answered() {
    for world in World::on_both().await {
        world.job(9).await;
        fail(&world, 4, 0).await;
        let first = world.one("w", at(5)).await;
        fail(&world, 1, 6).await;
        assert_eq!(world.claim("w", 9, at(7)).await, [], "it is open");
        assert!(world.store.circuit("s").await.unwrap().cause.unwrap().contains("503"));
        let foreground = ClaimRequest { heeds_circuit: false, job: Some(first.job_id), ..request("f", 1) };
        assert_eq!(
            world.store.claim(foreground, || at(7)).await.unwrap().len(),
            1,
            "who waits for one job tries"
        );

        assert_eq!(world.claim("w", 9, at(67)).await.len(), 1, "one on trial");
        assert_eq!(world.claim("v", 9, at(68)).await, [], "and no second one");
        world.hears(Heard::Answer, at(69)).await;
        assert_eq!(world.claim("w", 9, at(70)).await.len(), 8, "also those whose leases ran out meanwhile");
        let events = world.store.events(None, 0, 99).await.unwrap();
        let told = |kind| events.iter().filter(|event| event.kind == kind).count();
        assert_eq!((told(EventKind::SourcePaused), told(EventKind::SourceResumed)), (1, 1));
    }
}

#[tokio::test]
async fn a_refused_credential_pauses_the_source_until_somebody_resumes_it_or_an_hour_is_over() {
    for world in World::on_both().await {
        world.job(2).await;
        assert_eq!(world.hears(Heard::Refusal("401"), at(0)).await, Some(at(3600)));
        assert_eq!(world.claim("w", 9, at(3599)).await, []);
        assert!(world.store.resume_source("s", at(100)).await.unwrap());
        assert_eq!(world.claim("w", 9, at(100)).await.len(), 1, "with one task on trial");
        assert!(!world.store.resume_source("t", at(100)).await.unwrap());
    }
}

#[tokio::test]
async fn an_attempt_tells_of_its_source_with_its_end_and_one_that_was_taken_away_tells_nothing() {
    for world in World::on_both().await {
        world.job(2).await;
        let policy = CircuitPolicy { failures: 1, ..CircuitPolicy::default() };
        let told = Some(Told { heard: Heard::Failure("503"), policy: &policy });
        let report = AttemptReport { told, ..AttemptReport::default() };
        let failed = || Ending::Retry(at(90).into(), error("unavailable", "503"));
        let stalled = world.one("a", at(0)).await;
        let refused = world.store.finish(&stalled, failed(), &report, at(60)).await.unwrap_err();
        assert!(matches!(refused, StoreError::LostLease { .. }), "{refused}");
        let fares = world.store.circuit("s").await.unwrap();
        assert_eq!((fares.failures_in_row, fares.open_until), (0, None), "its end was not stored");

        let held = world.one("b", at(61)).await;
        let finished = world.store.finish(&held, failed(), &report, at(62)).await.unwrap();
        assert_eq!(finished.source_paused.map(|until| until.utc()), Some(at(122)));
        assert_eq!(world.claim("b", 9, at(63)).await, []);
    }
}
