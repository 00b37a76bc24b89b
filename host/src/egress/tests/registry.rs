//! Components from a registry: whom it may send for a token, who sees that, and which of its refusals may pass.

use super::component::Missed;
use super::grant::Opens;
use super::pulling::{LIMITS, puller};
use super::upstream::{Reply, Upstream};
use super::*;

/// A registry as it is asked by a reference to it.
fn asked(server: &Upstream) -> ComponentRegistry {
    let reference = format!("127.0.0.1:{}/parks/fifth@sha256:{}", server.port, "0".repeat(64));
    ComponentRegistry::asked_by(puller(Opens::Loopback, LIMITS), &reference.parse().unwrap(), true).unwrap()
}

fn path(request: &str) -> &str {
    request.split(' ').nth(1).unwrap()
}

fn has_token(request: &str) -> bool {
    request.to_lowercase().contains("\r\nauthorization: bearer for-everybody\r\n")
}

fn challenge(realm: &str) -> Reply {
    let header = format!("www-authenticate: Basic realm=\"x\", Bearer realm=\"{realm}\",service=\"a b\"");
    Reply::new("401 Unauthorized", &[&header], r#"{"errors":[{"code":"UNAUTHORIZED"}]}"#)
}

/// A registry that wants a token of its own, which it gives as `token` says, and answers who has it with `answer`.
async fn registry(
    token: impl Fn() -> Reply + Send + Sync + 'static,
    answer: impl Fn(&str) -> Reply + Send + Sync + 'static,
) -> Upstream {
    Upstream::start(move |_, request| match path(request) {
        path if path.starts_with("/token?") => token(),
        path if has_token(request) => answer(path),
        _ => {
            let host = request.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
            challenge(&format!("http://{host}/token?for=us"))
        }
    })
    .await
}

fn given() -> Reply {
    Reply::ok(r#"{"access_token":"for-everybody","token":"for-everybody","expires_in":60}"#)
}

#[tokio::test]
async fn a_token_is_asked_for_once_and_goes_to_nobody_whom_the_registry_sends_on_to() {
    let store = Upstream::start(|_, _| Reply::ok("component")).await;
    let away = store.url("/signed?key=hush");
    let server = registry(given, move |path| match path.split_once("/blobs/") {
        Some((_, "sha256:1")) => Reply::new("307 Temporary Redirect", &[&format!("location: {away}")], ""),
        Some((_, "sha256:2")) => Reply::new("302 Found", &["location: /here"], ""),
        Some(_) => panic!("{path}"),
        None => Reply::ok("bytes"),
    })
    .await;
    let registry = asked(&server);
    assert_eq!(registry.manifest().await.as_deref(), Ok(&b"bytes"[..]));
    assert_eq!(registry.component("1").await.as_deref(), Ok(&b"component"[..]));
    assert_eq!(registry.component("2").await.as_deref(), Ok(&b"bytes"[..]));

    let heard = server.heard();
    let paths: Vec<_> = heard.iter().map(|request| (path(request), has_token(request))).collect();
    let manifest = format!("/v2/parks/fifth/manifests/sha256:{}", "0".repeat(64));
    let expected = [
        (&*manifest, false),
        ("/token?for=us&scope=repository%3Aparks%2Ffifth%3Apull&service=a+b", false),
        (&manifest, true),
        ("/v2/parks/fifth/blobs/sha256:1", true),
        ("/v2/parks/fifth/blobs/sha256:2", true),
        ("/here", true),
    ];
    assert_eq!(paths, expected);
    let at_the_store = store.heard();
    assert_eq!(at_the_store.len(), 1);
    assert!(!at_the_store[0].to_lowercase().contains("authorization"), "{at_the_store:?}");
}

#[tokio::test]
async fn a_hiccup_is_asked_again_and_may_pass_and_a_refusal_lasts() {
    const LIMIT: &str =
        r#"{"errors":[{"code":"TOOMANYREQUESTS","message":"enough\u001b for now","detail":{}}]}"#;
    const DENIED: &str = r#"{"errors":[{"code":"DENIED","message":"requested access is denied"}]}"#;
    type Answers = fn() -> Reply;
    let cases: [(Answers, Answers, bool, &str); 9] = [
        (|| Reply::new("503 Unavailable", &[], ""), given, true, "127.0.0.1 answered with status 503"),
        (|| Reply::new("429 Slow", &[], LIMIT), given, true, "(TOOMANYREQUESTS: enough\\u{1b} for now)"),
        (given, || Reply::new("429 Slow", &[], LIMIT), true, "(TOOMANYREQUESTS: enough\\u{1b} for now)"),
        (
            given,
            || Reply::new("500 Oh", &[], "<html>"),
            true,
            "answered with status 500 Internal Server Error",
        ),
        (given, || Reply::raw(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\ncut"), true, "127.0.0.1: "),
        (|| Reply::new("403 No", &[], DENIED), given, false, "(DENIED: requested access is denied); make it"),
        (
            given,
            || challenge("http://127.0.0.1/"),
            false,
            "to nobody without a login (UNAUTHORIZED); make it",
        ),
        (given, || Reply::new("404 No", &[], DENIED), false, "the registry has no such artifact (DENIED"),
        (
            || Reply::ok("for-everybody"),
            given,
            false,
            "gives no token: 127.0.0.1 answers with something else",
        ),
    ];
    for (token, answer, passing, hint) in cases {
        let server = registry(token, move |_| answer()).await;
        let missed = asked(&server).manifest().await.unwrap_err();
        assert!(missed.passing == passing && missed.why.contains(hint), "{hint}: {missed:?}");
        assert_eq!(missed.why.contains("(asked 3 times)"), passing, "{missed:?}");
    }
}

#[tokio::test]
async fn the_place_where_tokens_are_given_is_held_to_the_rules_for_addresses() {
    for (realm, hint) in [
        ("http://10.0.0.1/token", "10.0.0.1 is not public (private network)"),
        ("https://169.254.169.254/latest", "is not public (cloud metadata)"),
        ("http://inside.test/token", "`inside.test` resolves to 10.0.0.1"),
        ("file:///etc/passwd", "without TLS"),
        ("token", "the registry gives no token: it names what is no address"),
    ] {
        let server = Upstream::start(move |_, _| challenge(realm)).await;
        let missed = asked(&server).manifest().await.unwrap_err();
        assert!(!missed.passing && missed.why.contains(hint), "{realm}: {missed:?}");
        assert_eq!(server.heard().len(), 1, "{realm}");
    }
}

#[tokio::test]
async fn only_the_registry_itself_says_where_its_tokens_are() {
    let stranger = Upstream::start(|_, _| challenge("http://inside.test/token")).await;
    let away = stranger.url("/");
    let server =
        Upstream::start(move |_, _| Reply::new("302 Found", &[&format!("location: {away}")], "")).await;
    let missed = asked(&server).manifest().await.unwrap_err();
    assert!(!missed.passing && missed.why.contains("to nobody without a login"), "{missed:?}");
}

#[tokio::test]
async fn no_more_is_taken_of_a_manifest_or_a_token_than_there_can_be() {
    let manifest = registry(given, |_| Reply::endless()).await;
    let large = |most: &str| Missed::lasting(format!("what 127.0.0.1 sends is larger than {most}"));
    assert_eq!(asked(&manifest).manifest().await, Err(large("4096 KiB")));
    let token = registry(Reply::endless, |_| Reply::ok("")).await;
    assert_eq!(asked(&token).manifest().await, Err(large("64 KiB")));
}
