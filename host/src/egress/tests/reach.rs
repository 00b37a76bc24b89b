//! Where a source may go, and where not.

use super::upstream::{Reply, Upstream};
use super::*;

fn named(grants: Vec<Grant>, names: &[(&'static str, &[&'static str])]) -> Asked {
    let names = names.iter().map(|(name, addresses)| (*name, addresses.to_vec())).collect();
    let shared = Shared { lookup: Arc::new(Names(names)), ..shared() };
    Asked::new(Policy { grants, ..policy(&[]) }, shared)
}

fn denied<T: std::fmt::Debug>(result: Result<T, EgressError>) -> String {
    match result {
        Err(EgressError::Denied(text)) => text,
        other => panic!("not denied: {other:?}"),
    }
}

#[tokio::test]
async fn a_host_that_is_not_granted_is_denied_with_the_lines_that_would_allow_it() {
    let upstream = Upstream::start(|_, _| Reply::ok("secret of the network")).await;
    let asked = Asked::new(policy(&["api.example.org"]), shared());
    let error = denied(asked.get(&upstream.url("/x")).await);
    let toml = format!("[[source]]\nid = \"test\"\nhosts = [\"api.example.org\", \"{}\"]", upstream.grant());
    assert!(error.contains(&toml), "{error}");
    assert!(asked.log().contains(&toml), "{}", asked.log());
    for url in ["http://0x7f.1/", "http://2130706433/", "http://0177.0.0.1/", "http://[::ffff:127.0.0.1]/"] {
        denied(asked.get(url).await);
    }
    assert!(denied(asked.get("ftp://api.example.org/").await).contains("only http and https"));
    assert_eq!((upstream.heard().len(), asked.call.usage().requests), (0, 0));
}

#[tokio::test]
async fn a_granted_name_that_leads_into_a_private_network_is_denied() {
    for addresses in [
        &["127.0.0.1"][..],
        &["10.0.0.1"],
        &["169.254.169.254"],
        &["::1"],
        &["::ffff:127.0.0.1"],
        &["64:ff9b::7f00:1"],
        &["8.8.8.8", "192.168.0.1"],
    ] {
        let upstream = Upstream::start(|_, _| Reply::ok("")).await;
        let host = format!("http://api.test:{}", upstream.port);
        let asked = named(vec![host.parse().unwrap()], &[("api.test", addresses)]);
        let error = denied(asked.get(&host).await);
        assert!(error.contains("`api.test` resolves to") && error.contains("not public"), "{error}");
        let remedy = format!("hosts = [{{ host = \"{host}\", private = true }}]");
        assert_eq!(error.contains(&remedy), addresses != ["169.254.169.254"], "{error}");
        assert_eq!(upstream.heard().len(), 0, "{addresses:?}");
        assert_eq!(asked.call.usage().requests, 1, "a denial is not tried again");
    }
}

#[tokio::test]
async fn private_addresses_are_open_to_a_private_grant_and_loopback_to_localhost() {
    let upstream = Upstream::start(|_, _| Reply::ok("inside")).await;
    let grant = |host: &str| format!("http://{host}:{}", upstream.port).parse::<Grant>().unwrap();
    let grants = vec![grant("api.test").with_private(), grant("localhost"), grant("127.0.0.1")];
    let asked = named(grants, &[("api.test", &["127.0.0.1"]), ("localhost", &["127.0.0.1"])]);
    for host in ["api.test", "localhost", "127.0.0.1"] {
        assert_eq!(text(asked.get(&format!("http://{host}:{}/", upstream.port)).await).await, "inside");
    }
}

#[tokio::test]
async fn each_redirect_is_checked_again() {
    let inside = Upstream::start(|_, _| Reply::ok("inside")).await;
    let target = inside.url("/admin");
    let outside = Upstream::start(move |_, request| match request.split(' ').nth(1) {
        Some("/in") => Reply::new("302 Found", &[&format!("location: {target}")], ""),
        Some("/name") => Reply::new("302 Found", &["location: http://rebound.test/"], ""),
        Some("/loop") => Reply::new("302 Found", &["location: /loop"], ""),
        Some("/once") => Reply::new("307 Temporary Redirect", &["location: /end"], ""),
        Some("/see") => Reply::new("303 See Other", &["location: /end"], ""),
        _ => Reply::ok(request),
    })
    .await;
    let grants = vec![outside.grant().parse().unwrap(), "http://rebound.test".parse().unwrap()];
    let asked = named(grants, &[("rebound.test", &["127.0.0.1"])]);
    assert!(denied(asked.get(&outside.url("/in")).await).contains(&inside.grant()));
    assert!(denied(asked.get(&outside.url("/name")).await).contains("rebound.test"));
    assert_eq!(inside.heard().len(), 0);

    let before = asked.call.usage().requests;
    let error = asked.get(&outside.url("/loop")).await.unwrap_err().to_string();
    assert!(error.contains("more than 5 redirects"), "{error}");
    assert_eq!(asked.call.usage().requests - before, 6);

    let post = |path: &str| Request {
        method: Method::Post,
        headers: vec![("content-type".to_owned(), "text/x".to_owned())],
        body: Some("the question".into()),
        ..get(&outside.url(path))
    };
    let echoed = text(asked.call.send(post("/once")).await).await;
    assert!(echoed.starts_with("POST /end") && echoed.ends_with("the question"), "{echoed}");
    let echoed = text(asked.call.send(post("/see")).await).await;
    assert!(echoed.starts_with("GET /end") && !echoed.contains("question"), "{echoed}");
    assert!(!echoed.contains("text/x"), "{echoed}");
}

#[tokio::test]
async fn names_that_do_not_resolve_say_so_with_the_host() {
    let asked = named(vec!["http://gone.test".parse().unwrap()], &[]);
    let error = asked.get("http://gone.test/").await.unwrap_err().to_string();
    assert!(error.contains("gone.test") && error.contains("no such name"), "{error}");
    assert!(error.contains("asked 3 times"), "{error}");
}
