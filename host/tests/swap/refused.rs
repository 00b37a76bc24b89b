//! What can't take over is refused, visibly, and what ran before stays.

use serde_json::{Value, json};

use crate::{Component, World, host::Host, support::work_folder::WorkFolder};

/// A host that answers HTTP, and somebody who may ask it.
struct Asked {
    host: Host,
    http: reqwest::Client,
    url: String,
    token: String,
}

impl Asked {
    async fn start(folder: &WorkFolder) -> Self {
        let made =
            folder.backfill(&["token", "create", "--user", "vera", "--role", "operator"]).await.succeeded();
        let token = made.out.lines().next().unwrap().trim().to_owned();
        let mut host = Host::start(folder, &["serve", "--listen", "127.0.0.1:0"]).await;
        let url = format!("http://{}", host.address().await);
        Self { host, http: reqwest::Client::new(), url, token }
    }

    fn at(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> String {
        request.bearer_auth(&self.token).send().await.unwrap().text().await.unwrap()
    }

    async fn get(&self, path: &str) -> String {
        self.send(self.http.get(self.at(path))).await
    }

    /// Makes a job of a month of the only wind farm; gives its id. The host plans with the components that run.
    async fn job(&self, first: &str, last: &str) -> String {
        let body = json!({ "windfarm_id": 1, "start_date": first, "end_date": last });
        let made = self.send(self.http.post(self.at("/api/v1/backfill/jobs")).json(&body)).await;
        serde_json::from_str::<Value>(&made).unwrap()["id"].to_string()
    }

    async fn source(&self) -> Value {
        serde_json::from_str(&self.get("/api/v1/sources/parks").await).unwrap()
    }
}

#[tokio::test]
async fn what_can_t_take_over_is_told_in_the_log_over_http_and_as_a_metric() {
    let world = World::new().await;
    world.units(1).await;
    let (first, second) = (Component::first(), Component::second());
    let mut asked = Asked::start(&world.folder).await;
    let before = asked.source().await;
    assert_eq!((before["digest"].as_str(), before["refused"].is_null()), (Some(&*first.digest), true));
    assert!(
        before["loaded_at"].is_string() && before["previous"].as_array().unwrap().is_empty(),
        "{before:#}"
    );
    assert!(before["component"].as_str().unwrap().ends_with("parks.wasm"), "{before:#}");

    let half = Component { bytes: second.bytes[..second.bytes.len() / 2].to_vec(), ..second.clone() };
    let core = Component { bytes: b"\0asm\x01\0\0\0".to_vec(), ..second.clone() };
    for (bad, hint) in [
        (half, "damaged or cut off"),
        (core, "a core module"),
        (second.with("areUTC2020", "areCET2020"), "months that are stored whole would not be"),
        (second.with("areUTC2020", "areXXX2020"), "describe is not usable"),
        (second.with("UTC2020-01parks", "UTC2020-XXparks"), "describe is not usable"),
    ] {
        std::fs::write(world.component(), &bad.bytes).unwrap();
        let said = asked.host.says("refused, so that").await;
        assert!(said.contains(hint) && said.contains(first.short()), "{hint}: {said}");
        let shown = asked.source().await;
        assert_eq!((shown["digest"].as_str(), &shown["usable"]), (Some(&*first.digest), &Value::Bool(true)));
        assert!(shown["refused"]["why"].as_str().unwrap().contains(hint), "{shown:#}");
        assert_eq!(shown["refused"]["digest"], backfill::source::sha256(&bad.bytes));
    }
    let metrics = asked.get("/metrics").await;
    assert!(metrics.contains("backfill_source_refused{source=\"parks\"} 1"), "{metrics}");
    let done = world.ended(&asked.job("2024-01-01", "2024-01-31").await).await;
    assert_eq!(done["job"]["completed_tasks"], 1, "{done:#}");
    assert_eq!(world.attempts(&first).await, 1, "the old one stayed");

    world.put(&first);
    asked.host.says("nothing is refused any more").await;
    let other = std::fs::read_to_string(world.folder.path("backfill.toml")).unwrap();
    world.folder.write("backfill.toml", &other.replace("base_url", "no_such"));
    let said = asked.host.says("refused, so that").await;
    assert!(said.contains("settings.no_such: the source knows no such setting"), "{said}");

    world.configure("");
    asked.host.says("nothing is refused any more").await;
    assert!(asked.source().await["refused"].is_null());
    world.put(&second);
    asked.host.says("new attempts use 0.2.0").await;
    let after = asked.source().await;
    assert_eq!((after["digest"].as_str(), after["version"].as_str()), (Some(&*second.digest), Some("0.2.0")));
    assert_eq!(after["previous"][0]["digest"], first.digest);
    assert!(after["loaded_at"].as_str() > before["loaded_at"].as_str());
    let metrics = asked.get("/metrics").await;
    assert!(metrics.contains("backfill_source_refused{source=\"parks\"} 0"), "{metrics}");
    assert!(metrics.contains("backfill_source_swaps_total{source=\"parks\"} 1"), "{metrics}");
}

#[tokio::test]
async fn what_else_is_configured_takes_effect_while_a_refused_component_lies_there() {
    let world = World::new().await;
    world.units(1).await;
    world.folder.write("key", "the-first-key");
    world.configure("credential = { header = \"X-Key\", from = \"file:key\" }");
    let mut asked = Asked::start(&world.folder).await;
    std::fs::write(world.component(), "a mistake").unwrap();
    asked.host.says("refused, so that").await;

    world.folder.write("key", "the-second-key");
    asked.host.says("configured anew").await;
    let done = world.ended(&asked.job("2024-01-01", "2024-01-31").await).await;
    assert_eq!(done["job"]["completed_tasks"], 1, "{done:#}");
    let requests = world.upstream.asked();
    assert_eq!(requests.last().unwrap().headers["x-key"], "the-second-key");

    let text = std::fs::read_to_string(world.folder.path("backfill.toml")).unwrap();
    let granted = format!("hosts = [{:?}]", world.upstream.url());
    assert!(text.contains(&granted), "{text}");
    world.folder.write("backfill.toml", &text.replace(&granted, "hosts = []"));
    asked.host.says("configured anew").await;
    let job = asked.job("2024-02-01", "2024-02-29").await;
    assert_eq!(world.ended(&job).await["job"]["failed_tasks"], 1, "the host is granted no more");
    assert_eq!(world.upstream.asked().len(), requests.len());

    world.put(&Component::first());
    asked.host.says("nothing is refused any more").await;
    // The second job's task was tried three times.
    assert_eq!(world.attempts(&Component::first()).await, 1 + 3, "the same component all the time");
}

#[tokio::test]
async fn a_file_that_is_written_slowly_is_taken_once_it_is_whole() {
    let world = World::new().await;
    let second = Component::second();
    let mut host = Host::start(&world.folder, &["worker"]).await;
    let (one, two) = second.bytes.split_at(second.bytes.len() / 2);
    std::fs::write(world.component(), one).unwrap();
    let said = host.says("refused, so that").await;
    assert!(said.contains("damaged or cut off"), "{said}");
    let mut file = std::fs::OpenOptions::new().append(true).open(world.component()).unwrap();
    std::io::Write::write_all(&mut file, two).unwrap();
    host.says("new attempts use 0.2.0").await;

    std::fs::remove_file(world.component()).unwrap();
    let said = host.says("refused, so that").await;
    assert!(said.contains(second.short()) && said.contains("build the component"), "{said}");
    world.put(&second);
    host.says("nothing is refused any more").await;
}

#[tokio::test]
async fn a_pin_holds_for_swaps_too() {
    let world = World::new().await;
    let (first, second) = (Component::first(), Component::second());
    world.configure(&format!("sha256 = {:?}", first.digest));
    let mut host = Host::start(&world.folder, &["worker"]).await;
    world.put(&second);
    let said = host.says("refused, so that").await;
    assert!(said.contains(&format!("sha256 is {}", second.digest)), "{said}");
    world.configure(&format!("sha256 = {:?}", second.digest));
    host.says("new attempts use 0.2.0").await;
}
