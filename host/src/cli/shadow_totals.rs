//! What a shadow run came to: in total, and unit by unit.

use std::{collections::BTreeMap, fmt};

use comfy_table::Table;
use serde::Serialize;

use super::output;
use crate::kit::shadow::{Compared, Effort, ShadowVerdict};

/// All that was compared.
#[derive(Debug, Default, Serialize)]
pub(super) struct Totals {
    #[serde(flatten)]
    pub(super) all: Count,
    /// By unit.
    units: BTreeMap<String, Count>,
    pub(super) seconds: f64,
}

/// What unit-months came to.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Count {
    unit_months: u64,
    same: u64,
    pub(super) different: u64,
    /// Of those: the candidate fails where there were records.
    newly_failing: u64,
    /// They can't be judged.
    unknown: u64,
    /// The archive has no answers for them.
    never_asked: u64,
    added: u64,
    removed: u64,
    changed: u64,
    /// None where what is stored stands in the place of the active component.
    active: Option<Effort>,
    candidate: Effort,
}

impl Totals {
    pub(super) fn add(&mut self, compared: &Compared) {
        self.all.add(compared);
        self.units.entry(compared.unit.clone()).or_default().add(compared);
    }
}

impl Count {
    fn add(&mut self, compared: &Compared) {
        self.unit_months += 1;
        match &compared.verdict {
            ShadowVerdict::Same => self.same += 1,
            ShadowVerdict::Unknown(_) => self.unknown += 1,
            ShadowVerdict::NeverAsked => {
                self.never_asked += 1;
                // Calls that ended at their first request say nothing of either component.
                return;
            }
            ShadowVerdict::Different(difference) => {
                self.different += 1;
                let fails = difference.failure_after.is_some() && difference.failure_before.is_none();
                self.newly_failing += u64::from(fails);
                self.added += difference.added;
                self.removed += difference.removed;
                self.changed += difference.changed;
            }
        }
        self.candidate.add(&compared.candidate);
        if let Some(active) = &compared.active {
            self.active.get_or_insert_default().add(active);
        }
    }

    /// Whether a run that is to fail on a change does: it differs, it can't be judged, or nothing was compared.
    pub(super) const fn fails(&self) -> bool {
        self.different + self.unknown > 0 || self.same == 0
    }
}

/// A row for every unit.
pub(super) fn table(totals: &Totals) -> Table {
    let header = [
        "unit",
        "months",
        "same",
        "differ",
        "not judged",
        "never asked",
        "added",
        "removed",
        "changed",
        "requests",
        "CPU ms",
        "wall ms",
    ];
    let mut table = output::table(header);
    for (unit, count) in
        totals.units.iter().map(|(unit, count)| (unit.as_str(), count)).chain([("all", &totals.all)])
    {
        let both = |of: &dyn Fn(&Effort) -> String| match &count.active {
            Some(active) => format!("{} → {}", of(active), of(&count.candidate)),
            None => of(&count.candidate),
        };
        table.add_row([
            unit.to_owned(),
            count.unit_months.to_string(),
            count.same.to_string(),
            count.different.to_string(),
            count.unknown.to_string(),
            count.never_asked.to_string(),
            count.added.to_string(),
            count.removed.to_string(),
            count.changed.to_string(),
            both(&|effort| effort.requests.to_string()),
            both(&|effort| format!("{:.0}", effort.cpu_ms)),
            both(&|effort| format!("{:.0}", effort.wall_ms)),
        ]);
    }
    table
}

impl fmt::Display for Totals {
    /// The last line, for scripts too.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Count { unit_months, same, different, newly_failing, unknown, never_asked, .. } = &self.all;
        let Count { added, removed, changed, .. } = &self.all;
        let seconds = self.seconds;
        let rate = if seconds > 0.0 { *unit_months as f64 / seconds } else { 0.0 };
        write!(
            f,
            "unit_months={unit_months} same={same} different={different} newly_failing={newly_failing} \
             unknown={unknown} never_asked={never_asked} added={added} removed={removed} changed={changed} \
             seconds={seconds:.2} per_second={rate:.0}"
        )
    }
}
