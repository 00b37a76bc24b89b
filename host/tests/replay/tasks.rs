//! `task replay`: stored attempts once more.

use std::{collections::BTreeMap, fs};

use serde_json::json;
use simulator::Options;

use crate::{
    support::{
        guest,
        work_folder::{WorkFolder, source_at},
    },
    world::World,
};

#[tokio::test]
async fn every_attempt_replays_equal_the_failed_ones_too_and_nobody_is_asked() {
    for world in World::on_both(&["north", "wordy", "busy", "wild", "partly"]).await {
        world.run("2024-02", "2024-03").await.failed();
        let asked = world.upstream.asked().len();
        let stored = world.folder.stored().await;
        let mut outcomes = BTreeMap::new();
        for task in world.tasks("1").await {
            let id = task["id"].to_string();
            for attempt in 1..=2 {
                let (code, said) = world.replay(&id, &["--attempt", &attempt.to_string()]).await;
                let replay = &said["replay"];
                assert_eq!((code, &replay["verdict"]), (Some(0), &json!("equal")), "{said}");
                assert_eq!((&replay["requests"], &replay["answers"]), (&json!(1), &json!(1)), "{said}");
                let what = format!(
                    "{} {} {attempt}",
                    said["unit"].as_str().unwrap(),
                    said["month"].as_str().unwrap()
                );
                outcomes
                    .insert(what, format!("{} {}", replay["outcome"].as_str().unwrap(), replay["records"]));
                // Records were found in the first attempt: there is no second.
                if replay["outcome"] == "written" {
                    break;
                }
            }
        }
        let expected = [
            ("north 2024-02 1", "written 3"),
            ("partly 2024-02 1", "written 2"),
            ("wordy 2024-02 2", "failed 0"),
            ("busy 2024-02 2", "failed 0"),
            ("wild 2024-02 2", "failed 0"),
            ("north 2024-03 1", "released 0"),
            ("north 2024-03 2", "empty 0"),
        ];
        for (what, outcome) in expected {
            assert_eq!(outcomes.get(what).map(String::as_str), Some(outcome), "{what}: {outcomes:#?}");
        }
        assert_eq!(outcomes.len(), 2 + 2 * 3 + 2 * 5, "{outcomes:#?}");
        assert_eq!(world.upstream.asked().len(), asked, "no upstream is asked");
        assert_eq!(world.folder.stored().await, stored, "nothing is written");
    }
}

#[tokio::test]
async fn an_attempt_replays_after_its_values_were_replaced_and_its_component_too() {
    for world in World::on_both(&["north"]).await {
        world.run("2024-02", "2024-02").await.succeeded();
        world.replace_component();
        world.run("2024-02", "2024-02").await.succeeded();
        let (first, second) = (world.task("1", "2024-02").await, world.task("2", "2024-02").await);
        let (old, new) = (world.replay(&first, &[]).await, world.replay(&second, &[]).await);
        for (code, said) in [&old, &new] {
            assert_eq!((*code, &said["replay"]["verdict"]), (Some(0), &json!("equal")), "{said}");
        }
        let digest = |said: &(_, serde_json::Value)| said.1["replay"]["component_digest"].clone();
        assert_ne!(digest(&old), digest(&new));

        let candidate = guest("variant");
        let other = ["task", "replay", &first, "--candidate", candidate.to_str().unwrap()];
        let told = world.folder.backfill(&other).await.failed().out;
        let difference = "different from what is stored (stored → now)\n\
                          generation mean-power: 1 added, 1 removed, 1 changed\n\
                          \x20 2024-02-01T00:00:00Z  removed: 10 MW\n\
                          \x20 2024-02-01T01:00:00Z  11 → 12 MW\n\
                          \x20 2024-02-01T03:00:00Z  added: 12 MW\n";
        assert!(told.contains(difference), "{told}");

        // On a host that does not have the component any more.
        fs::remove_dir_all(world.components()).unwrap();
        let gone = world.folder.backfill(&["task", "replay", &first]).await.failed();
        assert!(
            gone.err.contains("which this host does not have; name its file with --component FILE"),
            "{}",
            gone.err
        );
        let wrong = ["task", "replay", &first, "--component", candidate.to_str().unwrap()];
        let wrong = world.folder.backfill(&wrong).await.failed();
        assert!(wrong.err.contains("is another one, "), "{}", wrong.err);
        let fifth = guest("fifth");
        let (code, said) = world.replay(&first, &["--component", fifth.to_str().unwrap()]).await;
        assert_eq!((code, &said["replay"]["verdict"]), (Some(0), &json!("equal")), "{said}");
    }
}

#[tokio::test]
async fn what_was_changed_by_hand_shows_and_what_is_lost_is_named() {
    for world in World::on_both(&["north"]).await {
        world.run("2024-02", "2024-02").await.succeeded();
        let task = world.task("1", "2024-02").await;
        world.change("UPDATE measurements SET value = 99 WHERE value = 11").await;
        let (code, said) = world.replay(&task, &[]).await;
        let detail = &said["replay"]["detail"];
        assert_eq!((code, &detail["changed"], &detail["added"]), (Some(1), &json!(1), &json!(0)), "{said}");
        assert_eq!(detail["series"][0]["examples"][0]["old"]["value"], 99.0);
        assert_eq!(detail["series"][0]["examples"][0]["new"]["value"], 11.0);
        world.change("UPDATE measurements SET value = 11 WHERE value = 99").await;
        world.change("DELETE FROM measurements WHERE value = 12").await;
        let (_, said) = world.replay(&task, &[]).await;
        assert_eq!(said["replay"]["detail"]["added"], 1, "{said}");

        fs::remove_dir_all(world.folder.path(".backfill/archive")).unwrap();
        let (code, said) = world.replay(&task, &[]).await;
        assert_eq!((code, &said["replay"]["verdict"]), (Some(1), &json!("unknown")), "{said}");
        assert!(said["replay"]["detail"].as_str().unwrap().contains("it is missing"), "{said}");
        world.change("DELETE FROM attempt_answers").await;
        let (code, said) = world.replay(&task, &[]).await;
        assert_eq!(code, Some(1));
        let why = said["replay"]["detail"].as_str().unwrap();
        assert!(
            why.contains("1 requests have no answer") && why.contains("/parks/north/2024-02.csv"),
            "{why}"
        );
    }
}

#[tokio::test]
async fn an_upstream_that_gave_no_answer_gives_none_again() {
    let options = Options { now: Some("2024-12-15T12:00:00Z".parse().unwrap()), ..Options::default() };
    let simulator = simulator::start(options).await.unwrap();
    let folder = WorkFolder::new(&source_at("elexon", &simulator.url(), ""));
    folder.import("windfarm,source,code\nHornsea,elexon,T_HOWAO-1\n").await;
    simulator.set_faults(vec!["kind=cut-before-head".parse().unwrap()]);
    folder.run("Hornsea", "2024-02", "2024-02").await.failed();
    let told = folder.backfill(&["task", "replay", "1"]).await.succeeded().out;
    assert!(told.contains("equal: the same failure; what the upstream left unanswered"), "{told}");

    simulator.set_faults(vec![]);
    folder.run("Hornsea", "2024-02", "2024-02").await.succeeded();
    drop(simulator);
    let told = folder.backfill(&["task", "replay", "2"]).await.succeeded().out;
    assert!(told.contains("equal: the records are those that are stored"), "{told}");
}

#[tokio::test]
async fn what_can_not_be_replayed_says_why() {
    for world in World::on_both(&["north"]).await {
        world.run("2024-02", "2024-02").await.succeeded();
        let none = world.folder.backfill(&["task", "replay", "999"]).await.failed();
        assert!(none.err.contains("no task 999"), "{}", none.err);
        let none = world.folder.backfill(&["task", "replay", "1", "--attempt", "7"]).await.failed();
        assert!(none.err.contains("--attempt 7: task 1 has no such attempt; it has 1"), "{}", none.err);
        world
            .folder
            .backfill(&["job", "create", "--windfarm", "Ridge", "--from", "2024-03", "--to", "2024-03"])
            .await
            .succeeded();
        let never = world.folder.backfill(&["task", "replay", "2"]).await.failed();
        assert!(never.err.contains("task 2 was never tried"), "{}", never.err);
        world
            .change("UPDATE task_attempts SET component_digest = NULL, outcome = 'lost' WHERE task_id = 1")
            .await;
        let (code, said) = world.replay("1", &[]).await;
        assert_eq!((code, &said["replay"]["verdict"]), (Some(1), &json!("unknown")), "{said}");
    }
}
