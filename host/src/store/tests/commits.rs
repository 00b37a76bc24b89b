use std::{collections::BTreeMap, time::Duration};

use serde_json::json;

use super::{World, at, checked, error, hours, power};
use crate::{
    domain::{JobStatus, Priority, TaskOutcome, TaskStatus},
    store::{
        AttemptReport, Ending, EventKind, Instant, StoreError, TaskError, TaskFilter, UsedComponent, Written,
    },
};

#[tokio::test]
async fn records_outcome_counters_and_event_are_committed_together() {
    for world in World::on_both().await {
        let job = world.job(2).await;
        let claim = world.one("w", at(1)).await;
        let mut rows = hours(&claim, 24, 5.0);
        rows[0].measurements[3].value = f64::NAN;
        let done = world.write(&claim, rows, at(2)).await;
        assert_eq!(done.written, Written { inserted: 23, updated: 0, unchanged: 0, rejected: 1 });
        assert_eq!(
            (done.status, done.outcome, done.job_ended),
            (TaskStatus::Completed, Some(TaskOutcome::Written), None)
        );

        let task = world.store.task(claim.task_id).await.unwrap();
        assert_eq!((task.records_fetched, task.records_inserted, task.records_rejected), (24, 23, 1));
        assert_eq!((task.attempt_count, task.completed_at.map(|end| end.utc())), (1, Some(at(2))));
        let job = world.store.job(job).await.unwrap();
        assert_eq!((job.completed_tasks, job.status), (1, JobStatus::InProgress));
        let events = world.store.events(Some(job.id), 0, 100).await.unwrap();
        let kinds: Vec<_> = events.iter().map(|event| event.kind.as_str()).collect();
        assert_eq!(kinds, ["job-created", "job-started", "task-started", "task-completed"]);
        assert_eq!(
            events[3].data["records"],
            json!({ "inserted": 23, "updated": 0, "unchanged": 0, "rejected": 1 })
        );
        let rejected = world.store.rejections(claim.task_id).await.unwrap().remove(0);
        assert_eq!((rejected.reason.as_str(), rejected.count), ("not-finite", 1));
        assert_eq!(rejected.sample[0]["value"], "NaN");
    }
}

#[tokio::test]
async fn a_commit_that_fails_in_the_middle_leaves_nothing_behind() {
    for world in World::on_both().await {
        world.job(1).await;
        let claim = world.one("w", at(1)).await;
        let (break_it, mend_it): (&[&str], _) = match world.server {
            None => (
                &["CREATE TRIGGER broken BEFORE INSERT ON events WHEN NEW.kind = 'task-completed'
                   BEGIN SELECT RAISE(ABORT, 'broken'); END"],
                "DROP TRIGGER broken",
            ),
            Some(_) => (
                &["ALTER TABLE events ADD CONSTRAINT broken CHECK (kind <> 'task-completed')"],
                "ALTER TABLE events DROP CONSTRAINT broken",
            ),
        };
        for statement in break_it {
            world.sql(statement).await.unwrap();
        }
        let records = checked(&claim, hours(&claim, 24, 5.0));
        let failed = world.finish(&claim, Ending::Records(&records), at(2)).await.unwrap_err();
        assert!(failed.to_string().starts_with("recording an event: "), "{failed}");
        assert_eq!(
            (world.measurements().await.len(), world.number("SELECT COUNT(*) FROM series").await),
            (0, 0)
        );
        assert_eq!(world.store.task(claim.task_id).await.unwrap().status, TaskStatus::InProgress);
        world.sql(mend_it).await.unwrap();
        let done = world.finish(&claim, Ending::Records(&records), at(3)).await.unwrap();
        assert_eq!(
            (done.written.inserted, done.job_ended),
            (24, Some(JobStatus::Completed)),
            "and the claim still holds"
        );
    }
}

#[tokio::test]
async fn a_task_is_finished_once_and_the_second_time_is_a_lost_lease() {
    for world in World::on_both().await {
        let job = world.job(2).await;
        let claim = world.one("w", at(1)).await;
        world.write(&claim, hours(&claim, 24, 5.0), at(2)).await;
        let records = checked(&claim, hours(&claim, 24, 9.0));
        for ending in
            [Ending::Records(&records), Ending::Empty("none"), Ending::Failed(error("crash", "trap"))]
        {
            let again = world.finish(&claim, ending, at(3)).await.unwrap_err();
            assert!(matches!(again, StoreError::LostLease { .. }), "{again}");
        }
        assert_eq!(world.store.job(job).await.unwrap().completed_tasks, 1);
        assert!(world.measurements().await.iter().all(|row| row.3 == 5.0));
    }
}

#[tokio::test]
async fn the_last_tasks_own_transaction_ends_the_job() {
    for world in World::on_both().await {
        for (endings, expected) in [
            (["empty", "empty"], JobStatus::Completed),
            (["empty", "failed"], JobStatus::PartiallyCompleted),
            (["failed", "failed"], JobStatus::Failed),
        ] {
            let job = world.job(2).await;
            let claims = world.claim("w", 2, at(1)).await;
            let mut last = None;
            for (claim, ending) in claims.iter().zip(endings) {
                assert_eq!(last, None, "a job has not ended before its last task");
                let ending = match ending {
                    "empty" => Ending::Empty("no matching data"),
                    _ => Ending::Failed(error("invalid-unit", "no such unit")),
                };
                last = world.finish(claim, ending, at(2)).await.unwrap().job_ended;
            }
            assert_eq!(last, Some(expected));
            let job = world.store.job(job).await.unwrap();
            assert_eq!((job.status, job.completed_at.map(|end| end.utc())), (expected, Some(at(2))));
            let ends = world.store.events(Some(job.id), 0, 100).await.unwrap();
            assert_eq!(ends.iter().filter(|event| event.kind == EventKind::JobEnded).count(), 1);
            let failed = job.failed_tasks > 0;
            assert_eq!(job.error_message, failed.then(|| format!("{} of 2 tasks failed", job.failed_tasks)));
        }
    }
}

/// Two endings look at the clock, then both wait for the job: the second to look may be the first to commit.
#[tokio::test]
async fn a_job_begins_and_ends_no_earlier_than_its_tasks_whoever_commits_last() {
    for world in World::on_both().await {
        let (windfarm, units) = world.windfarm("Farm", &[("s", "A")]).await;
        let id = world.job_of(windfarm, &units, 2, Priority::Default, at(2)).await;
        let claims = world.claim("w", 2, at(1)).await;
        world.write(&claims[0], hours(&claims[0], 2, 1.0), at(4)).await;
        world.write(&claims[1], hours(&claims[1], 2, 1.0), at(3)).await;
        let job = world.store.job(id).await.unwrap();
        let utc = |instant: Option<Instant>| instant.map(|instant| instant.utc());
        assert_eq!((utc(job.started_at), utc(job.completed_at)), (Some(at(2)), Some(at(4))));
        let told = world.store.events(Some(id), 0, 100).await.unwrap();
        for (kind, when) in [(EventKind::JobStarted, at(2)), (EventKind::JobEnded, at(4))] {
            let of_kind: Vec<_> = told.iter().filter(|event| event.kind == kind).collect();
            assert_eq!(of_kind.iter().map(|event| event.at.utc()).collect::<Vec<_>>(), [when], "{kind}");
        }
    }
}

#[tokio::test]
async fn three_attempts_mean_three() {
    for world in World::on_both().await {
        world.job(1).await;
        for attempt in 1..=3 {
            let claim = world.one("w", at(attempt * 100)).await;
            assert_eq!(i64::from(claim.attempt), attempt);
            let at_once = Ending::Retry(at(attempt * 100 + 60).into(), error("unavailable", "503"));
            let done = world.finish(&claim, at_once, at(attempt * 100 + 1)).await.unwrap();
            let expected = if attempt < 3 { TaskStatus::Pending } else { TaskStatus::Failed };
            assert_eq!(done.status, expected);
        }
        let task = &world.store.tasks(1, TaskFilter::default()).await.unwrap()[0];
        assert_eq!((task.attempt_count, task.error_code.as_deref()), (3, Some("unavailable")));
        assert_eq!(world.store.job(1).await.unwrap().status, JobStatus::Failed);
    }
}

#[tokio::test]
async fn waiting_costs_no_attempt_however_often() {
    for world in World::on_both().await {
        world.job(1).await;
        for round in 0..5 {
            let claim = world.one("w", at(round * 10)).await;
            assert_eq!((claim.attempt, claim.fence), (1, round + 1));
            let wait = Ending::Release(None, error("not-yet-published", "tomorrow"));
            world.finish(&claim, wait, at(round * 10 + 1)).await.unwrap();
        }
        assert_eq!(world.store.job(1).await.unwrap().status, JobStatus::InProgress, "started stays started");
    }
}

#[tokio::test]
async fn a_success_without_records_is_refused_and_one_that_the_upstream_confirmed_is_empty() {
    for world in World::on_both().await {
        world.job(2).await;
        let claim = world.one("w", at(1)).await;
        for answer in [vec![], vec![power(&[(0, 3600, 1.0)])]] {
            let nothing = checked(&claim, answer);
            let refused = world.finish(&claim, Ending::Records(&nothing), at(2)).await.unwrap_err();
            assert!(matches!(refused, StoreError::Refused { .. }), "{refused}");
        }
        let done = world.finish(&claim, Ending::Empty("No matching data found"), at(3)).await.unwrap();
        assert_eq!(done.outcome, Some(TaskOutcome::Empty));
        let task = world.store.task(claim.task_id).await.unwrap();
        assert_eq!((task.error_message, task.records_fetched), (None, 0));
        let confirmed: Vec<(String,)> = world.rows("SELECT error_message FROM task_attempts").await;
        assert_eq!(confirmed[0].0, "No matching data found");

        let claim = world.one("w", at(4)).await;
        let outside = checked(&claim, vec![power(&[(0, 3600, 1.0)])]);
        let why = TaskError { rejected: Some(&outside), ..error("all-rejected", "1 record, none fit") };
        world.finish(&claim, Ending::Failed(why), at(5)).await.unwrap();
        let task = world.store.task(claim.task_id).await.unwrap();
        assert_eq!((task.records_fetched, task.records_rejected, task.status), (1, 1, TaskStatus::Failed));
    }
}

#[tokio::test]
async fn an_attempt_keeps_what_it_cost_and_what_it_rested_on() {
    for world in World::on_both().await {
        world.job(1).await;
        let claim = world.one("w", at(1)).await;
        let mut answers = Vec::new();
        for key in ["a", "b"] {
            answers.push(world.store.record_answer(&super::records::answer(key, 200, at(1))).await.unwrap());
        }
        answers.push(answers[0]);
        let report = AttemptReport {
            component_digest: Some("d1".to_owned()),
            requests: 3,
            response_bytes: 4096,
            cpu: Duration::from_micros(1500),
            answers,
            month: None,
            told: None,
        };
        world.store.finish(&claim, Ending::Empty("nothing"), &report, at(2)).await.unwrap();
        let kept: Vec<(String, i64, i64, i64, i64)> = world
        .rows(
            "SELECT component_digest, requests, response_bytes, cpu_us, (SELECT COUNT(*) FROM attempt_answers)
             FROM task_attempts",
        )
        .await;
        assert_eq!(kept[0], ("d1".to_owned(), 3, 4096, 1500, 2));
        assert_eq!(world.store.job_summary(claim.job_id).await.unwrap().requests, 3);
        let used = world.store.components_used(&claim.source).await.unwrap();
        assert_eq!(used, [UsedComponent { digest: "d1".to_owned(), attempts: 1, last: at(1).into() }]);
        assert_eq!(world.store.components_used("another").await.unwrap(), []);
    }
}

#[tokio::test]
async fn a_later_attempt_replaces_what_an_earlier_one_rejected() {
    for world in World::on_both().await {
        world.job(1).await;
        let claim = world.one("w", at(1)).await;
        let bad = checked(&claim, vec![power(&[(0, 3600, 1.0), (claim.window.start, 0, 1.0)])]);
        let why = TaskError { rejected: Some(&bad), ..error("all-rejected", "none fit") };
        world.finish(&claim, Ending::Retry(at(5).into(), why), at(2)).await.unwrap();
        let claim = world.one("w", at(5)).await;
        let mut rows = hours(&claim, 3, 1.0);
        rows[0].measurements[1].value = f64::INFINITY;
        world.write(&claim, rows, at(6)).await;
        let reasons: BTreeMap<String, i64> =
            world.rows("SELECT reason, count FROM task_rejections").await.into_iter().collect();
        assert_eq!(reasons, BTreeMap::from([("not-finite".to_owned(), 1)]));
    }
}
