use serde_json::json;

use super::*;

fn scope(fuels: &str) -> Scope {
    Scope::of("plants", fuels).unwrap()
}

/// A row of plant 61014 with changes laid over it.
fn row(changes: &Value) -> Row {
    let mut row = json!({
        "period": "2024-04", "plantid": "61014", "plantName": "Pattern Santa Isabel LLC", "generatorid": "WT1",
        "stateid": "PR", "stateName": "Puerto Rico", "entityName": "Pattern Energy", "status": "OP",
        "technology": "Onshore Wind Turbine", "energy_source_code": "WND", "prime_mover_code": "WT",
        "balancing_authority_code": null, "county": "Santa Isabel", "latitude": "17.98", "longitude": "-66.39",
        "nameplate-capacity-mw": "50.6", "nameplate-capacity-mw-units": "MW",
    });
    for (column, value) in changes.as_object().unwrap() {
        row[column] = value.clone();
    }
    serde_json::from_value(row).unwrap()
}

fn listed(fuels: &str, changes: &[Value]) -> (Vec<Unit>, Vec<String>) {
    let rows = changes.iter().map(row).collect();
    plants(Listing { rows, complete: true, notes: Vec::new() }, &scope(fuels), "2024-04").unwrap()
}

fn of<'a>(units: &'a [Unit], code: &str) -> &'a Unit {
    units.iter().find(|unit| unit.code == code).unwrap()
}

#[test]
fn the_generators_of_a_plant_are_one_unit_with_the_sum_of_their_capacities() {
    let (units, notes) =
        listed("WND", &[json!({}), json!({"generatorid": "WT2", "nameplate-capacity-mw": 50.7})]);
    let [plant] = &units[..] else { panic!("{} units", units.len()) };
    assert_eq!((plant.code.as_str(), plant.name.as_str()), ("61014", "Pattern Santa Isabel LLC"));
    assert_eq!((plant.capacity_mw, notes.len()), (Some(101.3), 0));
    for (name, value) in [
        ("fuel2002", "WND"),
        ("production_type", "wind-onshore"),
        ("site", "Pattern Santa Isabel LLC"),
        ("state", "PR"),
        ("latitude", "17.98"),
        ("county", "Santa Isabel"),
    ] {
        assert_eq!(plant.attribute(name), Some(value), "{name}");
    }
    assert_eq!(plant.attribute("balancing_authority"), None);
    let Ok(Wanted::Plant(wanted)) = Wanted::of(plant) else { panic!("a plant") };
    assert_eq!(wanted.fuels, ["WND"]);
}

#[test]
fn wind_with_solar_is_fetched_as_both_and_wind_at_sea_is_told_from_wind_on_land() {
    let (units, notes) = listed(
        "WND,SUN",
        &[
            json!({}),
            json!({"energy_source_code": "SUN", "generatorid": "PV1", "prime_mover_code": "PV"}),
            json!({"plantid": 80001, "prime_mover_code": "WS", "plantName": null}),
        ],
    );
    let both = of(&units, "61014");
    assert_eq!((both.capacity_mw, both.attribute("fuel2002")), (Some(101.2), None));
    assert_eq!(both.attribute("production_type"), Some("wind-onshore,solar"));
    let Ok(Wanted::Plant(wanted)) = Wanted::of(both) else { panic!("a plant") };
    assert_eq!(wanted.fuels, ["SUN", "WND"]);
    let sea = of(&units, "80001");
    assert_eq!((sea.name.as_str(), sea.attribute("production_type")), ("80001", Some("wind-offshore")));
    assert_eq!(notes.len(), 0);
}

#[test]
fn a_plant_of_other_fuels_is_listed_for_the_largest() {
    let gas = json!({"energy_source_code": "NG", "generatorid": "CT1", "nameplate-capacity-mw": "530"});
    let (units, notes) = listed("WND,NG", &[json!({}), gas]);
    assert_eq!((units[0].attribute("fuel2002"), units[0].capacity_mw), (Some("NG"), Some(530.0)));
    assert_eq!(notes, ["plant 61014 burns NG, WND; it is listed for NG"]);
}

#[test]
fn rows_of_other_months_and_fuels_and_plants_that_are_none_are_passed_over() {
    let (units, notes) = listed(
        "WND",
        &[
            json!({"period": "2024-03", "plantid": "1"}),
            json!({"energy_source_code": "SUN", "plantid": "2"}),
            json!({"plantid": "99999"}),
            json!({"plantid": "66167_1"}),
        ],
    );
    assert_eq!((units.len(), notes.len()), (0, 2), "{notes:?}");
}

#[test]
fn a_capacity_that_is_not_known_in_full_is_none() {
    for change in [json!(null), json!("NA"), json!("-3"), json!("")] {
        let (units, _) =
            listed("WND", &[json!({}), json!({"generatorid": "2", "nameplate-capacity-mw": change})]);
        assert_eq!(units[0].capacity_mw, None, "{change}");
    }
    let (units, _) = listed("WND", &[json!({"nameplate-capacity-mw-units": "kW"})]);
    assert_eq!(units[0].capacity_mw, None);
}

#[test]
fn a_listing_that_lacks_rows_is_no_catalogue() {
    let listing = Listing { rows: [row(&json!({}))].into(), complete: false, notes: vec!["cut".into()] };
    assert!(
        matches!(plants(listing, &scope("WND"), "2024-04"), Err(Failure::Malformed(why)) if why.contains("cut"))
    );
}

#[test]
fn authorities_are_listed_by_fuel_without_the_regions() {
    let facets = r#"{"totalFacets":3,"facets":[{"id":"PACW","name":"PacifiCorp West"},{"id":"CAL","name":"California"},
        {"id":"ERCO","name":null}]}"#;
    let facets: Facets = serde_json::from_str(facets).unwrap();
    let units = authorities(&facets, &Scope::of("authorities", "wnd, SUN").unwrap());
    let codes: Vec<_> = units.iter().map(|unit| unit.code.as_str()).collect();
    assert_eq!(codes, ["PACW WND", "ERCO WND", "PACW SUN", "ERCO SUN"]);
    assert_eq!(units[0].name, "PacifiCorp West, WND");
    assert!(units.iter().all(|unit| matches!(Wanted::of(unit), Ok(Wanted::Authority(_)))));
}

#[test]
fn settings_are_checked_and_the_questions_say_what_they_want() {
    for (kinds, fuels) in [("farms", "WND"), ("", "WND"), ("plants", " , "), ("plants", "W&D")] {
        assert!(Scope::of(kinds, fuels).is_err(), "{kinds} {fuels}");
    }
    let both = Scope::of("plants, Authorities", "wnd,WND,SUN").unwrap();
    assert_eq!(both, Scope { plants: true, authorities: true, fuels: vec!["WND".into(), "SUN".into()] });
    let url = generators("https://x", &both, "2024-04").url().replace("%5B", "[").replace("%5D", "]");
    assert!(
        url.starts_with("https://x/v2/electricity/operating-generator-capacity/data/?frequency=monthly&"),
        "{url}"
    );
    for part in [
        "data[0]=nameplate-capacity-mw",
        "facets[energy_source_code][]=WND&facets[energy_source_code][]=SUN&start=2024-04&end=2024-04",
        "sort[0][column]=plantid",
        "sort[1][column]=generatorid",
    ] {
        assert!(url.contains(part), "{url} lacks {part}");
    }
}
