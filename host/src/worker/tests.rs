//! The rules of hosts whose clocks differ, on both databases.

use chrono::TimeDelta;

use super::{StoredAnswers, attempt::reuse};
use crate::{
    clock,
    egress::{AnswerIndex, NewAnswer, Reuse},
    store::{Store, tests::postgres},
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
