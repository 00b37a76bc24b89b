//! `source diff`: another component over the answers that are kept.

use serde_json::{Value, json};

use crate::world::World;

/// The lines of `--format json`: the unit-months, and the totals.
fn lines(out: &str) -> (Vec<Value>, Value) {
    let mut lines: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let total = lines.pop().unwrap();
    (lines, total["total"].clone())
}

#[tokio::test]
async fn the_same_component_changes_nothing_and_asks_nobody() {
    for world in World::on_both(&["north", "south", "wordy"]).await {
        world.run("2024-02", "2024-03").await.failed();
        let asked = world.upstream.asked().len();
        let same = world.diff("fifth", &["--fail-on-change"]).await.succeeded();
        let expected = "unit_months=6 same=6 different=0 newly_failing=0 unknown=0 never_asked=0 added=0 removed=0 changed=0";
        assert!(same.last_line().starts_with(expected), "{}", same.out);
        let stored = world
            .diff("fifth", &["--against", "stored", "--unit", "north", "--fail-on-change"])
            .await
            .succeeded();
        assert!(stored.last_line().starts_with("unit_months=2 same=2 "), "{}", stored.out);
        let now = world.diff("fifth", &["--as-now", "--unit", "north", "--unit", "south"]).await.succeeded();
        assert!(now.last_line().starts_with("unit_months=4 same=4 "), "{}", now.out);
        assert_eq!(world.upstream.asked().len(), asked);
    }
}

#[tokio::test]
async fn another_component_shows_what_it_adds_removes_changes_and_asks() {
    for world in World::on_both(&["north", "south-same", "park-asks", "park-fails"]).await {
        world.run("2024-02", "2024-03").await.succeeded();
        let (asked, stored) = (world.upstream.asked().len(), world.folder.stored().await);
        for against in ["active", "stored"] {
            let ran = world.diff("variant", &["--against", against, "--format", "json"]).await.succeeded();
            let (months, total) = lines(&ran.out);
            assert_eq!(months.len(), 8, "{}", ran.out);
            let of = |unit: &str, month: &str| {
                months.iter().find(|one| one["unit"] == unit && one["month"] == month).unwrap()
            };
            let north = of("north", "2024-02");
            let detail = &north["detail"];
            assert_eq!(
                [&north["verdict"], &detail["added"], &detail["removed"], &detail["changed"]],
                [&json!("different"), &json!(1), &json!(1), &json!(1)]
            );
            assert_eq!(detail["series"][0]["examples"].as_array().unwrap().len(), 3);
            assert_eq!(
                (&north["candidate"]["records"], &north["candidate"]["requests"]),
                (&json!(3), &json!(1))
            );
            assert_eq!(north["active"].is_null(), against == "stored", "{north}");
            assert_eq!(of("south-same", "2024-02")["verdict"], "same");
            assert_eq!(of("north", "2024-03")["verdict"], "same", "neither finds anything");
            let asks = of("park-asks", "2024-02");
            assert_eq!(asks["verdict"], "unknown");
            let why = asks["detail"].as_str().unwrap();
            assert!(
                why.starts_with("the candidate asks 1 requests that the archive has no answer to: GET http"),
                "{why}"
            );
            assert!(why.ends_with("/parks/index.csv"), "{why}");
            let fails = &of("park-fails", "2024-02")["detail"];
            assert_eq!(fails["failure_after"], "malformed: this version reads no such document");
            assert_eq!((&fails["removed"], &fails["added"]), (&json!(3), &json!(0)));
            let sums = [
                "same",
                "different",
                "newly_failing",
                "unknown",
                "never_asked",
                "added",
                "removed",
                "changed",
            ];
            assert_eq!(sums.map(|sum| total[sum].as_u64().unwrap()), [5, 2, 1, 1, 0, 1, 4, 1], "{total}");
            assert_eq!(total["units"]["north"]["changed"], 1);
        }
        world.diff("variant", &["--fail-on-change", "--unit", "south-same"]).await.succeeded();
        world.diff("variant", &["--fail-on-change", "--unit", "north"]).await.failed();
        world.diff("variant", &["--fail-on-change", "--unit", "park-asks"]).await.failed();
        let told = world.diff("variant", &["--unit", "north"]).await.succeeded().out;
        let expected = "north 2024-02: generation mean-power: 1 added, 1 removed, 1 changed\n\
                        \x20   2024-02-01T00:00:00Z  removed: 10 MW\n\
                        \x20   2024-02-01T01:00:00Z  11 → 12 MW\n\
                        \x20   2024-02-01T03:00:00Z  added: 12 MW\n";
        assert!(told.starts_with(expected), "{told}");
        assert_eq!(world.upstream.asked().len(), asked, "no upstream is asked");
        assert_eq!(world.folder.stored().await, stored, "nothing is written");
    }
}

#[tokio::test]
async fn months_that_were_never_fetched_are_told_apart_and_do_not_pass_for_unchanged() {
    for world in World::on_both(&["north"]).await {
        world.run("2024-02", "2024-02").await.succeeded();
        for against in ["active", "stored"] {
            let ran = world.diff("fifth", &["--fail-on-change", "--against", against]).await.succeeded();
            assert!(
                ran.last_line().contains("same=1 different=0 newly_failing=0 unknown=0 never_asked=1"),
                "{}",
                ran.out
            );
        }
        world.change("DELETE FROM attempt_answers").await;
        world.change("DELETE FROM answers").await;
        let none = world.diff("fifth", &["--fail-on-change"]).await.failed();
        assert!(
            none.last_line().contains("same=0 different=0 newly_failing=0 unknown=0 never_asked=2"),
            "{}",
            none.out
        );
    }
}

#[tokio::test]
async fn a_month_of_which_both_lack_one_answer_of_several_is_not_judged_and_fails() {
    for world in World::on_both(&["south-same", "park-asks"]).await {
        world.run("2024-02", "2024-02").await.succeeded();
        // Both ask the park's index now, which nobody has asked before.
        world.replace_component();
        let ran = world.diff("variant", &["--fail-on-change"]).await.failed();
        assert!(
            ran.last_line().contains("same=1 different=0 newly_failing=0 unknown=1 never_asked=2"),
            "{}",
            ran.out
        );
        assert!(
            ran.out.contains("park-asks 2024-02: can't be judged: the candidate asks 1 requests"),
            "{}",
            ran.out
        );
    }
}

#[tokio::test]
async fn what_can_not_be_compared_says_why() {
    let world = World::on_both(&["north"]).await.remove(0);
    let swapped = [
        "source",
        "diff",
        "parks",
        "--candidate",
        "x.wasm",
        "--windfarm",
        "Ridge",
        "--from",
        "2024-03",
        "--to",
        "2024-02",
    ];
    let swapped = world.folder.backfill(&swapped).await.failed();
    assert!(swapped.err.contains("swap them"), "{}", swapped.err);
    let unit = world.diff("fifth", &["--unit", "nort"]).await.failed();
    assert!(unit.err.contains("--unit nort: no such active unit of parks; there are north"), "{}", unit.err);
    let other = world.diff("hostile", &[]).await;
    assert_eq!(
        other.code,
        Some(0),
        "a component of the contract is compared whatever it does: {}",
        other.err
    );
    let away = [
        "source",
        "diff",
        "parks",
        "--candidate",
        "away.wasm",
        "--windfarm",
        "Ridge",
        "--from",
        "2024-02",
        "--to",
        "2024-02",
    ];
    let away = world.folder.backfill(&away).await.failed();
    assert!(away.err.contains("away.wasm: No such file"), "{}", away.err);
}
