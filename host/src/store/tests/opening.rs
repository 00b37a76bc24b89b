use std::os::unix::fs::PermissionsExt;

use sqlx::{Connection, Executor, PgConnection, SqliteConnection, sqlite::SqliteConnectOptions};

use super::{super::Fault, World, at, request, sql};
use crate::store::{Migrated, NewWorker, Store, StoreError};

#[tokio::test]
async fn a_database_and_its_folder_are_created_and_opened_again_with_what_they_hold() {
    let dir = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}/new/folder/b.db", dir.path().display());
    let store = Store::open(&url).await.unwrap();
    let worker = NewWorker { id: "w", host: "h", pid: 7, version: "1", serves: false, concurrency: 4 };
    store.heartbeat(&worker, at(0)).await.unwrap();
    store.close().await;
    let store = Store::open(&url).await.unwrap();
    assert_eq!(store.workers().await.unwrap().len(), 1);
}

#[tokio::test]
async fn connections_run_with_the_settings_that_durability_rests_on() {
    let world = World::on_sqlite().await;
    assert_eq!(world.number("PRAGMA foreign_keys").await, 1);
    for (acknowledged, level) in [(true, 2i64), (false, 1), (true, 2)] {
        let mut tx = match acknowledged {
            true => world.store.write("testing").await.unwrap(),
            false => world.store.write_own("testing").await.unwrap(),
        };
        assert_eq!(sql::query("PRAGMA synchronous").scalar::<i64>(&mut tx).await.unwrap(), level);
        tx.rollback().await.unwrap();
    }
    let mode: Vec<(String,)> = world.rows("PRAGMA journal_mode").await;
    assert_eq!(mode[0].0, "wal");
    let loose = world
        .number("SELECT COUNT(*) FROM pragma_table_list WHERE type = 'table' AND NOT strict AND name NOT LIKE '\\_%' ESCAPE '\\' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'")
        .await;
    assert_eq!(loose, 0, "every table is STRICT");
    assert!(
        sql::query("DELETE FROM windfarms").execute(&mut world.store.db.read().await.unwrap()).await.is_err(),
        "readers can't write"
    );
}

#[tokio::test]
async fn many_openers_of_a_new_database_migrate_it_once() {
    let dir = tempfile::tempdir().unwrap();
    let url = dir.path().join("b.db").to_str().unwrap().to_owned();
    let mut openers = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let url = url.clone();
        openers.spawn(async move { Store::open(&url).await.map(drop) });
    }
    for opened in openers.join_all().await {
        opened.unwrap();
    }
}

#[tokio::test]
async fn two_stores_on_one_file_hand_out_each_task_once() {
    let world = World::on_sqlite().await;
    world.job(40).await;
    let other = Store::open(world.path().to_str().unwrap()).await.unwrap();
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    loop {
        let (a, b) = tokio::join!(
            world.store.claim(request("a", 1), || at(1)),
            other.claim(request("b", 1), || at(1))
        );
        let (a, b) = (a.unwrap(), b.unwrap());
        if a.is_empty() && b.is_empty() {
            break;
        }
        ours.extend(a);
        theirs.extend(b);
    }
    let mut ids: Vec<_> = ours.iter().chain(&theirs).map(|claim| claim.task_id).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!((ids.len(), ours.len() + theirs.len()), (40, 40));
}

/// What a start on a database says whose migrations were changed by a statement, and what `backfill migrate` does.
async fn refusals(world: &World, change: &str) -> (StoreError, Result<Migrated, StoreError>) {
    world.sql(change).await.unwrap();
    let error = Store::open(&world.url()).await.unwrap_err();
    assert_eq!(
        world.store.check().await.unwrap_err().to_string(),
        error.to_string(),
        "a host that runs says so"
    );
    (error, Store::migrate(&world.url()).await)
}

#[tokio::test]
async fn a_newer_schema_is_refused_by_version() {
    for world in World::on_both().await {
        let change = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
                      SELECT 9999, 'from the future', success, checksum, 0 FROM _sqlx_migrations WHERE version = 1";
        let (error, migrated) = refusals(&world, change).await;
        assert!(matches!(error, StoreError::SchemaNewer { found: 9999, .. }), "{error}");
        assert!(error.to_string().contains("run the newer backfill"), "{error}");
        assert_eq!(migrated.unwrap_err().to_string(), error.to_string());
    }
}

#[tokio::test]
async fn an_older_schema_is_refused_until_it_is_migrated() {
    for world in World::on_both().await {
        let newest = world.number("SELECT MAX(version) FROM _sqlx_migrations").await;
        for undone in [
            "DROP INDEX collector_runs_in_vain",
            "ALTER TABLE backfill_jobs DROP COLUMN anew",
            "ALTER TABLE backfill_tasks DROP COLUMN confirm_at",
        ] {
            world.sql(undone).await.unwrap();
        }
        let (error, migrated) = refusals(&world, "DELETE FROM _sqlx_migrations WHERE version = 8").await;
        assert!(matches!(error, StoreError::SchemaOlder { missing: 8, .. }), "{error}");
        assert!(error.to_string().contains("run `backfill migrate`"), "{error}");
        assert_eq!(migrated.unwrap().to, newest);
        Store::open(&world.url()).await.unwrap();
    }
}

#[tokio::test]
async fn a_schema_that_lacks_a_migration_in_the_middle_is_older_however_new_its_last_one_is() {
    for world in World::on_both().await {
        let (error, _) = refusals(&world, "DELETE FROM _sqlx_migrations WHERE version = 3").await;
        assert!(matches!(error, StoreError::SchemaOlder { missing: 3, found, known, .. } if found == known));
        assert!(error.to_string().contains("migration 3 is missing"), "{error}");
    }
}

#[tokio::test]
async fn a_migration_that_was_edited_or_never_finished_is_refused() {
    for world in World::on_both().await {
        let blob = if world.server.is_some() { "'\\x00'" } else { "x'00'" };
        for (change, what) in [
            (format!("UPDATE _sqlx_migrations SET checksum = {blob} WHERE version = 3"), "is not the one"),
            ("UPDATE _sqlx_migrations SET success = FALSE WHERE version = 2".to_owned(), "never finished"),
        ] {
            let (error, migrated) = refusals(&world, &change).await;
            assert!(matches!(error, StoreError::SchemaOther { .. }), "{error}");
            assert!(error.to_string().contains(what), "{error}");
            assert!(error.to_string().contains("restore a backup and run `backfill migrate`"), "{error}");
            assert_eq!(migrated.unwrap_err().to_string(), error.to_string());
        }
    }
}

#[tokio::test]
async fn a_database_without_tables_is_refused_with_the_command_to_run_unless_it_is_a_new_file() {
    let Some(world) = World::on_postgres().await else { return };
    world.sql("DROP TABLE _sqlx_migrations").await.unwrap();
    let error = Store::open(&world.url()).await.unwrap_err();
    assert!(matches!(error, StoreError::NoSchema { .. }), "{error}");
    assert!(error.to_string().contains("run `backfill migrate`"), "{error}");
}

#[tokio::test]
async fn migrations_are_applied_all_or_none_of_them() {
    // The first one can be applied, and a later one can't.
    const IN_THE_WAY: &str = "CREATE TABLE mail_recipients (something TEXT)";
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("b.db");
    let options = SqliteConnectOptions::new().filename(&path).create_if_missing(true);
    let mut file = SqliteConnection::connect_with(&options).await.unwrap();
    file.execute(IN_THE_WAY).await.unwrap();
    let error = Store::migrate(path.to_str().unwrap()).await.unwrap_err();
    assert!(matches!(error, StoreError::Migration { .. }), "{error}");
    let tables: i64 =
        sqlx::query_scalar("SELECT COUNT(*) FROM sqlite_schema").fetch_one(&mut file).await.unwrap();
    assert_eq!(tables, 1);
    file.execute("DROP TABLE mail_recipients").await.unwrap();
    Store::migrate(path.to_str().unwrap()).await.unwrap();

    let Some(server) = super::postgres::database().await else { return };
    let mut server_side = PgConnection::connect(server.url()).await.unwrap();
    server_side.execute(IN_THE_WAY).await.unwrap();
    let error = Store::migrate(server.url()).await.unwrap_err();
    assert!(matches!(error, StoreError::Migration { .. }), "{error}");
    let tables: i64 =
        sqlx::query_scalar("SELECT COUNT(*) FROM pg_tables WHERE schemaname = current_schema()")
            .fetch_one(&mut server_side)
            .await
            .unwrap();
    assert_eq!(tables, 1);
    server_side.execute("DROP TABLE mail_recipients").await.unwrap();
    Store::migrate(server.url()).await.unwrap();
}

#[tokio::test]
async fn what_the_disk_refuses_says_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("b.db");
    std::fs::write(
        &path,
        "this is a text and no database, and it is long enough to be read as a header".repeat(20),
    )
    .unwrap();
    let error = Store::open(path.to_str().unwrap()).await.unwrap_err();
    assert_eq!(error.fault(), Some(Fault::Damaged), "{error}");

    let error = Store::open(dir.path().to_str().unwrap()).await.unwrap_err();
    assert_eq!(error.fault(), Some(Fault::Unreachable), "{error}");
    assert!(error.to_string().starts_with("opening the database: "), "{error}");

    let error = Store::open(path.join("below/a/file.db").to_str().unwrap()).await.unwrap_err();
    assert!(matches!(error, StoreError::Address { .. }), "{error}");
}

#[tokio::test]
async fn a_full_disk_stores_nothing_of_a_transaction_and_the_next_one_works() {
    let world = World::on_sqlite().await;
    let pages = world.number("PRAGMA page_count").await;
    // Nothing grows past this: the same code as a full disk.
    world.sql(&format!("PRAGMA max_page_count = {}", pages + 4)).await.unwrap();
    let (windfarm, units) = world.windfarm("farm", &[("s", "a")]).await;
    let tasks: Vec<_> = (0..600)
        .map(|index| crate::domain::PlannedTask {
            unit_id: units[0],
            source: "s".to_owned(),
            month: super::month(index),
            window: super::window(super::month(index)),
            verdict: crate::domain::Verdict::Fetch,
        })
        .collect();
    let error = world.create(windfarm, &tasks, crate::domain::Priority::Default, at(1)).await.unwrap_err();
    assert_eq!(error.fault(), Some(Fault::Full), "{error}");
    assert!(error.to_string().contains("make room"), "{error}");
    assert_eq!(world.number("SELECT COUNT(*) FROM backfill_tasks").await, 0);
    world.sql("PRAGMA max_page_count = 100000").await.unwrap();
    world.create(windfarm, &tasks, crate::domain::Priority::Default, at(1)).await.unwrap();
}

#[tokio::test]
async fn a_file_that_may_not_be_written_is_named_so() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("b.db");
    Store::open(path.to_str().unwrap()).await.unwrap().close().await;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o444)).unwrap();
    if std::fs::OpenOptions::new().write(true).open(&path).is_ok() {
        eprintln!("SKIPPED: this user may write files that nobody may write");
        return;
    }
    let error = match Store::open(path.to_str().unwrap()).await {
        Ok(store) => store
            .heartbeat(
                &NewWorker { id: "w", host: "h", pid: 1, version: "1", serves: false, concurrency: 4 },
                at(0),
            )
            .await
            .unwrap_err(),
        Err(error) => error,
    };
    assert_eq!(error.fault(), Some(Fault::ReadOnly), "{error}");
}

#[tokio::test]
async fn a_reader_sees_the_committed_state_while_a_writer_works() {
    let world = World::on_sqlite().await;
    world.job(2).await;
    let tx = world.store.write("testing").await.unwrap();
    assert_eq!(world.store.job(1).await.unwrap().total_tasks, 2);
    drop(tx);
    assert_eq!(world.claim("a", 9, at(1)).await.len(), 2, "a transaction that is dropped holds nothing");
}
