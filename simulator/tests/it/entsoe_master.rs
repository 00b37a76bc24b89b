//! ENTSO-E master data (A95).

use roxmltree::Document;
use simulator::catalogue::entsoe::find;

use crate::{get, options, start};

fn query(zone: &str) -> String {
    format!(
        "/api?documentType=A95&businessType=B11&BiddingZone_Domain={zone}&Implementation_DateAndOrTime=2024-06-30"
    )
}

/// (plant, unit) of every generation unit in a document.
fn units(text: &str) -> Vec<(String, String)> {
    let document = Document::parse(text).unwrap();
    assert_eq!(document.root_element().tag_name().name(), "Configuration_MarketDocument");
    let named = |name: &'static str| {
        move |node: &roxmltree::Node<'_, '_>| node.tag_name().name() == name && node.is_element()
    };
    let plants = document.descendants().filter(named("TimeSeries"));
    plants
        .flat_map(|plant| {
            let id = plant.children().find(named("registeredResource.mRID")).unwrap().text().unwrap();
            let generators = plant.descendants().filter(named("GeneratingUnit_PowerSystemResources"));
            generators.map(move |unit| {
                (id.to_owned(), unit.children().find(named("mRID")).unwrap().text().unwrap().to_owned())
            })
        })
        .collect()
}

#[tokio::test]
async fn a_zone_has_its_plants_with_their_units() {
    let simulator = start(options()).await;
    let answer = get(&simulator, &query("10YDK-1--------W")).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "text/xml"));
    let found = units(answer.text());
    let plant_of = |unit: &str| found.iter().find(|(_, code)| code == unit).map(|(plant, _)| plant);
    assert!(plant_of("45W000000000046I").is_some());
    assert_eq!(plant_of("45W000000000208I"), plant_of("45W000000000207K"), "two units of one plant");
    assert_eq!(plant_of("45W000000000126K"), None, "Kriegers Flak is in the other zone");
    let whole = get(&simulator, &query("10Y1001A1001A796")).await;
    let other = get(&simulator, &query("10YDK-2--------M")).await;
    assert_eq!(units(whole.text()).len(), found.len() + units(other.text()).len());
    let solar = get(&simulator, &(query("10Y1001A1001A796") + "&psrType=B16")).await;
    let solar = units(solar.text());
    assert!(!solar.is_empty() && solar.iter().all(|(_, code)| find(code).unwrap().psr_type == Some("B16")));
}

#[tokio::test]
async fn what_is_not_there_or_wrong_is_acknowledged() {
    let simulator = start(options()).await;
    for (path, status, text) in [
        (query("10YGB----------A"), 200, "No matching data found"),
        (query("10Y1001A1001ABCD"), 200, "No matching data found"),
        (query("10YNL----------L") + "&processType=A16", 400, "Input parameter does not exist: processType"),
        (query("10YNL----------L").replace("B11", "B12"), 400, "dependency tables"),
        (query("10YNL----------L").replace("2024-06-30", "202406300000"), 400, "Bad request"),
    ] {
        let answer = get(&simulator, &path).await;
        assert_eq!(answer.status, status, "{path}");
        assert!(answer.text().contains("Acknowledgement_MarketDocument"), "{path}");
        assert!(answer.text().contains(text), "{path}: {}", answer.text());
    }
    simulator.set_faults(vec!["kind=instance-limit,allowed=20".parse().unwrap()]);
    let refused = get(&simulator, &query("10YFR-RTE------C")).await;
    assert!(refused.text().contains("exceeds the allowed maximum"), "{}", refused.text());
}
