use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use tokio::sync::Barrier;

use super::{World, at, month, power, schedules::hourly, window};
use crate::{
    domain::{CircuitPolicy, Heard, Overlap, ScheduleKind, Series},
    store::{
        Act, AttemptReport, CollectedMonth, Collection, EventKind, Fired, NewAnswer, RunClaim,
        ScheduleChange, Told, Written,
    },
};

const HOUR: i64 = 3600;
const LEASE: Duration = Duration::from_secs(60);

/// A world with two units, and a schedule that has fired for the first time.
async fn fired(world: &World) -> i64 {
    world.windfarm("farm", &[("s", "a"), ("s", "b")]).await;
    let id = world.schedule(&hourly("c", ScheduleKind::Collect)).await.id;
    fire(world, at(HOUR)).await;
    id
}

async fn fire(world: &World, now: DateTime<Utc>) -> Fired {
    let due = world.due(now).await;
    world.store.fire(&due, Act::Collect(&["s".to_owned()]), &[], now).await.unwrap()
}

async fn claim(world: &World, now: DateTime<Utc>) -> Option<RunClaim> {
    let mut claims = world.store.claim_runs(&["s"], LEASE, now).await.unwrap();
    assert!(claims.len() <= 1);
    claims.pop()
}

fn found(unit_id: i64, series: Vec<Series>) -> CollectedMonth {
    CollectedMonth { unit_id, month: month(0), whole: window(month(0)), series }
}

/// Ten minutes of one value, so many seconds into 2023.
fn spot(offset: i64, value: f64) -> Vec<Series> {
    vec![power(&[(window(month(0)).start + offset, 600, value)])]
}

async fn finish(
    world: &World,
    claim: &RunClaim,
    values: [f64; 2],
    now: DateTime<Utc>,
) -> Option<(Written, i64)> {
    let months = vec![found(2, spot(0, values[1])), found(1, spot(0, values[0]))];
    let found = Collection { asked: 2, months, rejected: 1 };
    let report = AttemptReport { requests: 1, ..AttemptReport::default() };
    let counts = world.store.finish_run(claim, &found, &report, now).await.unwrap()?;
    Some((counts.written, counts.gaps))
}

async fn fail(world: &World, claim: &RunClaim, again: Option<DateTime<Utc>>, now: DateTime<Utc>) -> bool {
    let error = ("unavailable", "the upstream answered 503");
    world.store.fail_run(claim, error, again, &AttemptReport::default(), now).await.unwrap()
}

async fn outcome(world: &World, schedule: i64) -> String {
    world.store.schedule(schedule).await.unwrap().last_outcome.unwrap()
}

#[tokio::test]
async fn a_run_stores_what_was_found_and_every_value_leads_to_its_answers() {
    for world in World::on_both().await {
        let schedule = fired(&world).await;
        let run = claim(&world, at(HOUR)).await.unwrap();
        assert_eq!(claim(&world, at(HOUR)).await, None, "one host asks");
        let answer = NewAnswer {
            source: "s".into(),
            request_key: "k".into(),
            method: "GET".into(),
            url: "http://x/".into(),
            status: 200,
            headers: vec![],
            digest: "d".into(),
            body_bytes: 1,
            stored_bytes: 1,
            fetched_at: at(HOUR).into(),
        };
        let answer = world.store.record_answer(&answer).await.unwrap();
        let months = vec![found(1, spot(0, 1.5)), found(2, spot(0, 2.5))];
        let found = Collection { asked: 3, months, rejected: 3 };
        let report = AttemptReport {
            component_digest: Some("c0ffee".into()),
            requests: 1,
            answers: vec![answer],
            ..AttemptReport::default()
        };
        let counts = world.store.finish_run(&run, &found, &report, at(HOUR + 1)).await.unwrap().unwrap();
        assert_eq!((counts.written.inserted, counts.written.rejected, counts.gaps), (2, 3, 0));
        assert_eq!(outcome(&world, schedule).await, "s: 2 of 3 units, 2 new values, 3 rejected");
        let rows: Vec<(f64, String, i64)> = world
            .rows(
                "SELECT m.value, r.component_digest, a.answer_id FROM measurements m
                 JOIN collector_runs r ON r.id = -m.attempt_id
                 JOIN collector_run_answers a ON a.run_id = r.id ORDER BY m.value",
            )
            .await;
        assert_eq!(rows, [(1.5, "c0ffee".to_owned(), answer), (2.5, "c0ffee".to_owned(), answer)]);
        let used = world.store.components_used("s").await.unwrap();
        assert_eq!(used.iter().map(|it| (&*it.digest, it.attempts)).collect::<Vec<_>>(), [("c0ffee", 1)]);
        assert_eq!(world.number("SELECT CAST(SUM(row_count) AS BIGINT) FROM series_months").await, 2);
        assert_eq!(world.store.next_firing().await.unwrap(), Some(at(2 * HOUR)), "nothing else is open");
        assert_eq!(world.told().await, []);
    }
}

#[tokio::test]
async fn a_feed_that_stands_still_adds_nothing_and_a_corrected_value_is_revised() {
    for world in World::on_both().await {
        fired(&world).await;
        let run = claim(&world, at(HOUR)).await.unwrap();
        finish(&world, &run, [1.0, 2.0], at(HOUR)).await.unwrap();
        for (hour, values, expected) in [(2, [1.0, 2.0], "unchanged"), (3, [1.0, 9.0], "written")] {
            fire(&world, at(hour * HOUR)).await;
            let run = claim(&world, at(hour * HOUR)).await.unwrap();
            finish(&world, &run, values, at(hour * HOUR)).await.unwrap();
            let runs = world.store.collector_runs(run.schedule_id, None, 1).await.unwrap();
            assert_eq!(runs[0].outcome.as_deref(), Some(expected));
        }
        assert_eq!(world.measurements().await.len(), 2);
        let revised: Vec<(f64, i64, i64)> =
            world.rows("SELECT value, attempt_id, replaced_by FROM measurement_revisions").await;
        assert_eq!(revised, [(2.0, -1, -3)]);
    }
}

#[tokio::test]
async fn a_run_that_failed_is_tried_again_until_the_next_firing_and_then_it_is_a_gap() {
    for world in World::on_both().await {
        let schedule = fired(&world).await;
        let run = claim(&world, at(HOUR)).await.unwrap();
        assert!(fail(&world, &run, Some(at(HOUR + 30)), at(HOUR + 1)).await);
        assert_eq!(
            outcome(&world, schedule).await,
            "s: the upstream answered 503; trying again at 2024-01-01 01:00:30 UTC"
        );
        assert_eq!(world.store.next_firing().await.unwrap(), Some(at(HOUR + 30)));
        assert_eq!(claim(&world, at(HOUR + 29)).await, None);
        let again = claim(&world, at(HOUR + 30)).await.unwrap();
        assert_eq!((again.run_id, again.attempt), (run.run_id, 2));
        // The next try would come after the next firing.
        assert!(fail(&world, &again, Some(at(2 * HOUR)), at(HOUR + 31)).await);
        assert_eq!(claim(&world, at(HOUR + 40)).await, None);
        let told = world.told().await;
        assert_eq!((told.len(), told[0].0), (1, EventKind::ScheduleMissed));
        let lost = "s failed, and what was due at 2024-01-01 01:00:00 UTC is lost: the upstream answered 503";
        assert_eq!(outcome(&world, schedule).await, lost);

        // The gap goes on: a row each, and nobody is told again.
        for hour in [2, 3] {
            fire(&world, at(hour * HOUR)).await;
            let run = claim(&world, at(hour * HOUR)).await.unwrap();
            fail(&world, &run, None, at(hour * HOUR)).await;
        }
        assert_eq!(world.told().await.len(), 1);
        assert_eq!(world.number("SELECT COUNT(*) FROM collector_runs WHERE outcome = 'failed'").await, 3);

        fire(&world, at(4 * HOUR)).await;
        let run = claim(&world, at(4 * HOUR)).await.unwrap();
        let (_, gaps) = finish(&world, &run, [1.0, 2.0], at(4 * HOUR)).await.unwrap();
        assert_eq!(gaps, 3);
        assert!(outcome(&world, schedule).await.ends_with("; the 3 runs before failed"));
        fire(&world, at(5 * HOUR)).await;
        let run = claim(&world, at(5 * HOUR)).await.unwrap();
        fail(&world, &run, None, at(5 * HOUR)).await;
        assert_eq!(world.told().await.len(), 2, "another gap");
    }
}

#[tokio::test]
async fn a_run_whose_host_died_is_taken_over_and_its_former_host_stores_nothing() {
    for world in World::on_both().await {
        fired(&world).await;
        let dead = claim(&world, at(HOUR)).await.unwrap();
        assert!(world.store.renew_run(&dead, LEASE, at(HOUR + 30)).await.unwrap());
        assert_eq!(claim(&world, at(HOUR + 89)).await, None);
        let taken = claim(&world, at(HOUR + 90)).await.unwrap();
        assert_eq!(taken.run_id, dead.run_id);
        assert!(!world.store.renew_run(&dead, LEASE, at(HOUR + 91)).await.unwrap());
        assert_eq!(finish(&world, &dead, [1.0, 1.0], at(HOUR + 92)).await, None);
        assert!(!fail(&world, &dead, None, at(HOUR + 92)).await);
        assert_eq!(world.measurements().await, []);
        assert!(finish(&world, &taken, [2.0, 2.0], at(HOUR + 93)).await.is_some());
        assert_eq!(world.measurements().await.len(), 2);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn four_hosts_at_once_ask_once_for_every_firing_and_wait_for_each_other_in_no_circle() {
    for world in World::on_both().await {
        world.windfarm("farm", &[("s", "a"), ("s", "b")]).await;
        for name in ["c", "d"] {
            world.schedule(&hourly(name, ScheduleKind::Collect)).await;
        }
        let mut hosts = tokio::task::JoinSet::new();
        let clock = Arc::new(Barrier::new(4));
        for host in 0..4 {
            let (store, clock) = (world.store.clone(), Arc::clone(&clock));
            hosts.spawn(async move {
                for hour in 1..=10 {
                    clock.wait().await;
                    let now = at(hour * HOUR);
                    for due in store.due_schedules(LEASE, now).await.unwrap() {
                        store.fire(&due, Act::Collect(&["s".to_owned()]), &[], now).await.unwrap();
                    }
                    for run in store.claim_runs(&["s"], LEASE, now).await.unwrap() {
                        if host == 3 && run.attempt == 1 {
                            let error = ("unavailable", "x");
                            let report = AttemptReport::default();
                            assert!(store.fail_run(&run, error, Some(now), &report, now).await.unwrap());
                            continue;
                        }
                        let months = vec![found(1, spot(hour * 600, 1.0)), found(2, spot(hour * 600, 1.0))];
                        let found = Collection { asked: 2, months, rejected: 0 };
                        let report = AttemptReport::default();
                        assert!(store.finish_run(&run, &found, &report, now).await.unwrap().is_some());
                    }
                }
            });
        }
        hosts.join_all().await;
        assert_eq!(world.number("SELECT COUNT(*) FROM collector_runs").await, 20);
        let firings =
            "SELECT COUNT(*) FROM (SELECT DISTINCT schedule_id, scheduled_for FROM collector_runs) AS f";
        assert_eq!(world.number(firings).await, 20);
        // Two schedules saw the same: the second one found it stored, or wrote what the first had failed to.
        let stored = "SELECT COUNT(DISTINCT attempt_id) FROM measurements";
        let written = "SELECT COUNT(*) FROM collector_runs WHERE outcome = 'written'";
        assert_eq!(world.number(stored).await, world.number(written).await);
        assert_eq!(world.number("SELECT COUNT(*) FROM measurement_revisions").await, 0);
    }
}

#[tokio::test]
async fn a_run_that_nobody_could_try_in_time_is_a_gap() {
    for world in World::on_both().await {
        let schedule = fired(&world).await;
        assert_eq!(world.store.claim_runs(&["other"], LEASE, at(HOUR)).await.unwrap(), []);
        assert_eq!(claim(&world, at(2 * HOUR)).await, None, "its time is over");
        assert!(outcome(&world, schedule).await.ends_with("no host that has the source asked in time"));
        let runs = world.store.collector_runs(schedule, None, 9).await.unwrap();
        assert_eq!((runs.len(), runs[0].error_code.as_deref()), (1, Some("missed")));
    }
}

#[tokio::test]
async fn a_firing_leaves_out_what_is_being_asked_and_takes_the_place_of_what_waits() {
    for world in World::on_both().await {
        let schedule = fired(&world).await;
        let slow = claim(&world, at(2 * HOUR - 10)).await.unwrap();
        let why = "s is still being asked for the firing before".to_owned();
        assert_eq!(fire(&world, at(2 * HOUR)).await, Fired::LeftOut(why));
        assert!(finish(&world, &slow, [1.0, 2.0], at(2 * HOUR + 1)).await.is_some(), "late, and still good");

        let queue = ScheduleChange { overlap: Some(Overlap::Queue), ..ScheduleChange::default() };
        world.store.change_schedule(schedule, &queue, at(2 * HOUR + 2)).await.unwrap();
        assert_eq!(fire(&world, at(3 * HOUR)).await, Fired::Runs(vec![2]));
        assert_eq!(fire(&world, at(4 * HOUR)).await, Fired::Runs(vec![3]));
        assert_eq!(claim(&world, at(4 * HOUR)).await.unwrap().run_id, 3);
        let runs = world.store.collector_runs(schedule, None, 9).await.unwrap();
        let outcomes: Vec<_> = runs.iter().map(|run| run.outcome.as_deref()).collect();
        assert_eq!(outcomes, [None, Some("failed"), Some("written")]);
    }
}

#[tokio::test]
async fn a_removed_schedule_keeps_what_its_runs_wrote_and_ends_those_that_are_open() {
    for world in World::on_both().await {
        let schedule = fired(&world).await;
        let run = claim(&world, at(HOUR)).await.unwrap();
        finish(&world, &run, [1.0, 2.0], at(HOUR)).await.unwrap();
        fire(&world, at(2 * HOUR)).await;
        let run = claim(&world, at(2 * HOUR)).await.unwrap();
        world.store.delete_schedule(schedule, at(2 * HOUR)).await.unwrap();
        assert_eq!(finish(&world, &run, [3.0, 4.0], at(2 * HOUR + 1)).await, None);
        assert_eq!(world.measurements().await.len(), 2);
        assert_eq!(world.number("SELECT COUNT(*) FROM collector_runs WHERE ended_at IS NULL").await, 0);
        assert_eq!(
            world.number("SELECT COUNT(*) FROM collector_runs").await,
            2,
            "who wrote a value stays known"
        );
    }
}

#[tokio::test]
async fn a_run_tells_of_its_source_and_one_that_is_paused_is_asked_by_no_run_but_one_on_trial() {
    for world in World::on_both().await {
        fired(&world).await;
        let policy = CircuitPolicy::default();
        let told =
            |heard| AttemptReport { told: Some(Told { heard, policy: &policy }), ..AttemptReport::default() };
        let refused = claim(&world, at(HOUR)).await.unwrap();
        let (error, report) = (("unauthorized", "401"), told(Heard::Refusal("401")));
        world.store.fail_run(&refused, error, None, &report, at(HOUR + 10)).await.unwrap();

        fire(&world, at(2 * HOUR)).await;
        assert_eq!(claim(&world, at(2 * HOUR + 9)).await, None, "the hour is not over yet");
        assert_eq!(
            world.rows::<(Option<String>,)>("SELECT error_code FROM collector_runs WHERE id = 2").await,
            [(Some("source-paused".to_owned()),)]
        );
        let trial = claim(&world, at(2 * HOUR + 10)).await.unwrap();
        assert!(world.store.circuit("s").await.unwrap().on_trial, "nothing else is asked meanwhile");
        let found = Collection { asked: 2, months: vec![found(1, spot(0, 1.0))], rejected: 0 };
        let report = told(Heard::Answer);
        world.store.finish_run(&trial, &found, &report, at(2 * HOUR + 12)).await.unwrap().unwrap();
        assert_eq!(world.store.circuit("s").await.unwrap().open_until, None);
    }
}
