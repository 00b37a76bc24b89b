//! A source whose upstream fails is left alone by all workers, and tried with one task.

use super::{World, at, request};
use crate::{
    domain::{CircuitPolicy, Heard},
    store::{ClaimRequest, EventKind},
};

async fn fail(world: &World, times: i64, from: i64) {
    for time in 0..times {
        let heard = Heard::Failure("503");
        world.store.heard("s", heard, &CircuitPolicy::default(), at(from + time)).await.unwrap();
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
            world.store.claim(foreground, at(7)).await.unwrap().len(),
            1,
            "who waits for one job tries"
        );

        assert_eq!(world.claim("w", 9, at(67)).await.len(), 1, "one on trial");
        assert_eq!(world.claim("v", 9, at(68)).await, [], "and no second one");
        let heard = Heard::Answer;
        world.store.heard("s", heard, &CircuitPolicy::default(), at(69)).await.unwrap();
        assert_eq!(world.claim("w", 9, at(70)).await.len(), 6);
        let events = world.store.events(None, 0, 99).await.unwrap();
        let told = |kind| events.iter().filter(|event| event.kind == kind).count();
        assert_eq!((told(EventKind::SourcePaused), told(EventKind::SourceResumed)), (1, 1));
    }
}

#[tokio::test]
async fn a_refused_credential_pauses_the_source_until_somebody_resumes_it_or_an_hour_is_over() {
    for world in World::on_both().await {
        world.job(2).await;
        let heard = Heard::Refusal("401");
        let until = world.store.heard("s", heard, &CircuitPolicy::default(), at(0)).await.unwrap();
        assert_eq!(until.map(|until| until.utc()), Some(at(3600)));
        assert_eq!(world.claim("w", 9, at(3599)).await, []);
        assert!(world.store.resume_source("s", at(100)).await.unwrap());
        assert_eq!(world.claim("w", 9, at(100)).await.len(), 1, "with one task on trial");
        assert!(!world.store.resume_source("t", at(100)).await.unwrap());
    }
}
