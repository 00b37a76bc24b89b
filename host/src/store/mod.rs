//! The database side: what is to be done, what was found, and what happened.
//!
//! Every method is one intent and one transaction, and takes the time as an argument. What must hold together
//! is committed together: measurements, outcome, counters and event of a task, or none of them. sqlx stays in
//! here; what only one database understands stays in [`dialect`].

mod answers;
mod claim;
mod commit;
mod dialect;
mod error;
mod events;
mod export;
mod import;
mod instant;
mod jobs;
mod limits;
mod logs;
mod measurements;
mod open;
mod registry;
mod stop;
mod summary;
mod tasks;
#[cfg(test)]
mod tests;
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
pub use jobs::{Job, NewJob};
pub use logs::{LogLevel, LogLine, NewLogLine};
pub use measurements::Written;
pub use registry::{RegisteredUnit, Windfarm};
pub use stop::Cancelled;
pub use summary::{Drift, JobSummary};
pub use tasks::{Task, TaskFilter};
pub use workers::{NewWorker, Worker};

use sqlx::pool::PoolConnection;

use self::{
    dialect::{Database, Pool},
    error::Doing,
};

/// The store of one host: one connection that writes, several that read. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Store {
    writer: Pool,
    readers: Pool,
}

type Transaction = sqlx::Transaction<'static, Database>;

impl Store {
    /// A transaction that holds the write lock from its start: one that read first and upgraded later would be
    /// refused at once whenever another process wrote in between, whatever the busy timeout.
    async fn write(&self, doing: &'static str) -> Result<Transaction, StoreError> {
        self.writer.begin_with(dialect::BEGIN_WRITE).await.doing(doing)
    }

    /// A connection to read with; it sees what was committed and never waits for a writer.
    async fn read(&self, doing: &'static str) -> Result<PoolConnection<Database>, StoreError> {
        self.readers.acquire().await.doing(doing)
    }

    /// Ends all connections; the last one to leave folds the write-ahead log into the database file.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}
