use super::{World, at, error, hours};
use crate::{
    domain::{JobStatus, TaskStatus},
    store::{Chosen, Claim, Ending, EventKind, StoreError, TaskFilter},
};

async fn fail(world: &World, claim: &Claim, code: &str, now: chrono::DateTime<chrono::Utc>) {
    world.finish(claim, Ending::Failed(error(code, "x")), now).await.unwrap();
}

async fn refusal(world: &World, job: i64, chosen: Chosen<'_>) -> String {
    world.store.retry_job(job, chosen, false, "ann", at(90)).await.unwrap_err().to_string()
}

#[tokio::test]
async fn a_retry_starts_what_failed_with_all_its_attempts_and_the_job_ends_again() {
    for world in World::on_both().await {
        let job = world.job(3).await;
        let claims = world.claim("w", 3, at(1)).await;
        world.write(&claims[0], hours(&claims[0], 2, 1.0), at(2)).await;
        fail(&world, &claims[1], "unavailable", at(2)).await;
        fail(&world, &claims[2], "malformed", at(2)).await;
        assert_eq!(world.store.job(job).await.unwrap().status, JobStatus::PartiallyCompleted);

        let retried = world.store.retry_job(job, Chosen::All, false, "ann", at(3)).await.unwrap();
        assert_eq!(retried.reopened, [claims[1].task_id, claims[2].task_id]);
        assert_eq!((retried.status, retried.paused), (JobStatus::InProgress, false));
        let open = world.store.job(job).await.unwrap();
        assert_eq!((open.status, open.failed_tasks, open.completed_tasks), (JobStatus::InProgress, 0, 1));
        assert_eq!((open.completed_at, open.reason, open.error_message), (None, None, None));
        let task = world.store.task(claims[1].task_id).await.unwrap();
        assert_eq!((task.status, task.attempt_count, task.error_code), (TaskStatus::Pending, 0, None));
        assert_eq!(world.number("SELECT COUNT(*) FROM task_attempts WHERE outcome = 'failed'").await, 2);

        let again = world.claim("w", 3, at(4)).await;
        assert_eq!(again.iter().map(|claim| claim.attempt).collect::<Vec<_>>(), [1, 1]);
        assert!(again[0].fence > claims[1].fence, "nobody who held it before can commit");
        for claim in &again {
            world.finish(claim, Ending::Empty("nothing"), at(5)).await.unwrap();
        }
        assert_eq!(world.store.job(job).await.unwrap().status, JobStatus::Completed);
        let kinds: Vec<_> =
            world.store.events(Some(job), 0, 99).await.unwrap().iter().map(|event| event.kind).collect();
        for (kind, times) in [
            (EventKind::JobRetried, 1),
            (EventKind::TaskReopened, 2),
            (EventKind::JobEnded, 2),
            (EventKind::JobStarted, 1),
        ] {
            assert_eq!(kinds.iter().filter(|other| **other == kind).count(), times, "{kind}");
        }
    }
}

#[tokio::test]
async fn what_can_not_pass_is_retried_only_when_forced() {
    for world in World::on_both().await {
        let job = world.job(2).await;
        let claims = world.claim("w", 2, at(1)).await;
        fail(&world, &claims[0], "invalid-unit", at(2)).await;
        fail(&world, &claims[1], "unavailable", at(2)).await;
        let named = refusal(&world, job, Chosen::Tasks(&[claims[0].task_id])).await;
        assert_eq!(
            named,
            format!(
                "retrying a job: one task failed for good: {} (invalid-unit); mend the unit or the source, then force \
                 the retry",
                claims[0].task_id
            )
        );
        let retried = world.store.retry_job(job, Chosen::All, false, "ann", at(3)).await.unwrap();
        assert_eq!((retried.reopened, retried.permanent), (vec![claims[1].task_id], vec![claims[0].task_id]));
        assert!(refusal(&world, job, Chosen::All).await.contains("failed for good"), "nothing else is left");
        let forced = world
            .store
            .retry_job(job, Chosen::Tasks(&[claims[0].task_id]), true, "ann", at(4))
            .await
            .unwrap();
        assert_eq!((forced.reopened, forced.permanent), (vec![claims[0].task_id], vec![]));
        assert_eq!(world.claim("w", 9, at(5)).await.len(), 2);
    }
}

#[tokio::test]
async fn ids_that_did_not_fail_or_are_of_another_job_are_refused_one_by_one() {
    for world in World::on_both().await {
        let (job, other) = (world.job(3).await, world.job(1).await);
        let claims = world.claim("w", 2, at(1)).await;
        world.write(&claims[0], hours(&claims[0], 2, 1.0), at(2)).await;
        fail(&world, &claims[1], "unavailable", at(2)).await;
        let foreign = world.store.tasks(other, TaskFilter::default()).await.unwrap()[0].id;
        let waiting = world.store.tasks(job, TaskFilter::default()).await.unwrap()[2].id;
        let (done, failed) = (claims[0].task_id, claims[1].task_id);
        assert_eq!(
            refusal(&world, job, Chosen::Tasks(&[failed, done, waiting, foreign, 4711])).await,
            format!(
                "retrying a job: task {done} is completed, task {waiting} is pending, task {foreign} is of job {other}, \
                 there is no task 4711; name failed tasks of job {job}, or none for all of them"
            )
        );
        assert!(refusal(&world, job, Chosen::Tasks(&[])).await.contains("name failed tasks"));
        assert_eq!(world.store.job(job).await.unwrap().failed_tasks, 1, "nothing was changed");
        assert!(refusal(&world, other, Chosen::All).await.contains("has no task that failed or was stopped"));
        let gone = world.store.retry_job(99, Chosen::All, false, "ann", at(3)).await.unwrap_err();
        assert!(matches!(gone, StoreError::NotFound { what: "job", .. }), "{gone}");
    }
}

#[tokio::test]
async fn a_cancelled_job_is_taken_up_where_it_was_stopped() {
    for world in World::on_both().await {
        let job = world.job(3).await;
        world.store.pause_job(job, at(1)).await.unwrap();
        world.store.cancel_job(job, "ann", at(2)).await.unwrap();
        let sum = world.store.job_summary(job).await.unwrap();
        assert_eq!((sum.skipped, sum.stopped), (3, 3), "a retry runs all of them");
        let first = world.store.tasks(job, TaskFilter::default()).await.unwrap()[0].id;
        let some = world.store.retry_job(job, Chosen::Tasks(&[first]), false, "bob", at(3)).await.unwrap();
        assert_eq!(
            (some.status, some.paused),
            (JobStatus::Pending, false),
            "it had not started; it is to run"
        );
        let claim = world.one("w", at(4)).await;
        world.finish(&claim, Ending::Empty("nothing"), at(5)).await.unwrap();
        let ended = world.store.job(job).await.unwrap();
        let why = (ended.status, ended.reason.as_deref(), ended.skipped_tasks);
        assert_eq!(why, (JobStatus::Failed, Some("cancelled"), 2), "two of its tasks are still cancelled");

        world.store.retry_job(job, Chosen::All, false, "bob", at(6)).await.unwrap();
        for claim in world.claim("w", 9, at(7)).await {
            world.finish(&claim, Ending::Empty("nothing"), at(8)).await.unwrap();
        }
        let ended = world.store.job(job).await.unwrap();
        assert_eq!((ended.status, ended.reason, ended.error_message), (JobStatus::Completed, None, None));
    }
}

#[tokio::test]
async fn a_task_that_took_its_workers_with_it_has_all_its_lives_again() {
    for world in World::on_both().await {
        let job = world.job(1).await;
        for round in 0..10 {
            world.one("w", at(round * 100)).await;
        }
        assert_eq!(world.claim("w", 1, at(1000)).await, [], "given up");
        world.store.retry_job(job, Chosen::All, false, "ann", at(1001)).await.unwrap();
        assert_eq!(world.one("w", at(1002)).await.lost, 0);
        assert_eq!(world.one("w", at(1100)).await.lost, 1);
    }
}

#[tokio::test]
async fn tasks_that_are_reopened_in_a_paused_job_that_goes_on_stay_held() {
    for world in World::on_both().await {
        let job = world.job(2).await;
        let claim = world.one("w", at(1)).await;
        fail(&world, &claim, "unavailable", at(2)).await;
        world.store.pause_job(job, at(3)).await.unwrap();
        let retried = world.store.retry_job(job, Chosen::All, false, "ann", at(4)).await.unwrap();
        assert!(retried.paused);
        assert_eq!(world.claim("w", 9, at(5)).await, []);
        world.store.resume_job(job, at(6)).await.unwrap();
        assert_eq!(world.claim("w", 9, at(7)).await.len(), 2);
    }
}
