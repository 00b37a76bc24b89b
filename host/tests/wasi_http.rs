//! A component of the standard `wasi:http` passes the same gate as every other: its grants, caps, credential, archive
//! and allowance hold, and it sees the errors of its standard.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests fail like tests")]

mod support;

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use axum::{body::Body, response::Response};
use backfill::{
    config,
    domain::{Failure, Series},
    egress::{AnswerIndex, Answers, Archive, KeptAnswer, LocalAllowance, NewAnswer, Reuse, Shared},
    source::{self, CallReport, Fault, LogLevel, Source},
};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::{FutureExt, future::BoxFuture, stream};
use support::{Upstream, engine, guest, month, text, unit};

const CANARY: &str = "canary/4711+secret=";

/// The standard component with `more` in its `[[source]]`, its caps among it.
async fn open(upstream: &Upstream, more: &str, shared: &Shared) -> Source {
    let url = upstream.url();
    let (_folder, path) = support::configuration(&format!(
        "[[source]]\nid = \"standard\"\ncomponent = {:?}\nwasi_http = true\nhosts = [{url:?}]\n{more}\n[source.settings]\nbase_url = {url:?}\n",
        guest("standard")
    ));
    let env = |_: &str| Some(CANARY.to_owned());
    let config = config::load(&path, &env).unwrap_or_else(|problems| panic!("{problems}"));
    source::open(&config.sources[0], &env, engine(), shared).await.unwrap()
}

fn shared() -> Shared {
    Shared::new(Arc::<LocalAllowance>::default())
}

async fn ask(source: &Source, how: &str, attributes: &[(&str, &str)]) -> CallReport<Vec<Series>> {
    let month = month("2024-01");
    source.fetch(&unit(how, attributes), month, source.window(month), Reuse::Fresh).await
}

/// What the component says of an answer.
fn answered(report: &CallReport<Vec<Series>>) -> &str {
    match report.outcome.as_ref().unwrap().as_ref().unwrap_err() {
        Failure::NoData(said) => said,
        other => panic!("{other}"),
    }
}

/// What the component says of an error.
fn refused(report: &CallReport<Vec<Series>>) -> &str {
    match report.outcome.as_ref().unwrap().as_ref().unwrap_err() {
        Failure::Unavailable(said) => said,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn without_leave_the_component_is_refused_with_the_line_that_gives_it() {
    let error =
        support::open(&format!("[[source]]\nid = \"standard\"\ncomponent = {:?}\n", guest("standard")), &[])
            .await
            .err()
            .unwrap()
            .to_string();
    assert!(error.contains("standard.wasm: it imports wasi:http/"), "{error}");
    assert!(error.ends_with("add to its [[source]]: wasi_http = true"), "{error}");
}

#[tokio::test]
async fn leave_given_to_a_component_that_needs_none_changes_nothing() {
    let component = guest("hostile");
    let toml = format!("[[source]]\nid = \"x\"\ncomponent = {component:?}\nwasi_http = true\n");
    let source = support::open(&toml, &[]).await.unwrap();
    assert_eq!(source.wasi_http(), None);
    assert!(ask(&source, "fine", &[]).await.outcome.unwrap().is_ok());
}

#[tokio::test]
async fn four_hundred_requests_in_a_row_are_answered_without_a_reset() {
    let upstream = Upstream::start(|_| text(200, "wind")).await;
    let source = open(&upstream, "", &shared()).await;
    assert!(source.wasi_http().unwrap().starts_with("wasi:http/"));
    let report = ask(&source, "many", &[("url", &upstream.url())]).await;
    assert_eq!(answered(&report), "400 answers");
    assert_eq!((report.usage.asked, report.usage.requests, upstream.asked().len()), (400, 400, 400));
    assert_eq!(report.usage.bytes, 1600);
}

#[tokio::test]
async fn status_headers_and_a_large_body_arrive_whole() {
    let upstream = Upstream::start(|_| {
        let body = "north sea ".repeat(300_000);
        Response::builder().status(203).header("Content-Type", "text/wind").body(body.into()).unwrap()
    })
    .await;
    let report = ask(&open(&upstream, "", &shared()).await, "get", &[("url", &upstream.url())]).await;
    assert!(answered(&report).starts_with("203 text/wind 3000000 north sea north"), "{}", answered(&report));
}

#[tokio::test]
async fn what_libraries_set_by_themselves_is_left_to_the_host_and_what_a_source_may_not_set_is_denied() {
    let upstream = Upstream::start(|_| text(200, "")).await;
    let source = open(&upstream, "", &shared()).await;
    let url = upstream.url();
    ask(&source, "header", &[("url", &url), ("header", "accept")]).await.outcome.unwrap().unwrap_err();
    let asked = upstream.asked();
    assert_eq!(asked[0].headers["accept"], "mine");
    assert!(asked[0].headers["user-agent"].starts_with("backfill/"), "{asked:?}");
    assert_eq!(asked[0].headers["host"], upstream.addr.to_string());

    let report = ask(&source, "header", &[("url", &url), ("header", "authorization")]).await;
    assert!(refused(&report).contains("HttpRequestDenied"), "{}", refused(&report));
    assert!(
        report.log.iter().any(|line| line.text.contains("the header `authorization` is set by the host"))
    );
    assert_eq!(upstream.asked().len(), 1);
}

#[tokio::test]
async fn a_post_carries_its_body_and_other_methods_are_refused() {
    let upstream =
        Upstream::start(|asked| text(200, asked.headers.get("content-length").cloned().unwrap_or_default()))
            .await;
    let source = open(&upstream, "", &shared()).await;
    let url = upstream.url();
    assert_eq!(answered(&ask(&source, "post", &[("url", &url)]).await), "200  2 11");

    let report = ask(&source, "put", &[("url", &url)]).await;
    assert!(refused(&report).contains("HttpRequestMethodInvalid"), "{}", refused(&report));
    let warned = report.log.iter().find(|line| line.level == LogLevel::Warn).unwrap();
    assert_eq!(warned.text, "denied: a source asks by GET or POST, not by PUT");
    assert_eq!(upstream.asked().len(), 1);
}

#[tokio::test]
async fn a_host_that_is_not_granted_is_denied_redirects_to_it_too() {
    let inside = Upstream::start(|_| text(200, "secret")).await;
    let target = inside.url();
    let upstream = Upstream::start(move |_| {
        Response::builder().status(302).header("location", &target).body("".into()).unwrap()
    })
    .await;
    let source = open(&upstream, "", &shared()).await;
    for url in [inside.url(), upstream.url()] {
        let report = ask(&source, "get", &[("url", &url)]).await;
        assert!(refused(&report).contains("HttpRequestDenied"), "{}", refused(&report));
        let named = format!("source `standard` may not reach `{}`", inside.url());
        assert!(report.log.iter().any(|line| line.text.contains(&named)), "{:?}", report.log);
    }
    assert!(inside.asked().is_empty());
}

#[tokio::test]
async fn checking_a_unit_makes_no_request() {
    let upstream = Upstream::start(|_| text(200, "")).await;
    let source = open(&upstream, "", &shared()).await;
    let why = source.check_unit(&unit("ask-while-checking", &[])).await.unwrap().unwrap_err();
    assert!(why.contains("HttpRequestDenied"), "{why}");
}

#[tokio::test]
async fn caps_end_the_call_as_they_do_otherwise() {
    let upstream = Upstream::start(|_| text(200, "x".repeat(2000))).await;
    let url = upstream.url();
    let capped = async |caps: &str, how: &str| {
        let source = open(&upstream, &format!("[source.caps]\n{caps}"), &shared()).await;
        let report = ask(&source, how, &[("url", &url)]).await;
        assert!(answered(&ask(&source, "get", &[("url", &url)]).await).starts_with("200"), "the next call");
        report
    };
    let report = capped("requests = 5", "many").await;
    assert_eq!(report.outcome.unwrap_err(), Fault::TooManyRequests { cap: 5 });
    assert_eq!(report.usage.requests, 5);
    let report = capped("response = \"4KiB\"\ntotal = \"10KB\"", "many").await;
    assert_eq!(report.outcome.unwrap_err(), Fault::TooManyBytes { cap: 10_000 });
    assert_eq!(upstream.asked().len(), 5 + 1 + 6 + 1);

    // Room for 1000 measurements is room for 4 MiB and 24,000 bytes of what the guest hands over.
    let report = capped("measurements = 1000", "flood").await;
    assert_eq!(report.outcome.unwrap_err(), Fault::OutputFlood { cap: (4 << 20) + 24_000 });
}

#[tokio::test]
async fn headers_that_a_guest_hoards_in_the_host_are_bounded() {
    let upstream = Upstream::start(|_| text(200, "")).await;
    let report = ask(&open(&upstream, "", &shared()).await, "hoard", &[]).await;
    let Err(Fault::Trap { reason, .. }) = &report.outcome else { panic!("{report:?}") };
    assert!(reason.contains("resource table has no free keys"), "{reason}");
    // Told of every 1024 maps.
    let last = report.log.last().unwrap().text.clone();
    let bytes: usize = last.split(' ').rev().nth(1).unwrap().parse().unwrap();
    assert!(bytes > 1 << 20 && bytes <= 64 << 20, "{last}");
}

#[tokio::test]
async fn an_answer_over_its_cap_and_an_upstream_that_is_away_are_errors_of_the_standard() {
    let upstream = Upstream::start(|_| text(200, "x".repeat(2000))).await;
    let source = open(&upstream, "[source.caps]\nresponse = \"1KiB\"", &shared()).await;
    let report = ask(&source, "get", &[("url", &upstream.url())]).await;
    assert!(refused(&report).contains("HttpResponseBodySize(Some(1024))"), "{}", refused(&report));

    let url = upstream.url();
    drop(upstream);
    let gone = Instant::now();
    while tokio::net::TcpStream::connect(url.trim_start_matches("http://")).await.is_ok() {
        assert!(gone.elapsed() < Duration::from_secs(20), "the upstream does not end");
    }
    let report = ask(&source, "get", &[("url", &url)]).await;
    assert!(
        refused(&report).contains("InternalError") && refused(&report).contains("asked 3 times"),
        "{}",
        refused(&report)
    );
}

#[tokio::test]
async fn a_guest_that_gives_an_answer_less_time_is_told_when_it_is_over() {
    let endless = || stream::pending::<Result<Bytes, std::io::Error>>();
    let upstream = Upstream::start(move |_| text(200, Body::from_stream(endless()))).await;
    let source = open(&upstream, "", &shared()).await;
    let report = ask(&source, "impatient", &[("url", &upstream.url())]).await;
    assert!(refused(&report).contains("HttpResponseTimeout"), "{}", refused(&report));
    assert!(report.wall >= Duration::from_millis(200) && report.wall < Duration::from_secs(10), "{report:?}");
}

#[tokio::test]
async fn the_credential_is_added_outside_and_cut_from_what_comes_back() {
    let upstream = Upstream::start(|asked| {
        text(200, format!("you said {}", asked.headers.get("x-key").cloned().unwrap_or_default()))
    })
    .await;
    let more = "credential = { header = \"X-Key\", from = \"env:KEY\" }";
    let source = open(&upstream, more, &shared()).await;
    let report = ask(&source, "get", &[("url", &upstream.url())]).await;
    assert_eq!(upstream.asked()[0].headers["x-key"], CANARY);
    assert!(
        answered(&report).contains("you said") && !format!("{report:?}").contains("canary"),
        "{report:?}"
    );

    let own = ask(&source, "header", &[("url", &upstream.url()), ("header", "x-key")]).await;
    assert!(refused(&own).contains("HttpRequestDenied"), "{}", refused(&own));
}

/// An index of answers in memory.
#[derive(Default)]
struct Index(Mutex<Vec<NewAnswer>>);

impl AnswerIndex for Index {
    fn find<'a>(
        &'a self,
        _: &'a str,
        request_key: &'a str,
        _: DateTime<Utc>,
    ) -> BoxFuture<'a, anyhow::Result<Option<KeptAnswer>>> {
        let answers = self.0.lock().unwrap();
        let found = answers.iter().enumerate().find(|(_, answer)| answer.request_key == request_key);
        let found = found.map(|(id, answer)| KeptAnswer {
            id: id as i64,
            status: answer.status,
            headers: answer.headers.clone(),
            digest: answer.digest.clone(),
            bytes: answer.bytes,
            fetched_at: answer.fetched_at,
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

#[tokio::test]
async fn the_archive_serves_the_second_call() {
    let upstream = Upstream::start(|_| text(200, "kept")).await;
    let folder = tempfile::tempdir().unwrap();
    let answers = Answers { archive: Archive::local(folder.path()).unwrap(), index: Arc::<Index>::default() };
    let source = open(&upstream, "", &shared().keeping(answers)).await;
    for served in [0, 1] {
        let report = ask(&source, "get", &[("url", &upstream.url())]).await;
        assert!(answered(&report).ends_with("kept"));
        assert_eq!((report.usage.served_from_archive, report.usage.answers), (served, vec![0]));
    }
    assert_eq!(upstream.asked().len(), 1);
}

#[tokio::test]
async fn an_upstream_that_says_slow_down_is_left_alone_and_waiting_is_no_part_of_the_deadline() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let upstream = Upstream::start(move |_| match count.fetch_add(1, Relaxed) {
        0 => Response::builder().status(429).header("retry-after", "6").body("slow down".into()).unwrap(),
        _ => text(200, "again"),
    })
    .await;
    let source = open(&upstream, "[source.caps]\nwall = \"3s\"", &shared()).await;
    let began = Instant::now();
    let first = ask(&source, "get", &[("url", &upstream.url())]).await;
    assert!(answered(&first).starts_with("429"), "{}", answered(&first));
    let second = ask(&source, "get", &[("url", &upstream.url())]).await;
    assert!(answered(&second).ends_with("again"));
    // Twice as long as a call may take.
    assert!(began.elapsed() >= Duration::from_secs(6), "asked again after {:?}", began.elapsed());
}
