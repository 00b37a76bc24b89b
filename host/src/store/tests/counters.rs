//! Whatever is done in whatever order, counters are what they count.

use chrono::{DateTime, Utc};
use rand::{RngExt, SeedableRng, rngs::StdRng};

use super::{World, at, checked, error, hours, month, new_job, request, task};
use crate::{
    domain::{Priority, job_status},
    store::{Chosen, Claim, Drift, Ending, NewJob, Purge, StoreError, TaskError, TaskFilter},
};

#[tokio::test]
async fn counters_equal_a_recount_after_any_sequence_of_operations() {
    let (mut deleted, mut shared) = (0, 0);
    for seed in 0..4 {
        for world in World::on_both().await {
            let done = random_operations(&world, StdRng::seed_from_u64(seed)).await;
            deleted += done.0;
            shared += done.1;
        }
    }
    assert!(deleted > 0 && shared > 0, "the operations are to reach these: {deleted}, {shared}");
}

/// A job of some months of units that other jobs have too, so that tasks complete together.
async fn some_job(world: &World, farm: i64, units: &[i64], random: &mut StdRng, now: DateTime<Utc>) -> i64 {
    let units = &units[random.random_range(0..units.len())..];
    let months = random.random_range(2..5);
    let tasks: Vec<_> =
        (0..months).flat_map(|index| units.iter().map(move |&unit| task(unit, month(index)))).collect();
    let priority = [Priority::Default, Priority::Normal, Priority::High][random.random_range(0..3)];
    let farms = [farm];
    let job = NewJob { priority, anew: random.random_bool(0.3), ..new_job(&farms, &tasks) };
    world.store.create_job(&job, now).await.unwrap()
}

/// How many tasks of one of the jobs may run at once.
const LIMIT: i64 = 2;

/// How many jobs were deleted, and how many tasks completed together with others.
async fn random_operations(world: &World, mut random: StdRng) -> (u64, u64) {
    let (farm, units) = world.windfarm("farm", &[("s", "a"), ("s", "b")]).await;
    let limited = world.job_of(farm, &units, 3, Priority::Default, at(0)).await;
    let mut jobs = vec![limited, some_job(world, farm, &units, &mut random, at(0)).await];
    let (mut deleted, mut shared) = (0, 0);
    world
        .sql(&format!("UPDATE backfill_jobs SET max_concurrency = {LIMIT} WHERE id = {limited}"))
        .await
        .unwrap();
    let mut held: Vec<Claim> = Vec::new();
    for step in 0..200 {
        let now = at(step * 7);
        let job = jobs[random.random_range(0..jobs.len())];
        match random.random_range(0..28) {
            0 | 26 if jobs.len() < 6 => jobs.push(some_job(world, farm, &units, &mut random, now).await),
            27 if job != limited => {
                let gone = world.store.delete_job(job, now).await.is_ok();
                jobs.retain(|other| !(gone && *other == job));
                deleted += u64::from(gone);
            }
            20 | 21 => {
                drop(world.store.retry_job(job, Chosen::All, random.random_bool(0.5), "test", now).await)
            }
            22 => {
                let tasks = world.store.tasks(job, TaskFilter::default()).await.unwrap();
                let chosen = [tasks[random.random_range(0..tasks.len())].id];
                drop(world.store.retry_job(job, Chosen::Tasks(&chosen), true, "test", now).await);
            }
            23 => drop(world.store.reset_stuck(job, now, now).await.unwrap()),
            24 => drop(world.store.process_job(job, now).await),
            25 if random.random_bool(0.3) => {
                let purge = Purge { reason: "a test", by: "test", source: None, priority: None };
                drop(world.store.purge_queue(&purge, now).await.unwrap());
            }
            1 => drop(world.store.pause_job(job, now).await),
            2 | 3 => drop(world.store.resume_job(job, now).await),
            4 if random.random_bool(0.2) => {
                drop(world.store.cancel_job(job, "test", now).await);
            }
            5..=11 => {
                held.extend(world.store.claim(request("w", random.random_range(1..3)), || now).await.unwrap())
            }
            _ if !held.is_empty() => {
                // Sometimes the claim is kept to be finished again: it must be refused.
                let claim = held[random.random_range(0..held.len())].clone();
                if random.random_bool(0.8) {
                    held.retain(|other| other != &claim);
                }
                shared += finish_somehow(world, &claim, &mut random, now).await;
            }
            _ => {}
        }
        for &job in &jobs {
            assert_counted(world, job, now).await;
        }
        let running = world.store.job_summary(limited).await.unwrap().in_progress;
        assert!(running <= LIMIT, "{running} tasks of a job that allows {LIMIT}");
        if step % 50 == 49 {
            assert_sound(world).await;
        }
    }
    (deleted, shared)
}

async fn finish_somehow(world: &World, claim: &Claim, random: &mut StdRng, now: DateTime<Utc>) -> u64 {
    let mut rows = hours(claim, random.random_range(1..5), f64::from(random.random_range(0..3u8)));
    rows[0].measurements[0].seconds = if random.random_bool(0.3) { 1800 } else { 3600 };
    let records = checked(claim, rows);
    let ending = match random.random_range(0..7) {
        6 => Ending::AskAgain((now + chrono::TimeDelta::seconds(20)).into(), "nothing"),
        0 => Ending::Empty("nothing"),
        1 => Ending::Failed(error("invalid-unit", "x")),
        2 => Ending::Retry((now + chrono::TimeDelta::seconds(9)).into(), error("unavailable", "503")),
        3 => Ending::Release(None, TaskError { rejected: None, ..error("shutdown", "stopping") }),
        _ => Ending::Records(&records),
    };
    match world.finish(claim, ending, now).await {
        Ok(finished) => finished.shared,
        Err(StoreError::LostLease { .. }) => 0,
        Err(other) => panic!("{other}"),
    }
}

async fn assert_counted(world: &World, id: i64, now: DateTime<Utc>) {
    assert_eq!(world.store.recount_job(id, now).await.unwrap(), Drift::default());
    let (job, sum) = (world.store.job(id).await.unwrap(), world.store.job_summary(id).await.unwrap());
    let stopped = matches!(job.reason.as_deref(), Some("cancelled" | "purged"));
    assert_eq!(job.status, job_status(job.counts(), job.started_at.is_some(), stopped));
    assert_eq!(sum.completed, sum.written + sum.unchanged + sum.empty);
    assert_eq!(sum.pending + sum.in_progress, job.counts().open());
    assert_eq!(
        sum.records_fetched,
        sum.records_inserted + sum.records_updated + sum.records_unchanged + sum.records_rejected
    );
}

/// What holds between tables, whatever was done.
async fn assert_sound(world: &World) {
    let measurements = match world.server {
        None => {
            "SELECT series_id, start AS at, seconds, strftime('%Y-%m', start, 'unixepoch') AS month FROM measurements"
        }
        Some(_) => {
            "SELECT series_id, EXTRACT(epoch FROM start) AS at, seconds,
                    to_char(start AT TIME ZONE 'UTC', 'YYYY-MM') AS month FROM measurements"
        }
    };
    // Held tasks and open attempts are the same tasks; rows of a series never overlap.
    for (what, sql) in [
        (
            "attempts",
            "SELECT COUNT(*) FROM task_attempts a JOIN backfill_tasks t ON t.id = a.task_id
                      WHERE t.status <> 'skipped' AND (a.ended_at IS NULL) <> (t.status = 'in_progress' AND a.fence = t.fence)",
        ),
        (
            "attempt counts",
            "SELECT COUNT(*) FROM backfill_tasks t WHERE attempt_count <>
                      (SELECT COUNT(*) FROM task_attempts a WHERE a.task_id = t.id
                       AND a.outcome IN ('written', 'unchanged', 'empty', 'failed')
                       AND NOT EXISTS (SELECT 1 FROM events e WHERE e.task_id = t.id AND e.kind = 'task-reopened'
                                       AND e.at >= a.ended_at))",
        ),
        (
            "months of a unit that are under way more than once",
            "SELECT COUNT(*) FROM (SELECT 1 FROM backfill_tasks WHERE status = 'in_progress'
                                   GROUP BY generation_unit_id, month HAVING COUNT(*) > 1) twice",
        ),
        (
            "overlaps",
            "SELECT COUNT(*) FROM (SELECT at, LAG(at + seconds) OVER (PARTITION BY series_id ORDER BY at)
                      AS before FROM m) rows WHERE before > at",
        ),
        (
            "counts of months",
            "SELECT COUNT(*) FROM series_months s WHERE (s.row_count, s.seconds) <>
                      (SELECT COUNT(*), COALESCE(SUM(m.seconds), 0) FROM m WHERE m.series_id = s.series_id
                         AND m.month = s.month)",
        ),
        (
            "months that nobody counted",
            "SELECT COUNT(*) FROM m WHERE NOT EXISTS
                      (SELECT 1 FROM series_months s WHERE s.series_id = m.series_id AND s.month = m.month)",
        ),
    ] {
        assert_eq!(world.number(format!("WITH m AS ({measurements}) {sql}")).await, 0, "{what}");
    }
}

#[tokio::test]
async fn a_recount_tells_the_drift_and_ends_a_job_whose_tasks_have_all_ended() {
    for world in World::on_both().await {
        let job = world.job(2).await;
        world.claim("w", 1, at(1)).await;
        world
        .sql("UPDATE backfill_tasks SET status = 'failed', lease_owner = NULL, lease_until = NULL, completed_at = @1")
        .await
        .unwrap();
        let drift = world.store.recount_job(job, at(2)).await.unwrap();
        assert_eq!(drift, Drift { failed: -2, ..Drift::default() });
        assert_eq!(world.store.job(job).await.unwrap().status.as_str(), "failed");
        assert_eq!(world.store.recount_job(job, at(3)).await.unwrap(), Drift::default());
    }
}
