//! The caps of one call, and the part of them that wasmtime enforces through a limiter.

use std::time::{Duration, Instant};

use wasmtime::ResourceLimiter;

use super::fault::Fault;

/// What one call may use. Past a cap the call ends as a typed [`Fault`]; requests and bytes are capped by
/// the egress policy.
#[derive(Clone, Debug, PartialEq)]
pub struct Caps {
    /// Linear memory of all instances together, bytes.
    pub memory: usize,
    /// From call to return, waiting included.
    pub wall: Duration,
    /// Time inside the guest, waiting excluded.
    pub cpu: Duration,
    /// Measurements of all returned series together.
    pub measurements: usize,
    /// Text that the guest may write to the log, bytes; what is over it is cut, and the log says so.
    pub log: usize,
}

impl Caps {
    /// Bytes that the host may copy out of the guest for the returned series: a measurement is 24 bytes in
    /// the canonical ABI, and labels, names and requests come on top.
    pub(super) const fn hostcall_bytes(&self) -> usize {
        self.measurements.saturating_mul(24).saturating_add(4 << 20)
    }
}

/// Tables and instances that a component of one language runtime needs, with room to spare.
const MAX_INSTANCES: usize = 64;
const MAX_TABLES: usize = 64;
const MAX_MEMORIES: usize = 16;
const MAX_TABLE_ELEMENTS: usize = 1 << 20;

/// Counts the memory of all linear memories of a call against one cap.
#[derive(Debug)]
pub(super) struct MemoryLimit {
    cap: usize,
    used: usize,
}

impl MemoryLimit {
    pub(super) const fn new(cap: usize) -> Self {
        Self { cap, used: 0 }
    }

    /// Most bytes of linear memory that were in use; memory never shrinks.
    pub(super) const fn peak(&self) -> usize {
        self.used
    }
}

impl ResourceLimiter for MemoryLimit {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let wanted = self.used.saturating_add(desired.saturating_sub(current));
        if wanted > self.cap {
            // An error traps at once; a refusal would let the guest die later of something less clear.
            return Err(Fault::OutOfMemory { cap: self.cap, wanted }.into());
        }
        self.used = wanted;
        Ok(true)
    }

    fn table_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        Ok(desired <= MAX_TABLE_ELEMENTS)
    }

    fn instances(&self) -> usize {
        MAX_INSTANCES
    }

    fn tables(&self) -> usize {
        MAX_TABLES
    }

    fn memories(&self) -> usize {
        MAX_MEMORIES
    }
}

/// Time spent inside the guest: the clock runs while wasm runs and stands while the host does.
#[derive(Debug)]
pub(super) struct CpuClock {
    cap: Duration,
    spent: Duration,
    running_since: Option<Instant>,
}

impl CpuClock {
    pub(super) const fn new(cap: Duration) -> Self {
        Self { cap, spent: Duration::ZERO, running_since: None }
    }

    pub(super) fn enter_guest(&mut self) {
        self.running_since = Some(Instant::now());
    }

    pub(super) fn leave_guest(&mut self) {
        if let Some(since) = self.running_since.take() {
            self.spent += since.elapsed();
        }
    }

    pub(super) fn spent(&self) -> Duration {
        self.spent + self.running_since.map_or(Duration::ZERO, |since| since.elapsed())
    }

    pub(super) fn exceeded(&self) -> Option<Fault> {
        (self.spent() > self.cap).then_some(Fault::CpuDeadline { cap: self.cap })
    }
}
