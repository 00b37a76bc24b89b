//! The archive: every answer's body, kept by content. An object is named by the SHA-256 of the plain bytes and
//! holds them as one zstd frame with a checksum, so any zstd tool reads it.

use std::error::Error;
use std::ffi::OsString;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use futures::TryStreamExt;
use object_store::local::LocalFileSystem;
use object_store::path::Path as Key;
use object_store::prefix::PrefixStore;
use object_store::{MultipartUpload, ObjectStore, ObjectStoreExt, RetryConfig};
use tokio::io::{AsyncSeekExt, AsyncWriteExt};

use super::bucket::{self, Bucket};
use super::content::{SMALL, Spool, compress};
use super::error::EgressError;
use super::sink::{Data, Stored, blocking};

/// Upload part of a large object; object stores ask for at least 5 MiB.
const PART: usize = 5 << 20;

/// Bodies by digest, under `answers/ab/cd/<digest>.zst` of an object store. Clones share it.
#[derive(Clone, Debug)]
pub struct Archive {
    store: Arc<dyn ObjectStore>,
    /// For people: where it is.
    place: String,
    /// Where large answers are spooled before they are whole.
    spool: PathBuf,
    /// Says what an error means here and what to check.
    explain: fn(&(dyn Error + 'static)) -> String,
}

/// Why an object can't serve a request; either way the upstream is asked again.
#[derive(Debug, thiserror::Error)]
pub(super) enum Lost {
    #[error("it is missing")]
    Missing,
    #[error("it is damaged ({0})")]
    Damaged(String),
    #[error("it can't be read: {0}")]
    Unreadable(String),
}

impl Archive {
    /// An archive in a folder, which is created where it is missing.
    ///
    /// Objects are renamed into place whole, but not synced: the frame's checksum tells what a power cut
    /// damaged, and then the upstream is asked again.
    pub fn local(folder: &Path) -> Result<Self, EgressError> {
        let fail = |error: &dyn std::fmt::Display| {
            let folder = folder.display();
            EgressError::Internal(format!("the archive folder {folder} can't be used: {error}"))
        };
        std::fs::create_dir_all(folder).map_err(|error| fail(&error))?;
        let store = LocalFileSystem::new_with_prefix(folder).map_err(|error| fail(&error))?;
        let place = folder.display().to_string();
        let explain: fn(&(dyn Error + 'static)) -> String =
            |error| format!("{error}; make room there, and check who may read and write it");
        Ok(Self { store: Arc::new(store), place, spool: folder.to_owned(), explain })
    }

    /// An archive in a bucket. Large answers are spooled in a folder, which is created where it is missing. `vars` is
    /// the process's environment, where AWS's own variables name the credentials. Connects to nothing yet.
    pub fn bucket(
        bucket: &Bucket,
        spool: &Path,
        vars: impl Iterator<Item = (OsString, OsString)>,
    ) -> Result<Self, EgressError> {
        Self::bucket_with(bucket, spool, vars, bucket::RETRIES)
    }

    pub(super) fn bucket_with(
        bucket: &Bucket,
        spool: &Path,
        vars: impl Iterator<Item = (OsString, OsString)>,
        retries: RetryConfig,
    ) -> Result<Self, EgressError> {
        let fail = |what: &dyn std::fmt::Display, error: &dyn std::fmt::Display| {
            EgressError::Internal(format!("{what} can't be used: {error}"))
        };
        std::fs::create_dir_all(spool).map_err(|error| fail(&spool.display(), &error))?;
        let client =
            bucket.client(vars, retries).map_err(|error| fail(&format!("the archive {bucket}"), &error))?;
        let store = Arc::new(PrefixStore::new(client, bucket.prefix()));
        Ok(Self { store, place: bucket.to_string(), spool: spool.to_owned(), explain: bucket::explain })
    }

    pub(super) fn spool_folder(&self) -> &Path {
        &self.spool
    }

    /// Keeps an answer and gives the size of its object. One that is there already is not written again.
    pub(super) async fn put(&self, answer: &Stored) -> Result<u64, EgressError> {
        let key = key(&answer.digest);
        match self.store.head(&key).await {
            Ok(found) => return Ok(found.size),
            Err(object_store::Error::NotFound { .. }) => {}
            Err(error) => return Err(self.broken(&error)),
        }
        match &answer.data {
            Data::Small(plain) => {
                let plain = plain.clone();
                let packed = blocking(&self.spool, move || compress(&plain)).await?;
                let size = packed.len() as u64;
                self.store.put(&key, packed.into()).await.map_err(|error| self.broken(&error))?;
                Ok(size)
            }
            Data::Large(spool) => self.upload(key, spool).await.map_err(|error| self.broken(&error)),
        }
    }

    /// In one piece if it is small, else in parts: of these nothing shows until all are there.
    async fn upload(&self, key: Key, spool: &Spool) -> io::Result<u64> {
        let (block, rest) = read_part(Box::new(spool.raw())).await?;
        if block.len() < PART {
            let size = block.len() as u64;
            self.store.put(&key, block.into()).await?;
            return Ok(size);
        }
        let mut upload = self.store.put_multipart(&key).await?;
        let sent = async {
            let size = send_parts(upload.as_mut(), block, rest).await?;
            upload.complete().await?;
            Ok(size)
        }
        .await;
        if sent.is_err() {
            // What was staged is of no use; that it stays behind matters less than the first error.
            let _ = upload.abort().await;
        }
        sent
    }

    /// The body of `bytes` plain bytes under a digest, read through once: a damaged one is removed, so that the
    /// next answer with this content is written anew. Damage is told by the frame's checksum and length;
    /// hashing every reused answer again would cost more than decoding it.
    pub(super) async fn get(&self, digest: &str, bytes: u64) -> Result<Data, Lost> {
        let key = key(digest);
        let found = match self.store.get(&key).await {
            Ok(found) => found,
            Err(object_store::Error::NotFound { .. }) => return Err(Lost::Missing),
            Err(error) => return Err(self.unreadable(&error)),
        };
        let read = if bytes <= SMALL as u64 && found.meta.size <= 2 * SMALL as u64 {
            match found.bytes().await {
                Ok(packed) => unpack(&packed, bytes).map(Data::Small),
                Err(error) => return Err(self.unreadable(&error)),
            }
        } else {
            let spool = self.spool_copy(found).await.map_err(|error| Lost::Unreadable(error.to_string()))?;
            let copy = spool.clone();
            tokio::task::spawn_blocking(move || {
                let read = io::copy(&mut copy.decoder()?.take(bytes.saturating_add(1)), &mut io::sink())?;
                whole(read, bytes)
            })
            .await
            .map_err(io::Error::other)
            .flatten()
            .map(|()| Data::Large(spool))
        };
        match read {
            Ok(data) => Ok(data),
            Err(error) => {
                // Whether or not it can be removed, it is not used.
                let _ = self.store.delete(&key).await;
                Err(Lost::Damaged(error.to_string()))
            }
        }
    }

    async fn spool_copy(&self, found: object_store::GetResult) -> anyhow::Result<Spool> {
        let file = tempfile::tempfile_in(&self.spool)?;
        let mut writer = tokio::fs::File::from_std(file);
        let mut chunks = found.into_stream();
        while let Some(chunk) = chunks.try_next().await? {
            writer.write_all(&chunk).await?;
        }
        writer.flush().await?;
        writer.rewind().await?;
        Ok(Spool::new(writer.into_std().await))
    }

    fn broken(&self, error: &(dyn Error + 'static)) -> EgressError {
        let why = (self.explain)(error);
        EgressError::Internal(format!("an answer can't be kept in the archive {}: {why}", self.place))
    }

    fn unreadable(&self, error: &(dyn Error + 'static)) -> Lost {
        Lost::Unreadable(format!("{}: {}", self.place, (self.explain)(error)))
    }
}

type Raw = Box<dyn Read + Send>;

/// The next part, away from the async threads; shorter than [`PART`] only at the end.
async fn read_part(mut reader: Raw) -> io::Result<(Vec<u8>, Raw)> {
    tokio::task::spawn_blocking(move || {
        let mut block = Vec::new();
        reader.by_ref().take(PART as u64).read_to_end(&mut block).map(|_| (block, reader))
    })
    .await
    .map_err(io::Error::other)?
}

async fn send_parts(upload: &mut dyn MultipartUpload, mut block: Vec<u8>, mut rest: Raw) -> io::Result<u64> {
    let mut size = 0;
    while !block.is_empty() {
        size += block.len() as u64;
        upload.put_part(block.into()).await?;
        (block, rest) = read_part(rest).await?;
    }
    Ok(size)
}

fn key(digest: &str) -> Key {
    let (first, second) = (digest.get(..2).unwrap_or("_"), digest.get(2..4).unwrap_or("_"));
    Key::from_iter(["answers", first, second, &format!("{digest}.zst")])
}

fn unpack(packed: &Bytes, bytes: u64) -> io::Result<Bytes> {
    let mut plain = Vec::with_capacity(usize::try_from(bytes).unwrap_or_default());
    // One byte more than is expected, so that the reader reaches the checksum or shows that there is more.
    zstd::Decoder::with_buffer(&packed[..])?.take(bytes.saturating_add(1)).read_to_end(&mut plain)?;
    whole(plain.len() as u64, bytes)?;
    Ok(plain.into())
}

fn whole(read: u64, bytes: u64) -> io::Result<()> {
    if read == bytes {
        return Ok(());
    }
    Err(io::Error::other(format!("{bytes} bytes expected, at least {read} found")))
}
