//! `[worker]`: how many tasks run at once, how they are claimed, and when they are tried again.

use std::time::Duration;

use super::reading::{Bounded, Section};

/// `[worker]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Worker {
    /// Tasks at once in this process; they mostly wait for upstreams.
    pub concurrency: u32,
    /// Tasks at once over all hosts that share the database; nothing is no limit.
    pub total_concurrency: Option<u32>,
    /// How long a claimed task stays claimed without a sign of life.
    pub lease: Duration,
    /// How often a claim is renewed; at most half the lease, so that one lost renewal loses nothing.
    pub heartbeat: Duration,
    /// How often an idle worker looks for work.
    pub poll: Duration,
    /// How long running tasks may take to end once the host is to stop.
    pub grace: Duration,
    /// When a task that failed in passing is tried again.
    pub retry: Retry,
}

/// `[worker] retry`: the wait doubles from `base` up to `max`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retry {
    /// Attempts in all, the first included.
    pub attempts: u32,
    /// The wait after the first attempt, before jitter.
    pub base: Duration,
    /// The longest wait, before jitter.
    pub max: Duration,
    /// How soon an upstream that says that there is nothing is asked once more, before that is believed.
    pub confirm: Duration,
}

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);

impl Worker {
    pub(super) fn read(section: Section<'_>) -> Self {
        let worker = Self {
            concurrency: section.count("concurrency", 16, 1..=4096),
            lease: section.bounded("lease", MINUTE, 2 * SECOND..=HOUR),
            heartbeat: section.bounded("heartbeat", 20 * SECOND, Duration::from_millis(100)..=HOUR),
            poll: section.bounded("poll", SECOND, Duration::from_millis(10)..=HOUR),
            total_concurrency: section.optional_count("total_concurrency", 1..=65_536),
            grace: section.bounded("grace", 30 * SECOND, Duration::ZERO..=HOUR),
            retry: Retry::read(section.section("retry")),
        };
        if worker.heartbeat > worker.lease / 2 {
            let (heartbeat, lease) = (worker.heartbeat.show(), worker.lease.show());
            section.problem(
                "heartbeat",
                format!(
                    "{heartbeat} is more than half of the lease of {lease}, so that one lost \
                     renewal would lose the task; expected at most {}",
                    (worker.lease / 2).show()
                ),
            );
        }
        section.finish();
        worker
    }
}

impl Retry {
    fn read(section: Section<'_>) -> Self {
        let retry = Self {
            attempts: section.count("attempts", 3, 1..=100),
            base: section.bounded("base", MINUTE, Duration::from_millis(1)..=DAY),
            max: section.bounded("max", 16 * MINUTE, Duration::from_millis(1)..=7 * DAY),
            confirm: section.bounded("confirm", 90 * SECOND, Duration::from_millis(1)..=DAY),
        };
        if retry.max < retry.base {
            let (max, base) = (retry.max.show(), retry.base.show());
            section.problem("max", format!("{max} is less than base, {base}; expected at least that"));
        }
        section.finish();
        retry
    }
}
