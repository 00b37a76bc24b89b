//! Disks that are full, databases that are none, folders that can't be had.

use std::{fs, process::Stdio};

use crate::support::work_folder::{Ran, WorkFolder, source_at};

const FARM: &str = "windfarm,source,code\nHornsea,elexon,T_HOWAO-1\n";

/// A folder with a source of the simulator and these further tables.
fn folder(url: &str, tables: &str) -> WorkFolder {
    let folder = WorkFolder::new(&format!("{tables}\n{}", source_at("elexon", url, "")));
    folder.write("registry.csv", FARM);
    folder
}

fn assert_told(ran: &Ran, parts: &[&str]) {
    assert_eq!(ran.code, Some(1), "{}\n{}", ran.out, ran.err);
    assert!(parts.iter().all(|part| ran.err.contains(part)), "{parts:?}: {}", ran.err);
    assert!(!ran.err.contains("panicked"), "{}", ran.err);
}

#[tokio::test]
async fn a_database_that_is_none_is_left_alone() {
    let folder = folder("http://127.0.0.1:1", "[database]\nurl = \"sqlite://notes.txt\"");
    let notes = "Dear diary, this is no database. ".repeat(200);
    folder.write("notes.txt", &notes);
    assert_told(
        &folder.backfill(&["import", "registry.csv"]).await,
        &["not a database", "check the address"],
    );
    assert_eq!(fs::read_to_string(folder.path("notes.txt")).unwrap(), notes);
}

#[tokio::test]
async fn a_folder_in_place_of_the_database_and_a_file_in_place_of_its_folder_are_named() {
    let place = folder("http://127.0.0.1:1", "[database]\nurl = \"sqlite://place\"");
    fs::create_dir(place.path("place")).unwrap();
    assert_told(
        &place.backfill(&["import", "registry.csv"]).await,
        &["opening the database", "unable to open"],
    );
    let inside = folder("http://127.0.0.1:1", "[database]\nurl = \"sqlite://registry.csv/backfill.db\"");
    assert_told(&inside.backfill(&["import", "registry.csv"]).await, &["registry.csv can't be made"]);
}

#[tokio::test]
async fn an_archive_that_can_not_be_written_fails_the_task_with_the_reason_and_stores_nothing() {
    let simulator = simulator::start(simulator::Options::default()).await.unwrap();
    let folder = folder(&simulator.url(), "[archive]\npath = \"registry.csv\"");
    folder.backfill(&["import", "registry.csv"]).await.succeeded();
    let ran = folder.run("Hornsea", "2024-02", "2024-02").await.failed();
    assert!(format!("{}{}", ran.out, ran.err).contains("registry.csv"), "{}\n{}", ran.out, ran.err);
    assert_eq!(folder.count("SELECT COUNT(*) FROM measurements").await, 0);
}

#[tokio::test]
async fn an_export_to_a_full_disk_fails_and_leaves_no_half_file() {
    let simulator = simulator::start(simulator::Options::default()).await.unwrap();
    let folder = folder(&simulator.url(), "");
    folder.backfill(&["import", "registry.csv"]).await.succeeded();
    folder.run("Hornsea", "2024-02", "2024-02").await.succeeded();
    for format in ["csv", "parquet"] {
        let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let mut command = folder.command(&["export", "--format", format]);
        let child = command.stdout(full).stderr(Stdio::piped()).spawn().unwrap();
        let ran = Ran::of(child.wait_with_output().await.unwrap());
        assert_told(&ran, &["No space left on device"]);
    }
    let nowhere = folder.backfill(&["export", "--format", "csv", "--output", "no/such/folder.csv"]).await;
    assert_told(&nowhere, &["no/such/folder.csv"]);
}

#[tokio::test]
async fn a_reader_that_goes_away_ends_an_export_quietly() {
    let simulator = simulator::start(simulator::Options::default()).await.unwrap();
    let folder = folder(&simulator.url(), "");
    folder.backfill(&["import", "registry.csv"]).await.succeeded();
    folder.run("Hornsea", "2024-02", "2024-02").await.succeeded();
    let binary = env!("CARGO_BIN_EXE_backfill");
    let piped = tokio::process::Command::new("bash")
        .current_dir(folder.root())
        .args(["-c", &format!("{binary} export --format csv | head -1; echo ${{PIPESTATUS[0]}}")])
        .output()
        .await
        .unwrap();
    let ran = Ran::of(piped);
    assert!(!ran.err.contains("panicked"), "{}", ran.err);
    assert!(ran.out.starts_with("windfarm,source,"), "{}", ran.out);
}
