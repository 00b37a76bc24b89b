//! EIA: roll-ups, pages, text comparison, error bodies.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use simulator::{Fault, FaultKind, Options, Simulator, values};

use crate::{get, options, start, utc};

const FACILITY: &str = "/v2/electricity/facility-fuel/data/";
const RTO: &str = "/v2/electricity/rto/fuel-type-data/data/";

async fn response(simulator: &Simulator, path: &str) -> Value {
    let answer = get(simulator, path).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()["response"].clone()
}

fn rows(response: &Value) -> &Vec<Value> {
    response["data"].as_array().unwrap()
}

fn number(value: &Value) -> f64 {
    value.as_str().expect("numbers are strings").parse().unwrap()
}

#[tokio::test]
async fn a_month_of_a_plant_comes_in_three_roll_ups_of_one_generation() {
    let simulator = start(options()).await;
    let path = format!(
        "{FACILITY}?frequency=monthly&data[0]=generation&facets[plantCode][]=61014&start=2021-01&end=2021-02"
    );
    let response = response(&simulator, &path).await;
    assert_eq!(response["total"], "6", "a string");
    let january: BTreeMap<_, _> = rows(&response)
        .iter()
        .filter(|row| row["period"] == "2021-01")
        .map(|row| {
            let key = (row["fuel2002"].as_str().unwrap(), row["primeMover"].as_str().unwrap());
            (key, number(&row["generation"]))
        })
        .collect();
    let expected = values::eia_plant_mwh("61014", "WND", 2021, 1).unwrap();
    assert_eq!(
        january,
        BTreeMap::from([(("ALL", "ALL"), expected), (("WND", "ALL"), expected), (("WND", "WT"), expected)])
    );
    assert_eq!(rows(&response)[0]["generation-units"], "megawatthours");
    assert!((0.0..101.2 * 24.0 * 31.0).contains(&expected));
}

#[tokio::test]
async fn movers_sum_to_their_fuel_fuels_to_the_plant_and_batteries_are_negative() {
    let simulator = start(options()).await;
    for plant in ["59817", "61083", "61034"] {
        let path =
            format!("{FACILITY}?data[]=generation&facets[plantCode][]={plant}&start=2023-05&end=2023-05");
        let response = response(&simulator, &path).await;
        let sum = |wanted: &dyn Fn(&str, &str) -> bool| -> f64 {
            rows(&response)
                .iter()
                .filter(|row| wanted(row["fuel2002"].as_str().unwrap(), row["primeMover"].as_str().unwrap()))
                .map(|row| number(&row["generation"]))
                .sum()
        };
        let (total, fuels, movers) = (
            sum(&|fuel, _| fuel == "ALL"),
            sum(&|fuel, mover| fuel != "ALL" && mover == "ALL"),
            sum(&|_, mover| mover != "ALL"),
        );
        assert!(
            (total - fuels).abs() < 0.01 && (total - movers).abs() < 0.01,
            "{plant}: {total} {fuels} {movers}"
        );
        assert_eq!(Some(total), values::eia_plant_mwh(plant, "ALL", 2023, 5));
        if plant == "61083" {
            assert!(sum(&|fuel, mover| fuel == "MWH" && mover == "ALL") < 0.0);
        }
    }
}

#[tokio::test]
async fn hours_are_named_by_their_end_and_compared_as_text() {
    let simulator = start(options()).await;
    let total = async |start: &str, end: &str| {
        let path = format!(
            "{RTO}?data[0]=value&facets[respondent][]=PACW&facets[fueltype][]=WND&start={start}&end={end}"
        );
        response(&simulator, &path).await["total"].clone()
    };
    assert_eq!(total("2024-01-01", "2024-01-02").await, "25", "a date means its hour 00 only");
    assert_eq!(total("2024-01-01T00", "2024-01-01T23").await, "24");
    assert_eq!(total("2024-01-01T01", "2024-02-01T00").await, "744", "January");
    let path = format!("{RTO}?data[0]=value&facets[respondent][]=PACW&start=2024-01-01T05&end=2024-01-01T05");
    for row in rows(&response(&simulator, &path).await) {
        let expected =
            values::eia_ba_mwh("PACW", row["fueltype"].as_str().unwrap(), utc("2024-01-01T05:00:00Z"));
        assert_eq!(Some(number(&row["value"])), expected);
    }
    let months = format!(
        "{FACILITY}?data[0]=generation&facets[plantCode][]=61014&facets[fuel2002][]=ALL&start=2021-02-01&end=2021-04"
    );
    assert_eq!(response(&simulator, &months).await["total"], "2", "2021-02 comes before 2021-02-01");
}

#[tokio::test]
async fn some_hours_are_negative_and_some_are_null() {
    let simulator = start(options()).await;
    let path = format!(
        "{RTO}?data[0]=value&facets[respondent][]=TIDC&facets[fueltype][]=WND&start=2024-01-01T00&end=2024-03-31T23"
    );
    let response = response(&simulator, &path).await;
    let values: Vec<_> = rows(&response).iter().map(|row| &row["value"]).collect();
    assert!(values.iter().any(|value| value.is_null()));
    let path = path.replace("TIDC", "PACW");
    let response = self::response(&simulator, &path).await;
    assert!(rows(&response).iter().any(|row| number(&row["value"]) < 0.0));
}

/// All pages of all months of all plants, 5,000 rows at most each.
async fn pages(simulator: &Simulator, sort: &str) -> (usize, Vec<Value>) {
    let path = format!("{FACILITY}?data[0]=generation&start=2022-01&length=9999{sort}");
    let mut all = Vec::new();
    loop {
        let response = response(simulator, &format!("{path}&offset={}", all.len())).await;
        let total: usize = response["total"].as_str().unwrap().parse().unwrap();
        assert!(rows(&response).len() <= 5000);
        assert_eq!(response["warnings"][0]["warning"], "incomplete return");
        all.extend(rows(&response).clone());
        if all.len() >= total {
            return (total, all);
        }
    }
}

const COMPLETE_SORT: &str = "&sort[0][column]=period&sort[0][direction]=asc&sort[1][column]=plantCode\
                             &sort[2][column]=fuel2002&sort[3][column]=primeMover&sort[3][direction]=desc";

fn distinct(rows: &[Value]) -> usize {
    rows.iter().map(Value::to_string).collect::<std::collections::BTreeSet<_>>().len()
}

#[tokio::test]
async fn pages_add_up_to_the_total_and_obey_the_sort() {
    let simulator = start(Options { eia_plants: 60, ..options() }).await;
    let (total, rows) = pages(&simulator, COMPLETE_SORT).await;
    assert!(total > 5000);
    assert_eq!((rows.len(), distinct(&rows)), (total, total));
    let key =
        |row: &Value| (row["period"].to_string(), row["plantCode"].to_string(), row["fuel2002"].to_string());
    assert!(rows.is_sorted_by_key(key));
}

#[tokio::test]
async fn unstable_paging_loses_rows_unless_the_sort_is_complete() {
    let faults = vec![Fault::from(FaultKind::UnstableOrder {})];
    let simulator = start(Options { eia_plants: 60, faults, ..options() }).await;
    let (total, rows) = pages(&simulator, "").await;
    assert!(distinct(&rows) < total);
    let (total, rows) = pages(&simulator, COMPLETE_SORT).await;
    assert_eq!(distinct(&rows), total);
}

#[tokio::test]
async fn without_data_columns_there_are_only_dimensions() {
    let simulator = start(options()).await;
    let response =
        response(&simulator, &format!("{FACILITY}?facets[plantCode][]=61014&start=2021-01&end=2021-01"))
            .await;
    assert_eq!(response["total"], "3");
    assert!(rows(&response)[0].get("generation").is_none());
}

#[tokio::test]
async fn an_unknown_facet_value_is_nothing_and_an_unknown_facet_is_an_error() {
    let simulator = start(options()).await;
    let nothing = response(&simulator, &format!("{FACILITY}?data[0]=generation&facets[plantCode][]=1")).await;
    assert_eq!((&nothing["total"], rows(&nothing).len()), (&json!("0"), 0));
    for (path, part) in [
        (format!("{FACILITY}?facets[plantid][]=61014"), "Invalid facet 'plantid' provided."),
        (
            format!("{FACILITY}?frequency=millenially"),
            "Invalid frequency 'millenially' provided. The only valid",
        ),
        (format!("{FACILITY}?data[0]=D"), "Invalid data 'D' provided."),
        (format!("{RTO}?sort=period"), "Invalid parameter 'sort'"),
        (format!("{RTO}?length=many"), "Invalid length"),
    ] {
        let answer = get(&simulator, &path).await;
        assert_eq!((answer.status, &answer.json()["code"]), (400, &json!(400)), "{path}");
        assert!(answer.json()["error"].as_str().unwrap().contains(part), "{}", answer.text());
    }
    let answer = get(&simulator, "/v2/electricity/no-such-thing/data/").await;
    assert_eq!((answer.status, answer.json()), (404, json!({"error": "Not found.", "code": 404})));
}

#[tokio::test]
async fn the_key_is_checked_echoed_in_the_body_and_never_logged() {
    let simulator = start(Options { eia_key: Some("canary".into()), ..options() }).await;
    let path = format!("{RTO}?data[0]=value&facets[respondent][]=PACW&start=2024-01-01T00&end=2024-01-01T00");
    for (path, code) in
        [(path.clone(), "API_KEY_MISSING"), (format!("{path}&api_key=wrong"), "API_KEY_INVALID")]
    {
        let answer = get(&simulator, &path).await;
        assert_eq!((answer.status, &answer.json()["error"]["code"]), (403, &json!(code)));
    }
    let answer = get(&simulator, &format!("{path}&api_key=canary")).await;
    assert_eq!(answer.json()["request"]["params"]["api_key"], "canary");
    assert_eq!(answer.json()["request"]["params"]["facets"], json!({"respondent": ["PACW"]}));
    assert!(!format!("{:?}", simulator.log()).contains("canary"));
}

#[tokio::test]
async fn months_appear_after_two_months_and_metadata_says_so() {
    let simulator = start(options()).await;
    let path = format!(
        "{FACILITY}?data[0]=generation&facets[plantCode][]=61014&facets[fuel2002][]=ALL&start=2024-01&sort[0][column]=period"
    );
    let response = response(&simulator, &path).await;
    let periods: Vec<_> = rows(&response).iter().map(|row| row["period"].as_str().unwrap()).collect();
    assert_eq!(periods, ["2024-01", "2024-02", "2024-03", "2024-04"]);
    assert_eq!(self::response(&simulator, "/v2/electricity/facility-fuel/").await["endPeriod"], "2024-04");
    let facet = self::response(&simulator, "/v2/electricity/rto/fuel-type-data/facet/fueltype").await;
    assert_eq!(facet["totalFacets"], 6);
}

#[tokio::test]
async fn the_inventory_has_every_generator_again_each_month() {
    let simulator = start(options()).await;
    let route = "/v2/electricity/operating-generator-capacity";
    let about = get(&simulator, route).await.json();
    assert_eq!(about["response"]["endPeriod"], "2024-04");
    let query = "frequency=monthly&data[0]=nameplate-capacity-mw&data[1]=latitude&data[2]=county\
                 &facets[energy_source_code][]=SUN&facets[plantid][]=59817&sort[0][column]=generatorid";
    let month = get(&simulator, &format!("{route}/data/?{query}&start=2024-04&end=2024-04")).await.json();
    let rows = month["response"]["data"].as_array().unwrap();
    let capacities: Vec<_> = rows.iter().map(|row| row["nameplate-capacity-mw"].as_str().unwrap()).collect();
    assert_eq!(capacities, ["77", "33"], "two generators of one plant");
    assert_eq!(
        (&rows[0]["nameplate-capacity-mw-units"], &rows[0]["plantid"]),
        (&"MW".into(), &"59817".into())
    );
    assert!(rows[0]["latitude"].is_string() && rows[0].get("latitude-units").is_none());
    assert_eq!(rows[0]["county"], "Simulated");
    let year = get(&simulator, &format!("{route}/data/?{query}&start=2023-05&end=2024-04")).await.json();
    assert_eq!(year["response"]["total"], "24");
}
