//! The simulator's own pages, its life, and its command line.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::{get, options, start, try_get};

const UNITS: &str = "/bmrs/api/v1/reference/bmunits/all";

#[tokio::test]
async fn faults_and_log_can_be_managed_over_http() {
    let simulator = start(options()).await;
    let client = reqwest::Client::new();
    let url = |path: &str| format!("{}/_admin/{path}", simulator.url());
    assert_eq!(get(&simulator, "/_admin/health").await.json()["now"], "2024-06-30T12:00:00Z");
    let faults = json!([{ "kind": "status", "status": 503, "retry-after": 5, "api": "elexon", "times": 1 }]);
    let put = client.put(url("faults")).json(&faults).send().await.unwrap();
    assert_eq!(put.status(), 204);
    assert_eq!(get(&simulator, "/_admin/faults").await.json()[0]["retry-after"], "5");
    assert_eq!(get(&simulator, &format!("{UNITS}?api_key=canary&b=%C3%A6")).await.status, 503);
    let log = get(&simulator, "/_admin/log").await.json();
    assert_eq!(log.as_array().unwrap().len(), 1, "the simulator's own pages are not in it");
    assert_eq!(
        (&log[0]["query"], &log[0]["api"], &log[0]["status"]),
        (&json!("b=æ"), &json!("elexon"), &json!(503))
    );
    for path in ["faults", "log"] {
        assert_eq!(client.delete(url(path)).send().await.unwrap().status(), 204);
        assert_eq!(get(&simulator, &format!("/_admin/{path}")).await.json(), json!([]));
    }
}

#[tokio::test]
async fn a_fault_that_cannot_be_read_is_refused_with_the_reason_and_changes_nothing() {
    let simulator = start(options()).await;
    let client = reqwest::Client::new();
    let url = format!("{}/_admin/faults", simulator.url());
    client.put(&url).json(&json!([{ "kind": "zip" }])).send().await.unwrap();
    let refused = client.put(&url).json(&json!([{ "kind": "zap" }])).send().await.unwrap();
    assert_eq!(refused.status(), 422);
    assert!(refused.text().await.unwrap().contains("zap"));
    assert_eq!(get(&simulator, "/_admin/faults").await.json(), json!([{ "kind": "zip" }]));
}

#[tokio::test]
async fn a_stopped_simulator_answers_no_more() {
    let simulator = start(options()).await;
    let url = format!("{}{UNITS}", simulator.url());
    assert_eq!(get(&simulator, UNITS).await.status, 200);
    simulator.stop().await;
    assert!(reqwest::get(&url).await.unwrap_err().is_connect());
}

#[tokio::test]
async fn unknown_paths_are_not_found() {
    let simulator = start(options()).await;
    for path in ["/", "/bmrs/api/v1/nothing", "/data/opendata/apply/file/d006002/001.json"] {
        assert_eq!(try_get(&simulator, path).await.unwrap().status, 404, "{path}");
    }
}

#[test]
fn the_command_says_where_it_listens_and_ends_on_sigterm() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_simulator"))
        .args(["--port", "0", "--now", "2024-05-01", "--fault", "kind=empty-body,api=eia"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let url = line.trim_end().strip_prefix("listening on ").unwrap().to_owned();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (now, faults) = runtime.block_on(async {
        let json = async |path: &str| {
            reqwest::get(format!("{url}/_admin/{path}")).await.unwrap().json::<Value>().await.unwrap()
        };
        (json("health").await["now"].clone(), json("faults").await)
    });
    assert_eq!(
        (now, faults),
        (json!("2024-05-01T00:00:00Z"), json!([{ "api": "eia", "kind": "empty-body" }]))
    );
    assert!(Command::new("kill").arg(child.id().to_string()).status().unwrap().success());
    assert!(child.wait().unwrap().success());
}

#[test]
fn the_help_explains_faults() {
    let help = Command::new(env!("CARGO_BIN_EXE_simulator")).arg("--help").output().unwrap();
    let text = String::from_utf8(help.stdout).unwrap();
    for part in ["retry-after", "cut-mid-body", "match=TEXT", "/_admin/faults", "--now"] {
        assert!(text.contains(part), "{part}");
    }
    let wrong = Command::new(env!("CARGO_BIN_EXE_simulator")).args(["--fault", "kind=zap"]).output().unwrap();
    assert!(!wrong.status.success());
    assert!(String::from_utf8(wrong.stderr).unwrap().contains("zap"));
}
