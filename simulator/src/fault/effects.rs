//! What the faults of a request do to its answer, gathered.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::body::Ending;
use super::{FaultKind, SnapshotFault};
use crate::values::Revision;

/// What the upstream says differently. Handlers read it from the request's extensions.
#[derive(Clone, Debug, Default)]
pub(crate) struct Content {
    pub(crate) late_days: u32,
    pub(crate) revision: Option<Revision>,
    pub(crate) empty: bool,
    pub(crate) acknowledgement: Option<String>,
    pub(crate) instances_allowed: Option<usize>,
    pub(crate) zip: bool,
    pub(crate) unstable_order: bool,
    pub(crate) damaged_cell: bool,
    pub(crate) snapshot: Option<SnapshotFault>,
}

impl Content {
    /// The present, as far as publication goes.
    pub(crate) fn published_now(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        now - TimeDelta::days(i64::from(self.late_days))
    }
}

/// An answer that takes the place of the upstream's.
#[derive(Clone, Debug)]
pub(crate) enum Instead {
    Status { status: u16, retry_after: Option<String>, body: Option<String> },
    Cut,
    Garbage,
    Nothing,
}

/// Everything that goes wrong with one request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Effects {
    pub(crate) latency: Duration,
    pub(crate) instead: Option<Instead>,
    pub(crate) ending: Option<Ending>,
    pub(crate) content: Content,
}

impl Effects {
    /// Latencies add up; of others of one sort the first wins.
    pub(crate) fn of(kinds: &[FaultKind]) -> Effects {
        let mut effects = Effects::default();
        for kind in kinds {
            effects.add(kind.clone());
        }
        effects
    }

    fn add(&mut self, kind: FaultKind) {
        let Effects { latency, instead, ending, content } = self;
        match kind {
            FaultKind::Latency { milliseconds } => *latency += Duration::from_millis(milliseconds),
            FaultKind::Status { status, retry_after, body } => {
                instead.get_or_insert(Instead::Status { status, retry_after, body });
            }
            FaultKind::CutBeforeHead {} => {
                instead.get_or_insert(Instead::Cut);
            }
            FaultKind::GarbageBody {} => {
                instead.get_or_insert(Instead::Garbage);
            }
            FaultKind::EmptyBody {} => {
                instead.get_or_insert(Instead::Nothing);
            }
            FaultKind::CutMidBody { after } => {
                ending.get_or_insert(Ending::Cut { after });
            }
            FaultKind::TruncatedBody { after } => {
                ending.get_or_insert(Ending::Early { after });
            }
            FaultKind::EndlessBody {} => {
                ending.get_or_insert(Ending::Never);
            }
            FaultKind::Late { days } => content.late_days += days,
            FaultKind::Revised { share, factor } => {
                content.revision.get_or_insert(Revision { share, factor });
            }
            FaultKind::EmptyAnswer {} => content.empty = true,
            FaultKind::Acknowledgement { text } => {
                content.acknowledgement.get_or_insert(text);
            }
            FaultKind::InstanceLimit { allowed } => {
                content.instances_allowed.get_or_insert(allowed);
            }
            FaultKind::Zip {} => content.zip = true,
            FaultKind::UnstableOrder {} => content.unstable_order = true,
            FaultKind::DamagedCell {} => content.damaged_cell = true,
            FaultKind::BadSnapshot { mode } => {
                content.snapshot.get_or_insert(mode);
            }
        }
    }
}
