//! What can go wrong in the store, and what to do about it.

use std::{fmt, time::Duration};

use sqlx::{postgres::PgDatabaseError, sqlite::SqliteError};

use super::{postgres, sqlite};

/// An error of the store. Each names what was being done, what was wrong, and what to do next.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The address of the database can't be used.
    #[error("database {url:?}: {why}")]
    Address {
        /// As configured.
        url: String,
        /// What is wrong with it, and what is expected.
        why: String,
    },
    /// The database can't be opened or connected to.
    #[error("database {database}: {source}; {fault}")]
    Open {
        /// The database, without user and password.
        database: String,
        /// The kind of fault.
        fault: Fault,
        /// What the driver says.
        source: sqlx::Error,
    },
    /// The database was written by a newer program.
    #[error(
        "database {database}: its schema is version {found}, and this program knows versions up to {known}; \
         run the newer backfill that made it, or name another database"
    )]
    SchemaNewer {
        /// The database.
        database: String,
        /// Its schema.
        found: i64,
        /// The newest schema of this program.
        known: i64,
    },
    /// The database lacks migrations that the program has.
    #[error(
        "database {database}: its schema is version {found}, and this program needs version {known}, for which \
         migration {missing} is missing; stop the older hosts and run `backfill migrate`"
    )]
    SchemaOlder {
        /// The database.
        database: String,
        /// Its schema.
        found: i64,
        /// The schema that is needed.
        known: i64,
        /// The first migration that is missing.
        missing: i64,
    },
    /// A migration of the database is not the one that this program knows.
    #[error(
        "database {database}: its migration {version} {what}; run the backfill that made it, or restore a backup and \
         run `backfill migrate`"
    )]
    SchemaOther {
        /// The database.
        database: String,
        /// The migration.
        version: i64,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The database is empty.
    #[error("database {database}: it has no tables of Backfill yet; run `backfill migrate`")]
    NoSchema {
        /// The database.
        database: String,
    },
    /// A migration could not be applied; the database is as it was before.
    #[error("database {database}: {source}; nothing was changed: mend that and run `backfill migrate` again")]
    Migration {
        /// The database.
        database: String,
        /// What sqlx says.
        source: sqlx::migrate::MigrateError,
    },
    /// The task is no longer held under this fence: the lease ran out, or the task was taken away. Nothing of
    /// the attempt was stored, and nothing will be.
    #[error(
        "task {task_id}: its lease is lost, so nothing of this attempt was stored; another worker has it, or it was cancelled"
    )]
    LostLease {
        /// The task.
        task_id: i64,
    },
    /// The database gave no answer in time; it may have done what it was asked.
    #[error("{doing}: the database gave no answer within {:.0} s; {}", limit.as_secs_f64(), Fault::Unreachable)]
    Silent {
        /// What was being done.
        doing: &'static str,
        /// The time that it had.
        limit: Duration,
    },
    /// A row that was asked for by name or id does not exist.
    #[error("no {what} {name}{}", hint.as_deref().map(|hint| format!("; {hint}")).unwrap_or_default())]
    NotFound {
        /// `job`, `wind farm` …
        what: &'static str,
        /// As asked for.
        name: String,
        /// What there is instead, where that helps.
        hint: Option<String>,
    },
    /// The request breaks a rule of the store; it changed nothing.
    #[error("{doing}: {why}")]
    Refused {
        /// What was being done.
        doing: &'static str,
        /// The rule, and the way out.
        why: String,
    },
    /// The database refused or failed.
    #[error("{doing}: {source}; {fault}")]
    Database {
        /// What was being done.
        doing: &'static str,
        /// The kind of fault.
        fault: Fault,
        /// What the driver says.
        source: sqlx::Error,
    },
}

/// The kinds of faults of a database; as text, what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Another writer held its lock for too long.
    Busy,
    /// No room is left.
    Full,
    /// It can't be written.
    ReadOnly,
    /// It is no database, or a broken one.
    Damaged,
    /// Its disk fails.
    Disk,
    /// It can't be opened or connected to, or the connection broke.
    Unreachable,
    /// The server does not let this user in.
    Unauthorized,
    /// The server has no such database.
    Missing,
    /// A constraint refused a row.
    Constraint,
    /// Anything else.
    Other,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Busy => "others hold what is needed; try again, or look who is writing or has all connections",
            Self::Full => {
                "make room on the disk that holds the database, then start again: nothing is half-written"
            }
            Self::ReadOnly => {
                "give this user the right to write: the database file and its folder, or the server's tables"
            }
            Self::Damaged => {
                "check the address; if it is right, run `PRAGMA integrity_check` or restore a backup"
            }
            Self::Disk => "check the disk that holds the database and the system's log",
            Self::Unreachable => {
                "check that the server runs and can be reached, or that the folder exists, can be written and is mounted"
            }
            Self::Unauthorized => "check user and password in the database's url",
            Self::Missing => "create it on the server (`createdb NAME`), then run `backfill migrate`",
            Self::Constraint => {
                "a rule of the schema refused the row, and nothing was stored; please report this"
            }
            Self::Other => "see the cause; if it repeats, please report it",
        })
    }
}

impl StoreError {
    /// Whether the same call may succeed a little later, with nothing changed by hand.
    pub fn is_passing(&self) -> bool {
        matches!(self.fault(), Some(Fault::Busy | Fault::Unreachable | Fault::Full))
    }

    /// The kind of fault, if the database itself failed.
    pub fn fault(&self) -> Option<Fault> {
        match self {
            Self::Database { fault, .. } | Self::Open { fault, .. } => Some(*fault),
            Self::Silent { .. } => Some(Fault::Unreachable),
            _ => None,
        }
    }

    /// A refusal.
    pub(super) fn refused(doing: &'static str, why: impl Into<String>) -> Self {
        Self::Refused { doing, why: why.into() }
    }

    /// A row that does not exist.
    pub(super) fn not_found(what: &'static str, id: impl fmt::Display) -> Self {
        Self::NotFound { what, name: id.to_string(), hint: None }
    }
}

/// Says what was being done when the database failed.
pub(super) trait Doing<T> {
    /// For example `"claiming tasks"`.
    fn doing(self, doing: &'static str) -> Result<T, StoreError>;
}

impl<T> Doing<T> for sqlx::Result<T> {
    fn doing(self, doing: &'static str) -> Result<T, StoreError> {
        self.map_err(|source| StoreError::Database { doing, fault: fault(&source), source })
    }
}

pub(super) fn fault(error: &sqlx::Error) -> Fault {
    match error {
        sqlx::Error::Database(error) => {
            let code = error.code();
            if error.try_downcast_ref::<PgDatabaseError>().is_some() {
                code.map_or(Fault::Other, |code| postgres::fault_of(&code))
            } else if error.try_downcast_ref::<SqliteError>().is_some() {
                code.and_then(|code| code.parse().ok()).map_or(Fault::Other, sqlite::fault_of)
            } else {
                Fault::Other
            }
        }
        // A server that is gone shows as connections that can't be made in time.
        sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed
        | sqlx::Error::Io(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::Tls(_) => Fault::Unreachable,
        _ => Fault::Other,
    }
}
