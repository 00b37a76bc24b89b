//! The database side: what is to be done, what was found, and what happened.
//!
//! Every method is one intent and one transaction, and takes the time as an argument. What must hold together
//! is committed together: measurements, outcome, counters and event of a task, or none of them. SQLite and Postgres
//! run the same statements ([`sql`], [`bulk`]); what only one of them understands is in its own file and in
//! [`connection`]. sqlx stays in here.

mod answers;
mod bulk;
mod circuit;
mod claim;
mod commit;
mod connection;
mod error;
mod events;
mod export;
mod import;
mod instant;
mod job_list;
mod jobs;
mod known;
mod limits;
mod logs;
mod lost;
mod measurements;
mod months;
mod open;
mod pick;
mod postgres;
mod process;
mod registry;
mod rejections;
mod retry;
mod sql;
mod sqlite;
mod stop;
mod stuck;
mod summary;
mod tasks;
#[cfg(test)]
mod tests;
mod twins;
mod within;
mod words;
mod workers;

pub use answers::{Answer, NewAnswer};
pub use claim::{Claim, ClaimRequest};
pub use commit::{AttemptReport, Ending, Finished, TaskError};
pub use error::{Fault, StoreError};
pub use events::{Event, EventKind};
pub use export::{ExportFilter, ExportRow, ExportSeries};
pub use import::{ImportCounts, Imported, NewUnit, NewWindfarm};
pub use instant::Instant;
pub use job_list::{JobFilter, JobPage, LONGEST_PAGE};
pub use jobs::{Job, NewJob};
pub use logs::{LogLevel, LogLine, NewLogLine};
pub use measurements::Written;
pub use open::Migrated;
pub use registry::{RegisteredUnit, Windfarm};
pub use rejections::Rejection;
pub use retry::Retried;
pub use stop::Cancelled;
pub use stuck::Stuck;
pub use summary::{Drift, JobSummary};
pub use tasks::{Task, TaskFilter};
pub use workers::{NewWorker, Worker};

use self::{
    connection::{Connection, Db, Transaction},
    error::Doing,
};

/// The store. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Store {
    db: Db,
    /// The database, without user and password.
    name: String,
}

impl Store {
    const fn new(db: Db, name: String) -> Self {
        Self { db, name }
    }

    /// Whether several hosts may share it.
    pub const fn is_shared(&self) -> bool {
        matches!(self.db, Db::Postgres(_))
    }

    async fn write(&self, doing: &'static str) -> Result<Transaction, StoreError> {
        self.db.begin().await.doing(doing)
    }

    /// A transaction that claims tasks, makes them ready or takes them away.
    async fn change_queue(&self, doing: &'static str) -> Result<Transaction, StoreError> {
        let mut tx = self.write(doing).await?;
        tx.lock_queue().await.doing(doing)?;
        Ok(tx)
    }

    async fn read(&self, doing: &'static str) -> Result<Connection, StoreError> {
        self.db.read().await.doing(doing)
    }

    /// Ends all connections.
    pub async fn close(&self) {
        self.db.close().await;
    }
}
