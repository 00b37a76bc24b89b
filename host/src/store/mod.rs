//! The database side: what is to be done, what was found, and what happened.
//!
//! Every method is one intent and one transaction, and takes the time as an argument. What must hold together
//! is committed together: measurements, outcome, counters and event of a task, or none of them. SQLite and Postgres
//! run the same statements ([`sql`], [`bulk`]); what only one of them understands is in its own file and in
//! [`connection`]. sqlx stays in here.

mod activity;
mod answers;
mod attempts;
mod audit;
mod availability;
mod breakdown;
mod bulk;
mod causes;
mod circuit;
mod claim;
mod collector_runs;
mod commit;
mod conditions;
mod connection;
mod error;
mod events;
mod export;
mod firings;
mod flush;
mod following;
mod grid;
mod idempotency;
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
mod news;
mod open;
mod outbox;
mod pace;
mod pick;
mod postgres;
mod process;
mod purge;
mod queue;
mod registry;
mod registry_change;
mod registry_list;
mod rejections;
mod retention;
mod retry;
mod schedules;
mod sql;
mod sqlite;
mod stop;
mod stuck;
mod summary;
mod tasks;
#[cfg(test)]
pub(crate) mod tests;
mod tokens;
mod trace;
mod twins;
mod users;
mod webhooks;
mod within;
mod words;
mod workers;

pub use activity::{Activity, EndedAttempts, RunningTask};
pub use answers::{Answer, AttemptAnswer, NewAnswer};
pub use attempts::{Attempt, LastAsked, UsedAnswer, UsedComponent};
pub use audit::{AuditEntry, AuditFilter, NewAuditEntry};
pub use availability::{AskedMonth, HeldSeries, Holdings, OpenTask};
pub use breakdown::{MonthProgress, UnitProgress};
pub use causes::FailureCause;
pub use circuit::Told;
pub use claim::{Claim, ClaimRequest};
pub use collector_runs::{CollectedCounts, CollectedMonth, Collection, CollectorRun, RunClaim};
pub use commit::{AttemptReport, Ending, Finished, TaskError};
pub use error::{Fault, StoreError};
pub use events::{Event, EventKind};
pub use export::{ExportFilter, ExportRow, ExportSeries, Replaced};
pub use firings::{Act, Fired, Without};
pub use flush::Kept;
pub use following::Followed;
pub use grid::GridCell;
pub use idempotency::{GivenAnswer, KeyedRequest, Repeated, TURN, Turn};
pub use import::{ImportCounts, Imported, NewUnit, NewWindfarm};
pub use instant::Instant;
pub use job_list::{JobFilter, JobPage, LONGEST_PAGE};
pub use jobs::{Job, NewJob};
pub use limits::SourceLimits;
pub use logs::{LogLevel, LogLine, NewLogLine, TaskLine};
pub use measurements::Written;
pub use news::{Listener, News};
pub use open::Migrated;
pub use outbox::{DeadMessage, Message, Target};
pub use pace::Pace;
pub use purge::{Purge, Purged};
pub use queue::SourceQueue;
pub use registry::{RegisteredUnit, Windfarm};
pub use registry_change::{UnitChange, WindfarmChange};
pub use registry_list::{RegistryFilter, RegistryPage, UnitRecord, WindfarmRecord};
pub use rejections::Rejection;
pub use retry::{Chosen, Retried};
pub use schedules::{NewSchedule, Schedule, ScheduleChange};
pub use stop::Cancelled;
pub use stuck::Stuck;
pub use summary::{Drift, JobSummary};
pub use tasks::{Task, TaskFilter};
pub use tokens::{Login, NewToken, Token};
pub use trace::{Trace, TracedValue, Writer};
pub use users::{Subject, User, UserChange};
pub use webhooks::{MailRecipient, NewWebhook, Webhook};
pub use workers::{NewWorker, Worker, WorkerLoad};

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use chrono::{DateTime, TimeDelta, Utc};

use self::{
    connection::{Connection, Db, Transaction},
    error::Doing,
    flush::Flush,
};
use crate::clock;

/// The store. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Store {
    db: Db,
    /// The database, without user and password.
    name: String,
    /// How far the server's clock is ahead of this host's, in microseconds.
    ahead: Arc<AtomicI64>,
    flush: Arc<Flush>,
}

impl Store {
    fn new(db: Db, name: String) -> Self {
        Self { db, name, ahead: Arc::default(), flush: Arc::default() }
    }

    /// The present instant by the clock that all hosts share: the server's, or this host's where there is no server.
    /// Leases and allowances of hosts whose clocks differ agree by it.
    pub fn now(&self) -> DateTime<Utc> {
        self.shared_time(clock::now())
    }

    /// An instant of this host's clock, by the shared one.
    pub fn shared_time(&self, at: DateTime<Utc>) -> DateTime<Utc> {
        at + TimeDelta::microseconds(self.ahead.load(Ordering::Relaxed))
    }

    /// An instant of the shared clock, by this host's.
    pub fn own_time(&self, at: DateTime<Utc>) -> DateTime<Utc> {
        at - TimeDelta::microseconds(self.ahead.load(Ordering::Relaxed))
    }

    /// Takes the shared clock to be ahead of this host's by so much, for tests of hosts whose clocks differ.
    #[cfg(test)]
    pub(crate) fn set_ahead(&self, ahead: TimeDelta) {
        self.ahead.store(ahead.num_microseconds().unwrap_or(0), Ordering::Relaxed);
    }

    /// Compares this host's clock with the server's. What is known of them stays where the way there and back leaves it
    /// possible: instants that are compared later were taken by one measure.
    pub async fn compare_clocks(&self) -> Result<(), StoreError> {
        const DOING: &str = "comparing clocks";
        if !self.is_shared() {
            return Ok(());
        }
        let mut conn = self.read(DOING).await?;
        let mut quickest = (i64::MAX, 0);
        // The quickest way there and back tells most; one that was held up tells next to nothing.
        for _ in 0..3 {
            let before = clock::now();
            let server: Instant =
                sql::query("SELECT clock_timestamp()").scalar(&mut conn).await.doing(DOING)?;
            let half = (clock::now() - before) / 2;
            let ahead = (server.utc() - (before + half)).num_microseconds().unwrap_or(0);
            quickest = quickest.min((half.num_microseconds().unwrap_or(i64::MAX), ahead));
        }
        let (half, ahead) = quickest;
        if ahead.abs_diff(self.ahead.load(Ordering::Relaxed)) > half.unsigned_abs() {
            self.ahead.store(ahead, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Whether several hosts may share it.
    pub const fn is_shared(&self) -> bool {
        matches!(self.db, Db::Postgres(_))
    }

    async fn write(&self, doing: &'static str) -> Result<Transaction, StoreError> {
        self.db.begin().await.doing(doing)
    }

    /// A transaction of which only this host knows: what it claims, renews, hears. No user was told of it, so it need
    /// not outlast a loss of power that ends the host, too.
    async fn write_own(&self, doing: &'static str) -> Result<Transaction, StoreError> {
        self.db.begin_own().await.doing(doing)
    }

    /// A step of a task: it gives its locks back before it is on disk. Who must know that it is calls [`Store::flush`].
    async fn write_step(&self, doing: &'static str) -> Result<Transaction, StoreError> {
        self.db.begin_step().await.doing(doing)
    }

    /// A transaction that claims tasks, makes them ready or takes them away.
    async fn change_queue(&self, doing: &'static str) -> Result<Transaction, StoreError> {
        let mut tx = self.write(doing).await?;
        tx.lock_queue().await.doing(doing)?;
        Ok(tx)
    }

    /// Whether an `EXISTS` finds anything. Hosts look for work often, and most often in vain: looking locks nothing.
    async fn any(&self, exists: sql::Query, doing: &'static str) -> Result<bool, StoreError> {
        let mut conn = self.read(doing).await?;
        exists.scalar(&mut conn).await.doing(doing)
    }

    async fn read(&self, doing: &'static str) -> Result<Connection, StoreError> {
        self.db.read().await.doing(doing)
    }

    /// How many connections there are, and how many of them are idle.
    pub fn connections(&self) -> (u32, u32) {
        self.db.connections()
    }

    /// Ends all connections.
    pub async fn close(&self) {
        self.db.close().await;
    }
}
