//! What a request through the gate can end in.

use thiserror::Error;

/// Why a request gave no answer. The first four are for the source to see (`http.error` of the contract); the
/// last two end the call. No text in here ever holds a secret.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum EgressError {
    /// Not granted, or something that a source may not set; the text says what would allow it.
    #[error("denied: {0}")]
    Denied(String),
    /// No answer in time, or no connection in time after every retry.
    #[error("no answer in time")]
    Timeout,
    /// The answer, decompressed, is larger than this many bytes.
    #[error("the answer is larger than the cap of {0} bytes (`max_response_bytes`)")]
    TooLarge(u64),
    /// Name resolution, connection, TLS or protocol, after every retry.
    #[error("{0}")]
    Transport(String),
    /// The call used up its allowance of requests or bytes.
    #[error(transparent)]
    Cap(#[from] CapExceeded),
    /// The host's own store, archive or disk is broken; no fault of the source.
    #[error("{0}")]
    Internal(String),
}

/// A cap of one sandbox call that was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CapExceeded {
    /// Requests asked for, whether the archive or an upstream would have served them.
    #[error("the call asked for more than {cap} requests (`max_requests`)")]
    Requests {
        /// The cap.
        cap: u32,
    },
    /// Bytes of all answers together, decompressed.
    #[error("the call's answers are larger than {cap} bytes together (`max_total_bytes`)")]
    TotalBytes {
        /// The cap, in bytes.
        cap: u64,
    },
}

impl EgressError {
    /// A fault of the host itself, with its causes.
    pub(super) fn internal(what: &str, error: &anyhow::Error) -> Self {
        Self::Internal(format!("{what}: {error:#}"))
    }
}
