use std::{
    collections::HashSet,
    sync::atomic::{AtomicI64, Ordering::SeqCst},
};

use super::{LEASE, World, at, error, request, sql};
use crate::{
    domain::{Priority, TaskStatus},
    store::{Claim, ClaimRequest, Ending, Instant, NewWorker, StoreError, TaskFilter, pick, twins},
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
                    let claims = store.claim(request(&owner, 3), || at(1)).await.unwrap();
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

/// Undoes a claim, as a server does that died before the claim was on disk.
async fn forget(world: &World, claim: &Claim) {
    assert_eq!((claim.task_id, claim.fence), (1, 1));
    world.sql("DELETE FROM task_attempts WHERE task_id = 1").await.unwrap();
    let undo =
        "UPDATE backfill_tasks SET status = 'pending', fence = 0, lease_owner = NULL, lease_until = NULL,
                                          started_at = NULL WHERE id = 1";
    world.sql(undo).await.unwrap();
}

#[tokio::test]
async fn who_has_a_claim_that_its_server_forgot_does_nothing_to_the_next_one_with_the_same_fence() {
    for world in World::on_both().await {
        world.job(1).await;
        let forgotten = world.one("a", at(0)).await;
        forget(&world, &forgotten).await;
        let next = world.one("b", at(1)).await;
        assert_eq!(next.fence, forgotten.fence);

        let lost =
            world.store.renew("a", &[(forgotten.task_id, forgotten.fence)], LEASE, at(2)).await.unwrap();
        assert_eq!(lost, [forgotten.task_id]);
        let lost = world.finish(&forgotten, Ending::Empty("nothing"), at(2)).await.unwrap_err();
        assert!(matches!(lost, StoreError::LostLease { .. }), "{lost}");
        world.store.stopped(&forgotten, at(2)).await.unwrap();
        world.finish(&next, Ending::Empty("nothing"), at(3)).await.unwrap();
    }
}

#[tokio::test]
async fn a_worker_that_claims_again_what_its_server_forgot_ends_it_by_the_second_claim_alone() {
    for world in World::on_both().await {
        world.job(2).await;
        let forgotten = world.one("a", at(0)).await;
        forget(&world, &forgotten).await;
        // The number of its attempt may be that of another task now.
        let claims = world.claim("a", 2, at(1)).await;
        assert_eq!(claims[0].fence, forgotten.fence);
        let forgotten = Claim { attempt_id: claims[1].attempt_id, ..forgotten };
        let lost = world.finish(&forgotten, Ending::Empty("nothing"), at(2)).await.unwrap_err();
        assert!(matches!(lost, StoreError::LostLease { .. }), "{lost}");
        world.store.stopped(&forgotten, at(2)).await.unwrap();
        for claim in &claims {
            world.finish(claim, Ending::Empty("nothing"), at(3)).await.unwrap();
        }
        let open: Vec<(i64,)> = world.rows("SELECT COUNT(*) FROM task_attempts WHERE ended_at IS NULL").await;
        assert_eq!(open, [(0,)]);
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
            world.store.claim(request, || at(1)).await.unwrap().len()
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
async fn a_cancelled_task_has_its_place_until_its_guest_has_stopped() {
    for world in World::on_both().await {
        let cancelled = world.job(2).await;
        let running = world.claim("a", 2, at(1)).await;
        world.job(9).await;
        world.store.cancel_job(cancelled, "test", at(2)).await.unwrap();
        let claim = async |source_limit, total_limit, now| {
            let request = ClaimRequest { source_limit, total_limit, ..request("b", 5) };
            world.store.claim(request, || now).await.unwrap().len()
        };
        assert_eq!(claim(Some(2), None, at(3)).await, 0);
        assert_eq!(claim(None, Some(3), at(3)).await, 1);
        world.store.stopped(&running[0], at(4)).await.unwrap();
        assert_eq!(claim(Some(3), Some(3), at(5)).await, 1);
        // The other one's worker has died, and will not say so.
        assert_eq!(world.store.close_orphaned_attempts(at(1), at(6)).await.unwrap(), 1);
        assert_eq!(claim(Some(3), Some(3), at(7)).await, 1);
    }
}

#[tokio::test]
async fn what_a_live_worker_does_not_say_has_stopped_has_its_place_for_no_longer_than_a_lease() {
    for world in World::on_both().await {
        let job = world.job(1).await;
        let worker = NewWorker { id: "a", host: "h", pid: 1, version: "0", serves: true, concurrency: 1 };
        world.one("a", at(1)).await;
        world.store.cancel_job(job, "test", at(2)).await.unwrap();
        world.store.heartbeat(&worker, at(70)).await.unwrap();
        assert_eq!(world.store.close_orphaned_attempts(at(2), at(62)).await.unwrap(), 0);
        assert_eq!(world.store.close_orphaned_attempts(at(3), at(63)).await.unwrap(), 1);
    }
}

#[tokio::test]
async fn a_claim_that_waited_for_the_queue_begins_when_it_got_it() {
    for world in World::on_both().await {
        world.job(1).await;
        let clock = AtomicI64::new(1);
        let ticks = || at(clock.fetch_add(40, SeqCst));
        let claim = world.store.claim(request("a", 1), ticks).await.unwrap().remove(0);
        assert_eq!(world.store.task(claim.task_id).await.unwrap().started_at.unwrap().utc(), at(41));
        assert_eq!(world.claim("b", 1, at(100)).await, [], "nor does its lease end sooner");
        assert_eq!(world.claim("b", 1, at(101)).await.len(), 1);
    }
}

#[tokio::test]
async fn a_claim_takes_only_the_source_and_the_job_that_it_names() {
    for world in World::on_both().await {
        let (first, second) = (world.job(2).await, world.job(2).await);
        let other = ClaimRequest { source: "t", ..request("w", 9) };
        assert_eq!(world.store.claim(other, || at(1)).await.unwrap(), []);
        let one = ClaimRequest { job: Some(second), ..request("w", 9) };
        let claims = world.store.claim(one, || at(1)).await.unwrap();
        assert!(claims.len() == 2 && claims.iter().all(|claim| claim.job_id == second));
        let open = TaskFilter { status: Some(TaskStatus::Pending), ..TaskFilter::default() };
        assert_eq!(world.store.tasks(first, open).await.unwrap().len(), 2);
    }
}

/// How a database goes about a statement, step by step.
async fn plan(world: &World, text: &str, bind: impl Fn(sql::Query) -> sql::Query) -> Vec<String> {
    if world.server.is_some() {
        let mut conn = world.store.db.begin_step().await.unwrap();
        return bind(sql::query(format!("EXPLAIN (COSTS OFF) {text}"))).scalars(&mut conn).await.unwrap();
    }
    let mut conn = world.store.db.read().await.unwrap();
    let steps: Vec<(i64, i64, i64, String)> =
        bind(sql::query(format!("EXPLAIN QUERY PLAN {text}"))).all(&mut conn).await.unwrap();
    steps.into_iter().map(|step| step.3).collect()
}

#[tokio::test]
async fn claims_step_along_indexes_and_read_no_history() {
    for world in World::on_both().await {
        // Of many tasks few are ready, as it is once a job has run for a while.
        let codes: Vec<_> = (0..20).map(|code| format!("u{code}")).collect();
        let codes: Vec<_> = codes.iter().map(|code| ("s", code.as_str())).collect();
        let (farm, units) = world.windfarm("farm", &codes).await;
        let job = world.job_of(farm, &units, 240, Priority::Default, at(0)).await;
        let done = "UPDATE backfill_tasks SET status = 'completed', outcome = 'empty', completed_at = @5
                    WHERE id % 20 <> 0";
        world.sql(done).await.unwrap();
        let attempts = "INSERT INTO task_attempts (task_id, fence, worker, started_at, ended_at, outcome)
                        SELECT id, 1, 'w', @4, @5, 'empty' FROM backfill_tasks WHERE id % 20 <> 0";
        world.sql(attempts).await.unwrap();
        if world.server.is_some() {
            world.sql("ANALYZE").await.unwrap();
        }
        let place = Instant::from(at(0));
        let source = |query: sql::Query| query.bind("s");
        let at_place = |query: sql::Query| query.bind("s").bind(place).bind(job);
        let at_hand = |query: sql::Query| query.bind("s").bind(place).bind(place).bind(64i64).bind(8i64);
        let of_month = |query: sql::Query| query.bind("s").bind("2023-01").bind(place).bind(4i64);
        let same_month = |query: sql::Query| {
            query.bind(1i64).bind("2023-01").bind(job).bind("s").bind(place).bind(place).bind(1i64)
        };
        // Each with the index that it is to use, and whether the few rows that it finds are sorted.
        let (ready, of_months) = ("backfill_tasks_ready", "backfill_tasks_ready_month");
        let open = "backfill_tasks_open_unit";
        for (statement, plan, index, sorts) in [
            ("first", plan(&world, pick::FIRST_IN_LINE, source).await, ready, false),
            ("next", plan(&world, pick::NEXT_IN_LINE, at_place).await, ready, false),
            ("job", plan(&world, pick::OF_JOB, |query| at_place(query).bind(4i64)).await, ready, false),
            ("under way", plan(&world, pick::UNDER_WAY, source).await, "task_attempts_open", true),
            ("months", plan(&world, pick::MONTHS_AT_HAND, at_hand).await, of_months, true),
            ("month", plan(&world, pick::OF_MONTH, of_month).await, of_months, false),
            ("same", plan(&world, twins::SAME_MONTH, same_month).await, open, true),
        ] {
            let all = plan.join("\n");
            assert!(all.contains(index), "{statement}: {all}");
            // Whether a unit's month is under way already.
            let asks_for_open = ["job", "month"].contains(&statement) && world.server.is_none();
            assert!(!asks_for_open || all.contains(open), "{statement}: {all}");
            for scan in ["Seq Scan on backfill_tasks", "Seq Scan on task_attempts", "SCAN backfill_tasks"] {
                assert!(!all.contains(scan), "{statement}: {all}");
            }
            let sorted = all.contains("Sort Key") || all.contains("TEMP B-TREE FOR ORDER");
            assert!(sorts || !sorted, "{statement}: {all}");
        }
    }
}
