//! Help, completions, `source fetch`, `source collect`, `run` and `export`: what they print and refuse.

use std::collections::BTreeSet;

use parquet::file::reader::{FileReader, SerializedFileReader};
use serde_json::Value;

use crate::{
    support::work_folder::{WorkFolder, source_at},
    two,
};

#[tokio::test]
async fn every_command_has_help_that_says_what_it_does_and_shows_how() {
    let folder = WorkFolder::bare("");
    let all: [&[&str]; 25] = [
        &[],
        &["config"],
        &["config", "check"],
        &["source"],
        &["source", "list"],
        &["source", "fetch"],
        &["source", "collect"],
        &["source", "diff"],
        &["task", "replay"],
        &["import"],
        &["run"],
        &["export"],
        &["schedule"],
        &["schedule", "add"],
        &["schedule", "list"],
        &["schedule", "show"],
        &["schedule", "enable"],
        &["schedule", "disable"],
        &["schedule", "remove"],
        &["schedule", "run-now"],
        &["status"],
        &["queue", "inspect"],
        &["queue", "purge"],
        &["completions"],
        &["help", "run"],
    ];
    for command in all {
        let mut arguments = command.to_vec();
        if command.first() != Some(&"help") {
            arguments.push("--help");
        }
        let help = folder.backfill(&arguments).await.succeeded();
        assert!(help.out.contains("Usage: backfill"), "{command:?}: {}", help.out);
        let example = format!("\n  backfill {}", command.join(" ").trim_start_matches("help "));
        let takes_arguments = !matches!(command, ["config", ..] | ["source"] | ["source", "list"]);
        assert_eq!(help.out.contains(&example), takes_arguments, "{command:?}: {}", help.out);
    }
    let wrong = folder.backfill(&["fill"]).await;
    assert_eq!(wrong.code, Some(2), "{}", wrong.err);
}

#[tokio::test]
async fn completions_are_a_script_that_the_shell_can_read() {
    let folder = WorkFolder::bare("");
    let script = folder.backfill(&["completions", "bash"]).await.succeeded().out;
    folder.write("completions.bash", &script);
    let checked = std::process::Command::new("bash").arg("-n").arg(folder.path("completions.bash")).status();
    assert!(checked.unwrap().success());
    assert!(script.contains("--windfarm"), "{script}");
}

#[tokio::test]
async fn a_fetch_that_fails_prints_the_failure_as_json_on_standard_output_alone_and_exits_with_3() {
    let simulator = simulator::start(simulator::Options::default()).await.unwrap();
    simulator.set_faults(vec!["kind=status,status=500".parse().unwrap()]);
    let folder = WorkFolder::new(&source_at("elexon", &simulator.url(), ""));
    let fetch = ["source", "fetch", "elexon", "--month", "2024-02", "--format", "json", "--code"];
    for (code, case) in [("T_HOWAO-1", "unavailable"), ("not a unit", "invalid-unit")] {
        let ran = folder.backfill(&[&fetch[..], &[code]].concat()).await;
        assert_eq!(ran.code, Some(3), "{}", ran.err);
        let printed: Value = serde_json::from_str(&ran.out).unwrap();
        assert_eq!(printed["failure"]["case"], case);
        assert!(printed["failure"]["message"].as_str().is_some_and(|message| !message.is_empty()));
    }
    assert!(!folder.path(".backfill/backfill.db").exists(), "no database is made for it");

    simulator.set_faults(vec![]);
    let ran = folder.backfill(&[&fetch[..], &["T_HOWAO-1"]].concat()).await.succeeded();
    let printed: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(printed["requests"], 2);
    assert_eq!(printed["series"][0]["measurements"].as_array().map(Vec::len), Some(29 * 48));
    let unknown =
        folder.backfill(&["source", "fetch", "elxon", "--code", "x", "--month", "2024-02"]).await.failed();
    assert!(unknown.err.contains("no source \"elxon\"; it has elexon"), "{}", unknown.err);
    let months = folder.backfill(&["source", "fetch", "elexon", "--code", "x", "--month", "2024-13"]).await;
    assert_eq!(months.code, Some(2), "{}", months.err);
}

#[tokio::test]
async fn what_is_collected_now_is_printed_unit_by_unit() {
    let now = "2026-03-10T04:05:00Z".parse().unwrap();
    let options = simulator::Options { now: Some(now), ..Default::default() };
    let simulator = simulator::start(options).await.unwrap();
    let url = simulator.url();
    let folder =
        WorkFolder::new(&format!("{}{}", source_at("taipower", &url, ""), source_at("elexon", &url, "")));
    let collect = ["source", "collect", "taipower", "--code", "觀園", "--code", "沃一風", "--format", "json"];
    let ran = folder.backfill(&collect).await.succeeded();
    let printed: Value = serde_json::from_str(&ran.out).unwrap();
    let units = printed["units"].as_array().unwrap();
    let codes: BTreeSet<_> = units.iter().map(|unit| unit["code"].as_str().unwrap()).collect();
    assert_eq!((units.len(), codes), (2, BTreeSet::from(["觀園", "沃一風"])));
    for unit in units {
        let measured = &unit["series"][0]["measurements"][0];
        let start = measured["start"].as_str().unwrap().parse().unwrap();
        let expected = simulator::values::taipower_mw(unit["code"].as_str().unwrap(), start).unwrap();
        assert_eq!(measured["value"].as_f64(), Some(expected), "{unit}");
    }
    let never = folder.backfill(&["source", "collect", "elexon", "--code", "T_HOWAO-1"]).await.failed();
    assert!(never.err.contains("collects nothing; use `source fetch`"), "{}", never.err);
}

#[tokio::test]
async fn a_run_that_can_not_begin_says_what_to_do_instead() {
    let folder = two();
    let nothing = folder.run("Hornsea One", "2024-01", "2024-01").await.failed();
    assert!(nothing.err.contains("backfill import"), "{}", nothing.err);
    folder.import("windfarm,source,code\nHornsea One,elexon,T_HOWAO-1\nAnholt,eia,61014\n").await;
    let mistyped = folder.run("Hornsea 1", "2024-01", "2024-01").await.failed();
    assert!(mistyped.err.contains("did you mean \"Hornsea One\"?"), "{}", mistyped.err);
    let swapped = folder.run("Hornsea One", "2024-03", "2024-01").await.failed();
    assert!(swapped.err.contains("--to 2024-01 is before --from 2024-03; swap them"), "{}", swapped.err);
    let early = folder.run("Hornsea One", "2018-11", "2018-12").await.failed();
    assert!(early.err.contains("no history before 2019-01"), "{}", early.err);
    let future = folder.run("Hornsea One", "2190-01", "2190-02").await.failed();
    assert!(future.err.contains("the month lies in the future"), "{}", future.err);
    let run = ["run", "--windfarm", "Hornsea One", "--from", "2024-01", "--to", "2024-01", "--source"];
    let unknown = folder.backfill(&[&run[..], &["entsoe"]].concat()).await.failed();
    assert!(unknown.err.contains("no such source; it has elexon, eia"), "{}", unknown.err);
    let none = folder.backfill(&[&run[..], &["eia"]].concat()).await.failed();
    assert!(none.err.contains("no active unit"), "{}", none.err);
    let jobs = folder.count("SELECT COUNT(*) FROM backfill_jobs").await;
    assert_eq!(jobs, 0, "none of these left a job behind");
}

#[tokio::test]
async fn an_export_is_written_whole_as_csv_and_as_parquet_and_can_be_narrowed() {
    let simulator = simulator::start(simulator::Options::default()).await.unwrap();
    let folder = WorkFolder::new(&source_at("elexon", &simulator.url(), ""));
    folder.import("windfarm,source,code\nHornsea,elexon,T_HOWAO-1\nOther,elexon,T_HOWAO-2\n").await;
    folder.run("Hornsea", "2024-02", "2024-03").await.succeeded();
    folder.run("Other", "2024-02", "2024-02").await.succeeded();
    let stored = folder.count("SELECT COUNT(*) FROM measurements").await;
    assert_eq!(folder.stored().await.len() as i64, stored);

    folder.backfill(&["export", "--format", "parquet", "--output", "all.parquet"]).await.succeeded();
    let file = std::fs::File::open(folder.path("all.parquet")).unwrap();
    let metadata = SerializedFileReader::new(file).unwrap().metadata().file_metadata().num_rows();
    assert_eq!(metadata, stored);

    let narrow =
        ["export", "--format", "csv", "--windfarm", "Hornsea", "--kind", "generation", "--from", "2024-03"];
    let narrowed = folder.backfill(&narrow).await.succeeded().out;
    assert_eq!(narrowed.lines().count(), 1 + 31 * 48);
    assert!(narrowed.lines().skip(1).all(|line| line.starts_with("Hornsea,elexon,T_HOWAO-1,")));
    let unknown = folder.backfill(&["export", "--format", "csv", "--windfarm", "Horns"]).await.failed();
    assert!(unknown.err.contains("did you mean \"Hornsea\"?") && unknown.out.is_empty(), "{}", unknown.err);
}
