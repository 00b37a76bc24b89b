//! What is kept for a time is forgotten after it, and nothing that anything else rests on.

use std::time::Duration;

use super::{World, at, hours};
use crate::{
    domain::Retention,
    store::{Ending, LogLevel, MailRecipient, NewLogLine, NewWorker},
};

const DAY: i64 = 86_400;

/// Everything for so many days.
fn all_for(days: u64) -> Retention {
    let days = Duration::from_secs(days * 86_400);
    Retention { events: days, messages: days, logs: days, workers: days, runs: days }
}

async fn count(world: &World, table: &str) -> i64 {
    world.number(format!("SELECT COUNT(*) FROM {table}")).await
}

#[tokio::test]
async fn what_was_kept_for_long_enough_is_forgotten_and_what_values_come_from_stays() {
    for world in World::on_both().await {
        let recipient = MailRecipient { address: "ops@example.org".to_owned(), event_kinds: Vec::new() };
        world.store.set_mail_recipients(&[recipient]).await.unwrap();
        let worker = |id| NewWorker { id, host: "h", pid: 7, version: "1", serves: true, concurrency: 4 };
        world.store.heartbeat(&worker("old"), at(0)).await.unwrap();
        world.store.heartbeat(&worker("new"), at(50 * DAY)).await.unwrap();
        world.job(1).await;
        let claim = world.one("old", at(1)).await;
        let line = NewLogLine {
            task_id: claim.task_id,
            fence: claim.fence,
            at: at(1).into(),
            level: LogLevel::Info,
            message: "said".to_owned(),
        };
        world.store.append_logs(std::slice::from_ref(&line)).await.unwrap();
        world.write(&claim, hours(&claim, 3, 1.0), at(2)).await;
        for outcome in ["written", "unchanged", "failed"] {
            let code = if outcome == "failed" { "'x'" } else { "NULL" };
            let inserted = i64::from(outcome == "written");
            let run = format!(
                "INSERT INTO collector_runs (source, scheduled_for, give_up_at, attempt_count, outcome, records_inserted,
                                             error_code, created_at, started_at, ended_at)
                 VALUES ('s', @1704067200, @1704067300, 1, '{outcome}', {inserted}, {code}, @1704067200, @1704067200,
                         @1704067200)"
            );
            world.sql(&run).await.unwrap();
        }
        world.store.append_logs(&[NewLogLine { at: at(50 * DAY).into(), ..line }]).await.unwrap();
        let before = count(&world, "events").await;
        assert_eq!((before, count(&world, "outbox").await), (5, 1));

        assert_eq!(world.store.forget(&all_for(60), at(55 * DAY)).await.unwrap(), 0);
        let values = world.measurements().await;
        // One message, five events, one line, one worker, two runs.
        assert_eq!(world.store.forget(&all_for(30), at(55 * DAY)).await.unwrap(), 10);
        for (table, left) in
            [("events", 0), ("outbox", 0), ("task_logs", 1), ("workers", 1), ("collector_runs", 1)]
        {
            assert_eq!(count(&world, table).await, left, "{table}");
        }
        assert_eq!(world.number("SELECT COUNT(*) FROM collector_runs WHERE outcome = 'written'").await, 1);
        for (table, kept) in [("backfill_jobs", 1), ("backfill_tasks", 1), ("task_attempts", 1)] {
            assert_eq!(count(&world, table).await, kept, "{table}");
        }
        assert_eq!(world.measurements().await, values);
        assert_eq!(world.store.forget(&all_for(30), at(55 * DAY)).await.unwrap(), 0);
    }
}

#[tokio::test]
async fn an_event_stays_for_as_long_as_a_message_tells_of_it() {
    for world in World::on_both().await {
        let recipient = MailRecipient { address: "ops@example.org".to_owned(), event_kinds: Vec::new() };
        world.store.set_mail_recipients(&[recipient]).await.unwrap();
        world.job(1).await;
        let claim = world.one("w", at(1)).await;
        world.finish(&claim, Ending::Empty("nothing"), at(2)).await.unwrap();
        let retention = Retention { messages: Duration::from_secs(365 * 86_400), ..all_for(1) };
        world.store.forget(&retention, at(10 * DAY)).await.unwrap();
        let left: Vec<(String,)> = world.rows("SELECT kind FROM events").await;
        assert_eq!(left, [("job-ended".to_owned(),)]);
    }
}

#[tokio::test]
async fn much_is_forgotten_in_short_steps() {
    for world in World::on_both().await {
        world.job(1).await;
        let claim = world.one("w", at(1)).await;
        let line = |seconds| NewLogLine {
            task_id: claim.task_id,
            fence: claim.fence,
            at: at(seconds).into(),
            level: LogLevel::Info,
            message: "said".to_owned(),
        };
        let lines: Vec<_> = (0..4500).map(line).collect();
        world.store.append_logs(&lines).await.unwrap();
        let retention = Retention { logs: Duration::from_secs(86_400), ..all_for(365) };
        let mut steps = Vec::new();
        for _ in 0..4 {
            steps.push(world.store.forget(&retention, at(DAY + 4400)).await.unwrap());
        }
        assert_eq!(steps, [2000, 2000, 400, 0]);
    }
}
