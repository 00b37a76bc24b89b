//! Why a sandboxed call ended before the source could answer.

use std::time::Duration;

use crate::{
    domain::Setback,
    egress::{CapExceeded, EgressError},
};

/// A fault of the component (or, for [`Fault::Host`], of what the host gives it). The host is unharmed and
/// the next call starts in a fresh sandbox.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The guest trapped: a panic, an out-of-bounds access, a stack overflow.
    #[error("the component crashed: {reason}{}", if backtrace.is_empty() { String::new() } else { format!("\n{backtrace}") })]
    Trap {
        /// The panic's text where there is one, else the trap's name.
        reason: String,
        /// Frames with symbols, innermost first; empty where there is none.
        backtrace: String,
    },
    /// The guest asked for more memory than `caps.memory`.
    #[error("the component asked for {wanted} bytes of memory; caps.memory is {cap}")]
    OutOfMemory {
        /// The cap in bytes.
        cap: usize,
        /// What the growth would have come to, in bytes.
        wanted: usize,
    },
    /// The guest computed for longer than `caps.cpu`.
    #[error("the component computed for longer than caps.cpu ({cap:?})")]
    CpuDeadline {
        /// The cap.
        cap: Duration,
    },
    /// The call took longer than `caps.wall`, waiting included.
    #[error("the call took longer than caps.wall ({cap:?})")]
    WallDeadline {
        /// The cap.
        cap: Duration,
    },
    /// The guest asked for more requests than `caps.requests`.
    #[error("the component asked for more than {cap} requests (caps.requests)")]
    TooManyRequests {
        /// The cap.
        cap: u32,
    },
    /// All answers of the call together were larger than `caps.total`.
    #[error("the answers of one call came to more than {cap} bytes (caps.total)")]
    TooManyBytes {
        /// The cap.
        cap: u64,
    },
    /// The guest returned more measurements than `caps.measurements`, or more data than they could be.
    #[error("the component returned more than {cap} measurements (caps.measurements)")]
    TooManyMeasurements {
        /// The cap.
        cap: usize,
    },
    /// The guest called for a service with more data than a call may hand over.
    #[error("the component handed the host more data than a call may ({cap} bytes)")]
    OutputFlood {
        /// The cap in bytes.
        cap: usize,
    },
    /// The store or the archive behind the call is broken: no fault of the component.
    #[error("{0}")]
    Host(String),
}

impl Fault {
    /// A stable word for the store and the API (`error_code`).
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Trap { .. } => "trap",
            Self::OutOfMemory { .. } => "out-of-memory",
            Self::CpuDeadline { .. } => "cpu-deadline",
            Self::WallDeadline { .. } => "wall-deadline",
            Self::TooManyRequests { .. } => "too-many-requests",
            Self::TooManyBytes { .. } => "too-many-bytes",
            Self::TooManyMeasurements { .. } => "too-many-measurements",
            Self::OutputFlood { .. } => "output-flood",
            Self::Host(_) => "host",
        }
    }

    /// What it is to the task, and says of the upstream.
    pub const fn setback(&self) -> Setback<'static> {
        match self {
            Self::WallDeadline { .. } => Setback::Timeout,
            Self::Host(_) => Setback::Host,
            _ => Setback::Crash,
        }
    }

    /// The fault that an egress error is, if it ends the call; the others are answers for the guest.
    pub(super) fn of_egress(error: &EgressError) -> Option<Self> {
        match error {
            EgressError::Cap(CapExceeded::Requests { cap }) => Some(Self::TooManyRequests { cap: *cap }),
            EgressError::Cap(CapExceeded::TotalBytes { cap }) => Some(Self::TooManyBytes { cap: *cap }),
            EgressError::Internal(why) => Some(Self::Host(why.clone())),
            EgressError::Denied(_)
            | EgressError::Timeout
            | EgressError::TooLarge(_)
            | EgressError::Transport(_) => None,
        }
    }
}
