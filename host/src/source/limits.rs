//! The caps of one call, and the part of them that wasmtime enforces through a limiter.

use std::{
    future::poll_fn,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use rustix::time::{ClockId, clock_gettime};
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
    /// Processor time inside the guest.
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

/// What a guest computes, as processor time of the threads that its call is polled on: taken while wasm runs, not while
/// the host does, and not while it waits for a processor, so that a cap means the same on a busy machine.
#[derive(Clone, Debug)]
pub(super) struct CpuClock {
    cap: Duration,
    taken: Arc<Mutex<Taken>>,
}

#[derive(Debug, Default)]
struct Taken {
    before: Duration,
    /// Whether the call is in the guest, polled or not.
    in_guest: bool,
    /// Where the thread's time stood when it went on there.
    since: Option<Duration>,
}

impl CpuClock {
    pub(super) fn new(cap: Duration) -> Self {
        Self { cap, taken: Arc::default() }
    }

    pub(super) fn enter_guest(&self) {
        let mut taken = self.taken();
        taken.in_guest = true;
        taken.go_on();
    }

    pub(super) fn leave_guest(&self) {
        let mut taken = self.taken();
        taken.stop();
        taken.in_guest = false;
    }

    /// The same call, with the clock standing while nobody polls it: a guest is left amid its computing so that others
    /// have their turn, and goes on, perhaps, on another thread.
    pub(super) async fn over<T>(&self, call: impl Future<Output = T>) -> T {
        let mut call = pin!(call);
        poll_fn(|context| {
            self.taken().go_on();
            let polled = call.as_mut().poll(context);
            self.taken().stop();
            polled
        })
        .await
    }

    pub(super) fn spent(&self) -> Duration {
        self.taken().so_far()
    }

    pub(super) fn exceeded(&self) -> Option<Fault> {
        (self.spent() > self.cap).then_some(Fault::CpuDeadline { cap: self.cap })
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        // Every change is whole once it is made.
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Taken {
    fn go_on(&mut self) {
        self.since = self.in_guest.then(thread_time);
    }

    fn stop(&mut self) {
        self.before = self.so_far();
        self.since = None;
    }

    fn so_far(&self) -> Duration {
        self.before + self.since.map_or(Duration::ZERO, |since| thread_time().saturating_sub(since))
    }
}

/// Processor time of this thread so far.
fn thread_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    // The kernel gives neither below zero.
    Duration::new(time.tv_sec.try_into().unwrap_or_default(), time.tv_nsec.try_into().unwrap_or_default())
}
