use chrono::TimeDelta;

use super::{World, at, error, hours};
use crate::store::{Chosen, EndedAttempts, Ending, NewWorker};

fn ended(worker: &str) -> EndedAttempts {
    EndedAttempts { worker: worker.to_owned(), ..EndedAttempts::default() }
}

#[tokio::test]
async fn what_a_worker_did_lately_is_counted_by_what_came_of_it() {
    for world in World::on_both().await {
        assert_eq!(world.store.worker_activity(9, at(0)).await.unwrap().ended, []);
        let job = world.job(6).await;
        let claims = world.claim("a", 6, at(1)).await;
        world.write(&claims[0], hours(&claims[0], 2, 1.0), at(2)).await;
        world.finish(&claims[1], Ending::Empty("nothing"), at(2)).await.unwrap();
        world.finish(&claims[2], Ending::Failed(error("malformed", "no")), at(2)).await.unwrap();
        // One that is tried again by another worker, and one that waits for that.
        world.finish(&claims[3], Ending::Retry(at(3).into(), error("timeout", "slow")), at(2)).await.unwrap();
        world
            .finish(&claims[4], Ending::Retry(at(900).into(), error("timeout", "slow")), at(2))
            .await
            .unwrap();
        world.finish(&claims[5], Ending::Release(None, error("shutdown", "stopped")), at(2)).await.unwrap();
        let again = world.claim("b", 2, at(4)).await;
        assert_eq!(again.len(), 2);
        for claim in &again {
            world.finish(claim, Ending::Failed(error("malformed", "no")), at(5)).await.unwrap();
        }

        let activity = world.store.worker_activity(9, at(6)).await.unwrap();
        let a = EndedAttempts { succeeded: 2, failed: 1, retried: 2, interrupted: 1, ..ended("a") };
        assert_eq!(activity.ended, [a, EndedAttempts { failed: 2, ..ended("b") }]);
        assert_eq!(activity.since.utc(), at(6) - TimeDelta::hours(1));
        assert_eq!(activity.running, []);

        // What was given up is tried again by hand: it has not failed any more.
        world.store.retry_job(job, Chosen::All, true, "ann", at(7)).await.unwrap();
        let activity = world.store.worker_activity(9, at(8)).await.unwrap();
        assert_eq!(activity.ended[1], EndedAttempts { retried: 2, ..ended("b") });
        // An hour later nothing of it is recent.
        assert_eq!(world.store.worker_activity(9, at(3700)).await.unwrap().ended, []);
    }
}

#[tokio::test]
async fn what_runs_is_named_with_its_worker_the_oldest_first() {
    for world in World::on_both().await {
        let job = world.job(3).await;
        let worker = NewWorker { id: "a", host: "h", pid: 1, version: "1", serves: true, concurrency: 2 };
        world.store.heartbeat(&worker, at(0)).await.unwrap();
        let [first, second] = [world.one("a", at(1)).await, world.one("b", at(2)).await];
        let running = world.store.worker_activity(9, at(3)).await.unwrap().running;
        let seen: Vec<_> =
            running.iter().map(|of| (of.worker.as_str(), of.task_id, of.started_at.utc())).collect();
        assert_eq!(seen, [("a", first.task_id, at(1)), ("b", second.task_id, at(2))]);
        let task = &running[0];
        assert_eq!((task.job_id, task.source.as_str(), task.month.as_str()), (job, "s", "2023-01"));
        assert_eq!((task.windfarm_name.as_str(), task.unit_name.as_str()), ("farm 0", "Unit farm 0"));
        assert_eq!(world.store.worker_activity(1, at(3)).await.unwrap().running.len(), 1);
        world.write(&first, hours(&first, 2, 1.0), at(4)).await;
        let running = world.store.worker_activity(9, at(5)).await.unwrap().running;
        assert_eq!(running.iter().map(|of| of.task_id).collect::<Vec<_>>(), [second.task_id]);
    }
}
