//! Opening a database: finding it, seeing that its schema is the one that this program knows (every migration of it,
//! unchanged), bringing it up to date.

use std::path::{Path, PathBuf};

use futures::{FutureExt, future::BoxFuture};
use sqlx::{
    FromRow,
    migrate::{MigrateError, Migrator},
};
use tokio::sync::broadcast;

use super::{
    Store, StoreError,
    connection::{Db, Raw, Transaction},
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

/// A migration that the database has.
#[derive(FromRow)]
struct Applied {
    version: i64,
    checksum: Vec<u8>,
    success: bool,
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
        let applied = store.applied().await?;
        if applied.is_empty() && matches!(address, Address::File(_)) {
            store.apply_missing().await?;
            return Ok(store);
        }
        store.check_schema(&applied)?;
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
        let from = newest(&store.applied().await?);
        store.apply_missing().await?;
        let to = newest(&store.applied().await?);
        store.close().await;
        Ok(Migrated { database: store.name, from, to })
    }

    /// Whether the database can be reached and its schema is the one that this program knows.
    pub async fn check(&self) -> Result<(), StoreError> {
        self.check_schema(&self.applied().await?)
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

    fn check_schema(&self, applied: &[Applied]) -> Result<(), StoreError> {
        let database = self.name.clone();
        if applied.is_empty() {
            return Err(StoreError::NoSchema { database });
        }
        let migrator = self.migrator();
        for Applied { version, checksum, success } in applied {
            let Some(known) = migrator.iter().find(|known| known.version == *version) else {
                return Err(self.refused(MigrateError::VersionMissing(*version)));
            };
            if !success {
                return Err(self.refused(MigrateError::Dirty(*version)));
            }
            if *known.checksum != **checksum {
                return Err(self.refused(MigrateError::VersionMismatch(*version)));
            }
        }
        let is_missing = |version: &i64| applied.iter().all(|applied| applied.version != *version);
        match migrator.iter().map(|known| known.version).find(is_missing) {
            None => Ok(()),
            Some(missing) => Err(StoreError::SchemaOlder {
                database,
                found: newest(applied),
                known: self.newest_known(),
                missing,
            }),
        }
    }

    /// All of it in one transaction that nobody else is in at the same time: a second process waits, then finds nothing
    /// to do.
    async fn apply_missing(&self) -> Result<(), StoreError> {
        const DOING: &str = "bringing the schema up to date";
        let mut tx: Transaction = self.db.begin().await.doing(DOING)?;
        tx.lock_schema().await.doing(DOING)?;
        apply(tx.raw()).await.map_err(|error| self.refused(error))?;
        tx.commit().await.doing(DOING)
    }

    /// Why migrations can't be applied, or aren't those of this program.
    fn refused(&self, source: MigrateError) -> StoreError {
        let database = self.name.clone();
        let other = |version, what| StoreError::SchemaOther { database: self.name.clone(), version, what };
        match source {
            MigrateError::VersionMissing(found) => {
                StoreError::SchemaNewer { database, found, known: self.newest_known() }
            }
            MigrateError::VersionMismatch(version) => {
                other(version, "is not the one that this program knows")
            }
            MigrateError::Dirty(version) => other(version, "was begun and never finished"),
            source => StoreError::Migration { database, source },
        }
    }

    const fn migrator(&self) -> &'static Migrator {
        match self.db {
            Db::Sqlite { .. } => &SQLITE,
            Db::Postgres(_) => &POSTGRES,
        }
    }

    fn newest_known(&self) -> i64 {
        self.migrator().iter().map(|migration| migration.version).max().unwrap_or(0)
    }

    /// The migrations that the database has, by version; none for an empty one.
    async fn applied(&self) -> Result<Vec<Applied>, StoreError> {
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
            return Ok(Vec::new());
        }
        sql::query("SELECT version, checksum, success FROM _sqlx_migrations ORDER BY version")
            .all(&mut tx)
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
fn apply(conn: Raw<'_>) -> BoxFuture<'_, Result<(), MigrateError>> {
    match conn {
        Raw::Sqlite(conn) => SQLITE.run_direct(None, conn, false).boxed(),
        Raw::Postgres(conn) => POSTGRES.run_direct(None, conn, false).boxed(),
    }
}

/// The newest of migrations, in their order; 0 if there is none.
fn newest(applied: &[Applied]) -> i64 {
    applied.last().map_or(0, |applied| applied.version)
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
