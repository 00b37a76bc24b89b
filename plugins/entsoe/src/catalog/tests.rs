use std::cell::RefCell;

use super::*;

/// 2026-03-01T12:00Z.
const NOW: i64 = 1_772_366_400;

fn ok(body: String) -> Result<Reply, Failure> {
    Ok(Reply { status: 200, retry_after: None, body: body.into_bytes() })
}

fn ack(text: &str) -> Result<Reply, Failure> {
    ok(format!(
        "<Acknowledgement_MarketDocument><Reason><code>999</code><text>{text}</text></Reason></Acknowledgement_MarketDocument>"
    ))
}

fn no_data() -> Result<Reply, Failure> {
    ack("No matching data found for Data item PRODUCTION_AND_GENERATION_UNITS")
}

/// A document of plants: (plant, control area, since, units of (EIC, name, type, MW)).
type Plant<'a> = (&'a str, &'a str, &'a str, &'a [(&'a str, &'a str, &'a str, &'a str)]);

fn document(plants: &[Plant<'_>]) -> Result<Reply, Failure> {
    let plant = |(name, area, since, units): &Plant<'_>| {
        let unit = |(eic, name, psr, mw): &(&str, &str, &str, &str)| {
            format!(
                "<GeneratingUnit_PowerSystemResources><mRID>{eic}</mRID><name>{name}</name>\
                 <nominalP unit=\"MAW\">{mw}</nominalP>\
                 <generatingUnit_PSRType.psrType>{psr}</generatingUnit_PSRType.psrType>\
                 </GeneratingUnit_PowerSystemResources>"
            )
        };
        let units: String = units.iter().map(unit).collect();
        format!(
            "<TimeSeries><registeredResource.mRID>45W-{name:-<12}</registeredResource.mRID>\
             <implementation_DateAndOrTime.date>{since}</implementation_DateAndOrTime.date>\
             <registeredResource.name>{name}</registeredResource.name>\
             <ControlArea_Domain><mRID>{area}</mRID></ControlArea_Domain>\
             <MktPSRType><psrType>B19</psrType>{units}</MktPSRType></TimeSeries>"
        )
    };
    let plants: String = plants.iter().map(plant).collect();
    ok(format!("<Configuration_MarketDocument><type>A95</type>{plants}</Configuration_MarketDocument>"))
}

struct Outcome {
    result: Result<Vec<Unit>, Failure>,
    urls: Vec<String>,
    notes: String,
}

fn listed_of(areas: &str, upstream: impl Fn(&Query) -> Result<Reply, Failure>) -> Outcome {
    let urls = RefCell::new(Vec::new());
    let mut notes = Notes::default();
    let ask = |queries: &[Query]| {
        urls.borrow_mut().extend(queries.iter().map(|query| query.request("").url().to_owned()));
        queries.iter().map(&upstream).collect::<Vec<_>>().into_iter()
    };
    let result = list(areas, NOW, ask, &mut notes);
    let notes = notes.0.into_iter().map(|(_, line)| line).collect::<Vec<_>>().join("\n");
    Outcome { result, urls: urls.into_inner(), notes }
}

const ANHOLT: (&str, &str, &str, &str) = ("45W000000000046I", "Anholt", "B18", "400");

#[test]
fn units_come_with_what_fetch_asks_for() {
    let found = listed_of("DK_1, 10YDK-2--------M", |query| match query.zone.name.as_str() {
        "DK_1" => document(&[("Anholt", "10Y1001A1001A796", "2014-10-01", &[ANHOLT])]),
        _ => document(&[("Rodsand", "", "", &[("45W000000000044M", "", "", "165,6")])]),
    });
    assert_eq!(
        found.urls[0],
        "/api?documentType=A95&businessType=B11&BiddingZone_Domain=10YDK-1--------W&Implementation_DateAndOrTime=2026-03-01"
    );
    let units = found.result.unwrap();
    let anholt = units.iter().find(|unit| unit.name == "Anholt").unwrap();
    assert_eq!((anholt.code.as_str(), anholt.capacity_mw), ("45W000000000046I", Some(400.0)));
    for (name, value) in [
        ("area", "10Y1001A1001A796"),
        ("production_type", "wind-offshore"),
        ("site", "Anholt"),
        ("bidding_zone", "DK_1"),
        ("production_unit", "45W-Anholt------"),
    ] {
        assert_eq!(anholt.attribute(name), Some(value), "{name}");
    }
    let other = units.iter().find(|unit| unit.code == "45W000000000044M").unwrap();
    assert_eq!((other.name.as_str(), other.capacity_mw), ("Rodsand", None), "named as its plant is");
    assert_eq!(other.attribute("area"), Some("10Y1001A1001A796"), "the zone leads to its control area");
    assert_eq!(other.attribute("production_type"), Some("wind-onshore"), "of its plant");
    let control_area = "10Y1001A1001A796".to_owned();
    for unit in &units {
        assert_eq!(
            Target::of(unit),
            Ok(Target::Unit { eic: unit.code.clone(), control_area: control_area.clone() })
        );
    }
}

#[test]
fn a_german_unit_is_asked_of_its_own_control_area_and_one_without_is_left_out() {
    let found = listed_of("DE_LU", |_| {
        document(&[
            ("Alpha", "10YDE-EON------1", "", &[("11WD8ALPH1WW---G", "Alpha 1", "B18", "60")]),
            ("Beta", "10Y1001A1001A82H", "", &[("11WD7TENN1K----X", "Beta 1", "B18", "60")]),
            ("Gamma", "10YDE-EON------1", "", &[]),
        ])
    });
    let units = found.result.unwrap();
    assert_eq!(units.iter().map(|unit| unit.code.as_str()).collect::<Vec<_>>(), ["11WD8ALPH1WW---G"]);
    assert_eq!(units[0].attribute("area"), Some("10YDE-EON------1"));
    assert!(
        found.notes.contains("1 generation units that can't be asked for: 11WD7TENN1K----X: "),
        "{}",
        found.notes
    );
    assert!(found.notes.contains("1 plants without a generation unit"), "{}", found.notes);
}

#[test]
fn the_later_of_two_entries_of_a_unit_is_taken() {
    for order in [[0, 1], [1, 0]] {
        let entry = [
            ("Anholt", "10Y1001A1001A796", "2014-10-01", &[("45W000000000046I", "Old", "B18", "100")][..]),
            ("Anholt", "10Y1001A1001A796", "2020-01-01", &[ANHOLT][..]),
        ];
        let found = listed_of("DK_1", |_| document(&order.map(|at| entry[at])));
        let units = found.result.unwrap();
        assert_eq!((units.len(), units[0].name.as_str()), (1, "Anholt"));
    }
}

#[test]
fn a_zone_with_too_many_is_asked_by_type_and_types_without_units_do_not_matter() {
    let found = listed_of("FR", |query| match query.psr {
        None => ack("The number of instances (149) exceeds the allowed maximum (100)."),
        Some("B18") => {
            document(&[("Park", "10YFR-RTE------C", "", &[("17W100P100P0001A", "Park", "B18", "480")])])
        }
        Some("B13") => ack("PsrType B13 is not valid for this area"),
        Some(_) => no_data(),
    });
    assert_eq!(found.result.unwrap().len(), 1);
    assert_eq!(found.urls.len(), 1 + 21);
    assert!(found.urls[1].contains("&psrType=B01&"), "{}", found.urls[1]);
    assert_eq!(found.notes, "");
    let never = listed_of("FR", |_| ack("The number of instances (149) exceeds the allowed maximum (100)."));
    assert!(matches!(never.result, Err(Failure::Malformed(why)) if why.contains("FR")));
    assert_eq!(never.urls.len(), 1 + 21, "the asking ends");
}

#[test]
fn a_zone_without_data_or_refused_is_passed_over_and_told_of() {
    let found = listed_of("DK_1,NL,SE_1", |query| match query.zone.name.as_str() {
        "DK_1" => document(&[("Anholt", "10Y1001A1001A796", "", &[ANHOLT])]),
        "NL" => no_data(),
        _ => ack("Please, check you request against dependency tables."),
    });
    assert_eq!(found.result.unwrap().len(), 1);
    assert!(found.notes.contains("1 areas refused: SE_1: "), "{}", found.notes);
    assert!(found.notes.contains("1 areas without master data: NL"), "{}", found.notes);
    let nothing = listed_of("NL", |_| no_data()).result;
    assert!(matches!(nothing, Err(Failure::NoData(why)) if why.contains("NL")));
}

#[test]
fn anything_else_that_goes_wrong_ends_the_whole() {
    let reply = |status: u16, body: &str| Ok(Reply { status, retry_after: None, body: body.into() });
    let failed = |of_nl: fn() -> Result<Reply, Failure>| {
        let found = listed_of("DK_1,NL", |query| match query.zone.name.as_str() {
            "DK_1" => document(&[("Anholt", "10Y1001A1001A796", "", &[ANHOLT])]),
            _ => of_nl(),
        });
        found.result.unwrap_err()
    };
    assert!(matches!(failed(|| Err(Failure::Unavailable("cut".into()))), Failure::Unavailable(_)));
    assert!(
        matches!(failed(|| ok("<Configuration_MarketDocument><ty".into())), Failure::Malformed(why) if why.contains("NL"))
    );
    let wrong = listed_of("DK_1", |_| reply(401, "<html>Unauthorized</html>")).result.unwrap_err();
    assert!(matches!(wrong, Failure::Unauthorized(_)));
    let banned = listed_of("DK_1", |_| reply(429, "")).result.unwrap_err();
    assert!(matches!(banned, Failure::RateLimited(Some(600))));
    let other = listed_of("DK_1", |_| ok("<GL_MarketDocument><type>A73</type></GL_MarketDocument>".into()));
    assert!(matches!(other.result, Err(Failure::Malformed(why)) if why.contains("instead of A95")));
}

#[test]
fn areas_are_checked_before_anything_is_asked_and_the_default_is_bounded() {
    for (areas, expected) in [("Atlantis", "`Atlantis`"), (" , ", "names no area")] {
        let found = listed_of(areas, |_| no_data());
        assert!(matches!(found.result, Err(Failure::NotAvailable(why)) if why.contains(expected)), "{areas}");
        assert!(found.urls.is_empty());
    }
    assert_eq!(zones(AREAS).unwrap().len(), 31);
    let many = (0..41).map(|n| format!("10Y-{n:0>11}A")).collect::<Vec<_>>().join(",");
    assert!(zones(&many).unwrap_err().contains("at most 40"));
    assert_eq!(zones("DK_1,dk_1,10YDK-1--------W").unwrap().len(), 1);
}
