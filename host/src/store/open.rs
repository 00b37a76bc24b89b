//! Opening a database: finding it, seeing that its schema is the one that this program knows, bringing it up to date.

use std::path::{Path, PathBuf};

use futures::{FutureExt, future::BoxFuture};
use sqlx::{
    Sqlite, SqliteConnection,
    migrate::{MigrateError, Migrator},
};
use tokio::sync::broadcast;

use super::{
    Store, StoreError,
    connection::{Db, Transaction},
    error::Doing,
    postgres, sql, sqlite,
};

/// So many news may wait for a listener before it has missed some.
const NEWS_KEPT: usize = 256;

static SQLITE: Migrator = sqlx::migrate!("../migrations/sqlite");
static POSTGRES: Migrator = sqlx::migrate!("../migrations/postgres");

/// What a migration did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Migrated {
    /// The database, without user and password.
    pub database: String,
    /// Its schema before; 0 where it had none.
    pub from: i64,
    /// Its schema now.
    pub to: i64,
}

enum Address {
    File(PathBuf),
    Server(Box<sqlx::postgres::PgConnectOptions>),
}

impl Store {
    /// Opens a database, `sqlite:PATH`, `PATH` or `postgres://…`, whose schema must be the one that this program
    /// knows. A SQLite file that is missing or empty is made, with its folder; several processes may do so at once.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        let address = Address::of(url)?;
        if let Address::File(path) = &address {
            make_folder(url, path).await?;
        }
        let store = Self::connect(&address).await?;
        let (found, known) = (store.schema_version().await?, newest(&store.db));
        if found == 0 && matches!(address, Address::File(_)) {
            store.migrate_sqlite().await?;
            return Ok(store);
        }
        store.check_schema(found, known)?;
        Ok(store)
    }

    /// Applies the migrations that a database lacks, all or none of them; makes a SQLite file that is missing.
    /// Several processes may do so at once: one does it, the others wait and find nothing to do.
    pub async fn migrate(url: &str) -> Result<Migrated, StoreError> {
        let address = Address::of(url)?;
        if let Address::File(path) = &address {
            make_folder(url, path).await?;
        }
        let store = Self::connect(&address).await?;
        let from = store.schema_version().await?;
        match &store.db {
            Db::Sqlite { .. } => store.migrate_sqlite().await?,
            Db::Postgres(pool) => POSTGRES.run(pool).await.map_err(|error| store.migration_failed(error))?,
        }
        let to = store.schema_version().await?;
        store.close().await;
        Ok(Migrated { database: store.name, from, to })
    }

    /// Whether the database can be reached and its schema is the one that this program knows.
    pub async fn check(&self) -> Result<(), StoreError> {
        self.check_schema(self.schema_version().await?, newest(&self.db))
    }

    async fn connect(address: &Address) -> Result<Self, StoreError> {
        const DOING: &str = "opening the database";
        let named = |name: String| {
            move |source| StoreError::Open { database: name, fault: super::error::fault(&source), source }
        };
        match address {
            Address::File(path) => {
                let name = path.display().to_string();
                let writer = sqlite::writer(path).await.doing(DOING)?;
                Ok(Self::new(
                    Db::Sqlite {
                        writer,
                        readers: sqlite::readers(path),
                        news: broadcast::Sender::new(NEWS_KEPT),
                    },
                    name,
                ))
            }
            Address::Server(options) => {
                let name = postgres::name(options);
                let pool = postgres::pool(options.as_ref().clone()).await.map_err(named(name.clone()))?;
                let store = Self::new(Db::Postgres(pool), name);
                store.compare_clocks().await?;
                Ok(store)
            }
        }
    }

    fn check_schema(&self, found: i64, known: i64) -> Result<(), StoreError> {
        let database = self.name.clone();
        match found {
            found if found == known => Ok(()),
            found if found > known => Err(StoreError::SchemaNewer { database, found, known }),
            0 => Err(StoreError::NoSchema { database }),
            found => Err(StoreError::SchemaOlder { database, found, known }),
        }
    }

    /// All of it in one transaction that holds the write lock: a second process waits, then finds nothing to do.
    async fn migrate_sqlite(&self) -> Result<(), StoreError> {
        const DOING: &str = "bringing the schema up to date";
        let Db::Sqlite { writer, .. } = &self.db else { return Ok(()) };
        let mut tx: sqlx::Transaction<'static, Sqlite> =
            writer.begin_with(sqlite::BEGIN_WRITE).await.doing(DOING)?;
        apply(&mut tx).await.map_err(|error| self.migration_failed(error))?;
        tx.commit().await.doing(DOING)
    }

    fn migration_failed(&self, source: MigrateError) -> StoreError {
        let database = self.name.clone();
        match source {
            MigrateError::VersionMissing(found) => {
                StoreError::SchemaNewer { database, found, known: newest(&self.db) }
            }
            source => StoreError::Migration { database, source },
        }
    }

    /// The newest migration that the database has; 0 for an empty one.
    async fn schema_version(&self) -> Result<i64, StoreError> {
        const DOING: &str = "reading the schema's version";
        let mut tx: Transaction = self.db.begin().await.doing(DOING)?;
        let table = match &self.db {
            Db::Sqlite { .. } => "SELECT COUNT(*) FROM sqlite_schema WHERE name = '_sqlx_migrations'",
            Db::Postgres(_) => {
                "SELECT COUNT(*) FROM pg_tables WHERE schemaname = current_schema() AND tablename = '_sqlx_migrations'"
            }
        };
        let tables: i64 = sql::query(table).scalar(&mut tx).await.doing(DOING)?;
        if tables == 0 {
            return Ok(0);
        }
        sql::query("SELECT COALESCE(MAX(version), 0) FROM _sqlx_migrations")
            .scalar(&mut tx)
            .await
            .doing(DOING)
    }
}

async fn make_folder(url: &str, path: &Path) -> Result<(), StoreError> {
    let Some(folder) = path.parent() else { return Ok(()) };
    tokio::fs::create_dir_all(folder).await.map_err(|error| StoreError::Address {
        url: url.to_owned(),
        why: format!("its folder {} can't be made: {error}", folder.display()),
    })
}

/// Boxed, so that its lifetime is a plain one and the callers' futures can be sent between threads.
fn apply(conn: &mut SqliteConnection) -> BoxFuture<'_, Result<(), MigrateError>> {
    SQLITE.run_direct(None, conn, false).boxed()
}

fn newest(db: &Db) -> i64 {
    let migrations = match db {
        Db::Sqlite { .. } => &SQLITE,
        Db::Postgres(_) => &POSTGRES,
    };
    migrations.iter().map(|migration| migration.version).max().unwrap_or(0)
}

impl Address {
    fn of(url: &str) -> Result<Self, StoreError> {
        let refused = |why: String| StoreError::Address { url: without_password(url), why };
        let path = match url.split_once(':') {
            Some(("postgres" | "postgresql", _)) => {
                return postgres::options(url).map(|options| Self::Server(Box::new(options))).map_err(
                    |why| refused(format!("{why}; expected postgres://USER:PASSWORD@HOST:PORT/DATABASE")),
                );
            }
            Some(("sqlite", rest)) => rest.strip_prefix("//").unwrap_or(rest),
            // A single letter is a drive.
            Some((scheme, _))
                if scheme.len() > 1 && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'+') =>
            {
                let why = "this kind of database is not supported; expected sqlite:PATH or postgres://…";
                return Err(refused(why.to_owned()));
            }
            _ => url,
        };
        match path {
            "" => Err(refused(
                "the path is empty; expected sqlite:PATH, e.g. sqlite:data/backfill.db".to_owned(),
            )),
            ":memory:" => {
                Err(refused("a history that is gone at exit is of no use; expected sqlite:PATH".to_owned()))
            }
            path => Ok(Self::File(PathBuf::from(path))),
        }
    }
}

/// An address that may be shown: what stands between the scheme and the last `@` is left out.
fn without_password(url: &str) -> String {
    match (url.split_once("://"), url.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, rest))) => format!("{scheme}://***@{rest}"),
        _ => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path_of(url: &str) -> PathBuf {
        match Address::of(url) {
            Ok(Address::File(path)) => path,
            _ => panic!("{url} is no file"),
        }
    }

    #[test]
    fn a_path_is_given_with_or_without_its_scheme() {
        for url in ["data/b.db", "sqlite:data/b.db", "sqlite://data/b.db"] {
            assert_eq!(path_of(url), Path::new("data/b.db"), "{url}");
        }
        assert_eq!(path_of("sqlite:///data/b.db"), Path::new("/data/b.db"));
    }

    #[test]
    fn an_address_that_is_no_database_is_refused_with_what_is_expected() {
        for url in ["", "sqlite:", "sqlite::memory:", "mysql://host/db"] {
            let Err(error) = Address::of(url) else { panic!("{url}") };
            assert!(error.to_string().contains("sqlite:PATH"), "{error}");
        }
    }

    #[test]
    fn a_password_is_in_no_message() {
        let Err(error) = Address::of("postgres://me:geheim@host:port/db") else { panic!() };
        assert!(!error.to_string().contains("geheim"), "{error}");
        let Ok(Address::Server(options)) = Address::of("postgres://me:geheim@db.example.org/b") else {
            panic!()
        };
        assert_eq!(postgres::name(&options), "postgres://db.example.org:5432/b");
    }
}
