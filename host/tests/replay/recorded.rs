//! `source fetch --record`, and the case that comes of it.

use std::{collections::BTreeMap, fs, path::Path, sync::Arc};

use backfill::{
    egress::{LocalAllowance, Shared},
    kit::cases::{CaseVerdict, Cases},
    source::{self, Source},
};
use serde_json::Value;
use simulator::Options;

use crate::{
    parks,
    support::{
        Upstream, engine, fixtures, guest, plugin, text,
        work_folder::{CANARY, WorkFolder, source_at},
    },
    three_hours, three_rows,
};

async fn load(component: &Path) -> Source {
    let shared = Shared::new(Arc::<LocalAllowance>::default());
    source::open_file(component, &BTreeMap::new(), engine(), &shared).await.unwrap()
}

/// Records a fetch of February 2024 with a component file, which need not be configured.
async fn record(folder: &WorkFolder, component: &Path, code: &str, upstream: &Upstream, more: &[&str]) {
    let (component, set) = (component.to_str().unwrap(), format!("base_url={}", upstream.url()));
    let fetch = ["source", "fetch", component, "--code", code, "--month", "2024-02", "--set", &set];
    let ran = folder.backfill(&[&fetch[..], &["--record", "cases"], more].concat()).await.succeeded();
    assert!(ran.err.contains("recorded with 1 answers: cases/"), "{}", ran.err);
}

fn json(path: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

#[tokio::test]
async fn what_is_recorded_replays_without_a_network_and_is_as_expected() {
    let upstream = Upstream::start(parks).await;
    let folder = WorkFolder::bare("");
    record(&folder, &guest("fifth"), "north ridge", &upstream, &[]).await;
    let case = folder.path("cases/fifth-north-ridge-2024-02");
    let expected = json(&case.join("expected.json"));
    assert_eq!(expected["series"][0]["measurements"], three_rows());
    assert_eq!(fs::read_to_string(case.join("answers/001.body")).unwrap(), three_hours());
    let answer = fs::read_to_string(case.join("answers/001.toml")).unwrap();
    let url = format!("{}/parks/north%20ridge/2024-02.csv", upstream.url());
    assert!(answer.contains("status = 200\n") && answer.contains(&format!("url = \"{url}\"")), "{answer}");
    assert!(!folder.path(".backfill/backfill.db").exists(), "no database is made for it");

    drop(upstream);
    let cases = Cases::open(&folder.path("cases")).unwrap();
    assert_eq!(cases.names().collect::<Vec<_>>(), ["fifth-north-ridge-2024-02"]);
    for _ in 0..2 {
        let outcome = cases.run(&load(&guest("fifth")).await).await.remove(0);
        assert!(outcome.passed() && !outcome.accept().unwrap(), "{outcome}");
        assert_eq!((outcome.requests, outcome.unused.len()), (1, 0));
    }
}

#[tokio::test]
async fn another_version_shows_as_a_difference_that_can_be_accepted() {
    let upstream = Upstream::start(parks).await;
    let folder = WorkFolder::bare("");
    record(&folder, &guest("fifth"), "north", &upstream, &["--case", "one"]).await;
    let variant = load(&guest("variant")).await;
    let run = async || Cases::open(&folder.path("cases")).unwrap().run(&variant).await.remove(0);

    let outcome = run().await;
    let told = "one: differs\n  generation mean-power: 1 added, 1 removed, 1 changed\n\
                \x20   2024-02-01T00:00:00Z  removed: 10 MW\n\
                \x20   2024-02-01T01:00:00Z  11 → 12 MW\n\
                \x20   2024-02-01T03:00:00Z  added: 12 MW";
    assert_eq!(outcome.to_string(), told);
    let verdict = serde_json::to_value(&outcome).unwrap();
    assert_eq!((&verdict["verdict"], &verdict["detail"]["changed"]), (&"different".into(), &1.into()));
    assert!(outcome.accept().unwrap());
    let outcome = run().await;
    assert!(outcome.passed(), "{outcome}");
    let old = Cases::open(&folder.path("cases")).unwrap().run(&load(&guest("fifth")).await).await.remove(0);
    assert!(matches!(old.verdict, CaseVerdict::Different(_)), "{old}");
}

#[tokio::test]
async fn a_changed_body_shows_and_a_case_that_nobody_accepted_is_new() {
    let upstream = Upstream::start(parks).await;
    let folder = WorkFolder::bare("");
    record(&folder, &guest("fifth"), "north", &upstream, &["--case", "one"]).await;
    let body = folder.path("cases/one/answers/001.body");
    fs::write(&body, three_hours().replace(",11\n", ",11.5\n")).unwrap();
    let fifth = load(&guest("fifth")).await;
    let run = async || Cases::open(&folder.path("cases")).unwrap().run(&fifth).await.remove(0);
    let outcome = run().await;
    assert!(outcome.to_string().contains("2024-02-01T01:00:00Z  11 → 11.5 MW"), "{outcome}");
    fs::write(&body, "calm\n").unwrap();
    let outcome = run().await;
    assert!(outcome.to_string().contains("a failure in place of records: malformed: not"), "{outcome}");

    fs::remove_file(folder.path("cases/one/expected.json")).unwrap();
    let outcome = run().await;
    assert!(matches!(outcome.verdict, CaseVerdict::New) && !outcome.passed(), "{outcome}");
    assert!(outcome.accept().unwrap());
    let expected = json(&folder.path("cases/one/expected.json"));
    assert_eq!(expected["failure"]["case"], "malformed");
    assert!(run().await.passed(), "a failure can be expected too");
}

#[tokio::test]
async fn what_was_not_recorded_is_named_with_what_is_most_like_it_and_how_to_record_it() {
    let upstream = Upstream::start(parks).await;
    let folder = WorkFolder::bare("");
    record(&folder, &guest("fifth"), "north-asks", &upstream, &["--case", "one"]).await;
    let outcome =
        Cases::open(&folder.path("cases")).unwrap().run(&load(&guest("variant")).await).await.remove(0);
    let (told, url) = (outcome.to_string(), upstream.url());
    for part in [
        "one: asked for what was not recorded".to_owned(),
        format!("GET {url}/parks/index.csv"),
        format!("most like it is 001: GET {url}/parks/north-asks/2024-02.csv"),
        "record it again: backfill source fetch … --record ".to_owned(),
        "--case one --force".to_owned(),
    ] {
        assert!(told.contains(&part), "{part}: {told}");
    }
    let refused = outcome.accept().unwrap_err().to_string();
    assert!(refused.contains("can't be accepted: asked for what was not recorded"), "{refused}");
}

#[tokio::test]
async fn chance_clock_header_and_body_of_a_request_are_the_recorded_ones() {
    let upstream = Upstream::start(parks).await;
    let folder = WorkFolder::bare("");
    record(&folder, &guest("variant"), "north-posts", &upstream, &["--case", "one"]).await;
    let answer = folder.path("cases/one/answers/001.toml");
    let text = fs::read_to_string(&answer).unwrap();
    for part in ["method = \"POST\"", "x-asks: variant", "body = \"hour=", "?nonce="] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let variant = load(&guest("variant")).await;
    let run = async || Cases::open(&folder.path("cases")).unwrap().run(&variant).await.remove(0);
    let outcome = run().await;
    assert!(outcome.passed(), "{outcome}");
    fs::write(&answer, text.replace("x-asks: variant", "x-asks: other")).unwrap();
    let told = run().await.to_string();
    assert!(told.contains("its headers differ"), "{told}");
    fs::write(&answer, text.replace("body = \"hour=", "body = \"day=")).unwrap();
    let outcome = run().await;
    assert!(outcome.to_string().contains("its body differs"), "{outcome}");
    assert_eq!(outcome.unused.len(), 1, "{outcome}");
}

#[tokio::test]
async fn no_credential_gets_into_a_case_however_the_upstream_sings_it() {
    let upstream = Upstream::start(|asked| {
        let key = asked.path.split("api_key=").nth(1).unwrap_or_default().to_owned();
        let body = format!("{{\"error\":\"{CANARY} and {key} are no keys\",\"code\":400}}");
        axum::response::Response::builder().status(400).header("x-echo", CANARY).body(body.into()).unwrap()
    })
    .await;
    let folder = WorkFolder::new(&source_at("eia", &upstream.url(), ""));
    let fetch = ["source", "fetch", "eia", "--code", "61014", "--month", "2024-02", "--record", "cases"];
    let ran = folder.backfill(&[&fetch[..], &["--attribute", "fuel2002=WND"]].concat()).await;
    assert_eq!(ran.code, Some(3), "{}", ran.err);
    assert!(upstream.asked()[0].path.contains("api_key=canary"), "the upstream was given it");
    let case = folder.path("cases/eia-61014-2024-02");
    let files = ["case.toml", "expected.json", "answers/001.toml", "answers/001.body"];
    let all: String = files.map(|file| fs::read_to_string(case.join(file)).unwrap()).concat();
    assert!(!all.contains("4711"), "{all}");
    assert!(all.matches("[redacted]").count() >= 3, "the search would have found it: {all}");
    let outcomes = Cases::open(&folder.path("cases")).unwrap().run(&load(&plugin("eia")).await).await;
    assert!(outcomes[0].passed(), "{}", outcomes[0]);
}

#[tokio::test]
async fn real_sources_replay_what_they_were_answered() {
    let options = Options { now: Some("2024-12-15T12:00:00Z".parse().unwrap()), ..Options::default() };
    let simulator = simulator::start(options).await.unwrap();
    let url = simulator.url();
    let folder =
        WorkFolder::new(&["elexon", "entsoe", "eia", "taipower"].map(|id| source_at(id, &url, "")).concat());
    let asked: [&[&str]; 4] = [
        &["fetch", "elexon", "--month", "2024-02", "--code", "T_HOWAO-1"],
        &["fetch", "eia", "--month", "2024-02", "--code", "61014", "--attribute", "fuel2002=WND"],
        &[
            "fetch",
            "entsoe",
            "--month",
            "2024-02",
            "--code",
            "45W000000000046I",
            "--attribute",
            "area=10Y1001A1001A796",
        ],
        &["collect", "taipower", "--code", "觀園", "--code", "沃一風"],
    ];
    for arguments in asked {
        folder.backfill(&[&["source"], arguments, &["--record", "cases"]].concat()).await.succeeded();
    }
    drop(simulator);
    let cases = Cases::open(&folder.path("cases")).unwrap();
    let names: Vec<_> = cases.names().map(str::to_owned).collect();
    let expected = [
        "eia-61014-2024-02",
        "elexon-T_HOWAO-1-2024-02",
        "entsoe-45W000000000046I-2024-02",
        "taipower-觀園-now",
    ];
    assert_eq!(names, expected);
    for (id, name) in ["eia", "elexon", "entsoe", "taipower"].into_iter().zip(expected) {
        let outcomes = cases.run(&load(&plugin(id)).await).await;
        let own = outcomes.iter().find(|outcome| outcome.name == name).unwrap();
        assert!(own.passed() && own.requests > 0 && own.unused.is_empty(), "{own}");
        assert_eq!(outcomes.iter().filter(|outcome| outcome.passed()).count(), 1, "each knows its own alone");
    }
}

#[tokio::test]
async fn a_body_is_kept_as_it_came_and_compressed_where_it_is_large() {
    let Some(fixtures) = fixtures() else { return };
    let stream = fs::read(fixtures.join("elexon/gs_pn_stream_ramp.json")).unwrap();
    let large = [stream.as_slice(), &vec![b' '; 2 << 20]].concat();
    let served = large.clone();
    let upstream = Upstream::start(move |asked| {
        if asked.path.contains("/PN/stream?") { text(200, served.clone()) } else { text(200, "[]") }
    })
    .await;
    let folder = WorkFolder::bare("");
    let set = format!("base_url={}", upstream.url());
    let elexon = plugin("elexon");
    let fetch = [
        "source",
        "fetch",
        elexon.to_str().unwrap(),
        "--code",
        "T_DRAXX-1",
        "--month",
        "2026-08",
        "--set",
        &set,
    ];
    folder.backfill(&[&fetch[..], &["--record", "cases", "--case", "ramp"]].concat()).await.succeeded();
    let answers = folder.path("cases/ramp/answers");
    let packed = fs::read_dir(&answers).unwrap().map(|file| file.unwrap().path());
    let packed: Vec<_> =
        packed.filter(|path| path.extension().is_some_and(|ending| ending == "zst")).collect();
    assert_eq!(packed.len(), 1);
    let packed = fs::read(&packed[0]).unwrap();
    assert!(packed.len() < 1 << 20);
    assert_eq!(zstd::decode_all(packed.as_slice()).unwrap(), large);
    let outcome = Cases::open(&folder.path("cases")).unwrap().run(&load(&elexon).await).await.remove(0);
    assert!(outcome.passed() && outcome.made.as_ref().unwrap().records() > 0, "{outcome}");
}

#[tokio::test]
async fn an_upstream_that_gives_no_answer_is_recorded_too() {
    let folder = WorkFolder::bare("");
    let fifth = guest("fifth");
    let fetch = ["source", "fetch", fifth.to_str().unwrap(), "--code", "north", "--month", "2024-02"];
    // Nobody listens on port 1.
    let more = ["--set", "base_url=http://127.0.0.1:1", "--record", "cases", "--case", "away"];
    let ran = folder.backfill(&[&fetch[..], &more].concat()).await;
    assert_eq!(ran.code, Some(3), "{}", ran.err);
    let answer = fs::read_to_string(folder.path("cases/away/answers/001.toml")).unwrap();
    assert!(answer.contains("case = \"transport\""), "{answer}");
    let outcome = Cases::open(&folder.path("cases")).unwrap().run(&load(&fifth).await).await.remove(0);
    assert!(outcome.passed(), "{outcome}");
}
