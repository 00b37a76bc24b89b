//! The whole description, called with what it allows and what it forbids (`make fuzz`).

use std::process::Stdio;

use serde_json::json;
use tokio::process::Command;

use crate::{World, postgres};

/// Where schemathesis is; without it nothing is called.
const TOOL: &str = "BACKFILL_SCHEMATHESIS";

/// So many calls make a run.
const CASES: u64 = 10_000;

#[tokio::test]
async fn no_call_is_answered_with_a_fault_or_a_status_that_is_not_described() {
    let Ok(tool) = std::env::var(TOOL) else {
        eprintln!("SKIPPED: no call is made up without schemathesis; `make fuzz` runs this");
        return;
    };
    let server = postgres::database().await.expect("this is for Postgres");
    let world = World::on(Some(&server), "").await;
    // Calls are made to small ids: these users and tokens may be disabled and revoked.
    let bait = world.user("bait", "admin").await;
    for number in 0..40 {
        bait.post("/users", &json!({ "name": format!("bait {number}"), "role": "viewer" })).await.expect(201);
        bait.post("/tokens", &json!({ "name": "bait" })).await.expect(201);
    }
    let admin = world.admin().await;
    world.filled(&admin).await;
    let checks = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,\
                  response_headers_conformance,ignored_auth";
    let bearer = format!("Authorization: Bearer {}", admin.token.as_deref().unwrap());
    let output = Command::new(tool)
        .args(["run", &format!("{}/openapi.json", world.base), "--checks", checks, "--header", &bearer])
        .args(["--max-examples", "200", "--phases", "examples,coverage,fuzzing", "--workers", "2"])
        .args(["--continue-on-failure", "--request-timeout", "30", "--no-color", "--max-time", "600"])
        // Events are followed until a job ends.
        .args(["--exclude-path-regex", "/events$"])
        .args(["--suppress-health-check", "all", "--generation-database", "none"])
        .current_dir(world.folder.root())
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .await
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    println!("{said}");
    assert!(output.status.success(), "schemathesis found faults; see above");
    // `24571 generated, 24571 passed`
    let cases = said.lines().find_map(|line| line.split_once(" generated")?.0.trim().parse::<u64>().ok());
    assert!(cases.is_some_and(|cases| cases >= CASES), "only {cases:?} calls were made");
}
