//! An upstream's limits, as the upstream sees them: four processes share one allowance.

use std::{collections::BTreeMap, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use simulator::{LogEntry, Options};

use crate::{
    alone,
    cluster::Cluster,
    is_long,
    observed::{most_at_once, most_in_a_window},
    postgres,
    support::work_folder::source_at,
    workload::batches,
};

/// What a source is allowed.
struct Limits {
    source: &'static str,
    /// Requests in a second, and in the long version in a minute, and how many of them at once; none for no limit.
    rate: Option<(usize, usize)>,
    /// Tasks at once.
    concurrency: usize,
    /// What tells its tasks apart in what they ask; none where tasks share their answers.
    task: fn(&LogEntry) -> Option<String>,
}

fn limits() -> [Limits; 3] {
    let (entsoe, eia) = if is_long() { ((300, 10), (120, 10)) } else { ((25, 5), (12, 4)) };
    let limits = |source, rate, concurrency, task| Limits { source, rate, concurrency, task };
    [
        // 31 documents for the four units of a month.
        limits("entsoe", Some(entsoe), 3, |_| None),
        // Two requests a task.
        limits("elexon", None, 2, elexon_task),
        // One request a task.
        limits("eia", Some(eia), 3, |entry| Some(entry.query.clone())),
    ]
}

fn elexon_task(entry: &LogEntry) -> Option<String> {
    // `from`, `to` and `bmUnit` are the same for both datasets.
    entry.path.contains("/datasets/").then(|| entry.query.clone())
}

#[tokio::test]
async fn four_processes_together_exceed_no_limit_of_any_source() {
    let _alone = alone().await;
    let Some(database) = postgres::database().await else { return };
    let options = Options {
        now: Some("2024-12-15T12:00:00Z".parse().unwrap()),
        // More than the rates leave, so that both limits are felt.
        faults: vec!["kind=latency,milliseconds=300".parse().unwrap()],
        ..Options::default()
    };
    let simulator = simulator::start(options).await.unwrap();
    let limited: Vec<_> = limits().iter().map(|limits| limits.configuration(&simulator.url())).collect();
    let sources = limited.concat() + &source_at("taipower", &simulator.url(), "");
    let mut cluster = Cluster::new(database.url(), &sources).await;
    for batch in batches().take(if is_long() { 25 } else { 4 }) {
        cluster.create(&batch).await;
    }
    // Nobody is disturbed here, and no busy machine shall make it look so.
    let patient = std::fs::read_to_string(cluster.folder.path("backfill.toml")).unwrap();
    cluster.folder.write("backfill.toml", &patient.replace("lease = \"2s\"", "lease = \"60s\""));
    cluster.start(4);
    cluster.drain(Duration::from_secs(if is_long() { 300 } else { 60 })).await;
    cluster.end().await;
    let workers = cluster.count("SELECT count(DISTINCT worker) FROM task_attempts").await;
    assert_eq!(workers, 4, "each worked");
    assert_eq!(cluster.count("SELECT count(*) FROM task_attempts WHERE outcome <> 'written'").await, 0);
    let log = simulator.log();
    limits().iter().for_each(|limits| limits.assert_kept(&log));
}

impl Limits {
    fn configuration(&self, url: &str) -> String {
        let configuration = source_at(self.source, url, &format!("concurrency = {}", self.concurrency));
        let Some((count, burst)) = self.rate else { return configuration };
        let unit = if is_long() { "min" } else { "s" };
        configuration.replace("100000/s burst 1000", &format!("{count}/{unit} burst {burst}"))
    }

    fn assert_kept(&self, log: &[LogEntry]) {
        let own: Vec<_> = log.iter().filter(|entry| entry.api == self.source).collect();
        if let Some((count, burst)) = self.rate {
            self.assert_rate(&own, count, burst);
        }
        self.assert_concurrency(&own);
    }

    /// A minute leaves a second for what is between a request's leave and its arrival, and it is held to the letter.
    /// A second leaves 50 ms, which a machine that does all this at once takes for itself: there it is four seconds,
    /// and what half a second more would allow.
    fn assert_rate(&self, own: &[&LogEntry], count: usize, burst: usize) {
        let source = self.source;
        let (window, allowed) = match is_long() {
            true => (TimeDelta::minutes(1), count),
            false => (TimeDelta::seconds(4), burst + (count - burst + 1) * 9 / 2),
        };
        let arrived: Vec<_> = own.iter().map(|entry| entry.at).collect();
        let most = most_in_a_window(&arrived, window);
        println!("{source}: {} requests, at most {most} of {allowed} in {window}", own.len());
        assert!(most <= allowed, "{source}: {most} requests in {window}, {allowed} are allowed");
        assert!(most > allowed / 4, "{source}: the limit was never felt, {most} of {allowed}");
    }

    fn assert_concurrency(&self, own: &[&LogEntry]) {
        let Self { source, concurrency, .. } = self;
        let mut tasks: BTreeMap<String, (DateTime<Utc>, DateTime<Utc>)> = BTreeMap::new();
        for entry in own {
            let (Some(task), Some(ended)) = ((self.task)(entry), entry.ended) else { continue };
            let span = tasks.entry(task).or_insert((entry.at, ended));
            *span = (span.0.min(entry.at), span.1.max(ended));
        }
        if tasks.is_empty() {
            return;
        }
        let spans: Vec<_> = tasks.into_values().collect();
        let most = most_at_once(&spans);
        println!("{source}: {} tasks, at most {most} of {concurrency} at once", spans.len());
        assert!(most <= *concurrency, "{source}: {most} tasks at once, {concurrency} are allowed");
        assert!(most > 1, "{source}: one task at a time is no test of a limit");
    }
}
