//! Runs that are ended in the middle.

use std::time::{Duration, Instant};

use simulator::Simulator;
use sqlx::{Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Child,
};

use crate::{
    expected::{Of, Points, assert_same, points},
    fault, folder_at, simulator,
    support::work_folder::{Ran, WorkFolder},
};

const FARM: &str = "\
windfarm,source,code
Both,elexon,T_HOWAO-1
Both,elexon,T_HOWAO-2
Both,elexon,T_SIMW-1
";
const CODES: [&str; 3] = ["T_HOWAO-1", "T_HOWAO-2", "T_SIMW-1"];
const ARGUMENTS: [&str; 7] = ["run", "--windfarm", "Both", "--from", "2024-01", "--to", "2024-03"];

fn all() -> Points {
    let months = CODES.into_iter().flat_map(|code| [1, 2, 3].map(|month| (code, month)));
    months.flat_map(|(code, month)| Of::new("Both", code).elexon(2024, month, crate::present())).collect()
}

/// A run that has stored some tasks and has others under way, which don't end while the upstream holds one unit back.
async fn in_the_middle() -> (Simulator, WorkFolder, Child) {
    let simulator = simulator().await;
    simulator.set_faults(fault("kind=latency,milliseconds=3600000,match=T_SIMW-1"));
    let folder = folder_at(&simulator, &["elexon"], "concurrency = 2\nreuse_for = \"0s\"");
    // What a killed worker held counts against the source's concurrency until its leases run out.
    let config = std::fs::read_to_string(folder.path("backfill.toml")).unwrap();
    folder.write(
        "backfill.toml",
        &config.replace("[worker]", "[worker]\nlease = \"4s\"\nheartbeat = \"500ms\""),
    );
    folder.import(FARM).await;
    let mut command = folder.command(&ARGUMENTS);
    let child =
        command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap();
    let began = Instant::now();
    while folder.count("SELECT COUNT(*) FROM backfill_tasks WHERE status = 'completed'").await < 2
        || folder.count("SELECT COUNT(*) FROM backfill_tasks WHERE status = 'in_progress'").await == 0
    {
        assert!(began.elapsed() < Duration::from_secs(60), "the run gets nowhere");
        tokio::task::yield_now().await;
    }
    (simulator, folder, child)
}

/// Every task is either whole or not there at all.
async fn assert_no_task_is_half_stored(folder: &WorkFolder) {
    let stored = points(&folder.stored().await);
    let expected = all();
    let completed: Vec<(String, i64, i64)> = sqlx::query_as(
        "SELECT u.code, t.start_date / 1000000, t.end_date / 1000000 FROM backfill_tasks t
         JOIN generation_units u ON u.id = t.generation_unit_id WHERE t.status = 'completed'",
    )
    .fetch_all(&mut folder.database().await)
    .await
    .unwrap();
    let of_completed: Points = expected
        .into_iter()
        .filter(|(key, _)| {
            completed
                .iter()
                .any(|(code, start, end)| *code == key.code && (*start..*end).contains(&key.start))
        })
        .collect();
    assert!(!of_completed.is_empty());
    assert_same(&stored, &of_completed);
}

fn signal(child: &Child, name: &str) {
    let id = child.id().expect("it runs").to_string();
    assert!(std::process::Command::new("kill").args([name, &id]).status().unwrap().success());
}

#[tokio::test]
async fn a_killed_run_leaves_whole_tasks_and_the_next_run_stores_the_rest_row_for_row() {
    let (simulator, folder, mut child) = in_the_middle().await;
    signal(&child, "-KILL");
    assert_eq!(child.wait().await.unwrap().code(), None, "it did not end by itself");
    assert_no_task_is_half_stored(&folder).await;

    simulator.set_faults(vec![]);
    let before = folder.stored().await.len() as u64;
    let ran = folder.backfill(&ARGUMENTS).await.succeeded();
    assert_eq!(
        ["tasks", "completed", "updated", "unchanged"].map(|name| ran.figure(name)),
        [9, 9, 0, before]
    );
    assert_same(&points(&folder.stored().await), &all());

    // That run had to wait for the killed one's leases, so the killed one has been silent for a whole lease now.
    folder.backfill(&ARGUMENTS).await.succeeded();
    let open = "SELECT COUNT(*) FROM backfill_jobs WHERE status IN ('pending', 'in_progress')";
    assert_eq!(folder.count(open).await, 0, "the killed run's job is given up");
}

#[tokio::test]
async fn an_interrupted_run_cancels_its_job_and_leaves_nothing_under_way() {
    let (_simulator, folder, child) = in_the_middle().await;
    signal(&child, "-INT");
    let ran = tokio::time::timeout(Duration::from_secs(60), child.wait_with_output()).await;
    let ran = Ran::of(ran.expect("it does not wait for the upstream").unwrap()).failed();
    assert_eq!(ran.figure("tasks"), 9);
    assert!((2..9).contains(&ran.figure("completed")), "{}", ran.last_line());
    let open = "SELECT COUNT(*) FROM backfill_tasks WHERE status IN ('pending', 'in_progress')";
    assert_eq!(folder.count(open).await, 0);
    assert_eq!(folder.count("SELECT COUNT(*) FROM task_attempts WHERE ended_at IS NULL").await, 0);
    let job: (String, String) = sqlx::query_as("SELECT status, reason FROM backfill_jobs")
        .fetch_one(&mut folder.database().await)
        .await
        .unwrap();
    assert_eq!(job, ("failed".to_owned(), "cancelled".to_owned()));
    assert_no_task_is_half_stored(&folder).await;
}

#[tokio::test]
async fn a_run_that_can_not_end_as_it_should_ends_at_the_second_interrupt() {
    let (_simulator, folder, mut child) = in_the_middle().await;
    // Nothing that it holds can be given back.
    let file = SqliteConnectOptions::new().filename(folder.path(".backfill/backfill.db"));
    let mut other = SqliteConnection::connect_with(&file).await.unwrap();
    sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    let mut said = BufReader::new(child.stderr.take().unwrap()).lines();
    for text in ["interrupted; what is stored stays", "interrupted a second time"] {
        signal(&child, "-INT");
        while !said.next_line().await.unwrap().expect("it goes on").contains(text) {}
    }
    assert_eq!(child.wait().await.unwrap().code(), Some(130));
    other.close().await.unwrap();
    assert_no_task_is_half_stored(&folder).await;
}
