//! The one wasmtime engine of the process: settings, compile cache, and the ticker that lets guests be
//! interrupted.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::Duration,
};

use super::examine::Examine;
use wasmtime::{Cache, CacheConfig, Config, OptLevel};

/// How often a running guest looks whether it has to yield or stop. Also the precision of `caps.cpu`.
const TICK: Duration = Duration::from_millis(10);

/// The engine that compiles and runs every component.
#[derive(Clone)]
pub struct Engine {
    pub(super) wasm: wasmtime::Engine,
    components: Option<Arc<Path>>,
    examine: Option<Examine>,
}

impl Engine {
    /// An engine that keeps compiled code in `cache`, so that a component is compiled once and not at every
    /// start (about 100 times faster). Without a folder that can be written, it compiles every time.
    pub fn new(cache: Option<&Path>) -> anyhow::Result<Self> {
        let mut config = Config::new();
        config.epoch_interruption(true).cranelift_opt_level(OptLevel::Speed).concurrency_support(false);
        if let Some(folder) = cache {
            match open_cache(folder) {
                Ok(cache) => {
                    config.cache(Some(cache));
                }
                Err(error) => tracing::warn!(
                    folder = %folder.display(), %error,
                    "compiled components can't be kept; every start will compile them again"
                ),
            }
        }
        let wasm = wasmtime::Engine::new(&config)
            .map_err(|error| anyhow::anyhow!("this machine can't run WebAssembly: {error:#}"))?;
        // A plain thread: a task of a busy runtime would stop the clock that is to interrupt what keeps it busy.
        let ticker = wasm.weak();
        thread::Builder::new().name("epoch-ticker".into()).spawn(move || {
            while let Some(engine) = ticker.upgrade() {
                engine.increment_epoch();
                drop(engine);
                thread::sleep(TICK);
            }
        })?;
        Ok(Self { wasm, components: None, examine: None })
    }

    /// The same engine, keeping every component that it loads in `folder`, by digest: for going back to one, and for
    /// running an old attempt again.
    #[must_use]
    pub fn keeping(self, folder: &Path) -> Self {
        Self { components: Some(folder.into()), ..self }
    }

    /// The same engine, with what checks the components that `require_conformance` is written for.
    #[must_use]
    pub fn examining(self, examine: Examine) -> Self {
        Self { examine: Some(examine), ..self }
    }

    pub(super) const fn examiner(&self) -> Option<&Examine> {
        self.examine.as_ref()
    }

    /// The file of a component that was loaded once, by the SHA-256 of its bytes in hex.
    pub fn kept(&self, digest: &str) -> Option<PathBuf> {
        let digest = Some(digest).filter(|it| it.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
        let path = self.components.as_ref()?.join(digest).with_extension("wasm");
        path.is_file().then_some(path)
    }

    /// The folder of the components that are kept.
    pub fn components(&self) -> Option<&Path> {
        self.components.as_deref()
    }

    pub(super) async fn keep(&self, digest: &str, bytes: &[u8]) -> io::Result<()> {
        if self.components.is_none() || self.kept(digest).is_some() {
            return Ok(());
        }
        self.keep_as(&Path::new(digest).with_extension("wasm"), bytes).await.map(drop)
    }

    /// Keeps a file beside the components, under a name within their folder; gives its path.
    pub(super) async fn keep_as(&self, name: &Path, bytes: &[u8]) -> io::Result<PathBuf> {
        let nowhere = || io::Error::other("no folder is kept for components");
        let path = self.components.as_ref().ok_or_else(nowhere)?.join(name);
        if let Some(folder) = path.parent() {
            tokio::fs::create_dir_all(folder).await?;
        }
        // Under another name until it is whole; two processes write the same bytes.
        let part = path.with_added_extension(format!("{}.part", std::process::id()));
        tokio::fs::write(&part, bytes).await?;
        tokio::fs::rename(&part, &path).await?;
        Ok(path)
    }
}

fn open_cache(folder: &Path) -> anyhow::Result<Cache> {
    std::fs::create_dir_all(folder)?;
    let mut config = CacheConfig::new();
    config.with_directory(std::path::absolute(folder)?);
    Cache::new(config).map_err(|error| anyhow::anyhow!("{error:#}"))
}
