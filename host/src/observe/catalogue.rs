//! Every metric, by name: what it counts, in what unit, by which labels. No label holds an id, a URL, or anything else
//! that has no end.

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};

pub(super) const JOBS_CREATED: &str = "backfill_jobs_created_total";
pub(super) const TASKS_ENDED: &str = "backfill_tasks_ended_total";
pub(super) const TASK_SECONDS: &str = "backfill_task_duration_seconds";
pub(super) const RETRIES: &str = "backfill_task_retries_total";
pub(super) const ROWS: &str = "backfill_rows_total";
pub(super) const SANDBOX_FAULTS: &str = "backfill_sandbox_faults_total";
pub(super) const UPSTREAM_REQUESTS: &str = "backfill_upstream_requests_total";
pub(super) const SOURCE_SWAPS: &str = "backfill_source_swaps_total";
pub(super) const SOURCE_REFUSED: &str = "backfill_source_refused";
pub(super) const HTTP_REQUESTS: &str = "backfill_http_requests_total";
pub(super) const HTTP_SECONDS: &str = "backfill_http_request_duration_seconds";
pub(super) const BUILD: &str = "backfill_build_info";
pub(super) const STARTED: &str = "process_start_time_seconds";
pub(super) const STORE_UP: &str = "backfill_store_up";
pub(super) const STORE_CONNECTIONS: &str = "backfill_store_connections";
pub(super) const QUEUE_TASKS: &str = "backfill_queue_tasks";
pub(super) const QUEUE_AGE: &str = "backfill_queue_oldest_ready_seconds";
pub(super) const ALLOWANCE_LEFT: &str = "backfill_allowance_left_requests";
pub(super) const CIRCUIT_OPEN: &str = "backfill_circuit_open";
pub(super) const HELD_SECONDS: &str = "backfill_upstream_hold_off_seconds";

/// The name of a metric, its unit, and what it says.
type Description = (&'static str, Unit, &'static str);

const COUNTERS: [Description; 8] = [
    (JOBS_CREATED, Unit::Count, "Jobs that this process made."),
    (
        TASKS_ENDED,
        Unit::Count,
        "Tasks that ended, by source and outcome: written, unchanged, empty, failed or skipped.",
    ),
    (
        RETRIES,
        Unit::Count,
        "Attempts after which a task waits for another one, by source and by what went wrong.",
    ),
    (
        ROWS,
        Unit::Count,
        "Records that sources returned, by source and by what became of them: inserted, updated, unchanged or rejected.",
    ),
    (SANDBOX_FAULTS, Unit::Count, "Calls that the sandbox ended, by source and kind of fault."),
    (
        UPSTREAM_REQUESTS,
        Unit::Count,
        "Requests to upstreams, redirects and repetitions included, by source and HTTP status; network-error, timeout or \
         denied where there was none; archive where a kept answer made asking needless.",
    ),
    (
        SOURCE_SWAPS,
        Unit::Count,
        "Components that took the place of another one while the host ran, by source.",
    ),
    (HTTP_REQUESTS, Unit::Count, "Requests that this host answered, by method, route and HTTP status."),
];

const HISTOGRAMS: [Description; 2] = [
    (TASK_SECONDS, Unit::Seconds, "Time from claiming a task until its attempt was committed, by source."),
    (HTTP_SECONDS, Unit::Seconds, "Time until the head of an answer was there, by method and route."),
];

const GAUGES: [Description; 3] = [
    (BUILD, Unit::Count, "Always 1; the label says which version runs."),
    (
        SOURCE_REFUSED,
        Unit::Count,
        "1 while a changed component or configuration of a source is refused, so that what ran before stays.",
    ),
    (STARTED, Unit::Seconds, "When the process started, in seconds since 1970."),
];

const GAUGES_OF_STORE: [Description; 7] = [
    (
        STORE_UP,
        Unit::Count,
        "Whether the database can be reached. While it is 0, what is read from it is left out.",
    ),
    (STORE_CONNECTIONS, Unit::Count, "Connections of this process to the database, by state: busy or idle."),
    (
        QUEUE_TASKS,
        Unit::Count,
        "Open tasks over all hosts, by source and state: ready, waiting, running or held.",
    ),
    (QUEUE_AGE, Unit::Seconds, "How long the oldest task that is ready has been there, by source."),
    (
        ALLOWANCE_LEFT,
        Unit::Count,
        "Requests that may go to an upstream at once, by source; none without a rate.",
    ),
    (
        CIRCUIT_OPEN,
        Unit::Count,
        "1 while no task of a source is claimed since its upstream failed too often in a row.",
    ),
    (HELD_SECONDS, Unit::Seconds, "How long an upstream still wants to be left alone, by source."),
];

/// Tells the process's recorder what its metrics are.
pub(super) fn describe() {
    for (name, unit, text) in COUNTERS {
        describe_counter!(name, unit, text);
    }
    for (name, unit, text) in HISTOGRAMS {
        describe_histogram!(name, unit, text);
    }
    describe_gauges(&GAUGES);
}

/// The same for a recorder of what the store says at one moment.
pub(super) fn describe_store() {
    describe_gauges(&GAUGES_OF_STORE);
}

fn describe_gauges(gauges: &[Description]) {
    for (name, unit, text) in gauges {
        describe_gauge!(*name, *unit, *text);
    }
}
