//! One call into a component: a fresh sandbox, every cap armed, and a report of what came of it.

use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::{Duration, Instant},
};

use tracing::Instrument;
use wasmtime::{
    Store, Trap, WasmBacktrace,
    component::{Instance, InstancePre},
};

use super::{
    bindings::{adapter, catalog, collector, types},
    convert,
    describe::Description,
    engine::Engine,
    fault::Fault,
    limits::Caps,
    load::Loaded,
    log::{CallLog, LogLine},
    state::{State, World},
};
use crate::{
    domain::{Failure, Month, Series, Unit, Window},
    egress::{self, Gate, Reuse, Stage, Usage},
    observe::SPANS,
};

/// Caps of `describe` and `check-unit`, which compute a little and ask nothing.
pub(super) const SMALL_CALL: Caps = Caps {
    memory: 64 << 20,
    wall: Duration::from_secs(10),
    cpu: Duration::from_secs(2),
    measurements: 0,
    log: 64 << 10,
};

/// What is told of a source that returned nothing and called it a success.
pub const EMPTY_SUCCESS: &str =
    "the source returned success without one measurement and without saying no-data";

/// A loaded source with its policy: what the worker calls.
#[derive(Clone)]
pub struct Source {
    pub(super) id: String,
    pub(super) engine: Engine,
    pub(super) loaded: Arc<Loaded>,
    pub(super) caps: Caps,
    pub(super) settings: Arc<BTreeMap<String, String>>,
    pub(super) gate: Arc<Gate>,
    pub(super) world: World,
}

/// What came of one call.
#[derive(Debug)]
pub struct CallReport<T> {
    /// Outer layer: the sandbox ended the call. Inner layer: what the source said.
    pub outcome: Result<Result<T, Failure>, Fault>,
    /// Requests, bytes and answers of the call.
    pub usage: Usage,
    /// Processor time inside the guest.
    pub cpu: Duration,
    /// Time from call to return.
    pub wall: Duration,
    /// Most linear memory in use, bytes.
    pub peak_memory: usize,
    /// What the guest wrote.
    pub log: Vec<LogLine>,
}

/// What a collector returns: series by unit code.
pub type Collected = Vec<(String, Vec<Series>)>;

impl Source {
    /// The id in `backfill.toml`.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// sha256 of the component's file, hex.
    pub fn digest(&self) -> &str {
        &self.loaded.digest
    }

    /// The same source with its upstream played by `stage`, and the clock and chance of `world`.
    #[must_use]
    pub fn staged(&self, stage: Arc<dyn Stage>, world: World) -> Self {
        Self { gate: Arc::new(self.gate.staged(stage)), world, ..self.clone() }
    }

    /// What the source says of itself.
    pub fn description(&self) -> &Description {
        &self.loaded.description
    }

    /// Whether it exports `collector`.
    pub fn collects(&self) -> bool {
        self.loaded.collector.is_some()
    }

    /// What it imports of the standard `wasi:http`: only a source with `wasi_http = true` is given it.
    pub fn wasi_http(&self) -> Option<&str> {
        self.loaded.wasi_http.as_deref()
    }

    /// Whether it exports `catalog`.
    pub fn has_catalog(&self) -> bool {
        self.loaded.catalog.is_some()
    }

    /// The hosts that it may reach.
    pub fn hosts(&self) -> Vec<String> {
        self.gate.hosts()
    }

    /// The span of UTC that a calendar month covers for this upstream.
    pub fn window(&self, month: Month) -> Window {
        month.window(self.loaded.description.month_zone)
    }

    /// Checks a unit's code and attributes without any request. The inner error is for people.
    pub async fn check_unit(&self, unit: &Unit) -> Result<Result<(), String>, Fault> {
        if let Err(why) = unit.share() {
            return Ok(Err(why));
        }
        self.try_unit(unit).await.outcome
    }

    /// Fetches and normalizes one unit's month, or the part of it that `window` names; values are the unit's share
    /// of what the source reports for its code. Success has at least one measurement: a source that returns
    /// nothing without saying `no-data` is at fault. `reuse` says which kept answers may serve it.
    pub async fn fetch(
        &self,
        unit: &Unit,
        month: Month,
        window: Window,
        reuse: Reuse,
    ) -> CallReport<Vec<Series>> {
        let share = unit.share();
        let (unit, month) = (convert::unit(unit), convert::month(month, window));
        let mut report = self
            .call(reuse, async |store, instance| {
                let guest = self.loaded.adapter.load(&mut *store, instance)?;
                guest.call_fetch(store, &unit, month).await
            })
            .await
            .map(|series| series.into_iter().map(convert::series).collect::<Vec<_>>());
        let returned = report.count(|series| series.iter().map(|s| s.measurements.len()).sum());
        self.cap_measurements(&mut report, returned);
        if returned == Some(0) {
            report.outcome = Ok(Err(Failure::Malformed(EMPTY_SUCCESS.into())));
        }
        match share {
            Ok(None) => report,
            Ok(Some(share)) => {
                report.map(|series| series.into_iter().map(|series| series.share(share)).collect())
            }
            Err(why) => CallReport { outcome: Ok(Err(Failure::InvalidUnit(why))), ..report },
        }
    }

    /// What the upstream shows now, for sources that collect; `None` for those that don't. Values are whole: units that
    /// share a code each have their share of them.
    pub async fn collect(&self, units: &[Unit]) -> Option<CallReport<Collected>> {
        self.collect_reusing(units, Reuse::Never).await
    }

    pub(super) async fn collect_reusing(
        &self,
        units: &[Unit],
        reuse: Reuse,
    ) -> Option<CallReport<Collected>> {
        let collector = self.loaded.collector.as_ref()?;
        let units: Vec<_> = units.iter().map(convert::unit).collect();
        let mut report = self
            .call(reuse, async |store, instance| {
                let guest = collector.load(&mut *store, instance)?;
                guest.call_collect(store, &units).await
            })
            .await
            .map(|units| {
                units
                    .into_iter()
                    .map(|(code, series)| (code, series.into_iter().map(convert::series).collect()))
                    .collect::<Collected>()
            });
        let returned =
            report.count(|units| units.iter().flat_map(|(_, s)| s).map(|s| s.measurements.len()).sum());
        self.cap_measurements(&mut report, returned);
        Some(report)
    }

    /// The units that the upstream knows, for sources with a catalog; `None` for those without.
    pub async fn list_units(&self) -> Option<CallReport<Vec<Unit>>> {
        let catalog = self.loaded.catalog.as_ref()?;
        let report = self
            .call(Reuse::Fresh, async |store, instance| {
                let guest = catalog.load(&mut *store, instance)?;
                guest.call_list_units(store).await
            })
            .await;
        Some(report.map(|units| units.into_iter().map(convert::known_unit).collect()))
    }

    async fn call<T>(
        &self,
        reuse: Reuse,
        act: impl AsyncFnOnce(&mut Store<State>, &Instance) -> wasmtime::Result<Result<T, types::Failure>>,
    ) -> CallReport<T> {
        let log = CallLog::new(self.caps.log);
        let egress = self.gate.begin(log.for_egress()).reusing(reuse);
        let state =
            State::new(&self.caps, log, Some(egress.clone()), Arc::clone(&self.settings), &self.world);
        let span = tracing::info_span!(target: SPANS, "sandbox", source = self.id);
        let run = self.loaded.sandbox(&self.engine).run(state, &self.caps, act);
        let (result, used) = run.instrument(span).await;
        CallReport {
            outcome: result.map(|said| said.map_err(convert::failure)),
            usage: egress.usage(),
            cpu: used.cpu,
            wall: used.wall,
            peak_memory: used.peak_memory,
            log: used.log,
        }
    }

    fn cap_measurements<T>(&self, report: &mut CallReport<T>, returned: Option<usize>) {
        if returned.is_some_and(|n| n > self.caps.measurements) {
            report.outcome = Err(Fault::TooManyMeasurements { cap: self.caps.measurements });
        }
    }
}

impl<T> CallReport<T> {
    pub(super) fn map<U>(self, f: impl FnOnce(T) -> U) -> CallReport<U> {
        CallReport {
            outcome: self.outcome.map(|said| said.map(f)),
            usage: self.usage,
            cpu: self.cpu,
            wall: self.wall,
            peak_memory: self.peak_memory,
            log: self.log,
        }
    }

    fn count(&self, of: impl FnOnce(&T) -> usize) -> Option<usize> {
        self.outcome.as_ref().ok().and_then(|said| said.as_ref().ok()).map(of)
    }
}

/// Asks a component that is being loaded to describe itself. The inner error is what of its exports does not fit: that
/// their types do is known only of an instance.
pub(super) async fn describe(
    engine: &Engine,
    pre: &InstancePre<State>,
    adapter: &adapter::GuestIndices,
    collector: Option<&collector::GuestIndices>,
    catalog: Option<&catalog::GuestIndices>,
) -> Result<wasmtime::Result<types::Description>, Fault> {
    let state =
        State::new(&SMALL_CALL, CallLog::new(SMALL_CALL.log), None, Arc::default(), &World::default());
    let (result, _) = Sandbox { engine, pre }
        .run(state, &SMALL_CALL, async |store, instance| {
            let fitting = adapter.load(&mut *store, instance).and_then(|adapter| {
                collector.map(|it| it.load(&mut *store, instance)).transpose()?;
                catalog.map(|it| it.load(&mut *store, instance)).transpose()?;
                Ok(adapter)
            });
            match fitting {
                Ok(adapter) => adapter.call_describe(store).await.map(Ok),
                Err(error) => Ok(Err(error)),
            }
        })
        .await;
    result
}

/// What a call used, apart from requests.
pub(super) struct Used {
    pub(super) cpu: Duration,
    pub(super) wall: Duration,
    pub(super) peak_memory: usize,
    pub(super) asked_in_vain: u32,
    log: Vec<LogLine>,
}

/// A component ready to be instantiated.
#[derive(Clone, Copy)]
pub(super) struct Sandbox<'a> {
    pub(super) engine: &'a Engine,
    pub(super) pre: &'a InstancePre<State>,
}

impl Sandbox<'_> {
    /// Runs `act` in a fresh instance. Whatever happens inside ends here, as a value or as a fault; the
    /// store is dropped, so nothing of one call reaches the next.
    pub(super) async fn run<T>(
        self,
        state: State,
        caps: &Caps,
        act: impl AsyncFnOnce(&mut Store<State>, &Instance) -> wasmtime::Result<T>,
    ) -> (Result<T, Fault>, Used) {
        let began = Instant::now();
        let log = state.log.clone();
        let egress = state.egress.clone();
        let cpu = state.cpu.clone();
        let mut store = state.into_store(self.engine, caps);
        let call = async {
            let instance = self.pre.instantiate_async(&mut store).await?;
            act(&mut store, &instance).await
        };
        // The CPU cap is checked at every tick; this one also ends a guest that sleeps for ever.
        let result = match within(caps.wall, egress.as_ref(), cpu.over(call)).await {
            Some(Ok(value)) => Ok(value),
            Some(Err(error)) => Err(classify(&error, &log, caps)),
            None => Err(Fault::WallDeadline { cap: caps.wall }),
        };
        let state = store.data();
        let used = Used {
            cpu: cpu.spent(),
            wall: began.elapsed(),
            peak_memory: state.memory.peak(),
            asked_in_vain: state.asked_in_vain.load(Relaxed),
            log: log.take(),
        };
        (result, used)
    }
}

/// `call` to its end, or `None` once it took longer than `wall`. Time that its requests stood in line for the
/// source's allowance is left out: no attempt is spent waiting.
pub(super) async fn within<T>(
    wall: Duration,
    egress: Option<&egress::Call>,
    call: impl Future<Output = T>,
) -> Option<T> {
    let began = Instant::now();
    let waited = || egress.map_or(Duration::ZERO, |call| call.usage().waited);
    let before = waited();
    let mut call = std::pin::pin!(call);
    loop {
        let left = wall.saturating_add(waited() - before).checked_sub(began.elapsed())?;
        // Nothing can be left out of a time that has not passed: look again when it has.
        if let Ok(value) = tokio::time::timeout(left.max(Duration::from_millis(1)), &mut call).await {
            return Some(value);
        }
    }
}

/// The fault that a wasmtime error stands for.
fn classify(error: &wasmtime::Error, log: &CallLog, caps: &Caps) -> Fault {
    if let Some(fault) = error.downcast_ref::<Fault>() {
        return fault.clone();
    }
    let root = error.root_cause().to_string();
    let backtrace = error.downcast_ref::<WasmBacktrace>();
    // wasmtime has no type for this one: copying out of the guest ran over the budget of the call. With frames
    // of the guest it was handing over arguments; without, its results.
    if root.contains("fuel allocated for hostcalls") {
        return if backtrace.is_some() {
            Fault::OutputFlood { cap: caps.hostcall_bytes() }
        } else {
            Fault::TooManyMeasurements { cap: caps.measurements }
        };
    }
    let reason = match error.downcast_ref::<Trap>() {
        // A Rust panic ends in `unreachable`; its text went to standard error.
        Some(Trap::UnreachableCodeReached) => log.panic_text().unwrap_or(root),
        _ => root,
    };
    let backtrace = backtrace.map(ToString::to_string).unwrap_or_default();
    Fault::Trap { reason, backtrace: backtrace.trim_end().to_owned() }
}
