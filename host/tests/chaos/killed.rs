//! Workers that are killed and stopped.

use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use simulator::{Options, Simulator};

use crate::{
    alone,
    cluster::Cluster,
    disturb::{Done, Wanted, disturb},
    effect, is_long, postgres, random, rows,
    workload::{Batch, batches, slowness, sources},
};

/// Runs disturbed workers on one database and an undisturbed one on another, and compares what they come to.
pub(crate) async fn assert_nothing_is_disturbed(
    workers: usize,
    databases: [&str; 2],
    wanted: Wanted<'_>,
    random: &mut StdRng,
) -> Done {
    // Two are disturbed half as often as four, and must not run out of work meanwhile.
    let simulator = upstream(if is_long() && workers == 2 { 4 } else { 1 }).await;
    let begun = Instant::now();
    let mut cluster = Cluster::new(databases[0], &sources(&simulator.url(), "concurrency = 6")).await;
    cluster.start(workers);
    cluster.started().await;
    let (done, given) = disturb(&mut cluster, random, wanted, batches()).await;
    let disturbed_for = begun.elapsed();
    cluster.drain(Duration::from_secs(120)).await;
    let given_up = retry_what_was_given_up(&mut cluster).await;
    cluster.end().await;
    let lost = cluster.count("SELECT count(*) FROM task_attempts WHERE outcome = 'lost'").await;
    let tasks = cluster.count("SELECT count(*) FROM backfill_tasks").await;
    println!(
        "{workers} workers, {done} in {} s: {tasks} tasks, {lost} leases lost, {given_up} tasks given up",
        disturbed_for.as_secs()
    );
    assert!(lost > 0, "nobody was disturbed in the middle of a task");
    effect::assert_once(&cluster).await;

    simulator.set_faults(vec![]);
    let undisturbed = undisturbed(&simulator, databases[1], &given).await;
    let rows = rows::assert_same(&cluster, &undisturbed).await;
    println!("{rows} rows are the same");
    assert!(rows as i64 > tasks);
    done
}

async fn upstream(times_slower: u32) -> Simulator {
    let now = Some("2024-12-15T12:00:00Z".parse().unwrap());
    let faults = slowness(times_slower).iter().map(|spec| spec.parse().unwrap()).collect();
    simulator::start(Options { now, faults, ..Options::default() }).await.unwrap()
}

/// A task that ten workers in a row were lost with is given up, as it should be. Once nobody is disturbed any more, an
/// operator has it done. Nothing else failed.
async fn retry_what_was_given_up(cluster: &mut Cluster) -> i64 {
    let given_up =
        cluster.count("SELECT count(*) FROM backfill_tasks WHERE error_code = 'workers-lost'").await;
    let jobs = "SELECT id FROM backfill_jobs WHERE failed_tasks > 0";
    let jobs: Vec<i64> = sqlx::query_scalar(jobs).fetch_all(&mut cluster.database().await).await.unwrap();
    for job in jobs {
        cluster.folder.backfill(&["job", "retry", &job.to_string()]).await.succeeded();
    }
    cluster.drain(Duration::from_secs(120)).await;
    given_up
}

/// The same work, done by one worker whom nobody disturbs.
async fn undisturbed(simulator: &Simulator, database: &str, given: &[Batch]) -> Cluster {
    let mut cluster = Cluster::new(database, &sources(&simulator.url(), "concurrency = 6")).await;
    for batch in given {
        cluster.create(batch).await;
    }
    cluster.start(1);
    cluster.drain(Duration::from_secs(600)).await;
    cluster.end().await;
    effect::assert_once(&cluster).await;
    cluster
}

async fn killed_and_stopped(workers: usize, short: usize) {
    let _alone = alone().await;
    let (Some(one), Some(other)) = (postgres::database().await, postgres::database().await) else { return };
    let of_workers = if is_long() { 200 } else { short };
    let wanted = Wanted { of_workers, restarts: None };
    let done = assert_nothing_is_disturbed(workers, [one.url(), other.url()], wanted, &mut random()).await;
    assert!(done.of_workers() >= of_workers);
    assert!(done.kills > 0 && done.stops_past_the_lease > 0, "{done}");
}

#[tokio::test]
async fn two_workers_that_are_killed_and_stopped_store_what_an_undisturbed_one_stores() {
    killed_and_stopped(2, 8).await;
}

#[tokio::test]
async fn four_workers_that_are_killed_and_stopped_store_what_an_undisturbed_one_stores() {
    killed_and_stopped(4, 12).await;
}
