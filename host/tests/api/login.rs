//! Browsers that log in: the first link, links on demand, tokens, sessions, and what other pages may not do.

use backfill::clock;
use chrono::TimeDelta;
use reqwest::{Method, Response, StatusCode, redirect::Policy};
use serde_json::{Value, json};

use crate::{World, client::form, host::Host};

/// A browser without a page: it keeps its cookie and follows nothing.
struct Browser {
    http: reqwest::Client,
    base: String,
    cookie: Option<String>,
}

impl Browser {
    fn new(world: &World) -> Self {
        let http = reqwest::Client::builder().redirect(Policy::none()).build().unwrap();
        Self { http, base: world.base.clone(), cookie: None }
    }

    async fn send(&self, method: Method, path: &str, with: &[(&str, &str)]) -> Response {
        let mut request = self.http.request(method, format!("{}{path}", self.base));
        for (name, value) in with {
            request = request.header(*name, *value);
        }
        if let Some(cookie) = &self.cookie {
            request = request.header("cookie", format!("theme=dark; {cookie}"));
        }
        request.send().await.unwrap()
    }

    async fn form(&self, name: &str, value: &str, with: &[(&str, &str)]) -> Response {
        let mut request = form(self.http.post(format!("{}/login", self.base)), name, value);
        for (name, value) in with {
            request = request.header(*name, *value);
        }
        request.send().await.unwrap()
    }

    /// Logs in and keeps the cookie; gives the whole of it.
    async fn log_in(&mut self, name: &str, value: &str) -> String {
        let answer = self.form(name, value, &[("origin", &self.base)]).await;
        assert_eq!(
            (answer.status(), &answer.headers()["location"]),
            (StatusCode::SEE_OTHER, &"/".parse().unwrap())
        );
        let cookie = answer.headers()["set-cookie"].to_str().unwrap().to_owned();
        self.cookie = cookie.split(';').next().map(str::to_owned);
        cookie
    }

    async fn me(&self) -> (u16, Value) {
        let answer = self.send(Method::GET, "/api/v1/users/me", &[]).await;
        (answer.status().as_u16(), answer.json().await.unwrap())
    }
}

impl World {
    /// The code of a link that the command line prints.
    async fn code(&self, user: &str) -> String {
        let link = self.folder.backfill(&["login", "--user", user]).await.succeeded().out;
        link.trim().split("/login?code=").nth(1).unwrap().to_owned()
    }

    /// Changes rows of its SQLite file.
    async fn execute(&self, sql: &'static str, at: Option<i64>) {
        use sqlx::Connection;
        let file = self.folder.path(".backfill/backfill.db");
        let mut conn = sqlx::SqliteConnection::connect(file.to_str().unwrap()).await.unwrap();
        sqlx::query(sql).bind(at).execute(&mut conn).await.unwrap();
    }
}

#[tokio::test]
async fn the_first_host_of_a_database_prints_a_link_until_somebody_has_a_way_in() {
    let mut world = World::on(None, "").await;
    let mut browser = Browser::new(&world);
    // The host of this world printed one already; it was not used, and is good no more.
    let past = (clock::now() - TimeDelta::hours(1)).timestamp_micros();
    world.execute("UPDATE api_tokens SET expires_at = $1 WHERE kind = 'login'", Some(past)).await;
    world.host.signal("-INT");
    world.host.ended().await;
    // The link goes past the log, so it may come before what is logged first.
    world.host = Host::spawn(&world.folder, &["serve", "--listen", "127.0.0.1:0"]);
    let line = world.host.says("/login?code=").await;
    assert!(line.starts_with("nobody has logged in yet"), "{line}");
    let link = line.split(' ').next_back().unwrap();
    world.host.says("answering on").await;
    let (base, code) = link.split_once("/login?code=").unwrap();
    browser.base = base.to_owned();

    // Looking at the link uses nothing up.
    for _ in 0..2 {
        let page = browser.send(Method::GET, &format!("/login?code={code}"), &[]).await;
        assert_eq!(
            (page.status(), page.headers()["content-type"].to_str().unwrap()),
            (StatusCode::OK, "text/html; charset=utf-8")
        );
        let policy = page.headers()["content-security-policy"].to_str().unwrap().to_owned();
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("script"), "{policy}");
        assert_eq!(
            (&page.headers()["referrer-policy"], &page.headers()["cache-control"]),
            (&"no-referrer".parse().unwrap(), &"no-store".parse().unwrap())
        );
        let page = page.text().await.unwrap();
        assert!(
            page.contains(&format!("name=\"code\" value=\"{code}\"")) && !page.contains("<script"),
            "{page}"
        );
    }
    let cookie = browser.log_in("code", code).await;
    for part in ["backfill_session=bft_", "; HttpOnly", "; SameSite=Lax", "; Path=/", "; Max-Age=43200"] {
        assert!(cookie.contains(part), "{part} in {cookie}");
    }
    assert!(!cookie.contains("Secure"), "{cookie}");
    let (status, me) = browser.me().await;
    assert_eq!((status, &me["name"], &me["role"]), (200, &json!("admin"), &json!("admin")));
    // It is good once.
    let again = browser.form("code", code, &[]).await;
    assert_eq!(again.status(), 401);
    assert!(again.text().await.unwrap().contains("used up"));

    world.host.signal("-INT");
    world.host.ended().await;
    world.host = Host::start(&world.folder, &["serve", "--listen", "127.0.0.1:0"]).await;
    world.host.says("answering on").await;
    world.host.signal("-INT");
    let log = world.host.rest().await;
    assert!(!log.contains("/login?code="), "{log}");
}

#[tokio::test]
async fn a_session_is_its_users_until_it_ends() {
    World::each(async |world| {
        world.user("anna", "operator").await;
        let mut browser = Browser::new(&world);
        assert_eq!(browser.me().await.0, 401);
        browser.log_in("code", &world.code("anna").await).await;
        assert_eq!(browser.me().await.1["name"], "anna");
        // A session is a cookie and no bearer token; a token is no cookie.
        let secret = browser.cookie.clone().unwrap().replace("backfill_session=", "");
        crate::Client::new(&world.base, Some(&secret)).get("/users/me").await.problem(401, "unauthenticated");
        let token = world.user("ben", "viewer").await.token.unwrap();
        let mut other = Browser::new(&world);
        other.cookie = Some(format!("backfill_session={token}"));
        assert_eq!(other.me().await.0, 401);
        // A browser is in no list of tokens, and the log-in is in the audit log.
        let admin = world.admin().await;
        assert!(!admin.get("/tokens").await.expect(200).text.contains("browser"));
        let audit = admin.get("/audit?limit=100").await.expect(200).json;
        let deed = audit.as_array().unwrap().iter().find(|deed| deed["action"] == "POST /login").unwrap();
        assert_eq!((&deed["user_name"], &deed["status"]), (&json!("anna"), &json!(303)), "{audit:#}");

        let away = browser.send(Method::POST, "/logout", &[("sec-fetch-site", "same-origin")]).await;
        assert_eq!(
            (away.status(), &away.headers()["location"]),
            (StatusCode::SEE_OTHER, &"/login".parse().unwrap())
        );
        assert!(away.headers()["set-cookie"].to_str().unwrap().contains("Max-Age=0"));
        assert_eq!(browser.me().await.0, 401);
    })
    .await;
}

#[tokio::test]
async fn a_session_that_has_expired_lets_nobody_in() {
    let world = World::on(None, "").await;
    let mut browser = Browser::new(&world);
    world.admin().await;
    browser.log_in("code", &world.code("admin").await).await;
    assert_eq!(browser.me().await.0, 200);
    world.execute("UPDATE api_tokens SET expires_at = $1 WHERE kind = 'session'", Some(1)).await;
    assert_eq!(browser.me().await.0, 401);
}

#[tokio::test]
async fn a_token_becomes_a_session_that_may_do_no_more_and_lasts_no_longer() {
    let world = World::on(None, "").await;
    let admin = world.admin().await;
    let made = admin.post("/tokens", &json!({ "name": "look", "role": "viewer" })).await.expect(201);
    let mut browser = Browser::new(&world);
    browser.log_in("token", &format!(" {} ", made.json["token"].as_str().unwrap())).await;
    let (_, me) = browser.me().await;
    assert_eq!((&me["name"], &me["role"]), (&json!("admin"), &json!("viewer")));
    let users = browser.send(Method::GET, "/api/v1/users", &[]).await;
    assert_eq!(users.status(), 403);

    let soon = ["token", "create", "--user", "admin", "--expires", "10m"];
    let token = world.folder.backfill(&soon).await.succeeded().out;
    let cookie = browser.log_in("token", token.trim()).await;
    let age: u32 = cookie.split("Max-Age=").nth(1).unwrap().split(';').next().unwrap().parse().unwrap();
    assert!((500..=600).contains(&age), "{cookie}");
}

#[tokio::test]
async fn a_session_ends_with_the_token_that_began_it_and_so_does_what_was_made_in_it() {
    World::each(async |world| {
        let admin = world.admin().await;
        let made = admin.post("/tokens", &json!({ "name": "laptop" })).await.expect(201).json;
        let mut browser = Browser::new(&world);
        browser.log_in("token", made["token"].as_str().unwrap()).await;
        let own = json!({ "name": "script" });
        let request = browser.http.post(format!("{}/api/v1/tokens", world.base)).json(&own);
        let script = request.header("cookie", browser.cookie.clone().unwrap()).send().await.unwrap();
        let script: Value = script.json().await.unwrap();
        assert_eq!(script["parent_id"], made["id"], "{script}");
        let client = crate::Client::new(&world.base, script["token"].as_str());
        client.get("/users/me").await.expect(200);

        admin.delete(&format!("/tokens/{}", made["id"])).await.expect(200);
        assert_eq!(browser.me().await.0, 401);
        client.get("/users/me").await.problem(401, "unauthenticated");
    })
    .await;
}

#[tokio::test]
async fn pages_of_other_origins_can_do_nothing_with_a_session() {
    let world = World::on(None, "").await;
    world.admin().await;
    let mut browser = Browser::new(&world);
    browser.log_in("code", &world.code("admin").await).await;
    let own = browser.base.clone();
    let path = "/api/v1/backfill/jobs/4711/cancel";
    for (with, status) in [
        (vec![("sec-fetch-site", "same-origin")], 404),
        (vec![("origin", own.as_str())], 404),
        (vec![], 404),
        (vec![("sec-fetch-site", "cross-site")], 403),
        (vec![("sec-fetch-site", "same-site")], 403),
        (vec![("origin", "https://evil.example.org")], 403),
        (vec![("origin", "null")], 403),
    ] {
        let answer = browser.send(Method::POST, path, &with).await;
        assert_eq!(answer.status().as_u16(), status, "{with:?}");
        if status == 403 {
            let problem: Value = answer.json().await.unwrap();
            assert_eq!(problem["code"], "cross-origin");
        }
    }
    // To look is harmless: browsers show no answer to a page that may not have it.
    let looked = browser.send(Method::GET, "/api/v1/users/me", &[("sec-fetch-site", "cross-site")]).await;
    assert_eq!(looked.status(), 200);
    let foreign = [("sec-fetch-site", "cross-site")];
    assert_eq!(browser.send(Method::POST, "/logout", &foreign).await.status(), 403);
    assert_eq!(browser.form("token", "x", &foreign).await.status(), 403);
    assert_eq!(browser.me().await.0, 200);
}

#[tokio::test]
async fn behind_a_proxy_the_cookie_is_for_encrypted_connections_and_addresses_are_the_clients() {
    let world = World::on(None, "[server]\nbehind_proxy = true\n").await;
    world.admin().await;
    let browser = Browser::new(&world);
    let https = [("x-forwarded-proto", "https")];
    let answer = browser.form("code", &world.code("admin").await, &https).await;
    assert!(answer.headers()["set-cookie"].to_str().unwrap().ends_with("; Secure"));
    let plain = browser.form("code", &world.code("admin").await, &[]).await;
    assert!(!plain.headers()["set-cookie"].to_str().unwrap().contains("Secure"));

    for _ in 0..10 {
        assert_eq!(browser.form("token", "bft_x", &[("x-forwarded-for", "203.0.113.9")]).await.status(), 401);
    }
    let refused = browser.form("token", "bft_x", &[("x-forwarded-for", "203.0.113.9")]).await;
    assert_eq!(refused.status(), 429);
    assert!(refused.headers()["retry-after"].to_str().unwrap().parse::<u32>().unwrap() <= 61);
    let other = browser.form("token", "bft_x", &[("x-forwarded-for", "203.0.113.9, 203.0.113.10")]).await;
    assert_eq!(other.status(), 401);
}

#[tokio::test]
async fn what_is_sent_to_log_in_is_read_strictly() {
    let world = World::on(None, "").await;
    let browser = Browser::new(&world);
    let page = browser.send(Method::GET, "/login?code=%3Cscript%3E", &[]).await;
    assert_eq!(page.status(), 200);
    assert!(!page.text().await.unwrap().contains("<script"));
    let json =
        browser.http.post(format!("{}/login", browser.base)).json(&json!({ "code": "x" })).send().await;
    assert_eq!(json.unwrap().status(), 415);
    let long = browser.form("token", &"x".repeat(2 << 20), &[]).await;
    assert_eq!(long.status(), 413);
    let none = world.folder.backfill(&["login", "--user", "nobody"]).await.failed();
    assert!(none.err.contains("there is no user \"nobody\""), "{}", none.err);
}
