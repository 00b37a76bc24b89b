//! Faults of upstreams: what passes is asked again, what does not is told; nothing is endless.

use std::time::Instant;

use tokio::io::AsyncWriteExt;

use super::upstream::{Reply, Upstream};
use super::*;
use crate::clock;

async fn one(upstream: &Upstream) -> (Asked, Result<Response, EgressError>) {
    let asked = Asked::new(policy(&[&upstream.grant()]), shared());
    let response = asked.get(&upstream.url("/")).await;
    (asked, response)
}

#[tokio::test]
async fn two_passing_faults_and_then_an_answer_are_one_answer() {
    for status in ["502 Bad Gateway", "503 Service Unavailable", "504 Gateway Timeout"] {
        let upstream = Upstream::start(move |number, _| match number {
            0 | 1 => Reply::new(status, &[], "busy"),
            _ => Reply::ok("at last"),
        })
        .await;
        let (asked, response) = one(&upstream).await;
        assert_eq!(text(response).await, "at last");
        let usage = asked.call.usage();
        assert_eq!((usage.asked, usage.requests, upstream.heard().len()), (1, 3, 3));
        assert!(asked.log().contains("try 2 of 3 failed"), "{}", asked.log());
    }
}

#[tokio::test]
async fn the_third_passing_fault_is_handed_over() {
    let upstream = Upstream::start(|_, _| Reply::new("503 Service Unavailable", &[], "closed")).await;
    let (_, response) = one(&upstream).await;
    assert_eq!(response.as_ref().unwrap().status, 503);
    assert_eq!((text(response).await.as_str(), upstream.heard().len()), ("closed", 3));
}

#[tokio::test]
async fn other_errors_are_answers() {
    let upstream = Upstream::start(|_, _| Reply::new("500 Internal Server Error", &[], "oops")).await;
    let (_, response) = one(&upstream).await;
    assert_eq!(response.as_ref().unwrap().status, 500);
    assert_eq!((text(response).await.as_str(), upstream.heard().len()), ("oops", 1));
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_asked_for_again() {
    let gzipped = gzip(&b"compressed".repeat(1000));
    let short = gzipped[..gzipped.len() / 2].to_vec();
    let upstream = Upstream::start(move |number, _| match number {
        0 => Reply::raw(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\ntoo short"),
        1 => Reply::new("200 OK", &["content-encoding: gzip"], &short),
        _ => Reply::new("200 OK", &["content-encoding: gzip"], &gzipped),
    })
    .await;
    let (_, response) = one(&upstream).await;
    assert_eq!(text(response).await, "compressed".repeat(1000));
    assert_eq!(upstream.heard().len(), 3);
    assert!(upstream.heard()[0].contains("accept-encoding: zstd,gzip,deflate,br"), "{}", upstream.heard()[0]);
}

#[tokio::test]
async fn a_connection_that_is_cut_or_refused_is_a_transport_error_after_three_tries() {
    let upstream = Upstream::start(|_, _| Reply::raw(b"")).await;
    let (_, response) = one(&upstream).await;
    let error = response.unwrap_err().to_string();
    assert!(error.contains("127.0.0.1") && error.contains("asked 3 times"), "{error}");
    assert_eq!(upstream.heard().len(), 3);

    // A port that was just free and is closed again.
    let port = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
    let url = format!("http://127.0.0.1:{port}");
    let asked = Asked::new(policy(&[&url]), shared());
    let error = asked.get(&url).await.unwrap_err().to_string();
    assert!(error.contains("refused"), "{error}");
    assert_eq!(asked.call.usage().requests, 3);

    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let _ = socket.write_all(b"no TLS here").await;
        }
    });
    let error = Asked::new(policy(&[&url]), shared()).get(&url).await.unwrap_err();
    assert!(matches!(&error, EgressError::Transport(text) if text.contains("127.0.0.1")), "{error}");
}

#[tokio::test]
async fn an_endless_or_too_large_answer_ends_at_the_cap() {
    let bomb = zstd::encode_all(&vec![0; 8 << 20][..], 1).unwrap();
    let upstream = Upstream::start(move |_, request| match request.split(' ').nth(1) {
        Some("/bomb") => Reply::new("200 OK", &["content-encoding: zstd"], &bomb),
        Some("/announced") => Reply::raw(b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n"),
        _ => Reply::endless(),
    })
    .await;
    let cap = 3 << 20;
    let asked = Asked::new(Policy { max_response_bytes: cap, ..policy(&[&upstream.grant()]) }, shared());
    for path in ["/endless", "/bomb", "/announced"] {
        assert_eq!(asked.get(&upstream.url(path)).await.unwrap_err(), EgressError::TooLarge(cap), "{path}");
    }
    assert_eq!(upstream.heard().len(), 3, "a cap is no passing fault");
}

#[tokio::test]
async fn an_upstream_that_never_answers_times_out() {
    let upstream = Upstream::held(|_, _| Box::pin(std::future::pending())).await;
    let request_timeout = Duration::from_millis(50);
    let asked = Asked::new(Policy { request_timeout, ..policy(&[&upstream.grant()]) }, shared());
    assert_eq!(asked.get(&upstream.url("/")).await.unwrap_err(), EgressError::Timeout);
    assert_eq!(asked.call.usage().requests, 1, "an answer that takes too long is not asked for again");
}

#[tokio::test]
async fn too_many_requests_hold_everybody_off_and_the_source_is_told() {
    for (headers, seconds) in [(&["retry-after: 120"][..], 120), (&[], 600)] {
        let upstream =
            Upstream::start(move |_, _| Reply::new("429 Too Many Requests", headers, "slow")).await;
        let allowance = Arc::new(LocalAllowance::default());
        let shared = Shared::new(Arc::clone(&allowance) as Arc<dyn Allowance>);
        let asked = Asked::new(policy(&[&upstream.grant()]), shared);
        let response = asked.get(&upstream.url("/")).await.unwrap();
        assert_eq!((response.status, upstream.heard().len()), (429, 1));
        let wait = (allowance.reserve("test", None, clock::now).await.unwrap() - clock::now()).num_seconds();
        assert!((seconds - 60..seconds).contains(&wait), "{wait}");

        let (call, url) = (asked.another_call(), upstream.url("/other"));
        let mut second = Box::pin(call.send(get(&url)));
        assert!((&mut second).now_or_never().is_none());
        assert_eq!(upstream.heard().len(), 1, "another call of the source waits, too");
    }
}

#[tokio::test]
async fn a_short_retry_after_is_waited_for_and_a_long_one_is_not() {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let times = Arc::clone(&heard);
    let upstream = Upstream::start(move |number, request| {
        times.lock().unwrap().push(Instant::now());
        match (request.split(' ').nth(1), number) {
            (Some("/long"), _) => Reply::new("503 Service Unavailable", &["retry-after: 3600"], "for long"),
            (_, 0) => Reply::new("503 Service Unavailable", &["retry-after: 1"], ""),
            _ => Reply::ok("soon"),
        }
    })
    .await;
    let (asked, response) = one(&upstream).await;
    assert_eq!(text(response).await, "soon");
    assert_eq!(asked.call.usage().requests, 2);
    let heard = heard.lock().unwrap().clone();
    let between = heard[1] - heard[0];
    // The host waits by another clock than this one, which may differ a little.
    assert!(between >= Duration::from_millis(999), "{between:?}");
    assert_eq!(asked.get(&upstream.url("/long")).await.unwrap().status, 503);
    assert_eq!(asked.call.usage().requests, 3);
}

#[tokio::test]
async fn requests_go_out_no_faster_than_the_rate() {
    let sent = Arc::new(Mutex::new(Vec::new()));
    let times = Arc::clone(&sent);
    let upstream = Upstream::start(move |_, _| {
        times.lock().unwrap().push(Instant::now());
        Reply::ok("")
    })
    .await;
    let rate = Some("20/s burst 2".parse().unwrap());
    let asked = Asked::new(Policy { rate, ..policy(&[&upstream.grant()]) }, shared());
    let requests = (0..8).map(|n| get(&upstream.url(&format!("/{n}")))).collect();
    let begun = Instant::now();
    assert!(asked.call.send_all(requests).await.iter().all(Result::is_ok));
    let waited = asked.call.usage().waited;
    // Less than the rate's span: who asks late, since the machine was busy, waits less.
    assert!(waited >= Duration::from_millis(100) && waited <= begun.elapsed(), "{waited:?}");
    // Two at once, then one each 1/19 s. The first may arrive late, the last never does so early.
    let took = *sent.lock().unwrap().last().unwrap() - begun;
    assert!(took >= Duration::from_millis(6 * 1000 / 19), "{took:?}");
}

/// A gzip file of one stored block (RFC 1951, RFC 1952).
fn gzip(plain: &[u8]) -> Vec<u8> {
    let length = u16::try_from(plain.len()).unwrap();
    let crc = plain.iter().fold(!0_u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |c, _| if c & 1 == 1 { c >> 1 ^ 0xedb8_8320 } else { c >> 1 })
    });
    let head = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255, 1];
    let block = [length.to_le_bytes(), (!length).to_le_bytes()].concat();
    let tail = [(!crc).to_le_bytes(), u32::from(length).to_le_bytes()].concat();
    [&head[..], &block, plain, &tail].concat()
}
