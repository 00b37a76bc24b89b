//! From what somebody asks for to a plan, and from a plan to a job. Knows the store and the sources; what it is asked
//! through (command line, HTTP, a schedule) is not its business.

mod room;

pub use self::room::{Retry, check_room, retry};

use std::collections::{BTreeMap, HashSet};

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::{
    domain::{
        Calendar, Order, Plan, PlanRequest, PlanUnit, PlannedTask, Priority, Range, Refused, Reprocess,
        TaskStatus, plan, span,
    },
    observe,
    source::Registry,
    store::{NewJob, RegisteredUnit, Store, StoreError, Turn, Windfarm},
};

/// What a job is asked to be.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// The wind farms. If none is named, those of the units.
    pub windfarm_ids: Vec<i64>,
    /// Only these units, which are active; all if none is named.
    pub unit_ids: Vec<i64>,
    /// Only units of these sources; all if none is named.
    pub sources: Vec<String>,
    /// The span.
    pub range: Range,
    /// Which months of it.
    pub reprocess: Reprocess,
    /// Which of them first.
    pub order: Order,
}

/// How a job is to run.
#[derive(Clone, Debug)]
pub struct HowToRun {
    /// How soon.
    pub priority: Priority,
    /// At most so many of its tasks at once.
    pub max_concurrency: Option<u32>,
    /// Attempts of each task in all.
    pub max_attempts: u32,
    /// The user who asked.
    pub created_by_id: Option<i64>,
    /// The hash of the plan that was shown; another plan is refused.
    pub plan_hash: Option<String>,
    /// So many tasks may be open, over all jobs.
    pub max_open_tasks: u32,
    /// The turn of the request that asked, if it has a key: it makes one job.
    pub turn: Option<Turn>,
}

/// The most tasks of one plan: what is held in memory, shown and written at once.
pub const MOST_TASKS: usize = 100_000;

/// So many of a list are named in a message.
const NAMED: usize = 20;

/// A plan with what it is about.
#[derive(Clone, Debug)]
pub struct Planned {
    /// What was asked for.
    pub wanted: Wanted,
    /// The wind farms, in the order in which they were named.
    pub windfarms: Vec<Windfarm>,
    /// Their units that are planned for.
    pub units: Vec<RegisteredUnit>,
    /// The tasks, each with its verdict.
    pub plan: Plan,
}

/// Why nothing can be planned. The texts say what to do.
#[derive(Debug, thiserror::Error)]
pub enum PlanningError {
    /// The store failed, or has no such wind farm.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The configuration has no such source.
    #[error("source {id:?}: the configuration has no such source; it has {known}")]
    UnknownSource {
        /// As asked for.
        id: String,
        /// Those that there are.
        known: String,
    },
    /// No unit is left.
    #[error("{what} has no active unit of these sources; import some with `backfill import`")]
    NoUnits {
        /// The wind farms.
        what: String,
    },
    /// The wind farms have no such active unit, or not of these sources.
    #[error("unit {unit}: these wind farms have no such active unit of these sources; they have {known}")]
    UnknownUnit {
        /// As asked for.
        unit: String,
        /// The units that there are.
        known: String,
    },
    /// It is more than one job may be.
    #[error(
        "{units} units and {months} months are {} tasks, and a job has at most {MOST_TASKS}; ask for fewer at once",
        units.saturating_mul(*months)
    )]
    TooMany {
        /// Units that are planned for.
        units: usize,
        /// Months of the range.
        months: usize,
    },
    /// More would wait than may.
    #[error("{open} tasks are open, and with {more} more they would be more than {limit} (max_open_tasks)")]
    QueueFull {
        /// Open tasks of all jobs.
        open: i64,
        /// Those that would come.
        more: i64,
        /// The most that there may be.
        limit: u32,
    },
    /// No day of the range is one of the source's calendar.
    #[error("the range holds no day of the sources' calendars; give another")]
    Nothing,
    /// Somebody wants to start the plan that was shown, and it has changed.
    #[error(
        "the plan has changed since it was shown (its hash is {now} now); look at it again, then start that"
    )]
    Changed {
        /// The hash of the plan as it is now.
        now: String,
    },
}

/// Plans, and changes nothing.
pub async fn preview(
    store: &Store,
    registry: &Registry,
    wanted: Wanted,
    now: DateTime<Utc>,
) -> Result<Planned, PlanningError> {
    if let Some(id) = wanted.sources.iter().find(|id| registry.get(id).is_none()) {
        let known: Vec<_> = registry.all().into_iter().map(|(id, _)| id).collect();
        return Err(PlanningError::UnknownSource { id: id.clone(), known: known.join(", ") });
    }
    let windfarm_ids = match wanted.windfarm_ids.as_slice() {
        [] => store.windfarms_of_units(&wanted.unit_ids).await?,
        named => named.to_vec(),
    };
    let windfarms = store.windfarms_by_id(&windfarm_ids).await?;
    let mut units = store.units_of_windfarms(&windfarms, &wanted.sources).await?;
    if units.is_empty() {
        let names = named_in_short(windfarms.iter().map(|windfarm| format!("{:?}", windfarm.name)));
        return Err(PlanningError::NoUnits { what: format!("wind farm {names}") });
    }
    let there: HashSet<_> = units.iter().map(|unit| unit.id).collect();
    if let Some(id) = wanted.unit_ids.iter().find(|id| !there.contains(id)) {
        let known = named_in_short(units.iter().map(|unit| unit.id.to_string()));
        return Err(PlanningError::UnknownUnit { unit: id.to_string(), known });
    }
    let chosen: HashSet<_> = wanted.unit_ids.iter().copied().collect();
    units.retain(|unit| chosen.is_empty() || chosen.contains(&unit.id));
    let months = wanted.range.months().count();
    if units.len().saturating_mul(months) > MOST_TASKS {
        return Err(PlanningError::TooMany { units: units.len(), months });
    }
    let plan_units: Vec<_> = units.iter().map(|unit| plan_unit(unit, registry)).collect();
    let known = store.known(&plan_units, wanted.range).await?;
    let request = PlanRequest { range: wanted.range, reprocess: wanted.reprocess, order: wanted.order };
    let plan = plan(&plan_units, request, &known, now);
    Ok(Planned { wanted, windfarms, units, plan })
}

/// The first of a list, with commas between.
fn named_in_short(all: impl ExactSizeIterator<Item = String>) -> String {
    let more = all.len().saturating_sub(NAMED);
    let mut list = all.take(NAMED).collect::<Vec<_>>().join(", ");
    if more > 0 {
        list.push_str(&format!(" and {more} more"));
    }
    list
}

/// The ids of wind farms, and of units of theirs, that people named: units by their codes, all units of a code.
pub async fn named(
    store: &Store,
    windfarms: &[String],
    codes: &[String],
) -> Result<(Vec<i64>, Vec<i64>), PlanningError> {
    let mut windfarm_ids = Vec::new();
    let mut units = Vec::new();
    for name in windfarms {
        let windfarm = store.windfarm_by_name(name).await?;
        windfarm_ids.push(windfarm.id);
        units.extend(store.units(windfarm.id, &[]).await?);
    }
    if let Some(code) = codes.iter().find(|code| units.iter().all(|unit| unit.unit.code != **code)) {
        let known: Vec<_> = units.iter().map(|unit| unit.unit.code.as_str()).collect();
        return Err(PlanningError::UnknownUnit { unit: format!("{code:?}"), known: known.join(", ") });
    }
    units.retain(|unit| codes.contains(&unit.unit.code));
    Ok((windfarm_ids, units.into_iter().map(|unit| unit.id).collect()))
}

/// Makes the job of a plan, and returns its id.
pub async fn create(
    store: &Store,
    planned: &Planned,
    how: &HowToRun,
    now: DateTime<Utc>,
) -> Result<i64, PlanningError> {
    if how.plan_hash.as_ref().is_some_and(|shown| *shown != planned.plan.hash()) {
        return Err(PlanningError::Changed { now: planned.plan.hash() });
    }
    check_room(store, planned.plan.to_run(), how.max_open_tasks).await?;
    let ids: Vec<_> = planned.windfarms.iter().map(|windfarm| windfarm.id).collect();
    let job = NewJob {
        windfarm_ids: &ids,
        window: span(&planned.plan.tasks).ok_or(PlanningError::Nothing)?,
        tasks: &planned.plan.tasks,
        priority: how.priority,
        max_concurrency: how.max_concurrency,
        max_attempts: how.max_attempts,
        anew: planned.wanted.reprocess == Reprocess::All,
        metadata: planned.metadata(),
        created_by_id: how.created_by_id,
    };
    let id = store.create_job_once(&job, how.turn.as_ref(), now).await?;
    count_job(&planned.plan.tasks);
    Ok(id)
}

/// Counts a job that was made of these tasks, and those of them that ended with that.
pub fn count_job(tasks: &[PlannedTask]) {
    observe::job_created();
    let mut skipped: BTreeMap<&str, u64> = BTreeMap::new();
    for task in tasks.iter().filter(|task| !task.verdict.runs()) {
        *skipped.entry(task.source.as_str()).or_default() += 1;
    }
    for (source, count) in skipped {
        observe::tasks_ended(source, TaskStatus::Skipped.as_str(), count);
    }
}

impl Planned {
    /// What is kept with the job, for people.
    pub fn metadata(&self) -> Value {
        let names: Vec<_> = self.windfarms.iter().map(|windfarm| windfarm.name.as_str()).collect();
        let chosen = self.units.iter().filter(|_| !self.wanted.unit_ids.is_empty());
        json!({
            "windfarm": names.join(", "),
            "windfarms": self.windfarms.iter().map(|windfarm| json!({ "id": windfarm.id, "name": windfarm.name }))
                .collect::<Vec<_>>(),
            "sources": self.wanted.sources,
            "units": chosen.map(|unit| unit.unit.code.as_str()).collect::<Vec<_>>(),
            "range": self.wanted.range.to_string(),
            "reprocess": self.wanted.reprocess.as_str(),
            "order": self.wanted.order.as_str(),
            "plan_hash": self.plan.hash(),
        })
    }
}

/// A unit with the calendar of its source; a source that can't be used refuses it with the reason.
pub fn plan_unit(unit: &RegisteredUnit, registry: &Registry) -> PlanUnit {
    let source = match registry.get(&unit.source) {
        Some(Ok(source)) => Ok(source.description().calendar()),
        Some(Err(why)) => Err(why.to_string()),
        None => Err(format!("the configuration has no source {:?}", unit.source)),
    };
    let utc = Calendar { zone: chrono_tz::Tz::UTC, first_month: None, publication_lag_days: 0 };
    PlanUnit {
        unit_id: unit.id,
        source: unit.source.clone(),
        calendar: *source.as_ref().unwrap_or(&utc),
        refused: if unit.active { source.err().map(Refused::Source) } else { Some(Refused::Inactive) },
    }
}
