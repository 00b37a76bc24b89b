//! A component looked at without loading it as a source: what it is, what it wants and offers, what it costs to start.
//! Whatever is wrong, all that can be told is told.

use std::{
    io,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use sha2::{Digest, Sha256};
use wasmtime::component::Component;

use super::{
    bindings::adapter,
    call::{SMALL_CALL, Sandbox},
    describe::Said,
    engine::Engine,
    imports, load,
    log::CallLog,
    state::{State, World},
    trial::Small,
};

/// What a file turned out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A component that compiles.
    Component,
    /// Anything else, and what to do about it.
    Other(String),
}

/// Whether the host gives a component what it imports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provided {
    /// Yes.
    Always,
    /// With `wasi_http = true` in the source's configuration.
    WithWasiHttp,
    /// The package in another version.
    OtherVersion,
    /// No.
    Never,
}

/// One import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Import {
    /// `wasi:io/streams@0.2.6`.
    pub name: String,
    /// Whether the host gives it.
    pub provided: Provided,
}

/// What could be told of a file.
#[derive(Clone, Debug)]
pub struct Inspection {
    /// sha256 of the file, hex.
    pub digest: String,
    /// Its size.
    pub bytes: u64,
    /// What it is; of what is no component, nothing more can be told.
    pub kind: Kind,
    /// What it imports.
    pub imports: Vec<Import>,
    /// The names of what it exports.
    pub exports: Vec<String>,
    /// Compiling it, or taking the compiled code from the cache.
    pub compile: Duration,
    /// Why it can't be used with this host's contract.
    pub unfit: Option<String>,
    /// A fresh instance.
    pub start: Option<Duration>,
    /// What it says of itself.
    pub said: Option<Small<Said>>,
}

/// Looks at a file.
///
/// # Errors
/// It can't be read.
pub async fn inspect(path: &Path, engine: &Engine) -> io::Result<Inspection> {
    let bytes = bytes::Bytes::from(tokio::fs::read(path).await?);
    let mut found = Inspection {
        digest: hex::encode(Sha256::digest(&bytes)),
        bytes: bytes.len() as u64,
        kind: Kind::Component,
        imports: Vec::new(),
        exports: Vec::new(),
        compile: Duration::ZERO,
        unfit: None,
        start: None,
        said: None,
    };
    let began = Instant::now();
    match load::compile(engine, path, bytes).await {
        Ok(component) => {
            found.compile = began.elapsed();
            found.look_into(&component, engine).await;
        }
        Err(load::LoadError::NotAComponent { why, .. }) => found.kind = Kind::Other(why),
        Err(other) => found.kind = Kind::Other(other.to_string()),
    }
    Ok(found)
}

impl Inspection {
    async fn look_into(&mut self, component: &Component, engine: &Engine) {
        let ty = component.component_type();
        let import = |(name, _): (&str, _)| Import { name: name.to_owned(), provided: provided(name) };
        self.imports = ty.imports(&engine.wasm).map(import).collect();
        self.exports = ty.exports(&engine.wasm).map(|(name, _)| name.to_owned()).collect();
        if let Err(error) = self.start(component, engine).await {
            self.unfit = Some(format!("{error:#}"));
        }
    }

    async fn start(&mut self, component: &Component, engine: &Engine) -> wasmtime::Result<()> {
        let linker = imports::linker(engine, true)?;
        let pre = linker.instantiate_pre(component)?;
        let adapter = adapter::GuestIndices::new(&pre)?;
        let sandbox = Sandbox { engine, pre: &pre };
        let state =
            || State::new(&SMALL_CALL, CallLog::new(SMALL_CALL.log), None, Arc::default(), &World::default());
        let (started, used) = sandbox.run(state(), &SMALL_CALL, async |_, _| Ok(())).await;
        started?;
        self.start = Some(used.wall);
        let describe = sandbox.run(state(), &SMALL_CALL, async |store, instance| {
            adapter.load(&mut *store, instance)?.call_describe(store).await.map(Said::from)
        });
        self.said = Some(Small::new(describe.await));
        Ok(())
    }
}

/// What [`imports::linker`] gives, by name: packages of WASI 0.2, and the contract.
fn provided(import: &str) -> Provided {
    const WASI: [&str; 6] =
        ["wasi:cli", "wasi:clocks", "wasi:filesystem", "wasi:io", "wasi:random", "wasi:sockets"];
    let (interface, version) = import.split_once('@').unwrap_or((import, ""));
    let package = interface.split('/').next().unwrap_or_default();
    let (home, fits) = match package {
        "backfill:source" => (Provided::Always, version.starts_with("1.")),
        "wasi:http" => (Provided::WithWasiHttp, version.starts_with("0.2.")),
        _ if WASI.contains(&package) => (Provided::Always, version.starts_with("0.2.")),
        _ => return Provided::Never,
    };
    if fits { home } else { Provided::OtherVersion }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_linked_is_told_by_package_and_version() {
        for (import, expected) in [
            ("wasi:io/streams@0.2.6", Provided::Always),
            ("wasi:io/streams@0.3.0", Provided::OtherVersion),
            ("wasi:http/outgoing-handler@0.2.4", Provided::WithWasiHttp),
            ("wasi:http/client@0.3.0", Provided::OtherVersion),
            ("backfill:source/http@1.0.0", Provided::Always),
            ("backfill:source/http@2.0.0", Provided::OtherVersion),
            ("wasi:keyvalue/store@0.2.0", Provided::Never),
            ("env", Provided::Never),
        ] {
            assert_eq!(provided(import), expected, "{import}");
        }
    }
}
