//! The private Postgres of the tests does what tests rely on.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests fail like tests")]

#[path = "support/postgres.rs"]
mod postgres;

use std::{
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use postgres::{TestDatabase, database, database_from, own_server};
use sqlx::{AssertSqlSafe, Connection, PgConnection};

async fn execute(database: &TestDatabase, sql: &'static str) {
    let mut connection = PgConnection::connect(database.url()).await.unwrap();
    sqlx::query(sql).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

async fn tables(url: &str) -> i64 {
    let mut connection = PgConnection::connect(url).await.unwrap();
    let sql = "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'";
    sqlx::query_scalar(sql).fetch_one(&mut connection).await.unwrap()
}

#[tokio::test]
async fn each_database_is_its_own() {
    let (Some(one), Some(other)) = (database().await, database().await) else { return };
    execute(&one, "CREATE TABLE here (id bigint)").await;
    assert_eq!((tables(one.url()).await, tables(other.url()).await), (1, 0));
}

#[tokio::test]
async fn a_database_is_gone_when_it_is_dropped_even_with_somebody_in_it() {
    let (Some(one), Some(other)) = (database().await, database().await) else { return };
    let url = one.url().to_owned();
    let _inside = PgConnection::connect(&url).await.unwrap();
    drop(one);
    assert!(PgConnection::connect(&url).await.is_err());
    assert_eq!(tables(other.url()).await, 0);
}

#[tokio::test]
async fn a_template_is_made_once_and_its_copies_are_separate() {
    let mut made = 0;
    let mut copies = Vec::new();
    for _ in 0..3 {
        let Some(copy) = database_from("once", async |url| {
            made += 1;
            let mut connection = PgConnection::connect(url).await.unwrap();
            sqlx::query("CREATE TABLE made (id bigint)").execute(&mut connection).await.unwrap();
            connection.close().await.unwrap();
        })
        .await
        else {
            return;
        };
        copies.push(copy);
    }
    execute(&copies[0], "CREATE TABLE more (id bigint)").await;
    assert_eq!((tables(copies[0].url()).await, tables(copies[2].url()).await), (2, 1));
    assert!(made == 1 || std::env::var_os("BACKFILL_TEST_DATABASE_URL").is_some());
}

#[tokio::test]
async fn a_durable_server_keeps_what_was_committed_when_it_is_stopped_at_once() {
    let Some(server) = own_server() else { return };
    let url = server.url("postgres");
    let mut connection = PgConnection::connect(&url).await.unwrap();
    for number in 0..20 {
        let sql = AssertSqlSafe(format!("CREATE TABLE kept_{number} (id bigint)"));
        sqlx::query(sql).execute(&mut connection).await.unwrap();
    }
    server.stop();
    assert!(connection.ping().await.is_err() && PgConnection::connect(&url).await.is_err());
    server.start();
    assert_eq!(tables(&url).await, 20);
    let folder = server.folder().to_owned();
    assert!(folder.exists());
    drop(server);
    assert!(!folder.exists());
}

/// What another process does in [`the_server_ends_with_the_process_that_is_killed`].
#[test]
#[ignore = "no test by itself"]
fn hold_a_server_and_be_killed() {
    let server = own_server().unwrap();
    println!("holding {} {}", server.folder().display(), server.url("postgres"));
    std::thread::park();
}

#[tokio::test]
async fn the_server_ends_with_the_process_that_is_killed() {
    if own_server().is_none() {
        return;
    }
    let mut process = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "--nocapture", "hold_a_server_and_be_killed"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let said = BufReader::new(process.stdout.take().unwrap()).lines().map(Result::unwrap);
    let held = said.filter_map(|line| Some(line.split_once("holding ")?.1.to_owned())).next().unwrap();
    let (folder, url) = held.split_once(' ').unwrap();
    let folder = PathBuf::from(folder);
    assert!(folder.exists() && PgConnection::connect(url).await.is_ok());

    process.kill().unwrap();
    process.wait().unwrap();
    let end = Instant::now() + Duration::from_secs(20);
    while folder.exists() {
        assert!(Instant::now() < end, "{} is still there", folder.display());
        tokio::time::sleep(Duration::from_millis(10)).await; // waits for the holder to notice
    }
    assert!(PgConnection::connect(url).await.is_err());
}
