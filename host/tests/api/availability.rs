//! What is stored of a wind farm, and why the rest is missing.

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    World,
    client::{Answer, Client},
};

const PATH: &str = "/backfill/availability/1";

/// The cell of a unit's month.
fn cell<'a>(shown: &'a Value, unit: i64, month: &str) -> &'a Value {
    let mut cells = shown["cells"].as_array().unwrap().iter();
    cells
        .find(|cell| cell["generation_unit_id"] == unit && cell["month"] == month)
        .unwrap_or_else(|| panic!("no cell of unit {unit} in {month}: {shown:#}"))
}

fn cause<'a>(shown: &'a Value, unit: i64, month: &str) -> &'a str {
    cell(shown, unit, month)["gap"]["cause"].as_str().unwrap_or("none")
}

async fn year(client: &Client, year: u32) -> Value {
    client.get(&format!("{PATH}?year={year}")).await.expect(200).json
}

async fn job(client: &Client, units: &[i64], first: &str, last: &str) -> i64 {
    let body = json!({ "generation_unit_ids": units, "start_date": first, "end_date": last });
    client.post("/backfill/jobs", &body).await.expect(202).json["id"].as_i64().unwrap()
}

async fn ended(client: &Client, id: i64) {
    client.until(&format!("/backfill/jobs/{id}"), |shown| shown["job"]["completed_at"].is_string()).await;
}

#[tokio::test]
async fn coverage_is_told_by_unit_source_and_month_with_the_cause_of_each_gap() {
    World::each(async |world| {
        let client = world.admin().await;
        let nothing = client.get(PATH).await.expect(200).json;
        assert_eq!(nothing["months"].as_array().unwrap().len(), 12, "{nothing:#}");
        assert_eq!(
            (&nothing["units"][0]["code"], nothing["units"].as_array().unwrap().len()),
            (&json!("T_HOWAO-1"), 2)
        );
        assert!(
            nothing["cells"].as_array().unwrap().iter().all(|cell| cell["gap"]["cause"] == "never-asked")
        );

        world.filled(&client).await;
        let shown = year(&client, 2024).await;
        let january = cell(&shown, 1, "2024-01");
        let expected = 31 * 86_400;
        assert_eq!(
            (&january["expected_seconds"], &january["present_seconds"], &january["coverage_percent"]),
            (&json!(expected), &json!(expected), &json!(100.0)),
            "{january:#}"
        );
        assert_eq!(
            (&january["interval_seconds"], &january["expected_intervals"], &january["present_intervals"]),
            (&json!(1800), &json!(1488), &json!(1488))
        );
        assert_eq!((&january["kind"], &january["gap"]), (&json!("generation"), &Value::Null));
        assert_eq!((cause(&shown, 1, "2024-01"), cause(&shown, 2, "2024-02")), ("none", "never-asked"));
        let source = &shown["sources"][0];
        assert_eq!((&source["source"], source["months"].as_array().unwrap().len()), (&json!("elexon"), 12));
        assert_eq!(source["months"][0]["coverage_percent"], 100.0);
        assert_eq!((&shown["units"][0]["zone"], &shown["units"][0]["active"]), (&json!("UTC"), &json!(true)));
        assert_eq!(source["months"][1]["gaps"], json!({ "never-asked": 2 }));
        assert_eq!(source["months"][1]["expected_seconds"], 2 * 29 * 86_400);
        let all = client.get(PATH).await.expect(200).json;
        assert_eq!(all["months"][0], "2024-01", "without a span, from the first month that is known");
        assert_eq!(cause(&year(&client, 2018).await, 1, "2018-12"), "before-history");
        assert_eq!(cause(&year(&client, 2999).await, 1, "2999-12"), "future");
    })
    .await;
}

#[tokio::test]
async fn what_tasks_came_to_is_told() {
    World::each(async |world| {
        let client = world.admin().await;
        world.simulator.set_faults(vec!["kind=garbage-body".parse().unwrap()]);
        // Of one unit: failures of two would close the source for a while.
        let failing = job(&client, &[1], "2024-02-01", "2024-02-29").await;
        ended(&client, failing).await;
        world.simulator.set_faults(vec!["kind=empty-answer,path=/datasets".parse().unwrap()]);
        let empty = job(&client, &[1, 2], "2024-03-01", "2024-03-31").await;
        ended(&client, empty).await;
        world.simulator.set_faults(vec![]);
        let part = job(&client, &[1, 2], "2024-04-01", "2024-04-10").await;
        ended(&client, part).await;
        world.hold();
        let running = job(&client, &[1, 2], "2024-05-01", "2024-05-31").await;
        let path = format!("/backfill/jobs/{running}");
        client.until(&path, |shown| shown["by_status"]["in_progress"] == 2).await;

        let shown = year(&client, 2024).await;
        let gap = |month| &cell(&shown, 1, month)["gap"];
        assert_eq!(
            (&gap("2024-02")["cause"], &gap("2024-02")["code"]),
            (&json!("failed"), &json!("malformed"))
        );
        assert!(
            gap("2024-02")["task_id"].is_i64() && !gap("2024-02")["message"].as_str().unwrap().is_empty()
        );
        assert_eq!(
            (&gap("2024-03")["cause"], &gap("2024-03")["confirmed"]),
            (&json!("upstream-has-none"), &json!(false)),
            "{:#}",
            gap("2024-03")
        );
        assert_eq!(cause(&shown, 1, "2024-04"), "never-asked");
        assert!(gap("2024-04")["message"].as_str().unwrap().contains("part of the month"));
        assert_eq!(cell(&shown, 1, "2024-04")["present_seconds"], 10 * 86_400);
        assert_eq!((cause(&shown, 1, "2024-05"), cause(&shown, 2, "2024-05")), ("under-way", "under-way"));
        client.post(&format!("{path}/cancel"), &json!({})).await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn an_unchanged_answer_is_not_sent_twice_and_wrong_questions_are_refused() {
    World::each(async |world| {
        let client = world.admin().await;
        let first = client.get(&format!("{PATH}?from=2023-11&to=2024-02&source=elexon")).await.expect(200);
        assert_eq!(first.json["months"], json!(["2023-11", "2023-12", "2024-01", "2024-02"]));
        let again = client.request(Method::GET, &format!("{PATH}?from=2023-11&to=2024-02&source=elexon"));
        let again = again.header("if-none-match", first.header("etag"));
        assert_eq!(Answer::of(again).await.status, 304);
        let none = client.get(&format!("{PATH}?year=2024&source=eia")).await.expect(200).json;
        assert_eq!((&none["units"], &none["sources"]), (&json!([]), &json!([])));
        for (query, name) in [
            ("year=1969", "year"),
            ("year=2024&from=2024-01", "year"),
            ("from=2024-01", "to"),
            ("to=2024-01", "from"),
            ("from=2024-02&to=2024-01", "from"),
            ("from=2024-13&to=2025-01", "from"),
            ("year=x", "year"),
        ] {
            let wrong = client.get(&format!("{PATH}?{query}")).await.problem(400, "invalid-parameter");
            assert_eq!(wrong.json["errors"][0]["parameter"], name, "{query}");
        }
        client.get("/backfill/availability/99").await.problem(404, "not-found");
        let wrong = client.get("/backfill/availability/x").await.problem(400, "invalid-parameter");
        assert_eq!(wrong.json["errors"][0]["parameter"], "windfarm_id");
    })
    .await;
}
