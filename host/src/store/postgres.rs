//! What only Postgres understands: how it is connected to, and what its error codes mean.

use std::{str::FromStr, time::Duration};

use sqlx::{
    ConnectOptions, Connection, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use super::error::Fault;

/// Enough for a host that runs some dozens of tasks, few enough that ten hosts fit a server's default of 100.
const CONNECTIONS: u32 = 8;

/// How long a caller waits for a connection, and a new connection for its server.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);

/// A connection that was of use so short a time ago still is; one that lay idle for longer is tried before it is given
/// out. To try each would double the round trips of short statements.
const SURELY_ALIVE: Duration = Duration::from_secs(1);

/// The server ends a session that does nothing within a transaction for so long. Ours never do; but a process can be
/// stopped at any point, and the locks that it holds must not stop everybody else.
const STALLED_MS: &str = "5000";

/// Begins a step of a task: claimed, ended, or lines of its log kept. Its commit returns before it is on disk.
///
/// Steps run the same few statements, all of them along indexes, and thousands of times. Left to itself, Postgres plans
/// those that bind arrays anew each time, which takes longer than they do; and what it plans once while the tables are
/// still small would read them from end to end when they are not. The indexes are of rows that come and go: a scan that
/// goes by a bitmap does not mark those that are gone, and the next ones pass over them all again.
pub(super) const BEGIN_STEP: &str = "BEGIN; SET LOCAL synchronous_commit = off; \
    SET LOCAL plan_cache_mode = force_generic_plan; SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off";

/// The options of an address, or what is wrong with it.
pub(super) fn options(url: &str) -> Result<PgConnectOptions, String> {
    let options = PgConnectOptions::from_str(url).map_err(|error| match error {
        // These name the parameter and never the password.
        sqlx::Error::Configuration(why) => why.to_string(),
        other => other.to_string(),
    })?;
    Ok(options
        .application_name("backfill")
        // Compiling a statement takes longer than any of ours runs.
        .options([("idle_in_transaction_session_timeout", STALLED_MS), ("TimeZone", "UTC"), ("jit", "off")])
        .disable_statement_logging())
}

/// The pool, with its first connection made, so that a wrong address shows at once.
pub(super) async fn pool(options: PgConnectOptions) -> sqlx::Result<PgPool> {
    PgPoolOptions::new()
        .max_connections(CONNECTIONS)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .test_before_acquire(false)
        .before_acquire(|connection, lay| {
            Box::pin(async move {
                if lay.idle_for > SURELY_ALIVE {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
        .connect_with(options)
        .await
}

/// The database as people know it: without user and password.
pub(super) fn name(options: &PgConnectOptions) -> String {
    let database = options.get_database().unwrap_or_else(|| options.get_username());
    format!("postgres://{}:{}/{database}", options.get_host(), options.get_port())
}

/// What an error code says about the cause (<https://www.postgresql.org/docs/current/errcodes-appendix.html>).
pub(super) fn fault_of(code: &str) -> Fault {
    match code {
        "53100" => Fault::Full,
        "25006" | "42501" => Fault::ReadOnly,
        "3D000" => Fault::Missing,
        // Too many connections; a lock or a deadlock; a serialization failure.
        "53300" | "55P03" | "40P01" | "40001" => Fault::Busy,
        "XX001" | "XX002" => Fault::Damaged,
        "58030" => Fault::Disk,
        // The session was ended because it stalled within a transaction.
        "25P03" => Fault::Unreachable,
        _ => match code.get(..2) {
            Some("08" | "57") => Fault::Unreachable,
            Some("28") => Fault::Unauthorized,
            Some("23") => Fault::Constraint,
            _ => Fault::Other,
        },
    }
}
