//! Answers, limits, events, logs, workers, export.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures::TryStreamExt;

use super::{World, at, checked, error, hours};
use crate::{
    domain::Priority,
    store::{
        AttemptReport, Ending, EventKind, ExportFilter, Followed, Instant, LastAsked, LogLevel, NewAnswer,
        NewLogLine, NewWorker,
    },
};

pub(super) fn answer(key: &str, status: u16, fetched_at: DateTime<Utc>) -> NewAnswer {
    NewAnswer {
        source: "s".to_owned(),
        request_key: key.to_owned(),
        method: "GET".to_owned(),
        url: "https://api.example/generation".to_owned(),
        status,
        headers: vec![("content-type".to_owned(), "text/xml".to_owned())],
        digest: format!("digest of {key}"),
        body_bytes: 1000,
        stored_bytes: 100,
        fetched_at: fetched_at.into(),
    }
}

#[tokio::test]
async fn the_newest_good_answer_that_is_young_enough_is_found() {
    for world in World::on_both().await {
        let mut ids = Vec::new();
        for (status, seconds) in [(200, 10), (200, 20), (503, 30)] {
            ids.push(world.store.record_answer(&answer("k", status, at(seconds))).await.unwrap());
        }
        let find =
            async |source, key, seconds| world.store.find_answer(source, key, at(seconds)).await.unwrap();
        let found = find("s", "k", 0).await.unwrap();
        assert_eq!((found.id, found.status, found.fetched_at.utc()), (ids[1], 200, at(20)));
        assert_eq!((found.digest.as_str(), found.body_bytes, found.headers.len()), ("digest of k", 1000, 1));
        assert_eq!(find("s", "k", 20).await.unwrap().id, ids[1], "as old as is allowed");
        assert_eq!(find("s", "k", 21).await, None);
        assert_eq!(find("s", "other", 0).await, None);
        assert_eq!(find("t", "k", 0).await, None, "a source never sees another's answers");
    }
}

#[tokio::test]
async fn an_answer_that_could_not_be_read_serves_no_request_again() {
    for world in World::on_both().await {
        let old = world.store.record_answer(&answer("k", 200, at(10))).await.unwrap();
        let new = world.store.record_answer(&answer("k", 200, at(20))).await.unwrap();
        world.store.distrust_answers(&[new]).await.unwrap();
        let found = world.store.find_answer("s", "k", at(0)).await.unwrap();
        assert_eq!(found.map(|answer| answer.id), Some(old));
    }
}

#[tokio::test]
async fn a_replay_is_served_by_the_newest_answer_that_could_be_read_else_by_the_newest() {
    for world in World::on_both().await {
        let record = async |status, seconds| {
            world.store.record_answer(&answer("k", status, at(seconds))).await.unwrap()
        };
        let newest = async || world.store.newest_answer("s", "k").await.unwrap().map(|answer| answer.id);
        assert_eq!(newest().await, None);
        let (first, busy) = (record(503, 10).await, record(503, 20).await);
        assert_eq!(newest().await, Some(busy));
        let good = record(200, 5).await;
        assert_eq!(newest().await, Some(good), "{first} and {busy} are newer, and no data");
        let better = record(200, 30).await;
        assert_eq!(newest().await, Some(better));
        world.store.distrust_answers(&[better]).await.unwrap();
        assert_eq!(newest().await, Some(good));
        assert_eq!(world.store.newest_answer("t", "k").await.unwrap(), None);
    }
}

#[tokio::test]
async fn a_month_was_last_asked_for_by_the_last_attempt_that_found_records() {
    for world in World::on_both().await {
        let (windfarm, units) = world.windfarm("farm", &[("s", "a")]).await;
        let report = |id| AttemptReport {
            component_digest: Some("d".to_owned()),
            answers: vec![id],
            ..AttemptReport::default()
        };
        let mut attempts = Vec::new();
        for (seconds, records) in [(10, true), (20, false), (30, false)] {
            world.job_of(windfarm, &units, 1, Priority::Default, at(seconds)).await;
            let claim = world.one("w", at(seconds)).await;
            let id = world.store.record_answer(&answer("k", 200, at(seconds))).await.unwrap();
            let found = checked(&claim, hours(&claim, 1, 1.0));
            let ending =
                if records { Ending::Records(&found) } else { Ending::Failed(error("malformed", "?")) };
            world.store.finish(&claim, ending, &report(id), at(seconds + 1)).await.unwrap();
            let used = world.store.attempt_answers(claim.attempt_id).await.unwrap();
            assert_eq!((used.len(), used[0].answer.id, used[0].request_key.as_str()), (1, id, "k"));
            attempts.push(claim);
        }
        // One that never came to ask.
        world.job_of(windfarm, &units, 1, Priority::Default, at(40)).await;
        let claim = world.one("w", at(40)).await;
        world.finish(&claim, Ending::Failed(error("source-unusable", "?")), at(41)).await.unwrap();
        let asked = world.store.last_asked(units[0], "s").await.unwrap();
        let expected = LastAsked {
            month: attempts[0].month,
            start_date: Instant::from_seconds(attempts[0].window.start),
            end_date: Instant::from_seconds(attempts[0].window.end),
            started_at: at(10).into(),
        };
        assert_eq!(asked, [expected]);
        assert_eq!(world.store.last_asked(units[0], "t").await.unwrap(), []);
    }
}

#[tokio::test]
async fn a_slot_is_reserved_once_however_many_ask_at_the_same_time() {
    for world in World::on_both().await {
        let mut callers = tokio::task::JoinSet::new();
        for _ in 0..50 {
            let store = world.store.clone();
            callers.spawn(async move {
                // One request a second, none at once: the caller's algorithm, in its simplest form.
                store
                    .reserve_slot("s", |arrival, _| {
                        let slot = arrival.unwrap_or(at(0)).max(at(0));
                        ((slot - at(0)).to_std().unwrap(), slot + TimeDelta::seconds(1))
                    })
                    .await
                    .unwrap()
            });
        }
        let mut waits = callers.join_all().await;
        waits.sort();
        assert_eq!(waits, (0..50).map(Duration::from_secs).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn a_hold_off_is_told_once_seen_by_all_and_never_shortened() {
    for world in World::on_both().await {
        assert_eq!(world.store.held_until("s").await.unwrap(), None);
        for seconds in [60, 90, 5] {
            world.store.hold_off("s", at(seconds), at(1)).await.unwrap();
        }
        assert_eq!(world.store.held_until("s").await.unwrap().map(|until| until.utc()), Some(at(90)));
        assert_eq!(world.store.held_until("t").await.unwrap(), None);
        let mut seen = None;
        world
            .store
            .reserve_slot("s", |arrival, held| {
                seen = Some((arrival, held));
                (Duration::ZERO, at(2))
            })
            .await
            .unwrap();
        assert_eq!(seen, Some((None, Some(at(90)))));
        let events = world.store.events(None, 0, 100).await.unwrap();
        assert_eq!(events.iter().filter(|event| event.kind == EventKind::SourceHeld).count(), 1);
    }
}

#[tokio::test]
async fn events_are_read_on_from_any_place_without_gap_or_repeat() {
    for world in World::on_both().await {
        for _ in 0..5 {
            world.job(1).await;
        }
        let mut seen = Vec::new();
        let mut after = 0;
        loop {
            let page = world.store.events(None, after, 2).await.unwrap();
            let Some(last) = page.last() else { break };
            after = last.id;
            seen.extend(page.into_iter().map(|event| event.id));
        }
        assert_eq!(seen, [1, 2, 3, 4, 5]);
        assert_eq!(world.store.events(Some(3), 0, 9).await.unwrap()[0].id, 3);
    }
}

#[tokio::test]
async fn log_lines_are_kept_by_task_and_those_of_deleted_tasks_are_dropped() {
    for world in World::on_both().await {
        world.job(1).await;
        let line = |task_id, message: &str| NewLogLine {
            task_id,
            fence: 1,
            at: at(1).into(),
            level: LogLevel::Warn,
            message: message.to_owned(),
        };
        let lines: Vec<_> =
            (0..150).map(|n| line(if n % 3 == 0 { 999 } else { 1 }, &n.to_string())).collect();
        world.store.append_logs(&lines).await.unwrap();
        let kept = world.store.logs(1, 0, 1000).await.unwrap();
        assert_eq!((kept.len(), kept[0].message.as_str(), kept[0].level), (100, "1", LogLevel::Warn));
        let rest = world.store.logs(1, kept[97].id, 1000).await.unwrap();
        assert_eq!(rest.iter().map(|line| line.message.as_str()).collect::<Vec<_>>(), ["148", "149"]);
    }
}

#[tokio::test]
async fn lines_of_a_job_become_visible_in_the_order_of_their_ids() {
    for world in World::on_both().await {
        world.job(8).await;
        let writes = (1..=8).map(|task_id| {
            let store = world.store.clone();
            tokio::spawn(async move {
                for number in 0..20 {
                    let (at, level) = (at(1).into(), LogLevel::Info);
                    let line = NewLogLine { task_id, fence: 1, at, level, message: number.to_string() };
                    store.append_logs(&[line.clone(), line]).await.unwrap();
                }
            })
        });
        let writing = tokio::spawn(futures::future::join_all(writes));
        let (mut told, mut ended) = (Vec::new(), false);
        while !ended {
            // What was written before this look is in it.
            ended = writing.is_finished();
            let after = told.last().copied().unwrap_or(0);
            told.extend(world.store.job_lines(1, after, 1000).await.unwrap().iter().map(|line| line.id));
        }
        assert_eq!(told.len(), 8 * 20 * 2, "who reads on from the last one has missed none");
        assert_eq!(world.store.last_line(1).await.unwrap(), *told.last().unwrap());
        let who = |who, line| Followed { who, job: 1, event: i64::MAX, line };
        let behind = world.store.behind(&[who(1, *told.last().unwrap()), who(2, 0), who(3, i64::MAX)]).await;
        assert_eq!(behind.unwrap(), [2]);
    }
}

#[tokio::test]
async fn a_worker_is_known_from_its_first_sign_of_life_to_its_last() {
    for world in World::on_both().await {
        let worker = NewWorker { id: "w1", host: "h", pid: 42, version: "0.1", serves: true, concurrency: 4 };
        for seconds in [1, 21, 11] {
            world.store.heartbeat(&worker, at(seconds)).await.unwrap();
        }
        world.store.worker_stopped("w1", at(30)).await.unwrap();
        let known = &world.store.workers().await.unwrap()[0];
        assert_eq!((known.started_at.utc(), known.heartbeat_at.utc()), (at(1), at(21)));
        assert_eq!(known.stopped_at.map(|end| end.utc()), Some(at(30)));
    }
}

#[tokio::test]
async fn an_export_streams_in_order_and_by_filter() {
    for world in World::on_both().await {
        let (b, b_units) = world.windfarm("B", &[("s", "b")]).await;
        let (a, a_units) = world.windfarm("A", &[("s", "a2"), ("s", "a1")]).await;
        for (farm, unit, value) in [(b, b_units[0], 3.0), (a, a_units[1], 2.0), (a, a_units[0], 1.0)] {
            world.fill(farm, unit, &[(0, 3600, value), (3600, 3600, value + 0.5)], at(1)).await;
        }
        let export = async |filter| -> Vec<(String, String, i64, f64)> {
            let stream = world.store.export(filter).await.unwrap();
            let rows: Vec<_> = stream.try_collect().await.unwrap();
            rows.into_iter()
                .map(|row| {
                    (
                        row.series.windfarm.clone(),
                        row.series.unit_code.clone(),
                        row.start - 1_672_531_200,
                        row.value,
                    )
                })
                .collect()
        };
        let row = |farm: &str, unit: &str, start, value| (farm.to_owned(), unit.to_owned(), start, value);
        let all = export(ExportFilter::default()).await;
        let expected = [
            row("A", "a1", 0, 1.0),
            row("A", "a1", 3600, 1.5),
            row("A", "a2", 0, 2.0),
            row("A", "a2", 3600, 2.5),
            row("B", "b", 0, 3.0),
            row("B", "b", 3600, 3.5),
        ];
        assert_eq!(all, expected);
        let second_hour =
            ExportFilter { windfarm_id: Some(a), from: Some(1_672_531_201), ..ExportFilter::default() };
        assert_eq!(export(second_hour).await, [row("A", "a1", 3600, 1.5), row("A", "a2", 3600, 2.5)]);
        assert_eq!(export(ExportFilter { to: Some(1_672_531_200), ..ExportFilter::default() }).await, []);
        assert_eq!(
            export(ExportFilter { kind: Some("consumption".to_owned()), ..ExportFilter::default() }).await,
            []
        );
    }
}
