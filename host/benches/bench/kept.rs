//! Answers that are kept already: an archive on disk and an index in memory, so that no network is measured.

use std::{
    collections::HashMap,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{Router, extract::RawQuery};
use backfill::egress::{AnswerIndex, Answers, Archive, KeptAnswer, NewAnswer, Shared};
use chrono::{DateTime, Utc};
use futures::{FutureExt, future::BoxFuture};

use crate::sources;

#[derive(Default)]
struct Index(Mutex<HashMap<String, KeptAnswer>>);

impl AnswerIndex for Index {
    fn find<'a>(
        &'a self,
        _: &'a str,
        request_key: &'a str,
        _: DateTime<Utc>,
    ) -> BoxFuture<'a, anyhow::Result<Option<KeptAnswer>>> {
        let found = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(request_key).cloned();
        async move { Ok(found) }.boxed()
    }

    fn record(&self, answer: NewAnswer) -> BoxFuture<'_, anyhow::Result<i64>> {
        let mut answers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let id = answers.len() as i64 + 1;
        let NewAnswer { request_key, status, headers, digest, bytes, fetched_at, .. } = answer;
        answers.insert(request_key, KeptAnswer { id, status, headers, digest, bytes, fetched_at });
        async move { Ok(id) }.boxed()
    }
}

/// What a source's gate needs to keep answers in a folder.
pub(crate) fn shared(folder: &Path) -> anyhow::Result<Shared> {
    let answers = Answers { archive: Archive::local(folder)?, index: Arc::<Index>::default() };
    Ok(sources::shared().keeping(answers))
}

/// Serves documents on loopback, each to the query that names the beginning of its period; the address.
pub(crate) async fn upstream(documents: Vec<(String, Vec<u8>)>) -> anyhow::Result<String> {
    let documents: HashMap<_, _> = documents.into_iter().collect();
    let answer = move |RawQuery(query): RawQuery| {
        let query = query.unwrap_or_default();
        let start = query.split('&').find_map(|pair| pair.strip_prefix("periodStart=")).unwrap_or_default();
        let document = documents.get(start).cloned().unwrap_or_default();
        async move { document }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = format!("http://{}", listener.local_addr()?);
    tokio::spawn(axum::serve(listener, Router::new().fallback(answer)).into_future());
    Ok(address)
}
