//! What belongs to one call: the store's data and everything that the guest can reach.

use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::AtomicU32},
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use rand::{SeedableRng, rngs::StdRng};
use wasmtime::{CallHook, Store, UpdateDeadline, component::ResourceTable};
use wasmtime_wasi::{HostWallClock, WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::WasiHttpCtx;

use super::{
    engine::Engine,
    limits::{Caps, CpuClock, MemoryLimit},
    log::CallLog,
    outgoing::{self, Outgoing},
};
use crate::egress;

/// Bodies, streams and maps of headers that a guest may hold at once: their memory is the host's. A thousand requests of
/// which a garbage collector drops nothing need about half.
pub(super) const MAX_RESOURCES: usize = 1 << 14;

pub(super) struct State {
    pub(super) wasi: WasiCtx,
    pub(super) table: ResourceTable,
    pub(super) egress: Option<egress::Call>,
    pub(super) http: WasiHttpCtx,
    pub(super) outgoing: Outgoing,
    pub(super) settings: Arc<BTreeMap<String, String>>,
    pub(super) log: CallLog,
    pub(super) memory: MemoryLimit,
    pub(super) cpu: CpuClock,
    /// Requests that were asked for where none may be made.
    pub(super) asked_in_vain: Arc<AtomicU32>,
}

impl State {
    /// A state that gives the guest a clock, random numbers, a log, its settings, and, if `egress` is there,
    /// requests through the policy. No files, no environment, no arguments, no sockets.
    pub(super) fn new(
        caps: &Caps,
        log: CallLog,
        egress: Option<egress::Call>,
        settings: Arc<BTreeMap<String, String>>,
        world: &World,
    ) -> Self {
        let mut wasi = WasiCtx::builder();
        wasi.stdout(log.stdio()).stderr(log.stdio());
        if let Some(instant) = world.clock {
            wasi.wall_clock(ClockFrom { instant, since: Instant::now() });
        }
        if let Some(seed) = world.seed {
            wasi.secure_random(StdRng::seed_from_u64(seed))
                .insecure_random(StdRng::seed_from_u64(seed))
                .insecure_random_seed(seed.into());
        }
        let wasi = wasi.build();
        let asked_in_vain = Arc::<AtomicU32>::default();
        let mut table = ResourceTable::new();
        table.set_max_capacity(MAX_RESOURCES);
        Self {
            wasi,
            table,
            http: outgoing::context(),
            outgoing: Outgoing::new(
                egress.clone(),
                Arc::clone(&asked_in_vain),
                log.clone(),
                caps.hostcall_bytes(),
            ),
            egress,
            settings,
            log,
            memory: MemoryLimit::new(caps.memory),
            cpu: CpuClock::new(caps.cpu),
            asked_in_vain,
        }
    }

    /// A store around this state in which every cap that wasmtime can enforce is armed.
    pub(super) fn into_store(self, engine: &Engine, caps: &Caps) -> Store<Self> {
        let mut store = Store::new(&engine.wasm, self);
        store.limiter(|state| &mut state.memory);
        store.set_hostcall_fuel(caps.hostcall_bytes());
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(|context| match context.data().cpu.exceeded() {
            Some(fault) => Err(fault.into()),
            // Not `Yield`: its waker goes to the head of tokio's queue and starves timers and I/O.
            None => Ok(UpdateDeadline::YieldCustom(1, Box::pin(tokio::task::yield_now()))),
        });
        store.call_hook(|mut context, hook| {
            let state = context.data_mut();
            match hook {
                CallHook::CallingWasm | CallHook::ReturningFromHost => state.cpu.enter_guest(),
                CallHook::ReturningFromWasm | CallHook::CallingHost => state.cpu.leave_guest(),
            }
            state.outgoing.fault().map_or(Ok(()), |fault| Err(fault.clone().into()))
        });
        store
    }
}

/// What a call sees of the world apart from its upstream: by default the time it is, and chance.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct World {
    /// What the wall clock says as the call begins; it goes on from there.
    pub clock: Option<DateTime<Utc>>,
    /// From what random numbers follow.
    pub seed: Option<u64>,
}

struct ClockFrom {
    instant: DateTime<Utc>,
    since: Instant,
}

impl HostWallClock for ClockFrom {
    fn resolution(&self) -> Duration {
        Duration::from_nanos(1)
    }

    fn now(&self) -> Duration {
        // A guest's clock knows no time before 1970.
        let instant = (self.instant - DateTime::UNIX_EPOCH).to_std().unwrap_or_default();
        instant + self.since.elapsed()
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}
