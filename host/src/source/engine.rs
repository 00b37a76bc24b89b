//! The one wasmtime engine of the process: settings, compile cache, and the ticker that lets guests be
//! interrupted.

use std::{
    fs::{self, Permissions},
    io::{self, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::Duration,
};

use bytes::Bytes;

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

    /// Keeps a component, and in place of one that got damaged: nobody could go back to that.
    pub(super) async fn keep(&self, digest: &str, bytes: &Bytes) -> io::Result<()> {
        if self.components.is_none() {
            return Ok(());
        }
        if let Some(path) = self.kept(digest)
            && tokio::fs::read(&path).await.is_ok_and(|kept| kept == *bytes)
        {
            return Ok(());
        }
        self.keep_as(&Path::new(digest).with_extension("wasm"), bytes.clone()).await.map(drop)
    }

    /// Keeps a file beside the components, under a name within their folder; gives its path.
    pub(super) async fn keep_as(&self, name: &Path, bytes: Bytes) -> io::Result<PathBuf> {
        let nowhere = || io::Error::other("no folder is kept for components");
        let path = self.components.as_ref().ok_or_else(nowhere)?.join(name);
        let written = tokio::task::spawn_blocking(move || write(&path, &bytes).map(|()| path)).await;
        written.map_err(io::Error::other)?
    }
}

/// Writes a file that is whole whenever it is there, also after a power loss. Until it is on disk it has a name of its
/// own: others may write the same one, of this process or of a container that shares the folder.
fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    // As open to others as any file, and not only to this user as temporary ones.
    let readable = Permissions::from_mode(0o666);
    let mut part = tempfile::Builder::new().suffix(".part").permissions(readable).tempfile_in(folder)?;
    part.write_all(bytes)?;
    part.as_file().sync_all()?;
    part.persist(path)?;
    Ok(())
}

fn open_cache(folder: &Path) -> anyhow::Result<Cache> {
    std::fs::create_dir_all(folder)?;
    let mut config = CacheConfig::new();
    config.with_directory(std::path::absolute(folder)?);
    Cache::new(config).map_err(|error| anyhow::anyhow!("{error:#}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::future::join_all;

    fn engine(folder: &Path) -> Engine {
        Engine::new(None).unwrap().keeping(folder)
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn many_who_keep_one_file_at_once_all_find_it_whole() {
        let folder = tempfile::tempdir().unwrap();
        let (engine, bytes) = (engine(folder.path()), Bytes::from(vec![7; 1 << 20]));
        let keeping = (0..16).map(|_| {
            let (engine, bytes) = (engine.clone(), bytes.clone());
            tokio::spawn(async move { fs::read(engine.keep_as(Path::new("a/x.wasm"), bytes).await?) })
        });
        for read in join_all(keeping).await {
            assert!(read.unwrap().unwrap() == bytes);
        }
        assert_eq!(fs::read_dir(folder.path().join("a")).unwrap().count(), 1, "nothing is left over");
    }

    #[tokio::test]
    async fn a_kept_component_that_got_damaged_is_kept_anew_for_all_to_read() {
        let folder = tempfile::tempdir().unwrap();
        let (engine, bytes) = (engine(folder.path()), Bytes::from_static(b"component"));
        for damaged in [&b""[..], b"compo\0\0\0\0", b"component and more"] {
            fs::write(folder.path().join("ab12.wasm"), damaged).unwrap();
            engine.keep("ab12", &bytes).await.unwrap();
            assert_eq!(fs::read(engine.kept("ab12").unwrap()).unwrap(), bytes);
        }
        let other = folder.path().join("other");
        fs::write(&other, "").unwrap();
        let [kept, other] = [engine.kept("ab12").unwrap(), other].map(|it| fs::metadata(it).unwrap());
        assert_eq!(kept.permissions(), other.permissions());
    }
}
