//! Components from a web server: from whom they are taken, how much, and in what time.

use futures::future::pending;
use reqwest::Certificate;
use url::Url;

use super::component::{Missed, download_by};
use super::grant::Opens;
use super::post::builder;
use super::pull::{Limits, Puller};
use super::tls::Authority;
use super::upstream::{Reply, Upstream};
use super::*;

/// Nobody waits for what is tried again.
pub(super) const LIMITS: Limits = Limits {
    largest: 1 << 20,
    longest: Duration::from_secs(60),
    silence: Duration::from_secs(30),
    pause: Duration::from_millis(1),
};

/// Names within a network that is not to be reached.
fn names() -> Arc<dyn Lookup> {
    let inside = ("inside.test", vec!["10.0.0.1"]);
    Arc::new(Names(vec![inside, ("metadata.test", vec!["169.254.169.254"])]))
}

/// A puller to which this machine is open, and what `opens` says, and no other address that is not public.
pub(super) fn puller(opens: Opens, limits: Limits) -> Puller {
    let client = builder(opens, limits.longest, names()).build().unwrap();
    Puller { client, opens, plain: true, limits }
}

/// One that takes nothing without TLS, and trusts an authority of the test if it is told of one.
fn strict(authority: Option<&Authority>) -> Puller {
    let trusted = authority.map(|authority| Certificate::from_pem(authority.pem().as_bytes()).unwrap());
    let client = builder(Opens::Loopback, LIMITS.longest, names());
    let client = client.tls_certs_merge(trusted).build().unwrap();
    Puller { client, opens: Opens::Loopback, plain: false, limits: LIMITS }
}

async fn taken(puller: &Puller, url: &str) -> Result<bytes::Bytes, Missed> {
    download_by(puller, &Url::parse(url).unwrap()).await
}

async fn missed(puller: &Puller, url: &str) -> Missed {
    taken(puller, url).await.unwrap_err()
}

#[tokio::test]
async fn no_more_is_taken_than_a_component_may_have_whether_its_size_is_told_or_not() {
    let puller = puller(Opens::Loopback, LIMITS);
    let server = Upstream::start(|_, request| match request.split(' ').nth(1) {
        Some("/told") => Reply::raw(b"HTTP/1.1 200 OK\r\ncontent-length: 1048577\r\n\r\n"),
        Some("/endless") => Reply::endless(),
        _ => Reply::ok(vec![b'x'; 1 << 20]),
    })
    .await;
    for path in ["/told", "/endless"] {
        let missed = missed(&puller, &server.url(path)).await;
        assert!(!missed.passing && missed.why.contains("larger than 1024 KiB"), "{path}: {missed:?}");
    }
    assert_eq!(server.heard().len(), 2, "it is not asked again");
    assert_eq!(taken(&puller, &server.url("/")).await.map(|bytes| bytes.len()), Ok(1 << 20));
}

#[tokio::test]
async fn a_server_that_falls_silent_is_given_up_and_may_be_asked_again_later() {
    let server = Upstream::held(|_, request| match request.split(' ').nth(1) {
        Some("/head") => pending().boxed(),
        _ => async { Reply::trickling(Duration::from_secs(3600)) }.boxed(),
    })
    .await;
    let puller = puller(Opens::Loopback, Limits { silence: Duration::from_millis(100), ..LIMITS });
    for path in ["/head", "/body"] {
        let missed = missed(&puller, &server.url(path)).await;
        let expected = "127.0.0.1: nothing came for 100ms (asked 3 times)";
        assert_eq!(missed, Missed::passing(expected), "{path}");
    }
}

#[tokio::test]
async fn a_server_that_trickles_is_given_up_in_time_and_may_be_asked_again_later() {
    let server = Upstream::start(|_, _| Reply::trickling(Duration::from_millis(1))).await;
    let puller = puller(Opens::Loopback, Limits { longest: Duration::from_millis(300), ..LIMITS });
    let missed = missed(&puller, &server.url("/")).await;
    // The client's own limit is the same.
    let late = ["it did not arrive within 300ms", "timed out"].iter().any(|it| missed.why.contains(it));
    assert!(missed.passing && late, "{missed:?}");
}

#[tokio::test]
async fn redirects_are_followed_five_times_and_to_no_address_that_is_closed() {
    let server = Upstream::start(|_, request| {
        let to = match request.split(' ').nth(1).unwrap().split_once('/').unwrap().1 {
            "end" => return Reply::ok("component"),
            "0" => "/end".to_owned(),
            number if number.parse::<u32>().is_ok() => format!("/{}", number.parse::<u32>().unwrap() - 1),
            to => format!("http://{to}/"),
        };
        Reply::new("307 Temporary Redirect", &[&format!("location: {to}")], "")
    })
    .await;
    let own = puller(Opens::Loopback, LIMITS);
    assert_eq!(taken(&own, &server.url("/4")).await.as_deref(), Ok(&b"component"[..]));
    let before = server.heard().len();
    let many = missed(&own, &server.url("/5")).await;
    assert_eq!(many, Missed::lasting("more than 5 redirects, one after the other"));
    assert_eq!(server.heard().len() - before, 6);

    for (opens, to, hint) in [
        (Opens::Loopback, "10.0.0.1", "10.0.0.1 is not public (private network); write component = {"),
        (Opens::Loopback, "inside.test", "`inside.test` resolves to 10.0.0.1, which is not public"),
        (Opens::Private, "169.254.169.254", "is not public (cloud metadata); nothing is taken from there"),
        (Opens::Private, "metadata.test", "`metadata.test` resolves to 169.254.169.254"),
        (Opens::Private, "[fe80::1]", "is not public (link-local)"),
    ] {
        let missed = missed(&puller(opens, LIMITS), &server.url(&format!("/{to}"))).await;
        assert!(!missed.passing && missed.why.contains(hint), "{to}: {missed:?}");
    }
}

#[tokio::test]
async fn with_tls_a_server_is_trusted_that_is_certified_and_leads_nowhere_without() {
    let authority = Authority::new();
    let plain = Upstream::start(|_, _| Reply::ok("component")).await;
    let away = plain.url("/");
    let server =
        Upstream::secured(authority.acceptor(), move |_, request| match request.starts_with("GET /away ") {
            true => Reply::new("302 Found", &[&format!("location: {away}")], ""),
            false => Reply::ok("component"),
        })
        .await;
    let trusting = strict(Some(&authority));
    assert_eq!(taken(&trusting, &server.url("/")).await.as_deref(), Ok(&b"component"[..]));
    let away = missed(&trusting, &server.url("/away")).await;
    assert_eq!(away, Missed::lasting("it is sent on to 127.0.0.1, without TLS"));
    assert_eq!(plain.heard().len(), 0);
    let unknown = missed(&strict(None), &server.url("/")).await;
    assert!(unknown.why.contains("127.0.0.1: ") && unknown.why.contains("certificate"), "{unknown:?}");
}
