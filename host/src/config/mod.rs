//! `backfill.toml`, typed and validated. Everything wrong with the file is reported at once, with file, line,
//! column, key, and what is expected there.
//!
//! What concerns one source alone (its component file, its digest, its credential) is no error of the file:
//! [`load`] succeeds, the host runs the other sources, and [`check_sources`] says what is amiss.
//!
//! Must not know of the store or of sources, and of egress only what a grant and a rate are: the others take what
//! they need from [`Config`].

mod archive;
mod auth;
mod caps;
mod check;
mod component;
mod credential;
mod database;
mod edit;
mod host_grant;
mod notifications;
mod postgres;
mod problem;
mod rate;
pub(crate) mod reading;
mod retention;
mod server;
mod source;
mod source_id;
mod telemetry;
#[cfg(test)]
mod tests;
mod worker;

use std::path::{Path, PathBuf};

pub use archive::{Archive, ArchivePlace};
pub use auth::{Auth, Jwt};
pub use caps::Caps;
pub use check::check_sources;
pub use component::Component;
pub(crate) use component::is_loopback;
pub use credential::{CredentialPlace, CredentialSpec, Origin, Secret};
pub use database::Database;
pub use edit::{replace_file, with_component};
pub use notifications::{Notifications, Smtp, SmtpTls};
pub use postgres::PostgresUrl;
pub use problem::{Position, Problem, Problems, Severity};
pub use server::{Origin as WebOrigin, Server};
pub use source::{Source, Written};
pub use source_id::SourceId;
pub use telemetry::Telemetry;
pub use worker::{Retry, Worker};

use reading::Section;

use crate::domain::Retention;

/// Looks up an environment variable; an argument, so that tests don't touch the process's own.
pub type Env<'a> = &'a (dyn Fn(&str) -> Option<String> + Sync);

/// A configuration that can be used.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The file it was read from.
    pub path: PathBuf,
    /// `[server]`.
    pub server: Server,
    /// `[auth]`.
    pub auth: Auth,
    /// `[database]`.
    pub database: Database,
    /// `[worker]`.
    pub worker: Worker,
    /// `[retention]`.
    pub retention: Retention,
    /// `[archive]`.
    pub archive: Archive,
    /// `[notifications]`.
    pub notifications: Notifications,
    /// `[telemetry]`.
    pub telemetry: Telemetry,
    /// `[[source]]`, in the order of the file, ids distinct; disabled ones too.
    pub sources: Vec<Source>,
}

/// Reads the configuration in `path`. Relative paths in it count from its folder; `env` serves values written
/// as `env:VAR` that the host itself can't do without.
///
/// # Errors
/// Everything that is wrong with the file, or that it can't be read.
pub fn load(path: &Path, env: Env<'_>) -> Result<Config, Problems> {
    let text = reading::text_of(path, "a configuration (backfill.toml)")?;
    let (config, problems) = reading::document(path, &text, |root| read(path, root, env));
    Problems::unless_any(config, problems)
}

fn read(path: &Path, root: Section<'_>, env: Env<'_>) -> Config {
    let folder = path.parent().unwrap_or(Path::new(""));
    let config = Config {
        path: path.to_owned(),
        server: Server::read(root.section("server")),
        auth: Auth::read(root.section("auth")),
        database: Database::read(root.section("database"), folder, env),
        worker: Worker::read(root.section("worker")),
        retention: retention::read(root.section("retention")),
        archive: Archive::read(root.section("archive"), folder),
        notifications: Notifications::read(root.section("notifications"), folder),
        telemetry: Telemetry::read(root.section("telemetry")),
        sources: source::read_all(root.sections("source"), folder),
    };
    root.finish();
    config
}
