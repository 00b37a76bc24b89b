//! The rules of the gate, over real sockets on loopback.

mod bucket;
mod bucket_server;
mod faults;
mod keeping;
mod pulling;
mod reach;
mod registry;
mod secrets;
#[path = "../../../tests/support/tls.rs"]
mod tls;
mod upstream;

use std::io;
use std::net::IpAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::FutureExt;
use futures::future::BoxFuture;

use super::*;

/// Names that tests resolve as they like.
struct Names(Vec<(&'static str, Vec<&'static str>)>);

impl Lookup for Names {
    fn lookup(&self, host: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        let found = self.0.iter().find(|(name, _)| *name == host);
        let found = found.map(|(_, texts)| texts.iter().map(|text| text.parse().unwrap()).collect());
        async move { found.ok_or_else(|| io::Error::other("no such name")) }.boxed()
    }
}

/// An index in memory.
#[derive(Default)]
struct MemoryIndex(Mutex<Vec<NewAnswer>>);

impl AnswerIndex for MemoryIndex {
    fn find<'a>(
        &'a self,
        source: &'a str,
        request_key: &'a str,
        not_before: DateTime<Utc>,
    ) -> BoxFuture<'a, anyhow::Result<Option<KeptAnswer>>> {
        let answers = self.0.lock().unwrap();
        let fits = |a: &NewAnswer| {
            a.source == source
                && a.request_key == request_key
                && (200..300).contains(&a.status)
                && a.fetched_at >= not_before
        };
        let found = answers.iter().enumerate().rev().find(|(_, a)| fits(a)).map(|(id, a)| KeptAnswer {
            id: id as i64,
            status: a.status,
            headers: a.headers.clone(),
            digest: a.digest.clone(),
            bytes: a.bytes,
            fetched_at: a.fetched_at,
        });
        async move { Ok(found) }.boxed()
    }

    fn record(&self, answer: NewAnswer) -> BoxFuture<'_, anyhow::Result<i64>> {
        let mut answers = self.0.lock().unwrap();
        answers.push(answer);
        let id = answers.len() as i64 - 1;
        async move { Ok(id) }.boxed()
    }
}

/// A policy with room enough, that grants what is listed.
fn policy(grants: &[&str]) -> Policy {
    Policy {
        source: "test".to_owned(),
        grants: grants.iter().map(|text| text.parse().unwrap()).collect(),
        credential: None,
        rate: None,
        concurrency: 8,
        request_timeout: Duration::from_secs(20),
        connect_timeout: Duration::from_secs(5),
        max_response_bytes: 64 << 20,
        max_requests: 100,
        max_total_bytes: 1 << 30,
        reuse_for: None,
        user_agent: "backfill-test/1".to_owned(),
        penalty: Duration::from_secs(600),
    }
}

fn shared() -> Shared {
    Shared::new(Arc::new(LocalAllowance::default()))
}

/// Shared parts that keep answers in a folder, and their index.
fn keeping(folder: &Path) -> (Shared, Arc<MemoryIndex>) {
    let (archive, index) = (Archive::local(folder).unwrap(), Arc::new(MemoryIndex::default()));
    let answers = Answers { archive, index: Arc::clone(&index) as Arc<dyn AnswerIndex> };
    (shared().keeping(answers), index)
}

/// A call, and the lines that it logs.
struct Asked {
    gate: Arc<Gate>,
    call: Call,
    lines: Arc<Mutex<String>>,
}

impl Asked {
    fn new(policy: Policy, shared: Shared) -> Self {
        let gate = Arc::new(Gate::new(policy, shared).unwrap());
        let lines = Arc::new(Mutex::new(String::new()));
        Self { call: begin(&gate, &lines), gate, lines }
    }

    fn another_call(&self) -> Call {
        begin(&self.gate, &self.lines)
    }

    async fn get(&self, url: &str) -> Result<Response, EgressError> {
        self.call.send(get(url)).await
    }

    fn log(&self) -> String {
        self.lines.lock().unwrap().clone()
    }
}

fn begin(gate: &Arc<Gate>, lines: &Arc<Mutex<String>>) -> Call {
    let lines = Arc::clone(lines);
    gate.begin(Arc::new(move |level, line: &str| {
        lines.lock().unwrap().push_str(&format!("{level} {line}\n"));
    }))
}

fn get(url: &str) -> Request {
    Request { method: Method::Get, url: url.to_owned(), headers: vec![], body: None }
}

async fn text(response: Result<Response, EgressError>) -> String {
    String::from_utf8(response.unwrap().body.rest().await.unwrap().to_vec()).unwrap()
}
