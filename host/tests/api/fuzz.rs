//! The whole description, called with what it allows and what it forbids (`make fuzz`).

use std::process::Stdio;

use serde_json::json;
use sqlx::{Connection, PgConnection};
use tokio::process::Command;

use crate::{Client, World, metrics::samples, postgres};

/// Where schemathesis is; without it nothing is called.
const TOOL: &str = "BACKFILL_SCHEMATHESIS";

/// So many calls make a run.
const CASES: u64 = 10_000;

/// So many of them must do what they ask for, or else refusals alone were looked at.
const SUCCESSES: f64 = 500.0;

/// What is looked at in every answer.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
                      response_schema_conformance,response_headers_conformance,negative_data_rejection,ignored_auth";

#[tokio::test]
async fn no_call_is_answered_with_a_fault_or_a_status_that_is_not_described() {
    let Ok(tool) = std::env::var(TOOL) else {
        eprintln!("SKIPPED: no call is made up without schemathesis; `make fuzz` runs this");
        return;
    };
    let server = postgres::database().await.expect("this is for Postgres");
    let world = World::on(Some(&server), "").await;
    // Calls are made to small ids, too: these users and tokens may be disabled and revoked.
    let bait = world.user("bait", "admin").await;
    for number in 0..40 {
        bait.post("/users", &json!({ "name": format!("bait {number}"), "role": "viewer" })).await.expect(201);
        bait.post("/tokens", &json!({ "name": "bait" })).await.expect(201);
    }
    // Who asks has an id that no call guesses: else it takes its own token away, and the rest are refusals.
    let mut database = PgConnection::connect(server.url()).await.unwrap();
    for table in ["users", "api_tokens"] {
        let further = "SELECT setval(pg_get_serial_sequence($1, 'id'), 739402171)";
        sqlx::query(further).bind(table).execute(&mut database).await.unwrap();
    }
    let admin = world.admin().await;
    world.filled(&admin).await;
    // Events are followed until a job ends: now all have.
    // What an event looks like, schemathesis takes from what the description says of the whole text.
    let without_schema: Vec<_> = CHECKS.split(',').filter(|check| !check.contains("schema")).collect();
    let only_events = ["--include-path-regex", "/events$", "--max-time", "60"];
    let followed = world.fuzzed(&tool, &admin, &without_schema.join(","), &only_events).await;
    assert!(followed >= 100, "only {followed} calls followed a job");
    let others = ["--exclude-path-regex", "/events$", "--max-time", "600"];
    let cases = world.fuzzed(&tool, &admin, CHECKS, &others).await;
    assert!(cases >= CASES, "only {cases} calls were made");
    // Who asked was let in to the end, and got what there is.
    admin.get("/users/me").await.expect(200);
    let counted = samples(&admin.get("//metrics").await.expect(200).text);
    let successes = counted
        .iter()
        .filter(|(name, _)| name.starts_with("backfill_http_requests_total{") && name.contains("status=\"2"));
    let successes: f64 = successes.map(|(_, count)| count).sum();
    assert!(successes >= SUCCESSES, "only {successes} calls did anything");
}

impl World {
    /// Calls what the description has, as somebody; gives how many calls were made.
    async fn fuzzed(&self, tool: &str, client: &Client, checks: &str, which: &[&str]) -> u64 {
        let bearer = format!("Authorization: Bearer {}", client.token.as_deref().unwrap());
        let output = Command::new(tool)
            .args(["run", &format!("{}/openapi.json", self.base), "--checks", checks, "--header", &bearer])
            .args(["--max-examples", "200", "--phases", "examples,coverage,fuzzing", "--workers", "2"])
            .args(["--continue-on-failure", "--request-timeout", "30", "--no-color"])
            .args(["--suppress-health-check", "all", "--generation-database", "none"])
            .args(which)
            .current_dir(self.folder.root())
            .stdin(Stdio::null())
            .stderr(Stdio::inherit())
            .output()
            .await
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        println!("{said}");
        assert!(output.status.success(), "schemathesis found faults; see above");
        // `24571 generated, 24571 passed`
        let cases = said.lines().find_map(|line| line.split_once(" generated")?.0.trim().parse().ok());
        cases.expect("it says how many calls it made")
    }
}
