//! The web pages: served with a policy, kept by browsers as long as they may be, and no part of the API.

use crate::{
    World,
    client::{Answer, Client},
    support::manifest,
};

/// Whether `npm run build` was run; without it the host says so instead.
fn built() -> bool {
    manifest("../web/dist/index.html").is_file()
}

#[tokio::test]
async fn pages_have_a_policy_and_unknown_paths_stay_problems() {
    let world = World::on(None, "").await;
    let stranger = world.stranger();
    for page in ["", "backfill", "backfill/7", "backfill/history", "system"] {
        let answer = stranger.get(&format!("//{page}")).await.expect(if built() { 200 } else { 404 });
        assert!(answer.header("content-type").starts_with("text/html"), "{page}");
        let policy = answer.header("content-security-policy");
        assert!(policy.contains("default-src 'none'; script-src 'self'; style-src 'self'"), "{policy}");
        assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"), "{policy}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("referrer-policy"), "same-origin");
        if !built() {
            assert!(answer.text.contains("npm run build"), "{}", answer.text);
        }
    }
    stranger.get("//nothing").await.problem(404, "not-found");
    stranger.get("//backfill/7/more").await.problem(404, "not-found");
    stranger.get("//assets/nothing.js").await.problem(404, "not-found");
    stranger.get("//assets/%2e%2e%2findex.html").await.problem(404, "not-found");
    stranger.get("/nothing").await.problem(401, "unauthenticated");
}

#[tokio::test]
async fn a_browser_at_an_address_that_is_not_there_is_shown_the_application() {
    if !built() {
        eprintln!("SKIPPED: the web pages are not built (`npm run build` in web/)");
        return;
    }
    let world = World::on(None, "").await;
    let stranger = world.stranger();
    let of_browsers = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
    let asking = async |path: &str, accept: &str| {
        let request = stranger.request(reqwest::Method::GET, path).header("accept", accept);
        Answer::of(request.header("if-none-match", "*")).await
    };
    for path in ["//nothing", "//backfill/7/more"] {
        let answer = asking(path, of_browsers).await.expect(404);
        assert!(answer.header("content-type").starts_with("text/html"), "{path}");
        assert!(answer.text.contains("<div id=\"root\">"), "{}", answer.text);
        assert!(answer.header("content-security-policy").contains("script-src 'self'"));
        assert_eq!((answer.header("cache-control"), answer.header("etag")), ("no-store", ""));
        for of_programs in ["application/json", "*/*", "application/problem+json, application/json"] {
            asking(path, of_programs).await.problem(404, "not-found");
        }
    }
    asking("//api/v2/jobs", of_browsers).await.problem(404, "not-found");
    asking("//assets/nothing.js", of_browsers).await.problem(404, "not-found");
    let posted = stranger.request(reqwest::Method::POST, "//backfill").header("accept", of_browsers);
    Answer::of(posted).await.problem(405, "method-not-allowed");
}

#[tokio::test]
async fn what_a_browser_has_is_not_sent_again() {
    if !built() {
        eprintln!("SKIPPED: the web pages are not built (`npm run build` in web/)");
        return;
    }
    let world = World::on(None, "").await;
    let stranger = world.stranger();
    let page = stranger.get("//backfill").await.expect(200);
    assert_eq!(page.header("cache-control"), "no-cache");
    let again = conditional(&stranger, "//backfill", page.header("etag")).await;
    assert_eq!((again.status, again.text.as_str()), (304, ""));

    let script = page.text.split('"').find(|part| part.starts_with("/assets/") && part.ends_with(".js"));
    let path = format!("/{}", script.unwrap());
    let plain = stranger.get(&path).await.expect(200);
    assert_eq!(plain.header("cache-control"), "public, max-age=31536000, immutable");
    assert!(plain.header("content-type").starts_with("text/javascript"));
    // One that leaves answers as they came.
    let raw = reqwest::Client::builder().no_gzip().no_brotli().no_deflate().no_zstd().build().unwrap();
    for (accepted, sent) in [("gzip", "gzip"), ("gzip, br", "br"), ("br;q=0, gzip", "gzip"), ("zstd", "")] {
        let request = raw.get(format!("{}{}", world.base, &path[1..])).header("accept-encoding", accepted);
        let answer = request.send().await.unwrap();
        assert_eq!(
            answer.headers().get("content-encoding").map_or("", |of| of.to_str().unwrap()),
            sent,
            "{accepted}"
        );
    }
}

async fn conditional(client: &Client, path: &str, tag: &str) -> Answer {
    Answer::of(client.request(reqwest::Method::GET, path).header("if-none-match", tag)).await
}
