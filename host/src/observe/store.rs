//! What the store says at the moment of a scrape. Nothing is remembered from one scrape to the next, so that a source
//! which is gone shows no more, and a database that is away shows as just that.

use metrics::gauge;
use metrics_exporter_prometheus::PrometheusBuilder;

use super::catalogue;

/// The store at one moment.
#[derive(Debug, Default)]
pub struct StoreView {
    /// Connections of this process: busy and idle.
    pub connections: (u32, u32),
    /// Source by source.
    pub sources: Vec<SourceView>,
}

/// A source at one moment.
#[derive(Debug, Default)]
pub struct SourceView {
    /// Its id.
    pub source: String,
    /// Its open tasks, by state.
    pub tasks: Vec<(&'static str, i64)>,
    /// How long the oldest ready one has been there.
    pub oldest_ready_seconds: f64,
    /// Requests that may go at once, where there is a rate.
    pub allowance_left: Option<u32>,
    /// Whether nothing of it is claimed.
    pub circuit_open: bool,
    /// How long its upstream wants to be left alone.
    pub held_seconds: f64,
}

/// What the store says, in Prometheus' text format; without a view it is away.
pub fn store(view: Option<&StoreView>) -> String {
    let recorder = PrometheusBuilder::new().build_recorder();
    metrics::with_local_recorder(&recorder, || {
        catalogue::describe_store();
        gauge!(catalogue::STORE_UP).set(if view.is_some() { 1.0 } else { 0.0 });
        if let Some(view) = view {
            show(view);
        }
    });
    recorder.handle().render()
}

fn show(view: &StoreView) {
    let (busy, idle) = view.connections;
    for (state, count) in [("busy", busy), ("idle", idle)] {
        gauge!(catalogue::STORE_CONNECTIONS, "state" => state).set(count);
    }
    for source in &view.sources {
        let id = || source.source.clone();
        for (state, count) in &source.tasks {
            gauge!(catalogue::QUEUE_TASKS, "source" => id(), "state" => *state).set(*count as f64);
        }
        gauge!(catalogue::QUEUE_AGE, "source" => id()).set(source.oldest_ready_seconds);
        if let Some(left) = source.allowance_left {
            gauge!(catalogue::ALLOWANCE_LEFT, "source" => id()).set(left);
        }
        let open = if source.circuit_open { 1.0 } else { 0.0 };
        gauge!(catalogue::CIRCUIT_OPEN, "source" => id()).set(open);
        gauge!(catalogue::HELD_SECONDS, "source" => id()).set(source.held_seconds);
    }
}
