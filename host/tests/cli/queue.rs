//! `backfill queue` and `backfill status`: what they show of jobs that nobody runs yet, and the emergency stop.

use serde_json::Value;

use crate::{support::work_folder::WorkFolder, two};

async fn json(folder: &WorkFolder, arguments: &[&str]) -> Value {
    let ran = folder.backfill(&[arguments, &["--json"]].concat()).await.succeeded();
    serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{error}: {}", ran.out))
}

#[tokio::test]
async fn what_waits_is_shown_by_source_and_can_be_taken_from_the_queue_with_a_reason() {
    let folder = two();
    let empty = folder.backfill(&["queue", "inspect"]).await.succeeded();
    assert!(
        empty.out.contains("the queue is empty") && empty.out.contains("no host is running"),
        "{}",
        empty.out
    );
    folder.import("windfarm,source,code\nBoth,elexon,T_HOWAO-1\nBoth,elexon,T_HOWAO-2\n").await;
    let create = ["job", "create", "--windfarm", "Both", "--from", "2024-01", "--to", "2024-02"];
    folder.backfill(&create).await.succeeded();
    folder.backfill(&[&create[..], &["--priority", "high", "--reprocess", "all"]].concat()).await.succeeded();

    let queue = json(&folder, &["queue", "inspect"]).await;
    let source = &queue["sources"][0];
    assert_eq!(
        (&source["source"], &source["ready"], &source["running"]),
        (&"elexon".into(), &8.into(), &0.into())
    );
    let status = json(&folder, &["status"]).await;
    assert_eq!((&status["open"]["total"], &status["failed"]["total"]), (&2.into(), &0.into()));
    assert_eq!(status["workers"], serde_json::json!([]));
    let screen = folder.backfill(&["status"]).await.succeeded().out;
    assert!(screen.contains("2 jobs open") && screen.contains("  0% 0/4"), "{screen}");

    let unsaid = folder.backfill(&["queue", "purge"]).await;
    assert_eq!(unsaid.code, Some(2), "{}", unsaid.err);
    let purge = ["queue", "purge", "--reason", "wrong key", "--priority", "high"];
    let purged = json(&folder, &purge).await;
    assert_eq!((&purged["tasks"], &purged["jobs"][0]["job"]), (&4.into(), &2.into()));
    let screen = folder.backfill(&["status"]).await.succeeded().out;
    assert!(screen.contains("1 jobs failed") && screen.contains("wrong key"), "{screen}");
    folder.backfill(&["job", "retry", "2"]).await.succeeded();
    let all = folder.backfill(&["queue", "purge", "--reason", "enough"]).await.succeeded().out;
    assert!(all.contains("8 tasks of 2 jobs were taken"), "{all}");
}

#[tokio::test]
async fn a_source_can_be_resumed_by_its_id_and_an_unknown_one_is_named() {
    let folder = two();
    let resumed = folder.backfill(&["source", "resume", "elexon"]).await.succeeded();
    assert!(resumed.out.contains("source elexon was not paused"), "{}", resumed.out);
    let unknown = folder.backfill(&["source", "resume", "elexom"]).await;
    assert_eq!(unknown.code, Some(1), "{}", unknown.err);
    assert!(unknown.err.contains("no source \"elexom\"; it has"), "{}", unknown.err);
}
