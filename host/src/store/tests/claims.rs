use std::collections::HashSet;

use super::{LEASE, World, at, error, request};
use crate::{
    domain::{Priority, TaskStatus},
    store::{ClaimRequest, Ending, StoreError, TaskFilter},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eight_workers_at_once_never_hold_one_task_twice() {
    for world in World::on_both().await {
        let job = world.job(400).await;
        let mut workers = tokio::task::JoinSet::new();
        for worker in 0..8 {
            let store = world.store.clone();
            workers.spawn(async move {
                let (owner, mut ids) = (format!("w{worker}"), Vec::new());
                loop {
                    let claims = store.claim(request(&owner, 3), at(1)).await.unwrap();
                    if claims.is_empty() {
                        return ids;
                    }
                    for claim in claims {
                        store
                            .finish(&claim, Ending::Empty("nothing"), &Default::default(), at(2))
                            .await
                            .unwrap();
                        ids.push(claim.task_id);
                    }
                }
            });
        }
        let ids: Vec<_> = workers.join_all().await.into_iter().flatten().collect();
        assert_eq!((ids.len(), ids.iter().collect::<HashSet<_>>().len()), (400, 400));
        let job = world.store.job(job).await.unwrap();
        assert_eq!((job.completed_tasks, job.status.as_str()), (400, "completed"));
    }
}

#[tokio::test]
async fn tasks_come_in_planned_order_with_all_that_a_worker_needs() {
    for world in World::on_both().await {
        world.job(3).await;
        let claims = world.claim("w", 2, at(1)).await;
        let months: Vec<_> = claims.iter().map(|claim| claim.month.to_string()).collect();
        assert_eq!(months, ["2023-01", "2023-02"]);
        let claim = &claims[0];
        assert_eq!(claim.window, super::window(super::month(0)));
        assert_eq!(
            (claim.unit.code.as_str(), claim.attempt, claim.max_attempts, claim.fence),
            ("farm 0", 1, 3, 1)
        );
    }
}

#[tokio::test]
async fn an_attempt_that_stops_since_its_lease_ran_out_is_lost_and_not_cancelled() {
    for world in World::on_both().await {
        let job = world.job(1).await;
        let stalled = world.one("a", at(0)).await;
        world.store.stopped(&stalled, at(61)).await.unwrap();
        let cancelled = world.one("b", at(62)).await;
        world.store.cancel_job(job, "test", at(63)).await.unwrap();
        world.store.stopped(&cancelled, at(64)).await.unwrap();
        let sql = "SELECT outcome FROM task_attempts WHERE ended_at IS NOT NULL ORDER BY id";
        let outcomes: Vec<(String,)> = world.rows(sql).await;
        assert_eq!(outcomes.iter().map(|row| row.0.as_str()).collect::<Vec<_>>(), ["lost", "cancelled"]);
    }
}

#[tokio::test]
async fn a_lease_that_ran_out_is_taken_over_and_its_former_holder_commits_nothing() {
    for world in World::on_both().await {
        world.job(1).await;
        let first = world.one("a", at(0)).await;
        assert_eq!(world.claim("b", 1, at(59)).await, []);
        let second = world.one("b", at(60)).await;
        assert!(second.fence > first.fence);
        assert_eq!((second.attempt, second.lost), (1, 1), "the worker failed, not the task");

        let stale = super::checked(&first, super::hours(&first, 5, 1.0));
        let lost = world.finish(&first, Ending::Records(&stale), at(61)).await.unwrap_err();
        assert!(matches!(lost, StoreError::LostLease { task_id } if task_id == first.task_id), "{lost}");
        assert_eq!(world.measurements().await, []);
        assert_eq!(
            world.store.renew("a", &[(first.task_id, first.fence)], LEASE, at(61)).await.unwrap(),
            [first.task_id]
        );

        world.write(&second, super::hours(&second, 5, 2.0), at(62)).await;
        assert_eq!(world.measurements().await.len(), 5);
        let outcomes: Vec<(String,)> = world.rows("SELECT outcome FROM task_attempts ORDER BY id").await;
        assert_eq!(outcomes.iter().map(|row| row.0.as_str()).collect::<Vec<_>>(), ["lost", "written"]);
    }
}

#[tokio::test]
async fn a_stalled_worker_commits_nothing_even_if_nobody_took_over() {
    for world in World::on_both().await {
        world.job(1).await;
        let claim = world.one("a", at(0)).await;
        let lost = world.finish(&claim, Ending::Empty("nothing"), at(60)).await.unwrap_err();
        assert!(matches!(lost, StoreError::LostLease { .. }), "{lost}");
        assert_eq!(
            world.store.renew("a", &[(claim.task_id, claim.fence)], LEASE, at(60)).await.unwrap(),
            [claim.task_id]
        );
    }
}

#[tokio::test]
async fn a_renewed_lease_holds_on_for_its_owner_alone() {
    for world in World::on_both().await {
        world.job(1).await;
        let claim = world.one("a", at(0)).await;
        let held = [(claim.task_id, claim.fence)];
        assert_eq!(world.store.renew("b", &held, LEASE, at(30)).await.unwrap(), [claim.task_id]);
        assert!(world.store.renew("a", &held, LEASE, at(50)).await.unwrap().is_empty());
        assert_eq!(world.claim("b", 1, at(109)).await, []);
        assert_eq!(world.claim("b", 1, at(110)).await.len(), 1);
    }
}

#[tokio::test]
async fn a_task_that_waits_is_claimed_when_its_time_has_come_and_not_before() {
    for world in World::on_both().await {
        let job = world.job(1).await;
        let claim = world.one("a", at(0)).await;
        world
            .finish(&claim, Ending::Release(Some(at(500).into()), error("rate-limited", "wait")), at(1))
            .await
            .unwrap();
        assert_eq!(world.store.next_due(Some(job)).await.unwrap().map(|due| due.utc()), Some(at(500)));
        assert_eq!(world.claim("a", 1, at(499)).await, []);
        let again = world.one("a", at(500)).await;
        assert_eq!((again.attempt, again.fence), (1, 2), "waiting spends no attempt, and the fence grows");
        assert_eq!(
            world.store.next_due(None).await.unwrap().map(|due| due.utc()),
            Some(at(560)),
            "the lease's end"
        );
    }
}

#[tokio::test]
async fn a_paused_job_is_not_claimed_from_until_it_is_resumed() {
    for world in World::on_both().await {
        let (paused, running) = (world.job(2).await, world.job(1).await);
        let held = world.one("a", at(0)).await;
        world.store.pause_job(paused, at(1)).await.unwrap();
        let claims = world.claim("a", 9, at(2)).await;
        assert_eq!(claims.iter().map(|claim| claim.job_id).collect::<Vec<_>>(), [running]);
        world.finish(&held, Ending::Release(None, error("shutdown", "stopping")), at(3)).await.unwrap();
        assert_eq!(world.claim("a", 9, at(4)).await, [], "given back while paused");
        world.store.resume_job(paused, at(5)).await.unwrap();
        assert_eq!(world.claim("a", 9, at(6)).await.len(), 2);
    }
}

#[tokio::test]
async fn high_priority_goes_first_and_nothing_starves() {
    for world in World::on_both().await {
        let (windfarm, units) =
            world.windfarm("farm", &[("s", "a"), ("s", "b"), ("s", "c"), ("s", "d")]).await;
        let job = async |unit: usize, priority, now| {
            world.job_of(windfarm, &units[unit..=unit], 1, priority, now).await
        };
        let old = job(0, Priority::Default, at(0)).await;
        let normal = job(1, Priority::Normal, at(10)).await;
        let high = job(2, Priority::High, at(20)).await;
        let late = job(3, Priority::High, at(86_400 + 15)).await;
        let mut claimed = Vec::new();
        for _ in 0..4 {
            claimed.push(world.one("w", at(100_000)).await.job_id);
        }
        assert_eq!(claimed, [high, normal, old, late], "a day of waiting outweighs any priority");
    }
}

#[tokio::test]
async fn limits_bound_what_is_under_way_over_all_workers() {
    for world in World::on_both().await {
        world.job(9).await;
        let claim = async |owner, source_limit, total_limit| {
            let request = ClaimRequest { source_limit, total_limit, ..request(owner, 5) };
            world.store.claim(request, at(1)).await.unwrap().len()
        };
        assert_eq!(claim("a", Some(3), None).await, 3);
        assert_eq!(claim("b", Some(3), None).await, 0);
        assert_eq!(claim("b", Some(4), Some(4)).await, 1);
        assert_eq!(claim("b", None, Some(4)).await, 0);
        assert_eq!(claim("b", Some(2), None).await, 0, "a limit that was lowered");
        assert_eq!(claim("b", None, None).await, 5);
    }
}

#[tokio::test]
async fn a_claim_takes_only_the_source_and_the_job_that_it_names() {
    for world in World::on_both().await {
        let (first, second) = (world.job(2).await, world.job(2).await);
        let other = ClaimRequest { source: "t", ..request("w", 9) };
        assert_eq!(world.store.claim(other, at(1)).await.unwrap(), []);
        let one = ClaimRequest { job: Some(second), ..request("w", 9) };
        let claims = world.store.claim(one, at(1)).await.unwrap();
        assert!(claims.len() == 2 && claims.iter().all(|claim| claim.job_id == second));
        let open = TaskFilter { status: Some(TaskStatus::Pending), ..TaskFilter::default() };
        assert_eq!(world.store.tasks(first, open).await.unwrap().len(), 2);
    }
}

#[tokio::test]
async fn claims_read_the_index_of_ready_tasks_and_sort_nothing() {
    let world = World::on_sqlite().await;
    for sql in [
        "EXPLAIN QUERY PLAN SELECT queue_at, job_id FROM backfill_tasks
         WHERE status = 'pending' AND NOT held AND run_after IS NULL AND source = 's'
           AND (queue_at, job_id) > (5, 5) ORDER BY queue_at, job_id LIMIT 1",
        "EXPLAIN QUERY PLAN SELECT id FROM backfill_tasks
         WHERE status = 'pending' AND NOT held AND run_after IS NULL AND source = 's' AND queue_at = 5 AND job_id = 5
         ORDER BY id LIMIT 4",
    ] {
        let plan: Vec<(i64, i64, i64, String)> = world.rows(sql).await;
        let steps: Vec<_> = plan.into_iter().map(|step| step.3).collect();
        assert!(steps.iter().any(|step| step.contains("backfill_tasks_ready")), "{steps:?}");
        assert!(!steps.iter().any(|step| step.contains("TEMP B-TREE")), "{steps:?}");
    }
}
