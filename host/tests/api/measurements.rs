//! Measurements read out, gathered, as they stood, and traced.

use reqwest::{Method, header};
use serde_json::{Value, json};

use crate::{
    World,
    client::{Answer, Client},
};

async fn read(client: &Client, query: &str) -> Value {
    client.get(&format!("/measurements?{query}")).await.expect(200).json
}

/// The values of the one series of an answer.
fn values(answer: &Value) -> Vec<Value> {
    let series = answer["series"].as_array().unwrap();
    assert_eq!(series.len(), 1, "{answer:#}");
    series[0]["values"].as_array().unwrap().clone()
}

fn numbers(values: &[Value]) -> Vec<f64> {
    values.iter().map(|value| value["value"].as_f64().unwrap()).collect()
}

fn sum(values: &[Value]) -> f64 {
    numbers(values).iter().sum()
}

const JANUARY: &str = "unit=1&kind=generation&from=2024-01-01&to=2024-02-01";

#[tokio::test]
async fn energy_is_the_same_in_every_resolution_and_parts_say_what_they_cover() {
    World::each(async |world| {
        let client = world.admin().await;
        world.filled(&client).await;
        let native = read(&client, JANUARY).await;
        let series = &native["series"][0];
        assert_eq!(
            (&series["unit_code"], &series["source"], &series["unit"], &series["generation_unit_id"]),
            (&json!("T_HOWAO-1"), &json!("elexon"), &json!("MWh"), &json!(1)),
        );
        let native = values(&native);
        assert_eq!((native.len(), &native[0]["start"]), (1488, &json!("2024-01-01T00:00:00Z")));
        assert!(native[0]["attempt_id"].is_i64() && native[0].get("coverage").is_none());
        for (resolution, count) in [("hour", 744), ("day", 31), ("month", 1)] {
            let gathered = values(&read(&client, &format!("{JANUARY}&resolution={resolution}")).await);
            assert_eq!(gathered.len(), count);
            assert!(gathered.iter().all(|value| value["coverage"] == 1.0));
            assert!((sum(&gathered) - sum(&native)).abs() < 1e-6, "{resolution}");
        }
        let power = values(&read(&client, &format!("{JANUARY}&resolution=month&as=mw")).await);
        assert!((numbers(&power)[0] * 744.0 - sum(&native)).abs() < 1e-6);

        let half = "unit=1&kind=generation&from=2024-01-15T12:00:00Z&to=2024-02-01&resolution=month";
        let half = values(&read(&client, half).await);
        assert_eq!(
            (&half[0]["start"], &half[0]["end"]),
            (&json!("2024-01-01T00:00:00Z"), &json!("2024-02-01T00:00:00Z"))
        );
        assert_eq!(half[0]["coverage"], 16.5 / 31.0);
        let days = values(&read(&client, &format!("{JANUARY}&resolution=day&zone=Asia/Taipei")).await);
        assert_eq!((days.len(), &days[1]["start"]), (31, &json!("2024-01-01T16:00:00Z")));

        let farm = read(&client, "windfarm_id=1&source=elexon&from=2024-01-01&to=2024-01-02").await;
        let units: Vec<_> =
            farm["series"].as_array().unwrap().iter().map(|one| one["generation_unit_id"].as_i64()).collect();
        assert!(units.contains(&Some(1)) && units.contains(&Some(2)), "{units:?}");
        assert_eq!(read(&client, "windfarm_id=2").await, json!({ "series": [] }));
    })
    .await;
}

#[tokio::test]
async fn csv_and_parquet_say_the_same_as_json() {
    World::each(async |world| {
        let client = world.admin().await;
        world.filled(&client).await;
        let json = values(&read(&client, JANUARY).await);
        let csv = client
            .request(Method::GET, &format!("/measurements?{JANUARY}"))
            .header(header::ACCEPT, "text/csv");
        let csv = Answer::of(csv).await.expect(200);
        assert_eq!(csv.header("content-type"), "text/csv; charset=utf-8");
        let mut reader = csv::Reader::from_reader(csv.text.as_bytes());
        let names: Vec<_> = reader.headers().unwrap().iter().map(str::to_owned).collect();
        assert_eq!(names[7..], ["start", "seconds", "value", "unit", "attempt_id", "series_id"]);
        let rows: Vec<_> = reader.records().map(Result::unwrap).collect();
        assert_eq!(rows.len(), json.len());
        let traced = format!("/measurements/trace?series_id={}&start={}", &rows[3][12], &rows[3][7]);
        assert_eq!(client.get(&traced).await.expect(200).json["value"]["value"], json[3]["value"]);
        for (row, value) in rows.iter().zip(&json) {
            assert_eq!(
                (&row[7], row[9].parse().ok()),
                (value["start"].as_str().unwrap(), value["value"].as_f64())
            );
        }
        let parquet =
            client.request(Method::GET, &format!("/measurements?{JANUARY}&format=parquet&resolution=day"));
        let parquet = parquet.send().await.unwrap();
        assert_eq!(parquet.headers()[header::CONTENT_TYPE], "application/vnd.apache.parquet");
        let bytes = parquet.bytes().await.unwrap();
        assert!(bytes.starts_with(b"PAR1") && bytes.ends_with(b"PAR1"), "{} bytes", bytes.len());
    })
    .await;
}

#[tokio::test]
async fn a_corrected_value_is_read_as_it_stood_with_its_history_and_traced_to_its_answers() {
    World::each(async |world| {
        let client = world.admin().await;
        let first = world.filled(&client).await;
        let before = numbers(&values(&read(&client, JANUARY).await));
        let then = client.get(&format!("/backfill/jobs/{first}")).await.json["job"]["completed_at"].clone();
        world.simulator.set_faults(vec!["kind=revised,share=0.2,factor=0.9".parse().unwrap()]);
        let again = json!({ "windfarm_id": 1, "start_date": "2024-01-01", "end_date": "2024-01-31", "reprocess": "all" });
        let second = client.post("/backfill/jobs", &again).await.expect(202).json["id"].clone();
        let path = format!("/backfill/jobs/{second}");
        client.until(&path, |shown| shown["job"]["completed_at"].is_string()).await;

        let now = numbers(&values(&read(&client, JANUARY).await));
        let changed = before.iter().zip(&now).filter(|(old, new)| old != new).count();
        assert!(changed > 100, "{changed} of {}", now.len());
        let as_of = format!("{JANUARY}&as_of={}", then.as_str().unwrap());
        assert_eq!(numbers(&values(&read(&client, &as_of).await)), before);
        assert_eq!(
            read(&client, &format!("{JANUARY}&as_of=2020-01-01T00:00:00Z")).await,
            json!({ "series": [] })
        );
        let history = read(&client, &format!("{JANUARY}&include_history=true")).await;
        let all = values(&history);
        let replaced: Vec<_> = all.iter().filter(|value| value.get("replaced_at").is_some()).collect();
        assert_eq!((all.len(), replaced.len()), (now.len() + changed, changed));

        let (old, series) = (replaced[0], &history["series"][0]["series_id"]);
        let start = old["start"].as_str().unwrap();
        let path = format!("/measurements/trace?series_id={series}&start={start}");
        let trace = client.get(&path).await.expect(200).json;
        assert_eq!(trace["value"]["attempt_id"], old["replaced_by"]);
        assert_eq!(
            (&trace["revisions"][0]["value"], &trace["revisions"][0]["attempt_id"]),
            (&old["value"], &old["attempt_id"])
        );
        let writer = trace["writers"].as_array().unwrap().iter().find(|one| one["job_id"] == second).unwrap();
        assert_eq!(writer["component_digest"].as_str().map(str::len), Some(64), "{writer:#}");
        assert_eq!(writer["attempt"]["outcome"], "written");
        let answer = &writer["answers"][0];
        assert!(answer["url"].as_str().unwrap().starts_with(&world.simulator.url()), "{answer:#}");
        assert!(answer["digest"].is_string() && answer["fetched_at"].is_string());

        client.delete(&format!("/backfill/jobs/{second}")).await.expect(200);
        let trace = client.get(&path).await.expect(200).json;
        let gone = trace["writers"].as_array().unwrap().iter().find(|one| one["attempt_id"] == old["replaced_by"]);
        assert_eq!(gone.unwrap()["attempt"], Value::Null);
        assert_eq!(numbers(&values(&read(&client, &as_of).await)), before, "what replaced them says when");
    })
    .await;
}

#[tokio::test]
async fn wrong_questions_are_refused_by_the_name_of_the_parameter() {
    World::each(async |world| {
        let client = world.admin().await;
        for (query, name) in [
            ("", "unit"),
            ("unit=x", "unit"),
            ("unit=1&from=yesterday", "from"),
            ("unit=1&from=2024-02-01&to=2024-01-01", "from"),
            ("unit=1&from=1970-01-01&to=2024-01-01", "from"),
            ("unit=1&to=9999-12-31", "to"),
            ("unit=1&resolution=week", "resolution"),
            ("unit=1&as=gw", "as"),
            ("unit=1&zone=Mars/Base", "zone"),
            ("unit=1&format=xlsx", "format"),
            ("unit=1&as_of=now", "as_of"),
            ("unit=1&include_history=true&resolution=hour", "include_history"),
            ("windfarm_id=1&colour=red", ""),
        ] {
            let wrong = client.get(&format!("/measurements?{query}")).await.problem(400, "invalid-parameter");
            if !name.is_empty() {
                assert_eq!(wrong.json["errors"][0]["parameter"], name, "{query}: {}", wrong.text);
            }
        }
        client.get("/measurements?unit=99").await.problem(404, "not-found");
        client.get("/measurements?windfarm_id=99").await.problem(404, "not-found");
        client
            .get("/measurements/trace?series_id=1&start=2024-01-01T00:00:00Z")
            .await
            .problem(404, "not-found");
        for query in ["series_id=1&start=0001-01-01T00:00:00Z", "series_id=1&start=noon"] {
            let wrong =
                client.get(&format!("/measurements/trace?{query}")).await.problem(400, "invalid-parameter");
            assert_eq!(wrong.json["errors"][0]["parameter"], "start", "{query}");
        }
    })
    .await;
}
