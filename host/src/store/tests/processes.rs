//! Several operating-system processes on one database.

use std::{
    io::Write,
    process::{Child, Command, Stdio},
};

use super::{World, at, request};
use crate::{
    domain::JobStatus,
    store::{Ending, Store},
};

const DATABASE: &str = "BACKFILL_STORE_TEST_DATABASE";

/// What a child runs: it opens the database of its environment, waits for a line, and works off every task.
/// Without that environment there is nothing to do.
#[tokio::test]
async fn as_a_child_process() {
    let Ok(url) = std::env::var(DATABASE) else { return };
    let store = Store::open(&url).await.unwrap();
    std::io::stdin().read_line(&mut String::new()).unwrap();
    let owner = std::process::id().to_string();
    loop {
        let claims = store.claim(request(&owner, 2), || at(1)).await.unwrap();
        if claims.is_empty() {
            return;
        }
        for claim in claims {
            store.finish(&claim, Ending::Empty("nothing"), &Default::default(), at(2)).await.unwrap();
        }
    }
}

fn child(url: &str) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "store::tests::processes::as_a_child_process"])
        .env(DATABASE, url)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

#[tokio::test]
async fn processes_share_a_new_database_and_its_tasks() {
    let dir = tempfile::tempdir().unwrap();
    let url = dir.path().join("backfill.db").to_str().unwrap().to_owned();
    let mut children: Vec<_> = (0..4).map(|_| child(&url)).collect();
    let world = World { store: Store::open(&url).await.unwrap(), dir, server: None };
    let job = world.job(100).await;
    for child in &mut children {
        child.stdin.take().unwrap().write_all(b"go\n").unwrap();
    }
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let job = world.store.job(job).await.unwrap();
    assert_eq!((job.status, job.completed_tasks), (JobStatus::Completed, 100));
    assert_eq!(world.number("SELECT COUNT(*) FROM task_attempts").await, 100, "no task was claimed twice");
}
