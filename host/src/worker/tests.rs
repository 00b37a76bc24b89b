//! The rules of hosts whose clocks differ, of a database that dies before it has written an ending, and of news that come
//! late.

use std::{
    sync::atomic::{AtomicBool, Ordering::SeqCst},
    time::{Duration, Instant},
};

use chrono::TimeDelta;
use tokio::{runtime::Handle, task::block_in_place};

use super::{
    Options, StoredAnswers,
    attempt::{finish, reuse},
    lease::{Beat, Held},
};
use crate::{
    clock, config,
    domain::TaskStatus,
    egress::{AnswerIndex, NewAnswer, Reuse},
    store::{
        AttemptReport, Chosen, Claim, ClaimRequest, Ending, NewWindfarm, Store,
        tests::{month, new_job, postgres, request, task, unit},
    },
};

/// Two hosts of one database, and what removes it.
async fn hosts() -> Vec<([Store; 2], Box<dyn std::any::Any>)> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("backfill.db").display().to_string();
    let both = async |url: &str| [Store::open(url).await.unwrap(), Store::open(url).await.unwrap()];
    let mut hosts: Vec<([Store; 2], Box<dyn std::any::Any>)> = vec![(both(&file).await, Box::new(folder))];
    if let Some(server) = postgres::database().await {
        Store::migrate(server.url()).await.unwrap();
        hosts.push((both(server.url()).await, Box::new(server)));
    }
    hosts
}

/// An answer that says nothing, heard just now.
fn answer(key: &str) -> NewAnswer {
    NewAnswer {
        source: "s".to_owned(),
        request_key: key.to_owned(),
        method: "GET",
        url: "https://example.org/".to_owned(),
        status: 200,
        headers: vec![],
        digest: "d".to_owned(),
        bytes: 2,
        stored_bytes: 2,
        fetched_at: clock::now(),
    }
}

#[tokio::test]
async fn an_empty_answer_never_confirms_itself_whatever_the_clocks_of_its_hosts_say() {
    for ([one, other], _place) in hosts().await {
        for (ahead, others) in [(0, 0), (-90, 0), (90, 0), (0, -90), (0, 90), (-90, 90)] {
            let key = format!("{ahead} {others}");
            one.set_ahead(TimeDelta::seconds(ahead));
            other.set_ahead(TimeDelta::seconds(others));
            // The same instant on both machines: a clock that is behind the shared one by more shows less.
            let (asks, asks_again) = (StoredAnswers(one.clone()), StoredAnswers(other.clone()));
            let heard = NewAnswer { fetched_at: one.own_time(clock::now()), ..answer(&key) };
            asks.record(heard).await.unwrap();
            let empty_at = clock::now().into();

            let Reuse::Since(since) = reuse(&other, Some(empty_at)) else { panic!("it is doubted") };
            assert_eq!(asks_again.find("s", &key, since).await.unwrap(), None, "{key}: kept before");
            let again = other.own_time(clock::now());
            asks_again.record(NewAnswer { fetched_at: again, ..answer(&key) }).await.unwrap();
            let confirms = asks_again.find("s", &key, since).await.unwrap().expect("it was asked again");
            assert_eq!(confirms.fetched_at, again, "{key}");
        }
        assert_eq!(reuse(&one, None), Reuse::Fresh);
    }
}

const OWNER: &str = "w";
const LEASE: Duration = Duration::from_secs(600);

/// A claim of a month of a wind farm of its own, on disk as it is once a request was sent for it.
async fn claimed(store: &Store, name: &str) -> Claim {
    let units = vec![unit("s", name)];
    let windfarm = NewWindfarm { name: name.to_owned(), units, ..NewWindfarm::default() };
    store.import(&[windfarm], store.now()).await.unwrap();
    let windfarm = store.windfarm_by_name(name).await.unwrap().id;
    let unit_id = store.units(windfarm, &[]).await.unwrap()[0].id;
    store.create_job(&new_job(&[windfarm], &[task(unit_id, month(0))]), store.now()).await.unwrap();
    let claim = next_claim(store).await;
    store.reserve_slot("s", |_, _| ((), clock::now())).await.unwrap();
    claim
}

async fn next_claim(store: &Store) -> Claim {
    let request = ClaimRequest { lease: LEASE, ..request(OWNER, 1) };
    store.claim(request, || store.now()).await.unwrap().remove(0)
}

/// The outcomes of a task and of its attempts.
async fn ends(url: &str, task: i64) -> (TaskStatus, Vec<Option<String>>) {
    let store = Store::open(url).await.unwrap();
    let attempts = store.attempts(task).await.unwrap().into_iter().map(|attempt| attempt.outcome);
    (store.task(task).await.unwrap().status, attempts.collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_that_a_dying_database_forgets_is_committed_once_more() {
    let Some(server) = postgres::own_server() else { return };
    let url = server.url("postgres");
    Store::migrate(&url).await.unwrap();
    for others_notice in [false, true] {
        // Now and then the server writes it all the same, in the moment before it dies: then another one.
        for number in 0.. {
            let store = Store::open(&url).await.unwrap();
            let claim = claimed(&store, &format!("{number}, noticed by others: {others_notice}")).await;
            let dies = async || {
                server.stop();
                server.start();
                let before = ends(&url, claim.task_id).await;
                // Then every broken connection has gone before the one who waits for the disk takes one.
                let mut good = if others_notice { 0 } else { 50 };
                while good < 50 {
                    good = if store.task(claim.task_id).await.is_ok() { good + 1 } else { 0 };
                }
                before == (TaskStatus::InProgress, vec![None])
            };
            let forgotten = AtomicBool::new(false);
            let committed = || forgotten.store(block_in_place(|| Handle::current().block_on(dies())), SeqCst);
            let report = AttemptReport::default();
            finish(&store, &claim, Ending::Empty("nothing"), &report, committed).await.unwrap();
            server.stop();
            server.start();
            let outcomes = vec![Some("empty".to_owned())];
            assert_eq!(ends(&url, claim.task_id).await, (TaskStatus::Completed, outcomes));
            if forgotten.into_inner() {
                break;
            }
            assert!(number < 20, "nothing is ever forgotten");
        }
    }
}

#[tokio::test]
async fn late_news_of_a_cancellation_leave_what_was_claimed_after_a_retry() {
    for ([store, _], _place) in hosts().await {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("backfill.toml");
        std::fs::write(&path, "").unwrap();
        let options = Options::of(&config::load(&path, &|_| None).unwrap());
        let held = Held::default();
        let beat = Beat {
            store: store.clone(),
            owner: OWNER.to_owned(),
            held: held.clone(),
            serves: true,
            limits: options.limits,
            retention: options.retention,
        };
        let until = Instant::now() + LEASE;
        let first = claimed(&store, "farm").await;
        let stopped = held.add(&first, until);
        store.cancel_job(first.job_id, "ann", store.now()).await.unwrap();
        beat.renew_job(first.job_id, LEASE).await.unwrap();
        assert!(stopped.is_cancelled());
        store.retry_job(first.job_id, Chosen::All, false, "ann", store.now()).await.unwrap();
        let second = next_claim(&store).await;
        assert_eq!(second.task_id, first.task_id);
        let stopped = held.add(&second, until);
        beat.renew_job(first.job_id, LEASE).await.unwrap();
        assert!(!stopped.is_cancelled(), "it is another claim");
    }
}
