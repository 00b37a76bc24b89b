use super::{World, at, error, hours};
use crate::{
    domain::{EventKind, JobStatus, Next, Priority, RetryPolicy, Setback, TaskStatus, Tries},
    store::{AttemptReport, Chosen, Ending, NewAnswer, Purge, Purged, SourceQueue, TaskFilter},
};

const NONE: [i64; 0] = [];

const PURGE: Purge<'_> = Purge { reason: "wrong key", by: "ann", source: None, priority: None };

fn nothing(source: &str) -> SourceQueue {
    SourceQueue {
        source: source.to_owned(),
        ready: 0,
        oldest_ready: None,
        waiting: 0,
        next_due: None,
        running: 0,
        held: 0,
        held_until: None,
        open_until: None,
        open_cause: None,
        failures_in_row: 0,
    }
}

#[tokio::test]
async fn the_queue_is_counted_by_source_and_says_what_holds_it_up() {
    for world in World::on_both().await {
        assert_eq!(world.store.queue(at(0)).await.unwrap(), []);
        world.job(4).await;
        let paused = world.job(2).await;
        world.store.pause_job(paused, at(1)).await.unwrap();
        let claims = world.claim("w", 2, at(2)).await;
        let wait = Ending::Retry(at(500).into(), error("unavailable", "503"));
        world.finish(&claims[0], wait, at(3)).await.unwrap();
        world.store.hold_off("elsewhere", at(900), at(3)).await.unwrap();
        let own = SourceQueue {
            ready: 2,
            oldest_ready: Some(at(0).into()),
            waiting: 1,
            next_due: Some(at(500).into()),
            running: 1,
            held: 2,
            ..nothing("s")
        };
        let elsewhere = SourceQueue { held_until: Some(at(900).into()), ..nothing("elsewhere") };
        assert_eq!(world.store.queue(at(4)).await.unwrap(), [elsewhere, own.clone()]);
        // What has waited long enough is ready, though no worker has looked yet; so is the source.
        let later = SourceQueue { ready: 3, waiting: 0, next_due: None, ..own };
        assert_eq!(world.store.queue(at(901)).await.unwrap(), [later]);
    }
}

#[tokio::test]
async fn a_purge_takes_all_that_waits_and_leaves_what_runs() {
    for world in World::on_both().await {
        let (running, waiting) = (world.job(3).await, world.job(2).await);
        let claim = world.one("w", at(1)).await;
        world.store.pause_job(waiting, at(2)).await.unwrap();
        let purged = world.store.purge_queue(&PURGE, at(3)).await.unwrap();
        assert_eq!(
            purged,
            [
                Purged { job_id: running, tasks: 2, status: JobStatus::InProgress },
                Purged { job_id: waiting, tasks: 2, status: JobStatus::Failed },
            ]
        );
        let job = world.store.job(waiting).await.unwrap();
        assert_eq!(
            (job.status, job.reason.as_deref(), job.skipped_tasks),
            (JobStatus::Failed, Some("purged"), 2)
        );
        assert_eq!(job.error_message.as_deref(), Some("purged by ann: wrong key"));
        assert_eq!(job.started_at, None);
        let skipped = &world.store.tasks(waiting, TaskFilter::default()).await.unwrap()[0];
        assert_eq!((skipped.status, skipped.error_code.as_deref()), (TaskStatus::Skipped, Some("purged")));

        assert_eq!(world.claim("w", 9, at(4)).await, []);
        world.write(&claim, hours(&claim, 2, 1.0), at(5)).await;
        let job = world.store.job(running).await.unwrap();
        assert_eq!((job.status, job.reason.as_deref()), (JobStatus::Failed, Some("purged")));
        assert_eq!((job.completed_tasks, job.skipped_tasks), (1, 2), "what it found is kept");
        let events = world.store.events(Some(running), 0, 99).await.unwrap();
        for (kind, times) in [(EventKind::JobPurged, 1), (EventKind::JobEnded, 1)] {
            assert_eq!(events.iter().filter(|event| event.kind == kind).count(), times, "{kind}");
        }
        assert_eq!(world.store.purge_queue(&PURGE, at(6)).await.unwrap(), []);

        let retried = world.store.retry_job(running, Chosen::All, false, "ann", at(7)).await.unwrap();
        assert_eq!(retried.reopened.len(), 2);
        for claim in world.claim("w", 9, at(8)).await {
            world.finish(&claim, Ending::Empty("nothing"), at(9)).await.unwrap();
        }
        let job = world.store.job(running).await.unwrap();
        assert_eq!((job.status, job.reason), (JobStatus::Completed, None));
    }
}

#[tokio::test]
async fn every_task_that_a_cancellation_or_a_purge_skips_has_its_event_before_the_jobs_end() {
    for world in World::on_both().await {
        let (cancelled, purged) = (world.job(3).await, world.job(2).await);
        let running = world.one("w", at(1)).await;
        world.store.cancel_job(cancelled, "ann", at(2)).await.unwrap();
        // Who purges looked at the clock, then waited for what had the job's row.
        world.store.process_job(purged, at(4)).await.unwrap();
        world.store.purge_queue(&PURGE, at(3)).await.unwrap();
        for (job, stop, code) in [(cancelled, "job-cancelled", "cancelled"), (purged, "job-purged", "purged")]
        {
            let events = world.store.events(Some(job), 0, 99).await.unwrap();
            let skipped: Vec<_> =
                events.iter().filter(|event| event.kind == EventKind::TaskSkipped).collect();
            let tasks = world.store.tasks(job, TaskFilter::default()).await.unwrap();
            let ids: Vec<_> = tasks.iter().map(|task| Some(task.id)).collect();
            assert_eq!(skipped.iter().map(|event| event.task_id).collect::<Vec<_>>(), ids);
            assert!(skipped.iter().all(|event| event.data["code"] == code), "{skipped:?}");
            let kinds: Vec<_> = events.iter().map(|event| event.kind.as_str()).collect();
            let told = kinds.iter().position(|kind| *kind == stop).unwrap();
            assert!(kinds[told + 1..].starts_with(&["task-skipped", "task-skipped"]), "{kinds:?}");
            assert_eq!(kinds.last(), Some(&"job-ended"));
        }
        assert_eq!(running.job_id, cancelled);
    }
}

#[tokio::test]
async fn an_empty_month_that_is_hastened_is_asked_at_once_and_believed_no_sooner() {
    for world in World::on_both().await {
        let job = world.job(1).await;
        let first = world.one("w", at(1)).await;
        assert_eq!(first.confirm_at, None);
        world.finish(&first, Ending::AskAgain(at(100).into(), "[]"), at(2)).await.unwrap();
        assert_eq!(world.store.process_job(job, at(3)).await.unwrap(), 1);
        let hastened = world.one("w", at(4)).await;
        assert_eq!(hastened.confirm_at, Some(at(100).into()));
        let failure = crate::domain::Failure::NoData("[]".to_owned());
        let tries = Tries { attempt: 1, of: 3, confirm_at: hastened.confirm_at.map(|at| at.utc()) };
        let next = |now| RetryPolicy::default().next(Setback::Failure(&failure), tries, now, 0.5);
        assert_eq!([next(at(5)), next(at(100))], [Next::Confirm(at(100)), Next::Empty]);
        world.finish(&hastened, Ending::AskAgain(at(100).into(), "[]"), at(5)).await.unwrap();
        assert_eq!(world.claim("w", 1, at(99)).await, []);
        let due = world.one("w", at(100)).await;
        assert_eq!((due.confirm_at, due.empty_at), (Some(at(100).into()), Some(at(5).into())));

        // Whoever retries has all of it before them again.
        world.finish(&due, Ending::Failed(error("invalid-unit", "x")), at(101)).await.unwrap();
        world.store.retry_job(job, Chosen::All, true, "ann", at(102)).await.unwrap();
        let retried = world.one("w", at(103)).await;
        assert_eq!((retried.confirm_at, retried.empty_at), (None, None));
    }
}

#[tokio::test]
async fn a_purge_can_be_narrowed_to_a_source_and_a_priority_and_needs_a_reason() {
    for world in World::on_both().await {
        let (windfarm, units) = world.windfarm("farm", &[("s", "a")]).await;
        let high = world.job_of(windfarm, &units, 1, Priority::High, at(0)).await;
        let low = world.job_of(windfarm, &units, 1, Priority::Default, at(0)).await;
        let purged = async |purge: Purge<'_>| -> Vec<i64> {
            let purged = world.store.purge_queue(&purge, at(1)).await.unwrap();
            purged.into_iter().map(|purged| purged.job_id).collect()
        };
        assert_eq!(purged(Purge { source: Some("t"), ..PURGE }).await, NONE);
        assert_eq!(purged(Purge { priority: Some(Priority::Normal), ..PURGE }).await, NONE);
        assert_eq!(
            purged(Purge { priority: Some(Priority::High), source: Some("s"), ..PURGE }).await,
            [high]
        );
        let refused = world.store.purge_queue(&Purge { reason: " ", ..PURGE }, at(1)).await.unwrap_err();
        assert!(refused.to_string().contains("give a reason"), "{refused}");
        assert_eq!(purged(PURGE).await, [low]);
    }
}

#[tokio::test]
async fn every_attempt_of_a_task_is_kept_with_what_it_rested_on() {
    for world in World::on_both().await {
        let job = world.job(1).await;
        let answer = NewAnswer {
            source: "s".to_owned(),
            request_key: "k".to_owned(),
            method: "GET".to_owned(),
            url: "https://upstream.example/x".to_owned(),
            status: 200,
            headers: Vec::new(),
            digest: "d".to_owned(),
            body_bytes: 7,
            stored_bytes: 5,
            fetched_at: at(2).into(),
        };
        let answer = world.store.record_answer(&answer).await.unwrap();
        let first = world.one("w", at(1)).await;
        world.finish(&first, Ending::Failed(error("unavailable", "503")), at(2)).await.unwrap();
        world.store.retry_job(job, Chosen::All, false, "ann", at(3)).await.unwrap();
        let second = world.one("v", at(4)).await;
        let report = AttemptReport { requests: 3, answers: vec![answer], ..AttemptReport::default() };
        world.store.finish(&second, Ending::Empty("nothing"), &report, at(5)).await.unwrap();

        let attempts = world.store.attempts(first.task_id).await.unwrap();
        let told: Vec<_> = attempts
            .iter()
            .map(|a| (a.worker.as_str(), a.outcome.as_deref(), a.error_code.as_deref(), a.requests))
            .collect();
        assert_eq!(
            told,
            [("w", Some("failed"), Some("unavailable"), 0), ("v", Some("empty"), Some("no-data"), 3)]
        );
        let used = world.store.task_answers(first.task_id).await.unwrap();
        let told: Vec<_> = used.iter().map(|answer| (answer.attempt_id, answer.url.as_str())).collect();
        assert_eq!(told, [(attempts[1].id, "https://upstream.example/x")]);
        let units = world.store.job_breakdown(job).await.unwrap();
        assert_eq!((units.len(), units[0].total, units[0].completed, units[0].failed), (1, 1, 1, 0));
    }
}
