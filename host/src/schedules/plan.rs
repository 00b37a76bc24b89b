//! What a due schedule is to fetch: the settings, seen through the calendar of each source.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use crate::{
    domain::{
        Calendar, IncrementalSettings, Order, PlanRequest, PlanUnit, PlannedTask, Range, Reprocess,
        ReviseSettings, Subjects, Verdict, incremental as looks_at, plan, revise as months_due,
    },
    planning::plan_unit,
    source::Registry,
    store::{RegisteredUnit, Schedule, Store, StoreError, Without},
};

/// The tasks of one firing.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Planned {
    pub(super) tasks: Vec<PlannedTask>,
    /// The wind farms of their units.
    pub(super) windfarm_ids: Vec<i64>,
    /// Sources that can't be planned for, each with the reason.
    pub(super) without: Vec<Without>,
    /// What it means that there is no task.
    pub(super) nothing: &'static str,
    /// Whether a fetch that is under way already is not enough.
    pub(super) anew: bool,
}

impl Planned {
    fn add(&mut self, units: &Units, tasks: impl Iterator<Item = PlannedTask>) {
        let of_unit: BTreeMap<i64, i64> = units.all.iter().map(|unit| (unit.id, unit.windfarm_id)).collect();
        let mut windfarms: BTreeSet<i64> = self.windfarm_ids.drain(..).collect();
        for task in tasks {
            windfarms.extend(of_unit.get(&task.unit_id));
            self.tasks.push(task);
        }
        self.windfarm_ids = windfarms.into_iter().collect();
    }
}

/// What is missing of the months that lie behind the publication lag. What another job is fetching already is left
/// to it: if it does not succeed, the next firing finds it missing still.
pub(super) async fn incremental(
    store: &Store,
    registry: &Registry,
    settings: &IncrementalSettings,
    subjects: Subjects<'_>,
    now: DateTime<Utc>,
) -> Result<Planned, StoreError> {
    let mut planned = Planned { nothing: "nothing missing", ..Planned::default() };
    for units in by_source(store, registry, subjects, &mut planned.without).await? {
        if let Some(range) = looks_at(settings, units.calendar, now) {
            let request = PlanRequest { range, reprocess: Reprocess::Missing, order: Order::OldestFirst };
            let known = store.known(&units.planned, range).await?;
            let tasks = plan(&units.planned, request, &known, now).tasks;
            planned.add(&units, tasks.into_iter().filter(|task| task.verdict == Verdict::Fetch));
        }
    }
    Ok(planned)
}

/// The months that have reached an age since the schedule last fired with their source.
pub(super) async fn revise(
    store: &Store,
    registry: &Registry,
    settings: &ReviseSettings,
    subjects: Subjects<'_>,
    schedule: &Schedule,
    now: DateTime<Utc>,
) -> Result<Planned, StoreError> {
    let mut planned =
        Planned { nothing: "no month has reached an age since", anew: true, ..Planned::default() };
    for units in by_source(store, registry, subjects, &mut planned.without).await? {
        let since = schedule.idle_since(&units.source);
        for month in months_due(&settings.revise_after, units.calendar, since, now) {
            let Ok(range) = Range::of_months(month, month) else { continue };
            let request = PlanRequest { range, reprocess: Reprocess::All, order: Order::OldestFirst };
            let known = store.known(&units.planned, range).await?;
            let tasks = plan(&units.planned, request, &known, now).tasks;
            planned.add(&units, tasks.into_iter().filter(|task| task.verdict.runs()));
        }
    }
    Ok(planned)
}

/// The units of one source.
struct Units {
    source: String,
    calendar: Calendar,
    all: Vec<RegisteredUnit>,
    planned: Vec<PlanUnit>,
}

/// The active units of a schedule by source, of the sources that can be used; the others are named in `without`.
async fn by_source(
    store: &Store,
    registry: &Registry,
    subjects: Subjects<'_>,
    without: &mut Vec<Without>,
) -> Result<Vec<Units>, StoreError> {
    let mut of_sources: BTreeMap<String, Vec<RegisteredUnit>> = BTreeMap::new();
    for unit in store.active_units().await? {
        if subjects.include(unit.windfarm_id, unit.id, &unit.source) {
            of_sources.entry(unit.source.clone()).or_default().push(unit);
        }
    }
    let mut usable = Vec::new();
    for (source, all) in of_sources {
        let planned: Vec<_> = all.iter().map(|unit| plan_unit(unit, registry)).collect();
        // Units of one source have one calendar, and are refused alike.
        match planned.first().map(|unit| (unit.calendar, &unit.refused)) {
            Some((_, Some(why))) => without.push(Without { source, why: why.to_string() }),
            Some((calendar, None)) => usable.push(Units { source, calendar, all, planned }),
            None => {}
        }
    }
    Ok(usable)
}
