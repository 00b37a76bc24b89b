//! The two databases to measure on, and a connection beside the store: it counts, compares and seeds, and owes nothing
//! to the host's code. Postgres is the tests' private one, started so that it keeps what it committed.

use std::{any::Any, path::PathBuf};

use anyhow::{Context, bail};
use backfill::store::Store;
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, PgConnection, SqliteConnection,
    postgres::PgConnectOptions,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};

#[path = "../../tests/support/postgres.rs"]
mod postgres;

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Sqlite,
    Postgres,
}

/// An empty database of its own, gone when dropped.
pub(crate) struct Database {
    pub(crate) kind: Kind,
    url: String,
    /// The same past the network, if it can be had: sqlx lets the kernel keep the small message that ends a COPY back
    /// for 40 ms.
    socket: Option<String>,
    /// What removes it.
    _place: Box<dyn Any>,
}

/// A connection beside the store.
pub(crate) enum Raw {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl Kind {
    /// Those that can be had here. That there is no Postgres is said aloud.
    pub(crate) async fn available() -> Vec<Self> {
        let mut kinds = vec![Self::Sqlite];
        kinds.extend(postgres::durable_database().await.map(|_| Self::Postgres));
        kinds
    }

    /// The name of a figure for this database.
    pub(crate) fn figure(self, name: &str) -> String {
        match self {
            Self::Sqlite => format!("{name}-sqlite"),
            Self::Postgres => format!("{name}-postgres"),
        }
    }

    /// A new database with the schema.
    pub(crate) async fn database(self) -> anyhow::Result<Database> {
        let (url, socket, place): (_, _, Box<dyn Any>) = match self {
            Self::Sqlite => {
                let folder = tempfile::tempdir()?;
                (format!("sqlite://{}", folder.path().join("bench.db").display()), None, Box::new(folder))
            }
            Self::Postgres => {
                let database = postgres::durable_database().await.context("Postgres is gone")?;
                (database.url().to_owned(), database.url_of_socket(), Box::new(database))
            }
        };
        Store::migrate(&url).await?;
        Ok(Database { kind: self, url, socket, _place: place })
    }
}

impl Database {
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) async fn store(&self) -> anyhow::Result<Store> {
        Ok(Store::open(&self.url).await?)
    }

    /// A connection with the settings that the store's have.
    pub(crate) async fn beside(&self) -> anyhow::Result<Raw> {
        Ok(match self.kind {
            Kind::Sqlite => {
                let path = PathBuf::from(self.url.trim_start_matches("sqlite://"));
                let options = SqliteConnectOptions::new()
                    .filename(path)
                    .journal_mode(SqliteJournalMode::Wal)
                    .synchronous(SqliteSynchronous::Normal)
                    .pragma("cache_size", "-65536")
                    .row_buffer_size(1024)
                    .disable_statement_logging();
                Raw::Sqlite(options.connect().await?)
            }
            Kind::Postgres => postgres_at(&self.url).await?,
        })
    }

    /// A connection beside the store for [`Raw::copy`].
    pub(crate) async fn loader(&self) -> anyhow::Result<Raw> {
        match &self.socket {
            Some(url) => postgres_at(url).await,
            None => self.beside().await,
        }
    }
}

async fn postgres_at(url: &str) -> anyhow::Result<Raw> {
    let options: PgConnectOptions = url.parse()?;
    Ok(Raw::Postgres(options.disable_statement_logging().connect().await?))
}

impl Raw {
    /// Runs one statement.
    pub(crate) async fn execute(&mut self, sql: &str) -> anyhow::Result<()> {
        let query = AssertSqlSafe(sql);
        match self {
            Self::Sqlite(conn) => {
                sqlx::query(query).execute(conn).await.with_context(|| sql.to_owned())?;
            }
            Self::Postgres(conn) => {
                sqlx::query(query).execute(conn).await.with_context(|| sql.to_owned())?;
            }
        }
        Ok(())
    }

    /// The one number that a query gives.
    pub(crate) async fn number(&mut self, sql: &str) -> anyhow::Result<i64> {
        let query = AssertSqlSafe(sql);
        Ok(match self {
            Self::Sqlite(conn) => sqlx::query_scalar(query).fetch_one(conn).await?,
            Self::Postgres(conn) => sqlx::query_scalar(query).fetch_one(conn).await?,
        })
    }

    /// The texts that a query gives.
    pub(crate) async fn texts(&mut self, sql: &str) -> anyhow::Result<Vec<String>> {
        let query = AssertSqlSafe(sql);
        Ok(match self {
            Self::Sqlite(conn) => sqlx::query_scalar(query).fetch_all(conn).await?,
            Self::Postgres(conn) => sqlx::query_scalar(query).fetch_all(conn).await?,
        })
    }

    /// Reads all rows of a query and gives how many there were.
    pub(crate) async fn read(&mut self, sql: &str) -> anyhow::Result<usize> {
        let query = AssertSqlSafe(sql);
        Ok(match self {
            Self::Sqlite(conn) => sqlx::query(query).fetch_all(conn).await?.len(),
            Self::Postgres(conn) => sqlx::query(query).fetch_all(conn).await?.len(),
        })
    }

    /// `COPY table FROM STDIN` of rows in its text format: the fastest way into Postgres, which SQLite lacks.
    pub(crate) async fn copy(&mut self, table: &str, rows: &str) -> anyhow::Result<()> {
        let Self::Postgres(conn) = self else { bail!("SQLite has no COPY") };
        let mut copy = conn.copy_in_raw(&format!("COPY {table} FROM STDIN")).await?;
        copy.send(rows.as_bytes()).await?;
        copy.finish().await?;
        Ok(())
    }

    pub(crate) async fn close(self) -> anyhow::Result<()> {
        match self {
            Self::Sqlite(conn) => conn.close().await?,
            Self::Postgres(conn) => conn.close().await?,
        }
        Ok(())
    }
}
