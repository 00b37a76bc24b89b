//! Schedules that collect: Taipower's live report, which nobody keeps.

use std::time::Duration;

use backfill::{
    domain::ScheduleKind,
    store::{Fired, Schedule},
};
use chrono::{DateTime, TimeDelta, Timelike, Utc};
use serde_json::json;
use simulator::{Options, Simulator, values::taipower_mw};
use sqlx::Row as _;
use tokio_util::sync::CancellationToken;

use crate::Host;

/// Two stations, the second in two phases that share it.
const UNITS: &str = "\
windfarm,source,code,name,capacity_mw,share
Changhua,taipower,離岸一期,Offshore 1,109.2,
Taichung,taipower,台中港,Phase 1,,0.25
Taichung,taipower,台中港,Phase 2,,0.75
";

async fn collecting(faults: &[&str]) -> (Simulator, Host, Schedule, DateTime<Utc>) {
    let simulator = simulator::start(Options::default()).await.unwrap();
    simulator.set_faults(faults.iter().map(|fault| fault.parse().unwrap()).collect());
    let host = Host::new(&simulator, "taipower", UNITS).await;
    let now = host.store.now();
    // Half an hour from its next firing, whenever the test runs.
    let cron = format!("{} * * * *", (now.minute() + 30) % 60);
    let settings = json!({ "sources": ["taipower"] });
    let schedule = host.schedule(ScheduleKind::Collect, &cron, settings, now).await;
    (simulator, host, schedule, now)
}

#[tokio::test]
async fn what_the_upstream_shows_now_is_stored_with_who_wrote_it_and_on_what_answer() {
    let (simulator, host, schedule, now) = collecting(&[]).await;
    assert_eq!(host.scheduler.fire_now(schedule.id, now).await.unwrap(), Fired::Runs(vec![1]));
    assert_eq!(host.outcome(&schedule).await, "taipower: 3 of 3 units, 3 new values");
    let rows = host.folder.stored().await;
    assert_eq!(rows.len(), 3);
    for row in rows {
        let share = match row.unit_name.as_str() {
            "Phase 1" => 0.25,
            "Phase 2" => 0.75,
            _ => 1.0,
        };
        let start: DateTime<Utc> = row.start.parse().unwrap();
        assert_eq!(row.value, taipower_mw(&row.unit_code, start).unwrap() * share, "{row:?}");
        assert_eq!((row.quantity.as_str(), row.labels.as_str()), ("spot-power", r#"{"origin":"snapshot"}"#));
        assert!((now - start).abs() < TimeDelta::minutes(21), "{row:?} at {now}");
    }
    let mut database = host.folder.database().await;
    let leads = sqlx::query(
        "SELECT a.url, r.component_digest FROM measurements m
         JOIN collector_runs r ON r.id = -m.attempt_id
         JOIN collector_run_answers l ON l.run_id = r.id JOIN answers a ON a.id = l.answer_id",
    )
    .fetch_all(&mut database)
    .await
    .unwrap();
    assert_eq!(leads.len(), 3);
    assert!(leads.iter().all(|lead| lead.get::<String, _>(0).contains("/d006001/")));
    assert_eq!(leads[0].get::<String, _>(1).len(), 64);
    assert_eq!(simulator.log().len(), 1, "one request for all units");
    assert_eq!(host.folder.count("SELECT COUNT(*) FROM backfill_tasks").await, 0);
}

#[tokio::test]
async fn a_report_that_could_not_be_had_is_asked_for_again_within_the_interval() {
    let (simulator, host, schedule, now) = collecting(&["kind=bad-snapshot,mode=html"]).await;
    host.scheduler.fire_now(schedule.id, now).await.unwrap();
    assert!(
        host.outcome(&schedule).await.contains("; trying again at "),
        "{}",
        host.outcome(&schedule).await
    );
    assert_eq!(host.folder.count("SELECT COUNT(*) FROM measurements").await, 0);
    simulator.set_faults(vec![]);
    host.scheduler.collect_due(now + TimeDelta::seconds(20)).await.unwrap();
    assert_eq!(host.folder.count("SELECT COUNT(*) FROM measurements").await, 0, "not before its time");
    host.scheduler.collect_due(now + TimeDelta::seconds(60)).await.unwrap();
    assert_eq!(host.outcome(&schedule).await, "taipower: 3 of 3 units, 3 new values");
    let runs = host.store.collector_runs(schedule.id, None, 9).await.unwrap();
    assert_eq!((runs.len(), runs[0].outcome.as_deref()), (1, Some("written")));
    assert_eq!((runs[0].attempt_count, runs[0].requests), (2, 2));
}

#[tokio::test]
async fn a_host_fires_by_itself_and_stops_when_it_is_told() {
    let (_simulator, host, schedule, now) = collecting(&[]).await;
    host.store.ask_schedule(schedule.id, Duration::ZERO, now).await.unwrap();
    let stop = CancellationToken::new();
    let running = tokio::spawn({
        let (scheduler, stop) = (host.scheduler.clone(), stop.clone());
        async move { scheduler.run(stop, CancellationToken::new()).await }
    });
    while host.folder.count("SELECT COUNT(*) FROM measurements").await < 3 {
        tokio::task::yield_now().await;
    }
    stop.cancel();
    running.await.unwrap();
    assert_eq!(host.outcome(&schedule).await, "taipower: 3 of 3 units, 3 new values");
}
