//! What the figures are to reach, on two cores and with every commit on disk. A figure without a line here is there to
//! be compared, and has no target.

/// What a figure is to reach.
#[derive(Clone, Copy)]
pub(crate) enum Target {
    AtMost(f64),
    AtLeast(f64),
    /// So many times the reference.
    RatioAtMost(f64),
}

/// By the names of figures, without the database.
const TARGETS: &[(&str, Target)] = &[
    ("parse-guest", Target::RatioAtMost(1.3)),
    ("parse-guest-points", Target::AtLeast(300_000.0)),
    ("parse-guest-area-points", Target::AtLeast(300_000.0)),
    ("start-cached", Target::AtMost(300.0)),
    ("start-cold", Target::AtMost(3000.0)),
    ("store-new", Target::AtLeast(100_000.0)),
    ("store-unchanged", Target::AtLeast(200_000.0)),
    ("task-empty", Target::AtMost(2.5)),
    ("task-empty-rate", Target::AtLeast(400.0)),
    ("task-empty-served", Target::AtMost(2.5)),
    ("task-empty-served-rate", Target::AtLeast(400.0)),
    ("create-job", Target::AtMost(500.0)),
    ("list-jobs", Target::AtMost(50.0)),
    ("show-job", Target::AtMost(50.0)),
    ("availability", Target::AtMost(100.0)),
    ("backfill-2m", Target::AtMost(60.0)),
    ("backfill-2m-rss", Target::AtMost(200.0)),
    ("page-jobs-p95", Target::AtMost(50.0)),
    ("page-job-p95", Target::AtMost(50.0)),
    ("page-availability-p95", Target::AtMost(100.0)),
];

impl Target {
    /// The one of a figure.
    pub(crate) fn of(figure: &str) -> Option<Self> {
        let name = figure.trim_end_matches("-sqlite").trim_end_matches("-postgres");
        TARGETS.iter().find(|(named, _)| *named == name).map(|(_, target)| *target)
    }

    pub(crate) fn is_met(self, value: f64, ratio: f64) -> bool {
        match self {
            Self::AtMost(most) => value <= most,
            Self::AtLeast(least) => value >= least,
            Self::RatioAtMost(most) => ratio <= most,
        }
    }

    /// As people write it.
    pub(crate) fn words(self, figure: impl Fn(f64) -> String) -> String {
        match self {
            Self::AtMost(most) => format!("≤ {}", figure(most)),
            Self::AtLeast(least) => format!("≥ {}", figure(least)),
            Self::RatioAtMost(most) => format!("ratio ≤ {}", figure(most)),
        }
    }
}
