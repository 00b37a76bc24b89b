use chrono::{DateTime, Utc};

use super::{LEASE, World, at};
use crate::{
    domain::TaskStatus,
    store::{Ending, NewWorker, StoreError, Stuck, TaskError},
};

async fn alive(world: &World, id: &str, now: DateTime<Utc>) {
    let worker = NewWorker { id, host: "h", pid: 1, version: "0", serves: true, concurrency: 1 };
    world.store.heartbeat(&worker, now).await.unwrap();
}

#[tokio::test]
async fn tasks_of_silent_and_ended_workers_are_pending_at_once_and_those_of_live_ones_run_on() {
    for world in World::on_both().await {
        let job = world.job(4).await;
        for (worker, now) in [("silent", at(0)), ("ended", at(0)), ("alive", at(290))] {
            alive(&world, worker, now).await;
        }
        let silent = world.one("silent", at(299)).await;
        let ended = world.one("ended", at(299)).await;
        let live = world.one("alive", at(299)).await;
        let unknown = world.one("unknown", at(299)).await;
        world.store.worker_stopped("ended", at(299)).await.unwrap();
        let reset = async |now| world.store.reset_stuck(job, at(200), now).await.unwrap();
        let stuck = |claim: &crate::store::Claim, worker: &str| Stuck {
            task_id: claim.task_id,
            worker: Some(worker.to_owned()),
            given_up: false,
        };
        assert_eq!(reset(at(300)).await, [stuck(&silent, "silent"), stuck(&ended, "ended")]);
        assert_eq!(reset(at(301)).await, []);
        let again = world.claim("w", 9, at(302)).await;
        assert_eq!(again.iter().map(|claim| claim.attempt).collect::<Vec<_>>(), [1, 1], "no attempt is lost");
        let late = world.finish(&silent, Ending::Empty("nothing"), at(303)).await.unwrap_err();
        assert!(matches!(late, StoreError::LostLease { .. }), "{late}");
        let lost = world.store.renew("alive", &[(live.task_id, live.fence)], LEASE, at(310)).await.unwrap();
        assert!(lost.is_empty(), "{lost:?}");
        // The lease of the one that nobody heard of has run out.
        world.store.renew("w", &[(again[0].task_id, again[0].fence)], LEASE, at(310)).await.unwrap();
        world.store.renew("w", &[(again[1].task_id, again[1].fence)], LEASE, at(310)).await.unwrap();
        assert_eq!(reset(at(360)).await, [stuck(&unknown, "unknown")]);
        assert_eq!(world.store.recount_job(job, at(361)).await.unwrap(), crate::store::Drift::default());
    }
}

#[tokio::test]
async fn process_lets_waiting_tasks_run_now_and_says_what_stands_in_the_way() {
    for world in World::on_both().await {
        let job = world.job(2).await;
        let claim = world.one("w", at(1)).await;
        let wait = Ending::Retry(
            at(9000).into(),
            TaskError { rejected: None, ..super::error("unavailable", "503") },
        );
        world.finish(&claim, wait, at(2)).await.unwrap();
        assert_eq!(world.store.process_job(job, at(3)).await.unwrap(), 1);
        assert_eq!(world.store.process_job(job, at(3)).await.unwrap(), 0);
        let claims = world.claim("w", 9, at(4)).await;
        assert_eq!(claims.iter().map(|claim| claim.attempt).collect::<Vec<_>>(), [2, 1]);
        assert_eq!(world.store.task(claim.task_id).await.unwrap().status, TaskStatus::InProgress);

        world.store.pause_job(job, at(5)).await.unwrap();
        let refused = async || world.store.process_job(job, at(6)).await.unwrap_err().to_string();
        assert_eq!(refused().await, format!("processing a job: job {job} is paused; resume it"));
        world.store.cancel_job(job, "ann", at(7)).await.unwrap();
        assert!(refused().await.contains("has ended already (failed); retry it"));
    }
}
