use futures::TryStreamExt;

use super::{World, at, power};
use crate::{
    domain::Priority,
    store::{ExportFilter, Instant, NewAnswer, sql},
};

const HOUR: u32 = 3600;
const START: i64 = 1_672_531_200;

/// Rows as (start since 2023, seconds, value, writer, replacing writer).
type Row = (i64, u32, f64, i64, Option<i64>);

async fn rows(world: &World, filter: ExportFilter) -> Vec<Row> {
    let rows: Vec<_> = world.store.export(filter).await.unwrap().try_collect().await.unwrap();
    rows.into_iter()
        .map(|row| {
            let replaced = row.replaced.map(|replaced| replaced.by);
            (row.start - START, row.seconds, row.value, row.attempt_id, replaced)
        })
        .collect()
}

fn as_of(seconds: i64) -> ExportFilter {
    ExportFilter { as_of: Some(at(seconds).into()), ..ExportFilter::default() }
}

/// Two hours; then the second one corrected and a third; then the first one as four quarters.
async fn revised(world: &World) {
    let (windfarm, units) = world.windfarm("farm", &[("s", "a")]).await;
    let fill = async |rows: &[(i64, u32, f64)], seconds| {
        world.fill(windfarm, units[0], rows, at(seconds)).await;
    };
    fill(&[(0, HOUR, 1.0), (3600, HOUR, 2.0)], 10).await;
    fill(&[(3600, HOUR, 2.5), (7200, HOUR, 3.0)], 20).await;
    fill(&[(0, 900, 0.5), (900, 900, 1.5), (1800, 900, 0.5), (2700, 900, 1.5)], 30).await;
}

const FIRST: [Row; 2] = [(0, HOUR, 1.0, 1, None), (3600, HOUR, 2.0, 1, None)];
const SECOND: [Row; 3] = [(0, HOUR, 1.0, 1, None), (3600, HOUR, 2.5, 2, None), (7200, HOUR, 3.0, 2, None)];

#[tokio::test]
async fn values_are_read_as_they_stood_at_any_instant() {
    for world in World::on_both().await {
        revised(&world).await;
        assert_eq!(rows(&world, as_of(9)).await, []);
        assert_eq!(rows(&world, as_of(10)).await, FIRST);
        assert_eq!(rows(&world, as_of(19)).await, FIRST);
        assert_eq!(rows(&world, as_of(20)).await, SECOND);
        let now = rows(&world, ExportFilter::default()).await;
        assert_eq!(now.iter().map(|row| row.2).collect::<Vec<_>>(), [0.5, 1.5, 0.5, 1.5, 2.5, 3.0]);
        assert_eq!(rows(&world, as_of(30)).await, now);
    }
}

#[tokio::test]
async fn a_history_has_what_was_replaced_before_what_took_its_place() {
    for world in World::on_both().await {
        revised(&world).await;
        let all = rows(&world, ExportFilter { history: true, ..ExportFilter::default() }).await;
        assert_eq!(all.len(), 8);
        assert_eq!((all[0], all[1]), ((0, HOUR, 1.0, 1, Some(3)), (0, 900, 0.5, 3, None)));
        assert_eq!((all[5], all[6]), ((3600, HOUR, 2.0, 1, Some(2)), (3600, HOUR, 2.5, 2, None)));
        let until_then = rows(&world, ExportFilter { history: true, ..as_of(20) }).await;
        let expected = [FIRST[0], (3600, HOUR, 2.0, 1, Some(2)), SECOND[1], SECOND[2]];
        assert_eq!(until_then, expected, "the quarters came later");
    }
}

#[tokio::test]
async fn writers_that_were_deleted_with_their_jobs_are_known_by_what_they_replaced() {
    for world in World::on_both().await {
        revised(&world).await;
        for job in [1, 2, 3] {
            world.store.delete_job(job, at(40)).await.unwrap();
        }
        assert_eq!(world.number("SELECT COUNT(*) FROM task_attempts").await, 0);
        assert_eq!(rows(&world, as_of(19)).await, FIRST);
        assert_eq!(rows(&world, as_of(20)).await, SECOND);
        // What replaced nothing is not known by anything, and counts as having been there before.
        assert_eq!(rows(&world, as_of(9)).await, FIRST);
    }
}

#[tokio::test]
async fn what_reaches_in_from_before_is_read_where_that_is_asked_for() {
    for world in World::on_both().await {
        let (windfarm, units) = world.windfarm("farm", &[("s", "a")]).await;
        world.fill(windfarm, units[0], &[(0, HOUR, 1.0), (3600, HOUR, 2.0), (7200, HOUR, 3.0)], at(1)).await;
        let starts = async |from, reaching_in, as_of: Option<Instant>| {
            let filter =
                ExportFilter { from: Some(START + from), reaching_in, as_of, ..ExportFilter::default() };
            rows(&world, filter).await.iter().map(|row| row.0).collect::<Vec<_>>()
        };
        assert_eq!(starts(3601, false, None).await, [7200]);
        for as_of in [None, Some(at(5).into())] {
            assert_eq!(starts(3601, true, as_of).await, [3600, 7200]);
            assert_eq!(starts(3600, true, as_of).await, [3600, 7200], "what ends there does not reach in");
        }
    }
}

#[tokio::test]
async fn many_pages_are_read_without_a_gap_and_without_a_row_twice() {
    for world in World::on_both().await {
        let (windfarm, units) = world.windfarm("farm", &[("s", "a"), ("s", "b")]).await;
        world.job_of(windfarm, &units, 1, Priority::Default, at(0)).await;
        let claims = world.claim("w", 2, at(1)).await;
        for claim in &claims {
            let rows: Vec<_> = (0..20_000).map(|n| (claim.window.start + n * 120, 120, n as f64)).collect();
            world.write(claim, vec![power(&rows)], at(2)).await;
        }
        let all =
            rows(&world, ExportFilter { unit_ids: vec![units[1], units[0]], ..ExportFilter::default() })
                .await;
        let expected: Vec<_> = (0..2).flat_map(|_| (0..20_000).map(|n| (n * 120, n as f64))).collect();
        assert_eq!(all.iter().map(|row| (row.0, row.2)).collect::<Vec<_>>(), expected);
        let versions = rows(&world, as_of(2)).await;
        assert_eq!(versions.len(), 40_000);
    }
}

#[tokio::test]
async fn a_value_is_traced_to_its_writers_as_long_as_they_exist() {
    for world in World::on_both().await {
        revised(&world).await;
        let answer = NewAnswer {
            source: "s".to_owned(),
            request_key: "k".to_owned(),
            method: "GET".to_owned(),
            url: "https://upstream.example/values".to_owned(),
            status: 200,
            headers: Vec::new(),
            digest: "d".to_owned(),
            body_bytes: 9,
            stored_bytes: 5,
            fetched_at: at(15).into(),
        };
        for attempt in [1, 2, 2] {
            let answer = world.store.record_answer(&answer).await.unwrap();
            let used =
                format!("INSERT INTO attempt_answers (attempt_id, answer_id) VALUES ({attempt}, {answer})");
            world.sql(&used).await.unwrap();
        }
        let series = world.number("SELECT id FROM series").await;
        let trace = world.store.trace(series, START + 3600).await.unwrap();
        let value = trace.value.unwrap();
        assert_eq!((value.value, value.attempt_id, value.replaced_at), (2.5, 2, None));
        assert_eq!(trace.revisions.len(), 1);
        let old = &trace.revisions[0];
        assert_eq!((old.value, old.attempt_id, old.replaced_by), (2.0, 1, Some(2)));
        assert_eq!(old.replaced_at.map(Instant::utc), Some(at(20)));
        let writers: Vec<_> =
            trace.writers.iter().map(|one| (one.attempt_id, one.job_id, one.attempt.is_some())).collect();
        assert_eq!(writers, [(1, Some(1), true), (2, Some(2), true)]);
        let answers: Vec<Vec<_>> =
            trace.writers.iter().map(|one| one.answers.iter().map(|answer| answer.id).collect()).collect();
        assert_eq!(answers, [vec![1], vec![2, 3]]);

        world.store.delete_job(1, at(40)).await.unwrap();
        let gone = world.store.trace(series, START + 3600).await.unwrap();
        assert_eq!((gone.writers[0].attempt_id, gone.writers[0].job_id), (1, None));
        let missing = world.store.trace(series, START + 1).await.unwrap_err().to_string();
        assert!(missing.contains("no value of series"), "{missing}");
        assert!(world.store.trace(series + 1, START).await.unwrap_err().to_string().contains("no series"));
    }
}

#[tokio::test]
async fn a_value_of_a_collector_run_is_traced_to_the_run() {
    for world in World::on_both().await {
        revised(&world).await;
        let schedule =
            "INSERT INTO collector_runs (source, scheduled_for, give_up_at, attempt_count, outcome,
                records_inserted, component_digest, created_at, started_at, ended_at)
             VALUES ('s', @1, @2, 1, 'written', 1, 'abc', @1, @1, @2)";
        world.sql(schedule).await.unwrap();
        world.sql("UPDATE measurements SET attempt_id = -1 WHERE value = 3.0").await.unwrap();
        let mut conn = world.store.db.read().await.unwrap();
        let series: i64 = sql::query("SELECT id FROM series").scalar(&mut conn).await.unwrap();
        drop(conn);
        let trace = world.store.trace(series, START + 7200).await.unwrap();
        let writer = &trace.writers[0];
        assert_eq!((writer.attempt_id, writer.collector_run.as_ref().map(|run| run.id)), (-1, Some(1)));
        assert_eq!(writer.component_digest.as_deref(), Some("abc"));
    }
}
