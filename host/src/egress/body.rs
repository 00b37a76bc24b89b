//! A body as the source reads it: once, from the front, in pieces or whole.

use std::fmt;
use std::io::{self, Read};

use bytes::{Bytes, BytesMut};
use tokio::task::spawn_blocking;

use super::content::Content;
use super::error::EgressError;

/// How much is decoded ahead of the source.
const BLOCK: usize = 256 << 10;

/// An answer's body, decompressed and redacted.
pub struct Body {
    /// Decoded and not yet read.
    ready: Bytes,
    more: More,
    /// Keeps what the bytes live in, and its share of the memory budget.
    _content: Content,
}

enum More {
    Decoder(Box<dyn Read + Send>),
    End,
    /// A read was given up half-way, or failed; where the decoder stands is unknown.
    Lost,
}

impl Body {
    pub(super) fn new(content: &Content) -> Result<Self, EgressError> {
        let (ready, more) = match content {
            Content::Plain { bytes, .. } => (bytes.clone(), More::End),
            packed => (Bytes::new(), More::Decoder(packed.reader().map_err(|error| broken(&error))?)),
        };
        Ok(Self { ready, more, _content: content.clone() })
    }

    /// Up to `max` bytes more; empty at the end (and for a `max` of 0).
    pub async fn read(&mut self, max: usize) -> Result<Bytes, EgressError> {
        if self.ready.is_empty() && max > 0 {
            self.decode(BLOCK).await?;
        }
        Ok(self.ready.split_to(max.min(self.ready.len())))
    }

    /// All that is left, at once in memory.
    pub async fn rest(&mut self) -> Result<Bytes, EgressError> {
        if matches!(self.more, More::End) {
            return Ok(std::mem::take(&mut self.ready));
        }
        let mut all = BytesMut::new();
        loop {
            let block = self.read(usize::MAX).await?;
            if block.is_empty() {
                return Ok(all.freeze());
            }
            all.extend_from_slice(&block);
        }
    }

    async fn decode(&mut self, size: usize) -> Result<(), EgressError> {
        let mut decoder = match std::mem::replace(&mut self.more, More::Lost) {
            More::Decoder(decoder) => decoder,
            More::End => {
                self.more = More::End;
                return Ok(());
            }
            More::Lost => {
                return Err(EgressError::Internal("an earlier read of this answer's body failed".to_owned()));
            }
        };
        let read = spawn_blocking(move || {
            let mut block = Vec::with_capacity(size);
            let read = decoder.by_ref().take(size as u64).read_to_end(&mut block);
            read.map(|_| (decoder, block))
        });
        let (decoder, block) =
            read.await.map_err(|error| broken(&io::Error::other(error)))?.map_err(|error| broken(&error))?;
        self.more = if block.len() < size { More::End } else { More::Decoder(decoder) };
        self.ready = block.into();
        Ok(())
    }
}

fn broken(error: &io::Error) -> EgressError {
    EgressError::Internal(format!("the body of an answer can't be read back from its spool: {error}"))
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Body").field("ready", &self.ready.len()).finish_non_exhaustive()
    }
}
