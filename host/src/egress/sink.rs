//! Where an answer's bytes go while they arrive: memory first, a compressed spool file past [`SMALL`].

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use sha2::{Digest, Sha256};
use tokio::task::spawn_blocking;

use super::content::{SMALL, Spool, encoder};
use super::error::EgressError;

/// An answer that arrived whole.
pub(super) struct Stored {
    /// SHA-256 of the plain bytes, in hex.
    pub(super) digest: String,
    /// Number of plain bytes.
    pub(super) bytes: u64,
    pub(super) data: Data,
}

/// Its bytes.
pub(super) enum Data {
    Small(Bytes),
    Large(Spool),
}

/// Takes plain bytes and counts and hashes them.
pub(super) struct Sink {
    folder: PathBuf,
    hash: Sha256,
    bytes: u64,
    /// Plain bytes that were not compressed yet; all of them while there is no spool.
    pending: Vec<u8>,
    spool: Option<zstd::Encoder<'static, File>>,
}

impl Sink {
    /// A sink that spools into `folder` when the answer grows large.
    pub(super) fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), hash: Sha256::new(), bytes: 0, pending: Vec::new(), spool: None }
    }

    pub(super) async fn write(&mut self, chunk: &[u8]) -> Result<(), EgressError> {
        self.hash.update(chunk);
        self.bytes += chunk.len() as u64;
        self.pending.extend_from_slice(chunk);
        if self.pending.len() > SMALL { self.spill().await } else { Ok(()) }
    }

    pub(super) async fn finish(mut self) -> Result<Stored, EgressError> {
        if self.spool.is_some() {
            self.spill().await?;
        }
        let data = match self.spool {
            None => Data::Small(self.pending.into()),
            Some(spool) => {
                let file = blocking(&self.folder, move || spool.finish()).await?;
                Data::Large(Spool::new(file))
            }
        };
        Ok(Stored { digest: hex::encode(self.hash.finalize()), bytes: self.bytes, data })
    }

    /// Compresses what is pending into the spool, away from the async threads.
    async fn spill(&mut self) -> Result<(), EgressError> {
        let (folder, pending) = (self.folder.clone(), std::mem::take(&mut self.pending));
        let spool = self.spool.take();
        let (spool, mut pending) = blocking(&self.folder, move || {
            let mut spool = match spool {
                Some(spool) => spool,
                None => encoder(tempfile::tempfile_in(folder)?)?,
            };
            spool.write_all(&pending)?;
            Ok((spool, pending))
        })
        .await?;
        pending.clear();
        (self.spool, self.pending) = (Some(spool), pending);
        Ok(())
    }
}

/// Runs file work on the blocking pool; its errors name the spool's folder.
pub(super) async fn blocking<T: Send + 'static>(
    folder: &Path,
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, EgressError> {
    spawn_blocking(work).await.map_err(io::Error::other).flatten().map_err(|error| {
        EgressError::Internal(format!(
            "a large answer can't be spooled in {}: {error}; make room there and check who may write to it",
            folder.display()
        ))
    })
}
