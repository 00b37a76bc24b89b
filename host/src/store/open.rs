//! Opening a database: finding it, bringing its schema up to date, refusing one that is newer.

use std::path::{Path, PathBuf};

use futures::{FutureExt, future::BoxFuture};
use sqlx::migrate::{MigrateError, Migrator};

use super::{
    Store, StoreError,
    dialect::{self, Connection},
    error::Doing,
};

static MIGRATIONS: Migrator = sqlx::migrate!("../migrations/sqlite");

impl Store {
    /// Opens a SQLite database, `sqlite:PATH` or just `PATH`, creates it and its folder where they are missing,
    /// and applies the migrations that it lacks. Several processes may do so at once.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        let path = path_of(url)?;
        if let Some(folder) = path.parent() {
            tokio::fs::create_dir_all(folder).await.map_err(|error| StoreError::Address {
                url: url.to_owned(),
                why: format!("its folder {} can't be made: {error}", folder.display()),
            })?;
        }
        let store = Self::connect(&path).await?;
        store.migrate(&path).await?;
        Ok(store)
    }

    /// Opens a database that exists, and changes nothing; its schema must be the one that this program knows.
    pub async fn open_existing(url: &str) -> Result<Self, StoreError> {
        let path = path_of(url)?;
        if !path.is_file() {
            return Err(StoreError::Address {
                url: url.to_owned(),
                why: "there is no such file; `backfill import` or `backfill run` creates it".to_owned(),
            });
        }
        let store = Self::connect(&path).await?;
        let known = newest_known();
        match store.schema_version().await? {
            found if found == known => Ok(store),
            found if found > known => {
                Err(StoreError::SchemaNewer { path: path.display().to_string(), found, known })
            }
            found => Err(StoreError::SchemaOlder { path: path.display().to_string(), found, known }),
        }
    }

    async fn connect(path: &Path) -> Result<Self, StoreError> {
        let writer = dialect::writer(path).await.doing("opening the database")?;
        Ok(Self { writer, readers: dialect::readers(path) })
    }

    /// All of it in one transaction that holds the write lock: a second process waits, then finds nothing to do.
    async fn migrate(&self, path: &Path) -> Result<(), StoreError> {
        const DOING: &str = "bringing the schema up to date";
        let mut tx = self.write(DOING).await?;
        match apply(&mut tx).await {
            Ok(()) => tx.commit().await.doing(DOING),
            Err(MigrateError::VersionMissing(found)) => Err(StoreError::SchemaNewer {
                path: path.display().to_string(),
                found,
                known: newest_known(),
            }),
            Err(source) => Err(StoreError::Migration { path: path.display().to_string(), source }),
        }
    }

    /// The newest migration that the database has; 0 for an empty one.
    async fn schema_version(&self) -> Result<i64, StoreError> {
        const DOING: &str = "reading the schema's version";
        let mut conn = self.read(DOING).await?;
        let tables: i64 =
            sqlx::query_scalar("SELECT COUNT(*) FROM sqlite_schema WHERE name = '_sqlx_migrations'")
                .fetch_one(&mut *conn)
                .await
                .doing(DOING)?;
        if tables == 0 {
            return Ok(0);
        }
        sqlx::query_scalar("SELECT COALESCE(MAX(version), 0) FROM _sqlx_migrations")
            .fetch_one(&mut *conn)
            .await
            .doing(DOING)
    }
}

/// Boxed, so that its lifetime is a plain one and the callers' futures can be sent between threads.
fn apply(conn: &mut Connection) -> BoxFuture<'_, Result<(), MigrateError>> {
    MIGRATIONS.run_direct(None, conn, false).boxed()
}

fn newest_known() -> i64 {
    MIGRATIONS.iter().map(|migration| migration.version).max().unwrap_or(0)
}

fn path_of(url: &str) -> Result<PathBuf, StoreError> {
    let refused = |why: &str| StoreError::Address { url: url.to_owned(), why: why.to_owned() };
    let path = match url.split_once(':') {
        Some(("sqlite", rest)) => rest.strip_prefix("//").unwrap_or(rest),
        // A single letter is a drive.
        Some((scheme, _))
            if scheme.len() > 1 && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'+') =>
        {
            return Err(refused("this kind of database is not supported; expected sqlite:PATH"));
        }
        _ => url,
    };
    match path {
        "" => Err(refused("the path is empty; expected sqlite:PATH, e.g. sqlite:data/backfill.db")),
        ":memory:" => Err(refused("a history that is gone at exit is of no use; expected sqlite:PATH")),
        path => Ok(PathBuf::from(path)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_given_with_or_without_its_scheme() {
        for url in ["data/b.db", "sqlite:data/b.db", "sqlite://data/b.db"] {
            assert_eq!(path_of(url).unwrap(), Path::new("data/b.db"), "{url}");
        }
        assert_eq!(path_of("sqlite:///data/b.db").unwrap(), Path::new("/data/b.db"));
    }

    #[test]
    fn an_address_that_is_no_file_is_refused_with_what_is_expected() {
        for url in ["", "sqlite:", "sqlite::memory:", "mysql://host/db", "postgres://host/db"] {
            let error = path_of(url).unwrap_err().to_string();
            assert!(error.contains("sqlite:PATH"), "{error}");
        }
    }
}
