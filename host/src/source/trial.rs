//! The small calls again, told in full: for the kit, which asks how they behave and not what they answer.

use std::time::Duration;

use super::{
    bindings::types as wit,
    call::{SMALL_CALL, Source, Used},
    convert,
    describe::Setting,
    fault::Fault,
    log::CallLog,
    state::State,
};
use crate::domain::Unit;

/// What a component says of itself, word by word: nothing is checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// The upstream, for people.
    pub name: String,
    /// Version of the source itself.
    pub version: String,
    /// What it fetches, for people.
    pub summary: String,
    /// What a unit code looks like, for people.
    pub unit_code: String,
    /// Hosts that it asks to reach.
    pub hosts: Vec<String>,
    /// Settings that it knows.
    pub settings: Vec<Setting>,
    /// An IANA zone, it should be.
    pub month_zone: String,
    /// Days after a month's end until it is normally complete.
    pub publication_lag_days: u16,
    /// `YYYY-MM`, it should be.
    pub first_month: Option<String>,
}

/// What came of a call that may make no request.
#[derive(Clone, Debug)]
pub struct Small<T> {
    /// What it answered, or how the sandbox ended it.
    pub outcome: Result<T, Fault>,
    /// Requests that it tried to make.
    pub asked: u32,
    /// Time inside the guest.
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

impl From<wit::Description> for Said {
    fn from(said: wit::Description) -> Self {
        let setting = |it: wit::Setting| Setting { name: it.name, summary: it.summary, default: it.default };
        Self {
            name: said.name,
            version: said.version,
            summary: said.summary,
            unit_code: said.unit_code,
            hosts: said.hosts,
            settings: said.settings.into_iter().map(setting).collect(),
            month_zone: said.month_zone,
            publication_lag_days: said.publication_lag_days,
            first_month: said.first_month,
        }
    }
}
