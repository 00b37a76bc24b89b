//! An upstream's limits, as the upstream sees them: four processes share one allowance, and the limits of sources, of
//! jobs and of all tasks together.

use std::{collections::BTreeMap, time::Duration};

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
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

/// Of all sources and jobs together, so many tasks at once.
const IN_TOTAL: usize = 7;

/// Of a job, so many tasks at once.
const OF_A_JOB: usize = 4;

/// Units that share no answer with others, so that each task asks for itself.
const REGISTRY: &str = "\
windfarm,source,code,name,area,fuel2002
Denmark,entsoe,45W000000000046I,Anholt,10Y1001A1001A796,
Britain,elexon,T_HOWAO-1,Hornsea 1 A,,
Britain,elexon,T_SIMW-1,Simulated 1,,
America,eia,61014,Santa Isabel,,WND
America,eia,80001,Offshore,,WND
America,eia,80002,Prairie,,WND
America,eia,90001,Plant 1,,WND
America,eia,90002,Plant 2,,
America,eia,90004,Plant 4,,WND
America,eia,90005,Plant 5,,
America,eia,90007,Plant 7,,WND
America,eia,90008,Plant 8,,
America,eia,90010,Plant 10,,WND
";

/// What a source is allowed.
struct Limits {
    source: &'static str,
    /// Requests in a second, and in the long version in a minute, and how many of them at once; none for no limit.
    rate: Option<(usize, usize)>,
    /// Tasks at once.
    concurrency: usize,
}

fn limits() -> [Limits; 3] {
    let (entsoe, eia) = if is_long() { ((300, 10), (120, 10)) } else { ((25, 5), (12, 4)) };
    let limits = |source, rate, concurrency| Limits { source, rate, concurrency };
    [
        // 31 documents a task.
        limits("entsoe", Some(entsoe), 3),
        // Two requests a task.
        limits("elexon", None, 2),
        // One request a task.
        limits("eia", Some(eia), 3),
    ]
}

type Span = (DateTime<Utc>, DateTime<Utc>);

/// A task as its upstream sees it.
struct Task {
    source: &'static str,
    /// Each month is one job.
    month: String,
    /// From its first request to the end of the last answer.
    span: Span,
}

/// The tasks of a log.
fn tasks(log: &[LogEntry]) -> Vec<Task> {
    let mut tasks: BTreeMap<_, Task> = BTreeMap::new();
    for entry in log {
        let Some((unit, month)) = asked_for(entry) else { continue };
        let ended = entry.ended.expect("every request was answered");
        let new = Task { source: entry.api, month: month.clone(), span: (entry.at, ended) };
        let task = tasks.entry((entry.api, unit, month)).or_insert(new);
        task.span = (task.span.0.min(entry.at), task.span.1.max(ended));
    }
    tasks.into_values().collect()
}

/// What tells the unit of a request, and its month; none of a request that is of no month.
fn asked_for(entry: &LogEntry) -> Option<(String, String)> {
    let value =
        |name: &str| entry.query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
    // Days and months begin some hours before or after midnight UTC.
    let month_of = |text: &str, format: &str| {
        let begins =
            NaiveDateTime::parse_from_str(text, format).unwrap_or_else(|error| panic!("{text}: {error}"));
        (begins + TimeDelta::hours(12)).format("%Y-%m").to_string()
    };
    match entry.api {
        // A document is of all units of the area, of which there is one here.
        "entsoe" => Some((String::new(), month_of(value("periodStart")?, "%Y%m%d%H%M"))),
        "elexon" => Some((value("bmUnit")?.to_owned(), month_of(value("from")?, "%Y-%m-%dT%H:%M:%SZ"))),
        "eia" => Some((entry.query.clone(), value("start")?.to_owned())),
        _ => None,
    }
}

#[tokio::test]
async fn four_processes_together_exceed_no_limit_of_a_source_of_a_job_or_of_all_tasks() {
    let _alone = alone().await;
    let Some(database) = postgres::database().await else { return };
    let options = Options {
        now: Some("2024-12-15T12:00:00Z".parse().unwrap()),
        // More than the rates leave, so that both limits are felt.
        faults: vec!["kind=latency,milliseconds=300".parse().unwrap()],
        ..Options::default()
    };
    let simulator = simulator::start(options).await.unwrap();
    let sources: Vec<_> = limits().iter().map(|limits| limits.configuration(&simulator.url())).collect();
    let mut cluster = Cluster::of(REGISTRY, database.url(), &sources.concat()).await;
    for mut batch in batches().take(if is_long() { 25 } else { 4 }) {
        batch.windfarms.retain(|windfarm| REGISTRY.contains(windfarm));
        cluster.create_with(&batch, &["--max-concurrency", &OF_A_JOB.to_string()]).await;
    }
    // All four begin at once: who is alone for a while works off everything.
    cluster.each_job("pause").await;
    // Nobody is disturbed here, and no busy machine shall make it look so.
    cluster.configure("lease = \"2s\"", &format!("lease = \"60s\"\ntotal_concurrency = {IN_TOTAL}"));
    // Each has to work so that as many run as may, and all together could run one more.
    cluster.configure("concurrency = 8", "concurrency = 2");
    cluster.start(4);
    cluster.started().await;
    cluster.each_job("resume").await;
    cluster.drain(Duration::from_secs(if is_long() { 300 } else { 180 })).await;
    cluster.end().await;
    let workers = cluster.count("SELECT count(DISTINCT worker) FROM task_attempts").await;
    assert_eq!(workers, 4, "each worked");
    assert_eq!(cluster.count("SELECT count(*) FROM task_attempts WHERE outcome <> 'written'").await, 0);
    let log = simulator.log();
    limits().iter().for_each(|limits| limits.assert_rate(&log));
    let tasks = tasks(&log);
    let all = cluster.count("SELECT count(*) FROM backfill_tasks").await;
    assert_eq!(tasks.len() as i64, all, "each task is seen, and only tasks are");
    assert!(
        assert_at_once("in total", tasks.iter(), IN_TOTAL) > 1,
        "one task at a time is no test of a limit"
    );
    for Limits { source, concurrency, .. } in limits() {
        let most = assert_at_once(source, tasks.iter().filter(|task| task.source == source), concurrency);
        assert!(most > 1, "{source}: one task at a time is no test of a limit");
    }
    let mut of_a_job = 0;
    for batch in batches().take(cluster.jobs.len()) {
        let month = batch.month.to_string();
        of_a_job =
            of_a_job.max(assert_at_once(&month, tasks.iter().filter(|task| task.month == month), OF_A_JOB));
    }
    assert!(of_a_job > 1, "one task at a time is no test of a limit");
}

/// Gives how many there were at once.
fn assert_at_once<'a>(what: &str, tasks: impl Iterator<Item = &'a Task>, limit: usize) -> usize {
    let spans: Vec<Span> = tasks.map(|task| task.span).collect();
    let most = most_at_once(&spans);
    println!("{what}: {} tasks, at most {most} of {limit} at once", spans.len());
    assert!(most <= limit, "{what}: {most} tasks at once, {limit} are allowed");
    most
}

impl Limits {
    fn configuration(&self, url: &str) -> String {
        let configuration = source_at(self.source, url, &format!("concurrency = {}", self.concurrency));
        let Some((count, burst)) = self.rate else { return configuration };
        let unit = if is_long() { "min" } else { "s" };
        configuration.replace("100000/s burst 1000", &format!("{count}/{unit} burst {burst}"))
    }

    /// A minute leaves a second for what is between a request's leave and its arrival, and it is held to the letter.
    /// A second leaves 50 ms, which a machine that does all this at once takes for itself: there it is four seconds,
    /// and what half a second more would allow.
    fn assert_rate(&self, log: &[LogEntry]) {
        let Self { source, rate: Some((count, burst)), .. } = *self else { return };
        let own: Vec<_> = log.iter().filter(|entry| entry.api == source).collect();
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
}
