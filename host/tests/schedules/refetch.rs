//! Schedules that make jobs: what is missing, and what may have been corrected.

use backfill::{
    domain::{Priority, ScheduleKind, Unit},
    store::{Fired, NewUnit, NewWindfarm, TaskFilter},
};
use serde_json::json;
use simulator::{Options, Simulator};

use crate::{Host, at};

const OFTEN: &str = "*/10 * * * *";

const ANHOLT: &str = "windfarm,source,code,name,capacity_mw,area\nAnholt,entsoe,45W000000000046I,Anholt,400,10Y1001A1001A796\n";
const EIA_PLANT: &str = "windfarm,source,code,fuel2002\nSanta Isabel,eia,61014,WND\n";

async fn simulator() -> Simulator {
    simulator::start(Options { now: Some(at("2024-12-15T12:00:00Z")), ..Options::default() }).await.unwrap()
}

/// Months of a job's tasks, and what each came to.
async fn tasks(host: &Host, job: i64) -> Vec<(String, Option<&'static str>)> {
    let tasks = host.store.tasks(job, TaskFilter::default()).await.unwrap();
    tasks
        .into_iter()
        .map(|task| (task.month.to_string(), task.outcome.map(|outcome| outcome.as_str())))
        .collect()
}

#[tokio::test]
async fn a_month_is_checked_at_each_age_and_writes_only_what_the_upstream_corrected() {
    let simulator = simulator().await;
    let host = Host::new(&simulator, "entsoe", ANHOLT).await;
    let settings = json!({ "revise_after": ["10d", "20d", "30d"] });
    let schedule = host.schedule(ScheduleKind::Revise, OFTEN, settings, at("2024-03-05T00:00:00Z")).await;
    let february = |outcome| vec![("2024-02".to_owned(), Some(outcome))];
    let revisions = "SELECT COUNT(*) FROM measurement_revisions";
    let fire = async |now: &str| host.scheduler.fire_due(at(now)).await.unwrap().remove(0).1;

    assert_eq!(fire("2024-03-10T00:00:00Z").await, Fired::Noted);
    assert!(host.outcome(&schedule).await.starts_with("no month has reached an age since"));
    assert_eq!(fire("2024-03-12T00:00:00Z").await, Fired::Job(1));
    host.work(1).await;
    assert_eq!(tasks(&host, 1).await, february("written"));
    let job = host.store.job(1).await.unwrap();
    assert_eq!((job.priority, &job.job_metadata["schedule"]), (Priority::Default, &json!("it")));
    let stored = host.folder.stored().await;

    assert_eq!(fire("2024-03-22T00:00:00Z").await, Fired::Job(2));
    host.work(2).await;
    assert_eq!(tasks(&host, 2).await, february("unchanged"));
    assert_eq!(host.folder.count(revisions).await, 0);
    assert_eq!(host.folder.count("SELECT COUNT(DISTINCT attempt_id) FROM measurements").await, 1);

    simulator.set_faults(vec!["kind=revised,share=0.1,factor=0.9".parse().unwrap()]);
    assert_eq!(fire("2024-04-01T00:00:00Z").await, Fired::Job(3));
    host.work(3).await;
    assert_eq!(tasks(&host, 3).await, february("written"));
    let corrected = host.folder.stored().await;
    let changed = stored.iter().zip(&corrected).filter(|(old, new)| old != new).count();
    assert!(changed > 20 && stored.len() == corrected.len(), "{changed} of {}", stored.len());
    assert_eq!(host.folder.count(revisions).await, changed as i64);
}

#[tokio::test]
async fn what_is_missing_behind_the_publication_lag_is_fetched_once() {
    let simulator = simulator().await;
    let host = Host::new(&simulator, "eia", EIA_PLANT).await;
    let settings = json!({ "look_back_months": 2, "priority": "backfill", "windfarm_ids": [1] });
    let schedule =
        host.schedule(ScheduleKind::Incremental, OFTEN, settings, at("2024-10-01T00:00:00Z")).await;
    let fire = async |now: &str| host.scheduler.fire_due(at(now)).await.unwrap().remove(0).1;

    assert_eq!(fire("2024-10-01T00:10:00Z").await, Fired::Job(1));
    let open = host.scheduler.fire_due(at("2024-10-01T00:20:00Z")).await.unwrap();
    assert_eq!(open[0].1, Fired::Noted, "its months are being fetched already");
    host.work(1).await;
    let written = |month: &str| (month.to_owned(), Some("written"));
    assert_eq!(tasks(&host, 1).await, [written("2024-06"), written("2024-07")]);
    assert_eq!(host.store.job(1).await.unwrap().priority, Priority::Normal);

    assert_eq!(fire("2024-10-01T00:30:00Z").await, Fired::Noted);
    assert_eq!(host.outcome(&schedule).await, "nothing missing");
    assert_eq!(fire("2024-11-01T00:00:00Z").await, Fired::Job(2), "another month lies behind the lag");
    host.work(2).await;
    assert_eq!(tasks(&host, 2).await, [written("2024-08")]);
}

#[tokio::test]
async fn units_of_a_source_that_can_not_be_used_are_left_out_and_that_is_said() {
    let simulator = simulator().await;
    let host = Host::new(&simulator, "eia", EIA_PLANT).await;
    let unit = Unit { code: "1".to_owned(), name: "One".to_owned(), ..Unit::default() };
    let units = vec![NewUnit { source: "ghost".to_owned(), unit, active: None }];
    let elsewhere = NewWindfarm { name: "Elsewhere".to_owned(), units, ..NewWindfarm::default() };
    host.store.import(&[elsewhere], at("2024-10-01T00:00:00Z")).await.unwrap();
    let schedule =
        host.schedule(ScheduleKind::Incremental, OFTEN, json!({}), at("2024-10-01T00:00:00Z")).await;
    let fired = host.scheduler.fire_due(at("2024-10-01T00:10:00Z")).await.unwrap();
    assert_eq!(fired[0].1, Fired::Job(1));
    assert_eq!(
        host.outcome(&schedule).await,
        "job 1: 3 tasks; without source ghost (its source can't be used: the configuration has no source \"ghost\")"
    );
}

#[tokio::test]
async fn months_that_reached_an_age_while_their_source_could_not_be_used_are_checked_once_it_can() {
    let simulator = simulator().await;
    let host = Host::new(&simulator, "entsoe", ANHOLT).await;
    let settings = json!({ "revise_after": ["10d", "1mo"] });
    let schedule = host.schedule(ScheduleKind::Revise, OFTEN, settings, at("2024-03-05T00:00:00Z")).await;
    let away = host.without_sources().await;
    for now in ["2024-03-12T00:00:00Z", "2024-03-20T00:00:00Z"] {
        assert_eq!(away.fire_due(at(now)).await.unwrap()[0].1, Fired::Noted);
        let outcome = host.outcome(&schedule).await;
        assert!(outcome.contains("no month has reached an age since; without source entsoe ("), "{outcome}");
    }
    let back = host.scheduler.fire_due(at("2024-03-21T00:00:00Z")).await.unwrap();
    assert_eq!(back[0].1, Fired::Job(1), "February reached ten days on the 11th");
    let tasks = host.store.tasks(1, TaskFilter::default()).await.unwrap();
    assert_eq!(tasks.iter().map(|task| task.month.to_string()).collect::<Vec<_>>(), ["2024-02"]);
    assert_eq!(host.scheduler.fire_due(at("2024-03-22T00:00:00Z")).await.unwrap()[0].1, Fired::Noted, "once");
}
