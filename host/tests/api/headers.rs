//! What holds for every answer: other pages' access, compression, headers, and that no secret is written anywhere.

use reqwest::{Method, header::HeaderMap};

use crate::{
    Client, World,
    client::{Answer, form},
    host::Host,
    postgres,
};

const PAGE: &str = "https://app.example.org";

/// A request that says where it comes from.
async fn from(client: &Client, method: Method, path: &str, headers: &[(&str, &str)]) -> HeaderMap {
    let mut request = client.request(method, path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.send().await.unwrap().headers().clone()
}

fn has(headers: &HeaderMap, name: &str, item: &str) -> bool {
    let text = headers.get(name).map_or("", |value| value.to_str().unwrap());
    text.split(',').any(|one| one.trim().eq_ignore_ascii_case(item))
}

#[tokio::test]
async fn pages_of_configured_origins_may_call_and_others_may_not() {
    let world = World::on(None, &format!("[server]\ncors_origins = [{PAGE:?}]\n")).await;
    let admin = world.admin().await;
    let asks = [("origin", PAGE), ("access-control-request-method", "DELETE")];
    let may = from(&world.stranger(), Method::OPTIONS, "/backfill/jobs/1", &asks).await;
    assert_eq!(may["access-control-allow-origin"], PAGE);
    assert!(has(&may, "access-control-allow-methods", "DELETE"), "{may:?}");
    for name in ["authorization", "content-type", "idempotency-key", "if-match", "last-event-id"] {
        assert!(has(&may, "access-control-allow-headers", name), "{name} in {may:?}");
    }
    let answer = from(&admin, Method::GET, "/backfill/jobs", &[("origin", PAGE)]).await;
    assert_eq!(answer["access-control-allow-origin"], PAGE);
    assert!(!answer.contains_key("access-control-allow-credentials"));
    for name in [
        "x-total-count",
        "x-next-cursor",
        "link",
        "etag",
        "location",
        "x-request-id",
        "retry-after",
        "idempotency-replayed",
    ] {
        assert!(has(&answer, "access-control-expose-headers", name), "{name} in {answer:?}");
    }
    let other = from(&admin, Method::GET, "/backfill/jobs", &[("origin", "https://evil.example.org")]).await;
    assert!(!other.contains_key("access-control-allow-origin"), "{other:?}");
}

#[tokio::test]
async fn without_configured_origins_no_page_of_another_may_call() {
    let world = World::on(None, "").await;
    let answer = from(&world.admin().await, Method::GET, "/backfill/jobs", &[("origin", PAGE)]).await;
    assert!(answer.keys().all(|name| !name.as_str().starts_with("access-control")), "{answer:?}");
}

#[tokio::test]
async fn answers_are_compressed_and_safe_to_show() {
    let world = World::on(None, "").await;
    let stranger = world.stranger();
    // A client that shows answers as they came.
    let raw = reqwest::Client::builder().no_gzip().no_brotli().no_deflate().no_zstd().build().unwrap();
    let spec = format!("{}/openapi.json", world.base);
    let packed = raw.get(&spec).header("accept-encoding", "gzip").send().await.unwrap();
    assert_eq!(packed.headers()["content-encoding"], "gzip");
    let plain = raw.get(&spec).send().await.unwrap();
    assert!(!plain.headers().contains_key("content-encoding"));
    let (packed, plain) = (packed.bytes().await.unwrap(), plain.bytes().await.unwrap());
    assert!(packed.len() * 4 < plain.len(), "{} of {}", packed.len(), plain.len());
    for path in ["//openapi.json", "//healthz", "//nowhere", "/users/me", "//login", "//docs/"] {
        let headers = from(&stranger, Method::GET, path, &[]).await;
        assert_eq!(headers["x-content-type-options"], "nosniff", "{path}");
        assert!(headers.contains_key("referrer-policy") && headers.contains_key("x-request-id"), "{path}");
    }
}

#[tokio::test]
async fn the_description_is_readable_without_a_login_and_without_the_internet() {
    let world = World::on(None, "").await;
    let stranger = world.stranger();
    let page = stranger.get("//docs/").await.expect(200);
    let policy = page.header("content-security-policy");
    assert!(policy.contains("script-src 'self';") && policy.contains("connect-src 'self'"), "{policy}");
    let named = |name: &str| -> Vec<&str> {
        page.text.split(&format!("{name}=\"")).skip(1).filter_map(|rest| rest.split('"').next()).collect()
    };
    let files: Vec<&str> = [named("src"), named("href")].concat();
    assert!(files.len() >= 4, "{}", page.text);
    for file in &files {
        assert!(!file.contains("//"), "{file} is elsewhere");
        stranger.get(&format!("//docs/{}", file.trim_start_matches("./"))).await.expect(200);
    }
    // The policy lets no script in the page run, so there must be none.
    assert!(page.text.split("<script").skip(1).all(|script| script.contains("src=\"")), "{}", page.text);
    let start = stranger.get("//docs/swagger-initializer.js").await.expect(200).text;
    assert!(start.contains("/openapi.json") && !start.contains("petstore"), "{start}");
}

#[tokio::test]
async fn no_token_is_ever_written_down() {
    for server in [None, postgres::database().await] {
        let mut world = World::on(server.as_ref(), "").await;
        world.host.signal("-INT");
        assert_eq!(world.host.ended().await, Some(0));
        world.host =
            Host::start(&world.folder, &["--log", "trace", "serve", "--listen", "127.0.0.1:0"]).await;
        let said = world.host.says("answering on").await;
        world.base = format!("http://{}", said.split("http://").nth(1).unwrap().split('"').next().unwrap());

        let admin = world.admin().await;
        let token = admin.token.clone().unwrap();
        let link = world.folder.backfill(&["login"]).await.succeeded().out;
        let code = link.trim().split("code=").nth(1).unwrap().to_owned();
        let secrets = [&token, &code];
        for secret in secrets {
            let stranger = world.stranger();
            admin.get(&format!("/backfill/jobs?token={secret}")).await.expect(400);
            admin.get(&format!("/no/{secret}")).await.expect(404);
            stranger.get(&format!("/users/me?access_token={secret}")).await.expect(401);
            stranger.get(&format!("//login?code={secret}")).await.expect(200);
            Answer::of(stranger.request(Method::GET, "/users/me").header("x-token", secret))
                .await
                .expect(401);
            Answer::of(stranger.request(Method::GET, "/users/me").header("x-request-id", secret))
                .await
                .expect(401);
            Answer::of(stranger.request(Method::GET, "/users/me").basic_auth(secret, Some(secret)))
                .await
                .expect(401);
            Answer::of(stranger.request(Method::GET, "/users/me").bearer_auth(format!("{secret}0")))
                .await
                .expect(401);
            Answer::of(form(stranger.request(Method::POST, "//login"), "token", &format!("{secret}0")))
                .await
                .expect(401);
            Answer::of(admin.request(Method::POST, "/backfill/jobs").body(format!("{{\"{secret}\": 1")))
                .await
                .expect(415);
            admin.delete(&format!("/tokens/{secret}")).await.problem(400, "invalid-parameter");
            admin.delete(&format!("/tokens/%62ft_{}", &secret[4..])).await.problem(400, "invalid-parameter");
            let named = serde_json::json!({ "name": "x", "expires_in_days": 0, "role": secret });
            admin.post("/tokens", &named).await.problem(422, "invalid-body");
            let keyed = admin.request(Method::POST, "/tokens").header("idempotency-key", secret);
            Answer::of(keyed.json(&serde_json::json!({ "name": "x" })))
                .await
                .problem(400, "invalid-parameter");
        }
        let keyed = admin.request(Method::POST, "/tokens").header("idempotency-key", "k");
        let made = Answer::of(keyed.json(&serde_json::json!({ "name": "x" }))).await.expect(201).json;
        let made = made["token"].as_str().unwrap().to_owned();
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let login = form(http.post(format!("{}/login", world.base)), "code", &code).send().await.unwrap();
        assert_eq!(login.status(), 303);
        let cookie = login.headers()["set-cookie"].to_str().unwrap().to_owned();
        let session = cookie.split(['=', ';']).nth(1).unwrap();
        let me = http.get(format!("{}/api/v1/users/me", world.base)).header("cookie", &cookie).send().await;
        assert_eq!(me.unwrap().status(), 200);
        world.filled(&admin).await;

        world.host.signal("-INT");
        let log = world.host.rest().await;
        assert!(log.contains("answered"), "the log says nothing:\n{log}");
        for secret in [&token, &code, &made, session] {
            // The random part alone would be enough to be let in.
            let random = secret.strip_prefix("bft_").unwrap();
            assert!(!log.contains(random), "in the log: {}", line_of(&log, random));
            assert_eq!(world.rows_holding(server.as_ref(), random).await, 0, "in the database");
        }
    }
}

fn line_of<'a>(log: &'a str, what: &str) -> &'a str {
    log.lines().find(|line| line.contains(what)).unwrap_or_default()
}

impl World {
    /// How many places of the database hold a text.
    async fn rows_holding(&self, server: Option<&postgres::TestDatabase>, text: &str) -> i64 {
        let Some(server) = server else {
            let mut found = 0;
            for name in ["backfill.db", "backfill.db-wal"] {
                let bytes = std::fs::read(self.folder.path(&format!(".backfill/{name}"))).unwrap_or_default();
                found += i64::from(bytes.windows(text.len()).any(|window| window == text.as_bytes()));
            }
            return found;
        };
        use sqlx::Connection;
        let mut conn = sqlx::PgConnection::connect(server.url()).await.unwrap();
        // All rows of all tables, as text.
        let found: i64 = sqlx::query_scalar(
            "SELECT COUNT(*) FROM (
                 SELECT table_to_xml(format('%I.%I', table_schema, table_name)::regclass, true, true, '')::text AS rows
                 FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE'
             ) t WHERE strpos(rows, $1) > 0",
        )
        .bind(text)
        .fetch_one(&mut conn)
        .await
        .unwrap();
        found
    }
}
