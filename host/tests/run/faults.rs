//! What a run makes of upstreams that fail: it asks again where that helps, says what failed, and never takes a
//! failure for an empty month.

use std::time::Duration;

use simulator::{Options, Simulator, values};

use crate::{
    ANHOLT,
    expected::{Of, assert_same, points},
    fault, folder_at, present, simulator,
    support::work_folder::WorkFolder,
};

/// Half hours of one unit, two requests a month.
const HORNSEA: &str = "windfarm,source,code\nHornsea,elexon,T_HOWAO-1\n";

/// Attempts of all tasks as `outcome code`, in their order.
async fn attempts(folder: &WorkFolder) -> Vec<String> {
    sqlx::query_scalar("SELECT outcome || ' ' || COALESCE(error_code, '') FROM task_attempts ORDER BY id")
        .fetch_all(&mut folder.database().await)
        .await
        .unwrap()
}

async fn elexon(fault_spec: &str) -> (Simulator, WorkFolder) {
    let simulator = simulator().await;
    simulator.set_faults(fault(fault_spec));
    let folder = folder_at(&simulator, &["elexon"], "");
    folder.import(HORNSEA).await;
    (simulator, folder)
}

async fn assert_whole(folder: &WorkFolder) {
    let expected = Of::new("Hornsea", "T_HOWAO-1").elexon(2024, 2, present());
    assert_same(&points(&folder.stored().await), &expected);
}

#[tokio::test]
async fn an_upstream_that_is_down_for_a_moment_is_asked_again_within_the_same_attempt() {
    for spec in [
        "kind=status,status=503,times=2,path=B1610",
        "kind=cut-before-head,times=2,path=B1610",
        "kind=cut-mid-body,times=2,path=PN",
    ] {
        let (_simulator, folder) = elexon(spec).await;
        let ran = folder.run("Hornsea", "2024-02", "2024-02").await.succeeded();
        assert_eq!(attempts(&folder).await, ["written "], "{spec}");
        assert_eq!(ran.figure("requests"), 4, "two, and two again: {spec}");
        assert_whole(&folder).await;
    }
}

#[tokio::test]
async fn an_upstream_that_is_down_for_longer_costs_an_attempt_and_is_asked_again_later() {
    let (_simulator, folder) = elexon("kind=status,status=503,times=4,path=B1610").await;
    folder.run("Hornsea", "2024-02", "2024-02").await.succeeded();
    assert_eq!(attempts(&folder).await, ["failed unavailable", "written "]);
    assert_eq!(folder.count("SELECT attempt_count FROM backfill_tasks").await, 2);
    assert_whole(&folder).await;
}

#[tokio::test]
async fn three_attempts_mean_three() {
    let (simulator, folder) = elexon("kind=status,status=500").await;
    let ran = folder.run("Hornsea", "2024-02", "2024-02").await.failed();
    assert_eq!(attempts(&folder).await, ["failed unavailable"; 3]);
    assert_eq!(["completed", "empty", "failed", "inserted"].map(|name| ran.figure(name)), [0, 0, 1, 0]);
    assert!(ran.out.contains("T_HOWAO-1 2024-02: unavailable: "), "{}", ran.out);
    assert_eq!(
        ran.figure("requests"),
        simulator.log().len() as u64,
        "every request is counted, failed ones too"
    );
}

#[tokio::test]
async fn who_is_asked_to_slow_down_waits_and_loses_no_attempt() {
    let (simulator, folder) = elexon("kind=status,status=429,retry-after=1,times=1").await;
    folder.run("Hornsea", "2024-02", "2024-02").await.succeeded();
    assert_eq!(attempts(&folder).await, ["released rate-limited", "written "]);
    assert_eq!(folder.count("SELECT attempt_count FROM backfill_tasks").await, 1);
    let log = simulator.log();
    let refused = log.iter().find(|entry| entry.status == 429).unwrap().at;
    let later = log.iter().filter(|entry| entry.at > refused);
    // The request beside the refused one had leave to go before; a busy machine may be late with it.
    let soon = later.filter(|entry| (entry.at - refused).num_milliseconds() < 990).count();
    assert!(soon <= 1, "asked again too soon: {log:#?}");
    assert_whole(&folder).await;
}

#[tokio::test]
async fn an_answer_that_can_not_be_read_fails_after_a_second_look_and_the_message_says_where() {
    let simulator = simulator().await;
    simulator.set_faults(fault("kind=garbage-body,match=periodStart=20240210"));
    let folder = folder_at(&simulator, &["entsoe"], "");
    folder.import(ANHOLT).await;
    let ran = folder.run("Anholt", "2024-02", "2024-02").await.failed();
    assert_eq!(attempts(&folder).await, ["failed malformed"; 2]);
    assert_eq!((ran.figure("failed"), ran.figure("inserted")), (1, 0));
    let line = ran.out.lines().find(|line| line.contains("malformed")).unwrap();
    assert!(line.contains("Anholt 2024-02: malformed: "), "{line}");
    assert!(line.contains("10Y1001A1001A796") && line.contains("2024-02-10"), "{line}");
    let asked: Vec<_> =
        simulator.log().into_iter().filter(|entry| entry.fault.is_some()).map(|entry| entry.query).collect();
    assert_eq!(asked.len(), 2, "the second attempt looks again, and not at the kept garbage: {asked:?}");
}

#[tokio::test]
async fn a_kept_answer_that_was_no_good_does_not_stand_in_the_way_of_the_next() {
    for kind in
        ["garbage-body", "truncated-body", "empty-body", "status,status=200,body=<html>Maintenance</html>"]
    {
        let simulator = simulator().await;
        simulator.set_faults(fault(&format!("kind={kind},times=1,match=periodStart=20240210")));
        let folder = folder_at(&simulator, &["entsoe"], "");
        folder.import(ANHOLT).await;
        let ran = folder.run("Anholt", "2024-02", "2024-02").await;
        assert_eq!(ran.code, Some(0), "{kind}: {}", ran.out);
        assert_same(&points(&folder.stored().await), &Of::new("Anholt", "45W000000000046I").entsoe(2024, 2));
    }
}

#[tokio::test]
async fn a_refused_credential_pauses_its_source_and_no_other() {
    let options = Options { now: Some(present()), eia_key: Some("another".to_owned()), ..Options::default() };
    let simulator = simulator::start(options).await.unwrap();
    let folder = folder_at(&simulator, &["eia", "elexon"], "concurrency = 1");
    folder
        .import(
            "windfarm,source,code,fuel2002\nBoth,eia,61014,WND\nBoth,eia,80002,WND\nBoth,elexon,T_HOWAO-1,\n",
        )
        .await;
    let ran = folder.run("Both", "2024-02", "2024-03").await.failed();
    assert_eq!(["tasks", "completed", "failed"].map(|name| ran.figure(name)), [6, 2, 4]);
    let to_eia = simulator.log().iter().filter(|entry| entry.api == "eia").count();
    assert_eq!(to_eia, 1, "one refusal is enough");
    assert_eq!(ran.out.matches("unauthorized: ").count(), 1, "{}", ran.out);
    assert_eq!(ran.out.matches("the source is paused: ").count(), 3, "{}", ran.out);
}

#[tokio::test]
async fn a_month_without_data_is_empty_and_holds_no_zero() {
    let simulator = simulator().await;
    // The list of units stays: an upstream that knows no unit at all is not believed.
    let nothing = ["api=entsoe", "api=eia", "path=/datasets"].map(|of| format!("kind=empty-answer,{of}"));
    simulator.set_faults(nothing.iter().flat_map(|spec| fault(spec)).collect());
    let folder = folder_at(&simulator, &["entsoe", "elexon", "eia"], "");
    folder
        .import(
            "windfarm,source,code,area,fuel2002\nAll,entsoe,45W000000000046I,10Y1001A1001A796,\n\
             All,elexon,T_HOWAO-1,,\nAll,eia,61014,,WND\n",
        )
        .await;
    let ran = folder.run("All", "2024-02", "2024-02").await.succeeded();
    assert_eq!(
        ["tasks", "completed", "empty", "failed", "inserted"].map(|name| ran.figure(name)),
        [3, 3, 3, 0, 0]
    );
    assert_eq!(folder.count("SELECT COUNT(*) FROM measurements").await, 0);
}

#[tokio::test]
async fn a_month_that_is_not_yet_published_is_not_taken_for_an_empty_one_and_holds_up_nobody() {
    let simulator = simulator::start(Options::default()).await.unwrap();
    simulator.set_faults(fault("kind=late,days=62"));
    let folder = folder_at(&simulator, &["entsoe"], "");
    folder.import(ANHOLT).await;
    let month = backfill::clock::now().format("%Y-%m").to_string();
    let ran = tokio::time::timeout(Duration::from_secs(60), folder.run("Anholt", &month, &month));
    let ran = ran.await.expect("a run in the foreground does not wait for days").failed();
    assert_eq!(["tasks", "completed", "empty", "inserted"].map(|name| ran.figure(name)), [1, 0, 0, 0]);
    assert!(ran.out.contains("not-yet-published"), "{}", ran.out);
    assert_eq!(attempts(&folder).await, ["failed not-yet-published"], "one look is enough");
    assert_eq!(folder.count("SELECT COUNT(*) FROM backfill_tasks WHERE status = 'in_progress'").await, 0);
}

#[tokio::test]
async fn what_the_upstream_never_has_fails_at_once_with_the_reason() {
    let simulator = simulator().await;
    let folder = folder_at(&simulator, &["taipower"], "");
    folder.import("windfarm,source,code\nFormosa,taipower,沃一風\n").await;
    assert_eq!(values::taipower_monthly_kwh("沃一風", 2024, 2), None);
    let ran = folder.run("Formosa", "2024-02", "2024-02").await.failed();
    assert!(ran.out.contains("沃一風 2024-02: not-available: "), "{}", ran.out);
    assert_eq!(attempts(&folder).await, ["failed not-available"]);
}
