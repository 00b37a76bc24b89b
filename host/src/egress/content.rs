//! The bytes of an answer while the host holds them: plain in memory where small and the budget allows,
//! compressed otherwise, so that a 200 MB document is never in memory at once.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Answers up to this size are handled in memory.
pub(super) const SMALL: usize = 1 << 20;

/// Plain answers that one source's calls may hold in memory together, in bytes.
const BUDGET: usize = 32 << 20;

const LEVEL: i32 = zstd::DEFAULT_COMPRESSION_LEVEL;

/// The complete bytes of an answer. Clones share them.
#[derive(Clone)]
pub(super) enum Content {
    /// With its share of the budget, given back with the last clone.
    Plain { bytes: Bytes, _share: Arc<OwnedSemaphorePermit> },
    /// One zstd frame.
    Packed(Bytes),
    /// One zstd frame in a file without a name, gone with the last clone whatever happens to the process.
    Spooled(Spool),
}

/// A file that many readers share, each with a place of its own.
#[derive(Clone)]
pub(super) struct Spool(Arc<Mutex<File>>);

struct SpoolReader {
    file: Spool,
    offset: u64,
}

/// How much plain content may be in memory.
pub(super) struct Budget(Arc<Semaphore>);

impl Budget {
    pub(super) fn new() -> Self {
        Self(Arc::new(Semaphore::new(BUDGET)))
    }

    /// Holds a small answer: plain while the budget lasts, else compressed.
    pub(super) fn hold(&self, plain: Bytes) -> io::Result<Content> {
        let size = u32::try_from(plain.len()).unwrap_or(u32::MAX);
        Ok(match Arc::clone(&self.0).try_acquire_many_owned(size) {
            Ok(share) => Content::Plain { bytes: plain, _share: Arc::new(share) },
            Err(_) => Content::Packed(compress(&plain)?.into()),
        })
    }
}

impl Content {
    /// A reader of the plain bytes, from the front.
    pub(super) fn reader(&self) -> io::Result<Box<dyn Read + Send>> {
        Ok(match self {
            Self::Plain { bytes, .. } => Box::new(io::Cursor::new(bytes.clone())),
            Self::Packed(bytes) => Box::new(zstd::Decoder::new(io::Cursor::new(bytes.clone()))?),
            Self::Spooled(spool) => Box::new(spool.decoder()?),
        })
    }
}

impl Spool {
    pub(super) fn new(file: File) -> Self {
        Self(Arc::new(Mutex::new(file)))
    }

    /// A reader of the plain bytes.
    pub(super) fn decoder(&self) -> io::Result<impl Read + Send + 'static> {
        zstd::Decoder::with_buffer(BufReader::with_capacity(1 << 16, self.raw()))
    }

    /// A reader of the compressed bytes.
    pub(super) fn raw(&self) -> impl Read + Send + 'static {
        SpoolReader { file: self.clone(), offset: 0 }
    }
}

impl Read for SpoolReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut file = self.file.0.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(self.offset))?;
        let read = file.read(buffer)?;
        self.offset += read as u64;
        Ok(read)
    }
}

/// One zstd frame with a checksum, as the archive keeps it.
pub(super) fn compress(plain: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = encoder(Vec::with_capacity(plain.len() / 8))?;
    io::copy(&mut &*plain, &mut encoder)?;
    encoder.finish()
}

/// The checksum lets a later reader tell a damaged object from a good one.
pub(super) fn encoder<W: io::Write>(to: W) -> io::Result<zstd::Encoder<'static, W>> {
    let mut encoder = zstd::Encoder::new(to, LEVEL)?;
    encoder.include_checksum(true)?;
    Ok(encoder)
}

#[cfg(test)]
mod tests {
    use super::{BUDGET, Budget, Bytes, Content, Read, SMALL};

    fn plain(content: &Content) -> Vec<u8> {
        let mut all = Vec::new();
        content.reader().unwrap().read_to_end(&mut all).unwrap();
        all
    }

    #[test]
    fn past_the_budget_answers_are_held_compressed_and_read_the_same() {
        let (budget, bytes) = (Budget::new(), Bytes::from(vec![b'x'; SMALL]));
        let mut held: Vec<_> = (0..BUDGET / SMALL + 1).map(|_| budget.hold(bytes.clone()).unwrap()).collect();
        let last = held.pop().unwrap();
        assert!(held.iter().all(|content| matches!(content, Content::Plain { .. })));
        assert!(matches!(&last, Content::Packed(packed) if packed.len() < 1000));
        assert_eq!((plain(&last), plain(&held[0])), (bytes.to_vec(), bytes.to_vec()));
        drop(held);
        assert!(matches!(budget.hold(bytes).unwrap(), Content::Plain { .. }), "the budget is given back");
    }
}
