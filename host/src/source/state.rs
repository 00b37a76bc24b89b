//! What belongs to one call: the store's data and everything that the guest can reach.

use std::{collections::BTreeMap, sync::Arc};

use wasmtime::{CallHook, Store, UpdateDeadline, component::ResourceTable};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

use super::{
    engine::Engine,
    limits::{Caps, CpuClock, MemoryLimit},
    log::CallLog,
};
use crate::egress;

pub(super) struct State {
    pub(super) wasi: WasiCtx,
    pub(super) table: ResourceTable,
    pub(super) egress: Option<egress::Call>,
    pub(super) settings: Arc<BTreeMap<String, String>>,
    pub(super) log: CallLog,
    pub(super) memory: MemoryLimit,
    pub(super) cpu: CpuClock,
}

impl State {
    /// A state that gives the guest a clock, random numbers, a log, its settings, and, if `egress` is there,
    /// requests through the policy. No files, no environment, no arguments, no sockets.
    pub(super) fn new(
        caps: &Caps,
        log: CallLog,
        egress: Option<egress::Call>,
        settings: Arc<BTreeMap<String, String>>,
    ) -> Self {
        let wasi = WasiCtx::builder().stdout(log.stdio()).stderr(log.stdio()).build();
        Self {
            wasi,
            table: ResourceTable::new(),
            egress,
            settings,
            log,
            memory: MemoryLimit::new(caps.memory),
            cpu: CpuClock::new(caps.cpu),
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
            Ok(())
        });
        store
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}
