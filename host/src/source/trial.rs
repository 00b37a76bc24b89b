//! The small calls again, told in full: for the kit, which asks how they behave and not what they answer.

use std::time::Duration;

use super::{
    call::{SMALL_CALL, Source, Used},
    convert,
    describe::Said,
    fault::Fault,
    log::CallLog,
    state::State,
};
use crate::domain::Unit;

/// What came of a call that may make no request.
#[derive(Clone, Debug)]
pub struct Small<T> {
    /// What it answered, or how the sandbox ended it.
    pub outcome: Result<T, Fault>,
    /// Requests that it tried to make.
    pub asked: u32,
    /// Processor time inside the guest.
    pub cpu: Duration,
    /// Most linear memory in use, bytes.
    pub peak_memory: usize,
}

impl<T> Small<T> {
    pub(super) fn new((outcome, used): (Result<T, Fault>, Used)) -> Self {
        Self { outcome, asked: used.asked_in_vain, cpu: used.cpu, peak_memory: used.peak_memory }
    }
}

impl Source {
    /// Asks the component to describe itself, with this source's settings, clock and chance.
    pub async fn describe(&self) -> Small<Said> {
        let run =
            self.loaded.sandbox(&self.engine).run(self.small(), &SMALL_CALL, async |store, instance| {
                self.loaded.adapter.load(&mut *store, instance)?.call_describe(store).await.map(Said::from)
            });
        Small::new(run.await)
    }

    /// Has the component check a unit, whatever the host itself would say of it.
    pub async fn try_unit(&self, unit: &Unit) -> Small<Result<(), String>> {
        let unit = convert::unit(unit);
        let run =
            self.loaded.sandbox(&self.engine).run(self.small(), &SMALL_CALL, async |store, instance| {
                self.loaded.adapter.load(&mut *store, instance)?.call_check_unit(store, &unit).await
            });
        Small::new(run.await)
    }

    fn small(&self) -> State {
        State::new(&SMALL_CALL, CallLog::new(SMALL_CALL.log), None, self.settings.clone(), &self.world)
    }
}
