//! A unit's month that several jobs want is fetched once; months under way come first; a job's own limit holds.

use super::{World, at, error, hours, month, new_job, request, task};
use crate::{
    domain::{Priority, TaskOutcome, TaskStatus},
    store::{Ending, NewJob},
};

#[tokio::test]
async fn a_month_that_two_jobs_want_is_fetched_once_and_both_have_it() {
    for world in World::on_both().await {
        let (windfarm, units) = world.windfarm("farm", &[("s", "a")]).await;
        let first = world.job_of(windfarm, &units, 2, Priority::Normal, at(0)).await;
        let second = world.job_of(windfarm, &units, 2, Priority::Normal, at(1)).await;
        let claims = world.claim("w", 9, at(2)).await;
        assert_eq!(claims.len(), 2, "each month once");
        assert!(claims.iter().all(|claim| claim.job_id == first));
        assert_eq!(world.claim("v", 9, at(2)).await, [], "the other job's wait meanwhile");

        world.write(&claims[0], hours(&claims[0], 24, 1.0), at(3)).await;
        world.finish(&claims[1], Ending::Empty("nothing"), at(4)).await.unwrap();
        for (job, outcomes) in [
            (first, [TaskOutcome::Written, TaskOutcome::Empty]),
            (second, [TaskOutcome::Unchanged, TaskOutcome::Empty]),
        ] {
            let tasks = world.store.tasks(job, Default::default()).await.unwrap();
            assert_eq!(tasks.iter().map(|task| task.outcome).collect::<Vec<_>>(), outcomes.map(Some));
            let job = world.store.job(job).await.unwrap();
            assert_eq!((job.status.as_str(), job.completed_tasks), ("completed", 2));
        }
        let shared = &world.store.tasks(second, Default::default()).await.unwrap()[0];
        assert_eq!(shared.task_metadata["shared_with"], claims[0].task_id);
        assert_eq!((shared.records_unchanged, shared.attempt_count), (24, 0));
        let kinds: Vec<_> = world.store.events(Some(second), 0, 99).await.unwrap();
        let kinds: Vec<_> = kinds.iter().map(|event| event.kind.as_str()).collect();
        let told = ["job-created", "job-started", "task-completed", "task-completed", "job-ended"];
        assert_eq!(kinds, told);
    }
}

#[tokio::test]
async fn a_failure_is_not_shared() {
    for world in World::on_both().await {
        let (windfarm, units) = world.windfarm("farm", &[("s", "a")]).await;
        world.job_of(windfarm, &units, 1, Priority::Normal, at(0)).await;
        let second = world.job_of(windfarm, &units, 1, Priority::Normal, at(1)).await;
        let failing = world.one("w", at(2)).await;
        world.finish(&failing, Ending::Failed(error("invalid-unit", "x")), at(3)).await.unwrap();
        assert_eq!(world.one("w", at(4)).await.job_id, second, "it has attempts of its own");
    }
}

#[tokio::test]
async fn a_trigger_that_is_repeated_while_its_fetch_runs_makes_no_second_one() {
    for world in World::on_both().await {
        let (windfarm, units) = world.windfarm("farm", &[("s", "a")]).await;
        let mut jobs = vec![world.job_of(windfarm, &units, 1, Priority::Normal, at(0)).await];
        let running = world.one("w", at(1)).await;
        for second in 2..10 {
            jobs.push(world.job_of(windfarm, &units, 1, Priority::Normal, at(second)).await);
            assert_eq!(world.claim("v", 9, at(second)).await, [], "it waits for what is under way");
        }
        let done = world.write(&running, hours(&running, 2, 1.0), at(11)).await;
        assert_eq!(done.shared, 8);
        assert_eq!(world.claim("v", 9, at(12)).await, []);
        assert_eq!(world.number("SELECT COUNT(*) FROM task_attempts").await, 1);
        for job in jobs {
            assert_eq!(world.store.job(job).await.unwrap().status.as_str(), "completed");
        }
    }
}

#[tokio::test]
async fn who_wants_a_month_anew_is_not_served_by_a_fetch_that_began_before() {
    for world in World::on_both().await {
        let (windfarm, units) = world.windfarm("farm", &[("s", "a")]).await;
        let (windfarms, tasks) = ([windfarm], [task(units[0], month(0))]);
        let anew = async |now| {
            let job = NewJob { anew: true, ..new_job(&windfarms, &tasks) };
            world.store.create_job(&job, now).await.unwrap()
        };
        let before = anew(at(0)).await;
        world.job_of(windfarm, &units, 1, Priority::High, at(0)).await;
        let running = world.one("w", at(1)).await;
        assert_ne!(running.job_id, before);
        let since = anew(at(2)).await;
        world.write(&running, hours(&running, 2, 1.0), at(3)).await;
        assert_eq!(world.store.job(before).await.unwrap().status.as_str(), "completed");
        assert_eq!(world.store.job(since).await.unwrap().status.as_str(), "pending");
        assert_eq!(world.one("w", at(4)).await.job_id, since);
    }
}

#[tokio::test]
async fn a_months_units_run_together_even_if_an_older_job_has_other_months() {
    for world in World::on_both().await {
        let (farm, units) = world.windfarm("farm", &[("s", "a"), ("s", "b")]).await;
        let older = world.job_of(farm, &units[..1], 3, Priority::Normal, at(0)).await;
        let younger = world.job_of(farm, &units[1..], 3, Priority::Normal, at(60)).await;
        assert_eq!(world.one("w", at(61)).await.job_id, older);
        let together = world.one("w", at(62)).await;
        assert_eq!((together.job_id, together.month), (younger, month(0)));
        assert_eq!(world.one("w", at(63)).await.job_id, older, "then the queue goes on");

        // Much younger ones don't overtake.
        let (farm, units) = world.windfarm("late", &[("s", "c")]).await;
        let late = world.job_of(farm, &units, 3, Priority::Normal, at(3600)).await;
        assert_ne!(world.one("w", at(3601)).await.job_id, late);
    }
}

#[tokio::test]
async fn one_at_a_time_a_months_units_follow_each_other_while_its_answers_are_fresh() {
    for world in World::on_both().await {
        let (farm, units) = world.windfarm("farm", &[("s", "a"), ("s", "b")]).await;
        let older = world.job_of(farm, &units[..1], 4, Priority::Normal, at(0)).await;
        let younger = world.job_of(farm, &units[1..], 4, Priority::Normal, at(60)).await;
        let mut order = Vec::new();
        for turn in 0..4 {
            let claim = world.one("w", at(61 + turn)).await;
            order.push((claim.job_id, claim.month));
            world.write(&claim, hours(&claim, 2, 1.0), at(61 + turn)).await;
        }
        assert_eq!(order, [(older, month(0)), (younger, month(0)), (older, month(1)), (younger, month(1))]);

        let failed = world.one("w", at(66)).await;
        world.finish(&failed, Ending::Failed(error("unavailable", "503")), at(67)).await.unwrap();
        let next = world.one("w", at(68)).await;
        assert_eq!((next.job_id, next.month), (older, month(3)), "a failure has left no answers");
        world.write(&next, hours(&next, 2, 1.0), at(69)).await;
        let long_after = world.one("w", at(69 + 601)).await;
        assert_eq!((long_after.job_id, long_after.month), (younger, month(2)));
    }
}

#[tokio::test]
async fn a_jobs_own_limit_holds_over_all_workers_and_holds_up_nobody_else() {
    for world in World::on_both().await {
        let (farm, units) = world.windfarm("farm", &[("s", "a"), ("s", "b")]).await;
        let farms = [farm];
        let tasks: Vec<_> = (0..6).map(|index| task(units[0], month(index))).collect();
        let limited =
            NewJob { priority: Priority::High, max_concurrency: Some(2), ..new_job(&farms, &tasks) };
        let limited = world.store.create_job(&limited, at(0)).await.unwrap();
        let other = world.job_of(farm, &units[1..], 3, Priority::Default, at(1)).await;
        let count = |claims: &[crate::store::Claim], job| claims.iter().filter(|c| c.job_id == job).count();
        let claims = world.claim("a", 9, at(2)).await;
        assert_eq!((count(&claims, limited), count(&claims, other)), (2, 3));
        assert_eq!(world.store.claim(request("b", 9), || at(3)).await.unwrap(), []);
        world.finish(&claims[0], Ending::Empty("nothing"), at(4)).await.unwrap();
        assert_eq!(world.claim("b", 9, at(5)).await.len(), 1);
        assert_eq!(world.store.job(limited).await.unwrap().max_concurrency, Some(2));
    }
}

#[tokio::test]
async fn text_that_a_database_cannot_hold_is_stored_without_what_it_cannot() {
    for world in World::on_both().await {
        world.job(1).await;
        let claim = world.one("w", at(1)).await;
        world.finish(&claim, Ending::Failed(error("malformed", "a\0b")), at(2)).await.unwrap();
        let task = world.store.task(claim.task_id).await.unwrap();
        assert_eq!(task.status, TaskStatus::Failed);
        assert!(task.error_message.is_some_and(|message| message.starts_with('a') && message.ends_with('b')));
    }
}
