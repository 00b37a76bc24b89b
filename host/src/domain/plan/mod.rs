//! From units and a range to tasks: one task per unit and month, each with the verdict on it.

#[cfg(test)]
mod tests;
mod verdict;

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};

pub use self::verdict::{Invalid, Refused, Verdict};
use super::{Calendar, Known, Month, Range, Reprocess, Tile, Window, words::words};

words! {
    /// Which months come first.
    Order, "order" {
        /// The earliest.
        OldestFirst = "oldest",
        /// The latest.
        NewestFirst = "newest",
    }
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlanRequest {
    /// The span.
    pub range: Range,
    /// Which months of it.
    pub reprocess: Reprocess,
    /// Which of them first.
    pub order: Order,
}

/// A unit to plan for: its row in the registry and the source that serves it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanUnit {
    /// Row id of the generation unit.
    pub unit_id: i64,
    /// Id of its source.
    pub source: String,
    /// When its upstream has what.
    pub calendar: Calendar,
    /// Why nothing at all can be fetched for it, if so.
    pub refused: Option<Refused>,
}

/// One unit's month, and what is to become of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedTask {
    /// Row id of the generation unit.
    pub unit_id: i64,
    /// Id of its source.
    pub source: String,
    /// The month, by the upstream's calendar.
    pub month: Month,
    /// The span of UTC wanted of it.
    pub window: Window,
    /// Whether it is fetched.
    pub verdict: Verdict,
}

/// What would be done: the tasks in the order in which they are to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// What was asked for.
    pub request: PlanRequest,
    /// Every unit × month of the range.
    pub tasks: Vec<PlannedTask>,
}

/// From the first instant of any task to the last; none without tasks.
pub fn span(tasks: &[PlannedTask]) -> Option<Window> {
    let start = tasks.iter().map(|task| task.window.start).min()?;
    let end = tasks.iter().map(|task| task.window.end).max()?;
    Some(Window { start, end })
}

/// Every unit × month of a range, months outermost so that all units of one month, which often share their
/// upstream's answers, run together. Of what `known` does not name nothing is known.
pub fn plan(
    units: &[PlanUnit],
    request: PlanRequest,
    known: &HashMap<(i64, Month), Known>,
    now: DateTime<Utc>,
) -> Plan {
    let mut months: Vec<_> = request.range.months().collect();
    if request.order == Order::NewestFirst {
        months.reverse();
    }
    let nothing = Known::default();
    let of_month = |month: Month| {
        let nothing = &nothing;
        units.iter().filter_map(move |unit| {
            let tile = request.range.tile(month, unit.calendar.zone)?;
            let known = known.get(&(unit.unit_id, month)).unwrap_or(nothing);
            Some(PlannedTask {
                unit_id: unit.unit_id,
                source: unit.source.clone(),
                month,
                window: tile.window,
                verdict: verdict(unit, tile, request.reprocess, known, now),
            })
        })
    };
    Plan { request, tasks: months.into_iter().flat_map(of_month).collect() }
}

fn verdict(unit: &PlanUnit, tile: Tile, reprocess: Reprocess, known: &Known, now: DateTime<Utc>) -> Verdict {
    if let Some(refused) = &unit.refused {
        return Verdict::Invalid(refused.clone().into());
    }
    if let Some(first) = unit.calendar.first_month.filter(|first| tile.month < *first) {
        return Verdict::Invalid(Invalid::BeforeHistory { first });
    }
    if tile.window.start >= now.timestamp() {
        return Verdict::Invalid(Invalid::Future);
    }
    if reprocess != Reprocess::All
        && let Some(complete) = known.complete(tile.window, unit.calendar.due(tile.window), now)
    {
        return Verdict::SkipComplete(complete);
    }
    if reprocess == Reprocess::Missing
        && let Some(case) = known.failed_for_good()
    {
        return Verdict::Invalid(Invalid::FailedForGood { case });
    }
    // Who wants every month anew is not served by a fetch that has begun.
    if reprocess != Reprocess::All && known.fetched_elsewhere(tile.window) {
        return Verdict::SkipInFlight;
    }
    Verdict::Fetch
}

impl Plan {
    /// Tasks that would run.
    pub fn to_run(&self) -> usize {
        self.tasks.iter().filter(|task| task.verdict.runs()).count()
    }

    /// A digest of all of it, so that who starts a job can say which plan was shown. It changes with what is
    /// asked for, with units and sources, and with every verdict: if data arrived meanwhile, it is another plan.
    pub fn hash(&self) -> String {
        let mut digest = Sha256::new();
        let mut put = |text: &str| {
            // The length before the text, so that no two lists of texts are one text.
            digest.update((text.len() as u64).to_be_bytes());
            digest.update(text);
        };
        put("backfill plan 1");
        put(&self.request.range.to_string());
        put(self.request.reprocess.as_str());
        put(self.request.order.as_str());
        for task in &self.tasks {
            put(&task.unit_id.to_string());
            put(&task.source);
            put(&task.month.to_string());
            put(&task.window.start.to_string());
            put(&task.window.end.to_string());
            put(task.verdict.word());
            put(&task.verdict.reason().unwrap_or_default());
        }
        hex::encode(digest.finalize())
    }
}
