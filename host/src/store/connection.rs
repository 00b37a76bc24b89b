//! The two databases behind one type, and the transactions on them.

use std::ops::{Deref, DerefMut};

use sqlx::{PgConnection, PgPool, Postgres, Sqlite, SqliteConnection, SqlitePool, pool::PoolConnection};

use tokio::sync::broadcast;

use super::{News, postgres, sql, sqlite};

/// The connections of one host. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) enum Db {
    /// One connection that writes, several that read, and who is told of news within this process.
    Sqlite { writer: SqlitePool, readers: SqlitePool, news: broadcast::Sender<News> },
    /// A pool for everything.
    Postgres(PgPool),
}

/// A connection to read with, or the one of a transaction.
pub(super) enum Connection {
    Sqlite(PoolConnection<Sqlite>),
    SqliteTransaction(sqlx::Transaction<'static, Sqlite>),
    Postgres(PoolConnection<Postgres>),
    PostgresTransaction(sqlx::Transaction<'static, Postgres>),
}

/// What a driver runs statements on.
pub(super) enum Raw<'c> {
    Sqlite(&'c mut SqliteConnection),
    Postgres(&'c mut PgConnection),
}

/// A transaction that is rolled back unless it is committed.
pub(super) struct Transaction {
    conn: Connection,
    /// What to tell this process once it is committed, and whom. Postgres keeps that itself, for all processes.
    news: Vec<News>,
    listeners: Option<broadcast::Sender<News>>,
}

/// The key of the lock that [`Transaction::lock_queue`] takes; "backfill" in ASCII.
const QUEUE: i64 = 0x6261_636b_6669_6c6c;

/// The key of the lock that [`Transaction::lock_schema`] takes; "migrates" in ASCII.
const SCHEMA: i64 = 0x6d69_6772_6174_6573;

/// The key of the lock that [`Transaction::lock_registry`] takes; "registry" in ASCII.
const REGISTRY: i64 = 0x7265_6769_7374_7279;

impl Db {
    /// A transaction that is on disk once it is committed. In SQLite it holds the write lock from its start: one that
    /// read first and upgraded later would be refused at once whenever another process wrote in between, whatever the
    /// busy timeout.
    pub(super) async fn begin(&self) -> sqlx::Result<Transaction> {
        self.begin_with(sqlite::BEGIN_WRITE, "BEGIN").await
    }

    /// A transaction that tells nobody but this host of what it did. In SQLite its commit returns before it is on disk:
    /// a loss of power takes the host with it. A server may die alone, and be asked by other hosts.
    pub(super) async fn begin_own(&self) -> sqlx::Result<Transaction> {
        self.begin_with(sqlite::BEGIN_OWN, "BEGIN").await
    }

    /// A transaction whose commit returns before it is on disk: a step of a task.
    pub(super) async fn begin_step(&self) -> sqlx::Result<Transaction> {
        self.begin_with(sqlite::BEGIN_OWN, postgres::BEGIN_STEP).await
    }

    async fn begin_with(&self, sqlite: &'static str, postgres: &'static str) -> sqlx::Result<Transaction> {
        Ok(match self {
            Self::Sqlite { writer, news, .. } => Transaction {
                conn: Connection::SqliteTransaction(writer.begin_with(sqlite).await?),
                news: Vec::new(),
                listeners: Some(news.clone()),
            },
            Self::Postgres(pool) => Transaction {
                conn: Connection::PostgresTransaction(pool.begin_with(postgres).await?),
                news: Vec::new(),
                listeners: None,
            },
        })
    }

    /// A connection to read with; it sees what was committed and never waits for a writer.
    pub(super) async fn read(&self) -> sqlx::Result<Connection> {
        Ok(match self {
            Self::Sqlite { readers, .. } => Connection::Sqlite(readers.acquire().await?),
            Self::Postgres(pool) => Connection::Postgres(pool.acquire().await?),
        })
    }

    /// How many connections there are, and how many of them are idle.
    pub(super) fn connections(&self) -> (u32, u32) {
        let idle = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        match self {
            Self::Sqlite { writer, readers, .. } => {
                (writer.size() + readers.size(), idle(writer.num_idle() + readers.num_idle()))
            }
            Self::Postgres(pool) => (pool.size(), idle(pool.num_idle())),
        }
    }

    /// Ends all connections; the last one to leave SQLite folds the write-ahead log into the database file.
    pub(super) async fn close(&self) {
        match self {
            Self::Sqlite { writer, readers, .. } => {
                readers.close().await;
                writer.close().await;
            }
            Self::Postgres(pool) => pool.close().await,
        }
    }
}

impl Connection {
    pub(super) fn raw(&mut self) -> Raw<'_> {
        match self {
            Self::Sqlite(conn) => Raw::Sqlite(conn),
            Self::SqliteTransaction(tx) => Raw::Sqlite(tx),
            Self::Postgres(conn) => Raw::Postgres(conn),
            Self::PostgresTransaction(tx) => Raw::Postgres(tx),
        }
    }

    /// Ends a `SELECT` whose rows this transaction is about to change: nobody else changes them until it ends.
    /// References to them may be made meanwhile. SQLite has one writer, so it needs (and has) no row locks.
    pub(super) const fn lock_rows(&self) -> &'static str {
        match self {
            Self::Sqlite(_) | Self::SqliteTransaction(_) => "",
            Self::Postgres(_) | Self::PostgresTransaction(_) => "FOR NO KEY UPDATE",
        }
    }

    /// The same, passing over rows that somebody else has locked.
    pub(super) const fn lock_free_rows(&self) -> &'static str {
        match self {
            Self::Sqlite(_) | Self::SqliteTransaction(_) => "",
            Self::Postgres(_) | Self::PostgresTransaction(_) => "FOR NO KEY UPDATE SKIP LOCKED",
        }
    }

    /// The same where other tables are read beside: only the rows of `t` are locked.
    pub(super) const fn lock_free_tasks(&self) -> &'static str {
        match self {
            Self::Sqlite(_) | Self::SqliteTransaction(_) => "",
            Self::Postgres(_) | Self::PostgresTransaction(_) => "FOR NO KEY UPDATE OF t SKIP LOCKED",
        }
    }

    /// Ends a `SELECT` of rows that must not vanish before this transaction has referred to them.
    pub(super) const fn keep_rows(&self) -> &'static str {
        match self {
            Self::Sqlite(_) | Self::SqliteTransaction(_) => "",
            Self::Postgres(_) | Self::PostgresTransaction(_) => "FOR KEY SHARE",
        }
    }
}

impl Transaction {
    pub(super) async fn commit(self) -> sqlx::Result<()> {
        match self.conn {
            Connection::SqliteTransaction(tx) => tx.commit().await?,
            Connection::PostgresTransaction(tx) => tx.commit().await?,
            // `Db::begin`, the one maker, makes the two above.
            Connection::Sqlite(_) | Connection::Postgres(_) => {}
        }
        if let Some(listeners) = self.listeners {
            for news in self.news {
                // Nobody listening is no error.
                let _ = listeners.send(news);
            }
        }
        Ok(())
    }

    /// Undoes it now. Dropping it undoes it soon: until then its locks hold, and who passes over locked rows misses them.
    pub(super) async fn rollback(self) -> sqlx::Result<()> {
        match self.conn {
            Connection::SqliteTransaction(tx) => tx.rollback().await,
            Connection::PostgresTransaction(tx) => tx.rollback().await,
            Connection::Sqlite(_) | Connection::Postgres(_) => Ok(()),
        }
    }

    /// Makes this the one transaction at a time that claims tasks, or makes them ready, or takes them away: so limits
    /// are counted exactly, and such transactions never wait for each other's rows in a circle.
    ///
    /// The order of locks, for every transaction: the registry, then the queue, tasks, months, jobs, sources; each kind
    /// by id.
    pub(super) async fn lock_queue(&mut self) -> sqlx::Result<()> {
        self.advisory_lock(QUEUE).await
    }

    /// Makes this the one transaction at a time that changes the schema.
    pub(super) async fn lock_schema(&mut self) -> sqlx::Result<()> {
        self.advisory_lock(SCHEMA).await
    }

    /// Makes this the one transaction at a time that changes wind farms and units. It is taken before the queue.
    pub(super) async fn lock_registry(&mut self) -> sqlx::Result<()> {
        self.advisory_lock(REGISTRY).await
    }

    /// Makes this the one transaction at a time that writes measurements of a unit's month.
    pub(super) async fn lock_month(&mut self, unit_id: i64, month: u32) -> sqlx::Result<()> {
        // Sixteen bits hold more than five thousand years of months.
        self.advisory_lock((unit_id << 16) | i64::from(month & 0xffff)).await
    }

    /// Makes this the one transaction at a time that writes log lines of a job. It is taken before the tasks' rows.
    pub(super) async fn lock_lines(&mut self, job_id: i64) -> sqlx::Result<()> {
        // Below zero, where no month is.
        self.advisory_lock(-job_id).await
    }

    /// Wakes idle workers once this transaction is committed.
    pub(super) async fn announce_work(&mut self) -> sqlx::Result<()> {
        self.announce(News::Work).await
    }

    /// Tells workers, once this transaction is committed, that a job is cancelled: they stop its guests at once.
    pub(super) async fn announce_cancel(&mut self, job: i64) -> sqlx::Result<()> {
        self.announce(News::Cancelled(job)).await
    }

    async fn announce(&mut self, news: News) -> sqlx::Result<()> {
        if self.listeners.is_some() {
            self.news.push(news);
            return Ok(());
        }
        let (channel, payload) = news.notification();
        sql::query("SELECT pg_notify($1, $2)").bind(channel).bind(payload).execute(self).await.map(drop)
    }

    async fn advisory_lock(&mut self, key: i64) -> sqlx::Result<()> {
        match &self.conn {
            Connection::Sqlite(_) | Connection::SqliteTransaction(_) => Ok(()),
            Connection::Postgres(_) | Connection::PostgresTransaction(_) => {
                sql::query("SELECT pg_advisory_xact_lock($1)").bind(key).execute(self).await.map(drop)
            }
        }
    }
}

impl Deref for Transaction {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.conn
    }
}

impl DerefMut for Transaction {
    fn deref_mut(&mut self) -> &mut Connection {
        &mut self.conn
    }
}
