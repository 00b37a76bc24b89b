//! What can be measured about this process, and where its traces go. Each place where something happens says so in one
//! line, by a function of this module; [`catalogue`] says what each metric is. Without [`install`] nothing is counted,
//! and without a collector nothing is traced.

mod catalogue;
mod store;
mod traces;

use std::{sync::OnceLock, time::Duration};

use chrono::{DateTime, Utc};
use metrics::{counter, gauge, histogram};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

pub use store::{SourceView, StoreView, store};
pub use traces::{SPANS, Traces, Tracing, follow};

/// The process's one recorder, once it is installed.
static RECORDER: OnceLock<PrometheusHandle> = OnceLock::new();

/// From kept answers (milliseconds) to a day's worth of rate limits.
const TASK_BUCKETS: [f64; 12] = [0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0];

const HTTP_BUCKETS: [f64; 11] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];

/// How often samples are put into their buckets, whether anybody scrapes or not.
const UPKEEP: Duration = Duration::from_secs(10);

/// Begins counting, once per process; within a runtime.
///
/// # Errors
/// Somebody else has installed a recorder.
pub fn install(now: DateTime<Utc>) -> anyhow::Result<()> {
    use metrics_exporter_prometheus::Matcher::Full;
    let buckets = |builder: PrometheusBuilder, name: &str, buckets: &[f64]| {
        builder.set_buckets_for_metric(Full(name.to_owned()), buckets)
    };
    let builder = buckets(PrometheusBuilder::new(), catalogue::TASK_SECONDS, &TASK_BUCKETS)?;
    let recorder = buckets(builder, catalogue::HTTP_SECONDS, &HTTP_BUCKETS)?.build_recorder();
    let handle = recorder.handle();
    metrics::set_global_recorder(recorder).map_err(|error| anyhow::anyhow!("counting: {error}"))?;
    catalogue::describe();
    gauge!(catalogue::BUILD, "version" => env!("CARGO_PKG_VERSION")).set(1.0);
    gauge!(catalogue::STARTED).set(now.timestamp() as f64);
    // Shown from the start, so that its rate has a beginning.
    counter!(catalogue::JOBS_CREATED).absolute(0);
    let upkeep = RECORDER.get_or_init(|| handle).clone();
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(UPKEEP).await;
            upkeep.run_upkeep();
        }
    });
    Ok(())
}

/// All that was counted, in Prometheus' text format; nothing before [`install`].
pub fn counted() -> String {
    RECORDER.get().map(PrometheusHandle::render).unwrap_or_default()
}

/// A job was made.
pub fn job_created() {
    counter!(catalogue::JOBS_CREATED).increment(1);
}

/// Tasks ended.
pub fn tasks_ended(source: &str, outcome: &'static str, count: u64) {
    counter!(catalogue::TASKS_ENDED, "source" => source.to_owned(), "outcome" => outcome).increment(count);
}

/// A task's attempt was committed, so long after it was claimed.
pub fn attempt_committed(source: &str, took: Duration) {
    histogram!(catalogue::TASK_SECONDS, "source" => source.to_owned()).record(took);
}

/// A task is to be tried again; `case` is one of the fixed words for failures and faults.
pub fn retried(source: &str, case: &'static str) {
    counter!(catalogue::RETRIES, "source" => source.to_owned(), "case" => case).increment(1);
}

/// What became of the records that a source returned.
pub fn rows(source: &str, results: [(&'static str, u64); 4]) {
    for (result, count) in results {
        counter!(catalogue::ROWS, "source" => source.to_owned(), "result" => result).increment(count);
    }
}

/// The sandbox ended a call; `kind` is one of the fixed words for faults.
pub fn sandbox_fault(source: &str, kind: &'static str) {
    counter!(catalogue::SANDBOX_FAULTS, "source" => source.to_owned(), "kind" => kind).increment(1);
}

/// A component took the place of another one.
pub fn source_swapped(source: &str) {
    counter!(catalogue::SOURCE_SWAPS, "source" => source.to_owned()).increment(1);
}

/// Whether what is to take a source's place is refused.
pub fn source_refused(source: &str, refused: bool) {
    gauge!(catalogue::SOURCE_REFUSED, "source" => source.to_owned()).set(if refused { 1.0 } else { 0.0 });
}

/// An upstream answered.
pub fn upstream_answered(source: &str, status: u16) {
    upstream(source, status.to_string());
}

/// An upstream was asked in vain, or needed not be asked: why, in one of a few fixed words.
pub fn upstream_unheard(source: &str, why: &'static str) {
    upstream(source, why.to_owned());
}

fn upstream(source: &str, status: String) {
    counter!(catalogue::UPSTREAM_REQUESTS, "source" => source.to_owned(), "status" => status).increment(1);
}

/// This host answered a request. The route is a pattern; the method one of HTTP's own.
pub fn answered(method: &'static str, route: String, status: u16, took: Duration) {
    histogram!(catalogue::HTTP_SECONDS, "method" => method, "route" => route.clone()).record(took);
    counter!(catalogue::HTTP_REQUESTS, "method" => method, "route" => route, "status" => status.to_string())
        .increment(1);
}
