use std::{
    collections::{BTreeMap, BTreeSet},
    time::Instant,
};

use sqlx::Connection;

use crate::{World, host::Host, status};

const BOTH: [&str; 8] =
    ["--windfarm", "Howard", "--windfarm", "Isabel", "--from", "2024-01", "--to", "2024-02"];

#[tokio::test]
async fn a_host_works_off_jobs_and_the_same_job_again_finds_nothing_missing() {
    for world in World::on_both().await {
        let job = world.job(&BOTH).await;
        assert_eq!(status(&world.show(&job).await), "pending", "nobody works yet");
        let mut host = Host::start(&world.folder, &["worker"]).await;
        let done = world.until(&job, |shown| shown["job"]["completed_at"].is_string()).await;
        assert_eq!((status(&done), done["summary"]["written"].as_i64()), ("completed", Some(6)), "{done:#}");

        let asked = world.requests();
        let again = world.job(&BOTH).await;
        let again = world.until(&again, |shown| shown["job"]["completed_at"].is_string()).await;
        assert_eq!(again["job"]["skipped_tasks"], 6, "all of it is stored already: {again:#}");
        assert_eq!(world.requests(), asked, "and nothing was asked");

        let all = world.job(&[&BOTH[..], &["--reprocess", "all"]].concat()).await;
        let all = world.until(&all, |shown| shown["job"]["completed_at"].is_string()).await;
        assert_eq!(
            (all["summary"]["unchanged"].as_i64(), all["summary"]["records_inserted"].as_i64()),
            (Some(6), Some(0)),
            "{all:#}"
        );
        let drift = world.folder.backfill(&["job", "refresh", "1", "--json"]).await.succeeded();
        assert!(drift.out.contains(r#""completed":0,"failed":0,"skipped":0,"total":0"#), "{}", drift.out);
        host.signal("-TERM");
        assert_eq!(host.ended().await, Some(0));
    }
}

#[tokio::test]
async fn a_new_unit_is_filled_alone() {
    for world in World::on_both().await {
        let job = world.job(&[
            "--windfarm",
            "Howard",
            "--unit",
            "T_HOWAO-2",
            "--from",
            "2024-03",
            "--to",
            "2024-03",
        ]);
        let job = job.await;
        let _host = Host::start(&world.folder, &["worker"]).await;
        let done = world.until(&job, |shown| shown["job"]["completed_at"].is_string()).await;
        assert_eq!(done["job"]["total_tasks"], 1);
    }
}

#[tokio::test]
async fn serve_tells_over_http_whether_it_can_work() {
    for world in World::on_both().await {
        let mut host = Host::start(&world.folder, &["serve", "--listen", "127.0.0.1:0"]).await;
        let address = host.address().await;
        for path in ["healthz", "readyz"] {
            let answer = reqwest::get(format!("http://{address}/{path}")).await.unwrap();
            assert_eq!(answer.status(), 200, "{path}");
        }
        host.signal("-INT");
        assert_eq!(host.ended().await, Some(0));
    }
}

#[tokio::test]
async fn dates_cut_months_and_only_the_days_wanted_are_stored() {
    for world in World::on_both().await {
        let days =
            ["--windfarm", "Howard", "--unit", "T_HOWAO-1", "--from", "2024-01-30", "--to", "2024-02-02"];
        let job = world.job(&days).await;
        let _host = Host::start(&world.folder, &["worker"]).await;
        let done = world.until(&job, |shown| shown["job"]["completed_at"].is_string()).await;
        assert_eq!((status(&done), done["job"]["total_tasks"].as_i64()), ("completed", Some(2)), "{done:#}");
        let stored = world.folder.stored().await;
        assert!(!stored.is_empty());
        for row in stored {
            assert!(("2024-01-30".."2024-02-03").contains(&row.start.as_str()), "{}", row.start);
        }
    }
}

#[tokio::test]
async fn nothing_is_held_in_the_database_while_sources_wait() {
    let Some(server) = crate::postgres::database().await else { return };
    let world = World::on(Some(server), "").await;
    world.hold("");
    let job = world.job(&["--windfarm", "Howard", "--from", "2024-01", "--to", "2024-02"]).await;
    let _host = Host::start(&world.folder, &["worker"]).await;
    world.until(&job, |shown| shown["summary"]["in_progress"] == 4).await;
    world.until_asked(|upstream| upstream.in_flight() == 4).await;
    let mut database = sqlx::PgConnection::connect(world.url()).await.unwrap();
    // A heartbeat's transaction ends, be it late on a busy machine. One that waits for an upstream stays, until the server
    // ends its session.
    let sessions = "SELECT pid, xact_start::text, COALESCE(now() - xact_start > interval '3 seconds', false)
                    FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend'";
    let (since, mut long) = (Instant::now(), BTreeSet::new());
    while since.elapsed().as_secs() < 4 || !long.is_empty() {
        assert_eq!(world.show(&job).await["summary"]["in_progress"], 4);
        let sessions: Vec<(i32, Option<String>, bool)> =
            sqlx::query_as(sessions).fetch_all(&mut database).await.unwrap();
        let begun: BTreeMap<_, _> = sessions.iter().map(|(pid, begun, _)| (*pid, begun.clone())).collect();
        long.retain(|(pid, of)| {
            let now = begun.get(pid).expect("a session that holds a transaction open is ended by the server");
            now == of
        });
        long.extend(sessions.into_iter().filter(|(.., long)| *long).map(|(pid, begun, _)| (pid, begun)));
        assert!(since.elapsed().as_secs() < 60, "transactions stay open while guests wait: {long:?}");
    }
}
