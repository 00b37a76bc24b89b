//! What only SQLite understands: how it is opened and locked, and what its error codes mean.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use sqlx::{
    ConnectOptions, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use super::error::{Fault, fault};

/// SQLite has one writer; this takes its place in the queue before anything is read. What is committed is on disk, with
/// all that was committed before it: whoever is told that a job was made finds it after a loss of power.
pub(super) const BEGIN_WRITE: &str = "PRAGMA synchronous = FULL; BEGIN IMMEDIATE";

/// The same without waiting for the disk, which takes 3 to 4 ms where a commit takes 0.05: a task has four of them. The
/// write-ahead log keeps the database consistent, and what a loss of power takes are the last steps of tasks, which run
/// again.
pub(super) const BEGIN_OWN: &str = "PRAGMA synchronous = NORMAL; BEGIN IMMEDIATE";

/// How long a statement waits for another process's write transaction.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// How soon to try again what SQLite does not wait for by itself.
const BUSY_PAUSE: Duration = Duration::from_millis(20);

/// How long a caller waits for a connection of this process.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(30);

const READERS: u32 = 4;

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT)
        // Each transaction says itself whether it waits for the disk.
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal)
        .pragma("cache_size", "-65536")
        .pragma("temp_store", "memory")
        // Rows are read in thousands; the channel from SQLite's thread should not be the brake.
        .row_buffer_size(1024)
        .disable_statement_logging()
}

fn pool(connections: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        // A file does not hang up; connections keep their prepared statements for as long as the process lives.
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
}

/// The one writing connection. Switching a new database to its write-ahead log wants it exclusively, and SQLite
/// answers "busy" to that at once where another process is doing the same: the busy timeout does not apply.
pub(super) async fn writer(path: &Path) -> sqlx::Result<SqlitePool> {
    let deadline = Instant::now() + BUSY_TIMEOUT;
    loop {
        match pool(1).connect_with(options(path).create_if_missing(true)).await {
            Err(error) if fault(&error) == Fault::Busy && Instant::now() < deadline => {
                tokio::time::sleep(BUSY_PAUSE).await;
            }
            opened => return opened,
        }
    }
}

/// The reading connections, opened as they are needed; they can't write.
pub(super) fn readers(path: &Path) -> SqlitePool {
    pool(READERS).connect_lazy_with(options(path).pragma("query_only", "on"))
}

/// What SQLite's primary result code says about the cause (<https://sqlite.org/rescode.html>).
pub(super) fn fault_of(extended_code: u32) -> Fault {
    match extended_code & 0xff {
        5 | 6 => Fault::Busy,
        8 => Fault::ReadOnly,
        10 => Fault::Disk,
        11 | 26 => Fault::Damaged,
        13 => Fault::Full,
        14 => Fault::Unreachable,
        19 => Fault::Constraint,
        _ => Fault::Other,
    }
}
