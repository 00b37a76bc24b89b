//! Schedules at work: turns those that are due into jobs, and asks sources without history what they show now.
//! Every host does; the store sees to it that each firing happens once.

mod collect;
mod plan;

use std::{future, sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use serde_json::json;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use self::plan::Planned;
use crate::{
    domain::{Priority, ScheduleSettings, span},
    planning::{self, PlanningError},
    source::Registry,
    store::{Act, Fired, NewJob, RunClaim, Schedule, Store, StoreError, Without},
};

/// For so long others leave a due schedule to the host that plans for it.
const HOLD: Duration = Duration::from_secs(120);

/// The longest pause between looks: schedules are made, changed and asked for at any time.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Fires schedules and runs collectors. Cheap to clone.
#[derive(Clone)]
pub struct Scheduler {
    store: Store,
    registry: Arc<Registry>,
    /// Attempts of each task that its jobs have.
    max_attempts: u32,
    /// So many tasks may be open, over all jobs.
    max_open_tasks: u32,
    /// How long collectors may take to end once the host is to stop.
    grace: Duration,
}

impl Scheduler {
    /// A scheduler of this process.
    pub const fn new(
        store: Store,
        registry: Arc<Registry>,
        max_attempts: u32,
        max_open_tasks: u32,
        grace: Duration,
    ) -> Self {
        Self { store, registry, max_attempts, max_open_tasks, grace }
    }

    /// Fires what is due, at its time, until `stop` is cancelled. Collectors that run then have the grace period to
    /// end, and are given back after it, or once `at_once` is cancelled. A database that goes away is waited for.
    pub async fn run(&self, stop: CancellationToken, at_once: CancellationToken) {
        let interrupt = CancellationToken::new();
        let mut asking = JoinSet::new();
        while !stop.is_cancelled() {
            let now = self.store.now();
            let pause = match self.tick(&mut asking, &interrupt, now).await {
                // What is due still is another host's business.
                Ok(next) => next
                    .and_then(|next| (next - now).to_std().ok())
                    .filter(|pause| !pause.is_zero())
                    .map_or(LONGEST_PAUSE, |pause| pause.min(LONGEST_PAUSE)),
                Err(error) => {
                    tracing::warn!("schedules can't be looked at: {error}; trying again");
                    LONGEST_PAUSE
                }
            };
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                // What it came to may be due again before anything else.
                Some(_) = asking.join_next() => while asking.try_join_next().is_some() {},
                () = stop.cancelled() => {}
            }
        }
        let ended = async { while asking.join_next().await.is_some() {} };
        tokio::pin!(ended);
        tokio::select! {
            () = &mut ended => return,
            () = tokio::time::sleep(self.grace) => {}
            () = at_once.cancelled() => {}
        }
        interrupt.cancel();
        ended.await;
    }

    /// One look: fires what is due, begins the collector runs that are to be tried, and says when to look again.
    async fn tick(
        &self,
        asking: &mut JoinSet<()>,
        interrupt: &CancellationToken,
        now: DateTime<Utc>,
    ) -> Result<Option<DateTime<Utc>>, StoreError> {
        self.fire_due(now).await?;
        // Planning may have taken long.
        for claim in self.claim_runs(self.store.now()).await? {
            let (own, interrupt) = (self.clone(), interrupt.clone());
            asking.spawn(async move { own.collect(&claim, interrupt.cancelled()).await });
        }
        self.store.next_firing().await
    }

    /// Fires every schedule that is due at an instant; gives their names and what became of each. One that can't be
    /// planned for now is left to the next look.
    pub async fn fire_due(&self, now: DateTime<Utc>) -> Result<Vec<(String, Fired)>, StoreError> {
        let mut fired = Vec::new();
        for due in self.store.due_schedules(HOLD, now).await? {
            match self.fire(&due, now).await {
                Ok(what) => {
                    tracing::info!(schedule = due.name, "fired: {what:?}");
                    fired.push((due.name, what));
                }
                Err(error) => {
                    tracing::warn!(schedule = due.name, "could not be fired: {error}; trying again soon");
                }
            }
        }
        Ok(fired)
    }

    /// Fires a schedule besides its times; collector runs are tried once, to their end.
    pub async fn fire_now(&self, id: i64, now: DateTime<Utc>) -> Result<Fired, StoreError> {
        let asked = self.store.ask_schedule(id, HOLD, now).await?;
        let fired = self.fire(&asked, now).await?;
        if matches!(fired, Fired::Runs(_)) {
            self.collect_due(now).await?;
        }
        Ok(fired)
    }

    /// Tries every collector run that is due at an instant, side by side, to its end.
    pub async fn collect_due(&self, now: DateTime<Utc>) -> Result<(), StoreError> {
        let claims = self.claim_runs(now).await?;
        let asking = claims.iter().map(|claim| self.collect(claim, future::pending()));
        futures::future::join_all(asking).await;
        Ok(())
    }

    async fn fire(&self, due: &Schedule, now: DateTime<Utc>) -> Result<Fired, StoreError> {
        let settings = match due.settings() {
            Ok(settings) => settings,
            Err(error) => return self.store.fire(due, Act::Fail(&error.to_string()), &[], now).await,
        };
        let (planned, priority) = match &settings {
            ScheduleSettings::Incremental(own) => (
                plan::incremental(&self.store, &self.registry, own, settings.subjects(), now).await?,
                own.priority,
            ),
            ScheduleSettings::Revise(own) => (
                plan::revise(&self.store, &self.registry, own, settings.subjects(), due, now).await?,
                own.priority,
            ),
            ScheduleSettings::Collect(_) => return self.fire_collectors(due, &settings, now).await,
        };
        self.fire_job(due, &planned, priority, now).await
    }

    async fn fire_job(
        &self,
        due: &Schedule,
        planned: &Planned,
        priority: Priority,
        now: DateTime<Utc>,
    ) -> Result<Fired, StoreError> {
        let Some(window) = span(&planned.tasks) else {
            return self.store.fire(due, Act::Nothing(planned.nothing), &planned.without, now).await;
        };
        match planning::check_room(&self.store, planned.tasks.len(), self.max_open_tasks).await {
            Ok(()) => {}
            Err(PlanningError::Store(error)) => return Err(error),
            // The next firing finds it missing still.
            Err(full) => {
                return self.store.fire(due, Act::Fail(&full.to_string()), &planned.without, now).await;
            }
        }
        let job = NewJob {
            windfarm_ids: &planned.windfarm_ids,
            window,
            tasks: &planned.tasks,
            priority,
            max_concurrency: None,
            max_attempts: self.max_attempts,
            anew: planned.anew,
            metadata: json!({ "schedule": due.name, "schedule_id": due.id, "kind": due.kind }),
            created_by_id: due.created_by_id,
        };
        let fired = self.store.fire(due, Act::Job(&job), &planned.without, now).await?;
        if matches!(fired, Fired::Job(_)) {
            planning::count_job(&planned.tasks);
        }
        Ok(fired)
    }

    /// Has every source asked that collects and has units of the schedule; one that the schedule names is left to
    /// other hosts where this one can't use it.
    async fn fire_collectors(
        &self,
        due: &Schedule,
        settings: &ScheduleSettings,
        now: DateTime<Utc>,
    ) -> Result<Fired, StoreError> {
        let subjects = settings.subjects();
        let mut sources: Vec<String> = Vec::new();
        let mut without = Vec::new();
        for unit in self.store.active_units().await? {
            if !subjects.include(unit.windfarm_id, unit.id, &unit.source) || sources.contains(&unit.source) {
                continue;
            }
            match self.registry.get(&unit.source) {
                Some(Ok(source)) if source.collects() => sources.push(unit.source),
                Some(Err(_)) if subjects.sources.contains(&unit.source) => sources.push(unit.source),
                _ => {}
            }
        }
        for named in subjects.sources.iter().filter(|named| !sources.contains(named)) {
            let why = match self.registry.get(named) {
                None => "the configuration has none of that id",
                Some(Ok(source)) if !source.collects() => "it collects nothing",
                Some(_) => "no active unit of this schedule is its",
            };
            without.push(Without { source: named.clone(), why: why.to_owned() });
        }
        let act = match sources.is_empty() {
            true => Act::Fail("no source that collects has active units of this schedule"),
            false => Act::Collect(&sources),
        };
        self.store.fire(due, act, &without, now).await
    }

    async fn claim_runs(&self, now: DateTime<Utc>) -> Result<Vec<RunClaim>, StoreError> {
        let collecting: Vec<String> = self
            .registry
            .all()
            .into_iter()
            .filter_map(|(id, source)| source.is_ok_and(|source| source.collects()).then_some(id))
            .collect();
        let collecting: Vec<_> = collecting.iter().map(String::as_str).collect();
        self.store.claim_runs(&collecting, collect::LEASE, now).await
    }
}
