//! From a file to a component that is known to run: read, digest, compile, link, a trial instance, `describe`.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use wasmtime::component::{Component, InstancePre};

use super::{
    bindings::{adapter, catalog, collector},
    call::{self, Sandbox},
    contract::{self, CONTRACT},
    describe::Description,
    engine::Engine,
    fault::Fault,
    imports,
    state::State,
};

/// Why a component can't be used. Each message names the file and the next step.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// The file can't be read.
    #[error("{}: {why}; build the component or correct `component`", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        why: String,
    },
    /// The file is not the one that the configuration pins.
    #[error("{}: sha256 is {actual}, but the configuration pins {expected}; restore the file or change `sha256`", path.display())]
    DigestMismatch {
        /// The file.
        path: PathBuf,
        /// `sha256` of the configuration.
        expected: String,
        /// What the file has.
        actual: String,
    },
    /// The file is no WebAssembly component (cut off, a core module, something else).
    #[error("{}: {why}", path.display())]
    NotAComponent {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// A component, but not of this contract.
    #[error("{}: not a source of the contract {CONTRACT}: {why}", path.display())]
    WrongWorld {
        /// The file.
        path: PathBuf,
        /// The import or export that does not fit.
        why: String,
    },
    /// A component of the standard `wasi:http` whose source may not use it.
    #[error("{}: it imports {import}, which only a source that says so is given; add to its [[source]]: wasi_http = true", path.display())]
    NeedsWasiHttp {
        /// The file.
        path: PathBuf,
        /// The interface.
        import: String,
    },
    /// The trial call of `describe` failed.
    #[error("{}: describe failed: {fault}", path.display())]
    DescribeFailed {
        /// The file.
        path: PathBuf,
        /// How.
        fault: Fault,
    },
    /// `describe` answered something that the host can't use.
    #[error("{}: describe is not usable: {why}", path.display())]
    BadDescription {
        /// The file.
        path: PathBuf,
        /// Which field and why.
        why: String,
    },
}

impl LoadError {
    /// Whether the file is missing or not the pinned one, which `config::check_sources` reports with its line.
    pub const fn is_about_the_file(&self) -> bool {
        matches!(self, Self::Unreadable { .. } | Self::DigestMismatch { .. })
    }
}

/// Whether a component may be one of the standard `wasi:http`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WasiHttp {
    Granted,
    Refused,
}

/// A component that has been compiled, linked and tried.
pub(super) struct Loaded {
    /// sha256 of the file, hex.
    pub(super) digest: String,
    pub(super) pre: InstancePre<State>,
    pub(super) adapter: adapter::GuestIndices,
    pub(super) collector: Option<collector::GuestIndices>,
    pub(super) catalog: Option<catalog::GuestIndices>,
    /// What it imports of the standard `wasi:http`.
    pub(super) wasi_http: Option<String>,
    pub(super) description: Description,
}

impl Loaded {
    /// `allowed` says whether it may be a component of the standard `wasi:http`.
    pub(super) async fn open(
        engine: &Engine,
        path: &Path,
        pinned: Option<&str>,
        allowed: WasiHttp,
    ) -> Result<Self, LoadError> {
        let bytes = tokio::fs::read(path)
            .await
            .map_err(|error| LoadError::Unreadable { path: path.into(), why: error.to_string() })?;
        let digest = hex::encode(Sha256::digest(&bytes));
        if let Some(expected) = pinned.filter(|expected| !expected.eq_ignore_ascii_case(&digest)) {
            return Err(LoadError::DigestMismatch {
                path: path.into(),
                expected: expected.to_owned(),
                actual: digest,
            });
        }
        // Shared with the compiler, and kept once the component is known to run.
        let bytes = bytes::Bytes::from(bytes);
        let component = compile(engine, path, bytes.clone()).await?;
        let wrong_world = |error: wasmtime::Error| LoadError::WrongWorld {
            path: path.into(),
            why: explain_world(engine, &component, &error),
        };
        let wasi_http = wasi_http_import(engine, &component);
        if let (Some(import), WasiHttp::Refused) = (&wasi_http, allowed) {
            return Err(LoadError::NeedsWasiHttp { path: path.into(), import: import.clone() });
        }
        let linker = imports::linker(engine, wasi_http.is_some()).map_err(wrong_world)?;
        let pre = linker.instantiate_pre(&component).map_err(wrong_world)?;
        let adapter = adapter::GuestIndices::new(&pre).map_err(wrong_world)?;
        let collector = collector::GuestIndices::new(&pre).ok();
        let catalog = catalog::GuestIndices::new(&pre).ok();
        let said = call::describe(engine, &pre, &adapter, collector.as_ref(), catalog.as_ref())
            .await
            .map_err(|fault| LoadError::DescribeFailed { path: path.into(), fault })?
            .map_err(wrong_world)?;
        let description = Description::of(said.into())
            .map_err(|why| LoadError::BadDescription { path: path.into(), why })?;
        if let Err(error) = engine.keep(&digest, &bytes).await {
            let path = path.display();
            tracing::warn!(%path, %error, "the component can't be kept, so that later nobody can go back to it");
        }
        Ok(Self { digest, pre, adapter, collector, catalog, wasi_http, description })
    }

    pub(super) const fn sandbox<'a>(&'a self, engine: &'a Engine) -> Sandbox<'a> {
        Sandbox { engine, pre: &self.pre }
    }
}

pub(super) async fn compile(
    engine: &Engine,
    path: &Path,
    bytes: bytes::Bytes,
) -> Result<Component, LoadError> {
    let not_a_component = |why: String| LoadError::NotAComponent { path: path.into(), why };
    match bytes.get(..8) {
        Some(b"\0asm\x0d\0\x01\0") => {}
        Some(b"\0asm\x01\0\0\0") => {
            return Err(not_a_component(
                "a core module, not a component; build it with --target wasm32-wasip2".into(),
            ));
        }
        _ => return Err(not_a_component("not a WebAssembly file".into())),
    }
    let wasm = engine.wasm.clone();
    // Compiling takes up to a second of pure computing: not on a thread that serves I/O.
    tokio::task::spawn_blocking(move || Component::new(&wasm, bytes))
        .await
        .map_err(|error| not_a_component(format!("compiling it failed: {error}")))?
        .map_err(|error| not_a_component(format!("the file is damaged or cut off: {}", error.root_cause())))
}

/// The first interface of `wasi:http` that a component imports.
fn wasi_http_import(engine: &Engine, component: &Component) -> Option<String> {
    let ty = component.component_type();
    ty.imports(&engine.wasm)
        .map(|(name, _)| name)
        .find(|name| name.starts_with("wasi:http/"))
        .map(str::to_owned)
}

/// What does not fit, with the versions on both sides and what to do about it.
fn explain_world(engine: &Engine, component: &Component, error: &wasmtime::Error) -> String {
    let ty = component.component_type();
    let names =
        ty.imports(&engine.wasm).map(|(name, _)| name).chain(ty.exports(&engine.wasm).map(|(name, _)| name));
    let versions = contract::spoken(names);
    let speaks: Vec<_> = versions.iter().map(|version| format!("backfill:source@{version}")).collect();
    let advice = if versions.iter().any(|version| contract::is_newer(version, contract::own_version())) {
        "update the host, or build the component against this host's wit/source.wit"
    } else {
        "build it again against this host's wit/source.wit"
    };
    match speaks.as_slice() {
        [] => format!("it neither imports nor exports anything of it; {error:#}; {advice}"),
        speaks => format!("it speaks {}; {error:#}; {advice}", speaks.join(" and ")),
    }
}
