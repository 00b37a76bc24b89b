//! What the four sources list of their upstreams: complete, fit for the registry, accepted by the source that lists it,
//! and fetched at once.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests fail like tests")]

mod support;

use std::collections::BTreeSet;

use backfill::{
    domain::{Failure, Unit},
    egress::Reuse,
    source::Source,
};
use simulator::{Options, Simulator};
use support::{Upstream, fixtures, month, open, text, work_folder::source_at};

async fn source(id: &str, url: &str, settings: &str) -> Source {
    open(&(source_at(id, url, "") + settings), &[("CANARY", "canary")]).await.unwrap()
}

async fn simulated(id: &str, settings: &str) -> (Simulator, Source) {
    let now = Some("2024-06-30T12:00:00Z".parse().unwrap());
    let simulator = simulator::start(Options { now, ..Options::default() }).await.unwrap();
    let source = source(id, &simulator.url(), settings).await;
    (simulator, source)
}

/// The units that a source lists, each of which must be one that the registry and the source itself take.
async fn listed(source: &Source) -> Vec<Unit> {
    let units = source.list_units().await.expect("a catalogue").outcome.unwrap().unwrap();
    let codes: BTreeSet<_> = units.iter().map(|unit| &unit.code).collect();
    assert_eq!(codes.len(), units.len(), "each code once");
    for unit in &units {
        assert_eq!(unit.unfit(), None, "{unit:?}");
        assert_eq!(source.check_unit(unit).await.unwrap(), Ok(()), "{unit:?}");
        assert!(unit.attributes.contains_key("site"), "{unit:?}");
    }
    units
}

fn unit<'a>(units: &'a [Unit], code: &str) -> &'a Unit {
    units.iter().find(|unit| unit.code == code).unwrap_or_else(|| panic!("no {code}"))
}

/// How many units are moved by wind.
fn wind(units: &[Unit]) -> usize {
    let is_wind =
        |unit: &&Unit| unit.attributes.get("production_type").is_some_and(|t| t.starts_with("wind"));
    units.iter().filter(is_wind).count()
}

/// Fetches a month of a listed unit just as it is listed.
async fn fetched(source: &Source, unit: &Unit, text: &str) -> usize {
    let month = month(text);
    let report = source.fetch(unit, month, source.window(month), Reuse::Never).await;
    let series = report.outcome.unwrap().unwrap_or_else(|failure| panic!("{}: {failure}", unit.code));
    series.iter().map(|one| one.measurements.len()).sum()
}

#[tokio::test]
async fn elexon_lists_its_power_stations() {
    let (_simulator, source) = simulated("elexon", "").await;
    let units = listed(&source).await;
    assert_eq!((units.len(), wind(&units)), (32, 31));
    for code in ["T_HOWAO-1", "ACHYW-1", "T_HAGHW-2"] {
        assert!(fetched(&source, unit(&units, code), "2024-03").await > 1488, "{code}");
    }
}

#[tokio::test]
async fn entsoe_lists_generation_units_of_all_zones_with_the_control_area_that_answers_for_each() {
    let (simulator, source) = simulated("entsoe", "").await;
    let units = listed(&source).await;
    let asked = simulator.log().len();
    assert!((31..=40).contains(&asked), "{asked} requests");
    assert!(units.len() > 300 && wind(&units) > 150, "{} units, {} wind", units.len(), wind(&units));
    let anholt = unit(&units, "45W000000000046I");
    assert_eq!((anholt.name.as_str(), anholt.capacity_mw), ("Anholt", Some(400.0)));
    assert_eq!(anholt.attributes["area"], "10Y1001A1001A796");
    assert!(fetched(&source, anholt, "2024-03").await > 700);
    let german = units.iter().find(|unit| unit.attributes["bidding_zone"] == "DE_LU").unwrap();
    assert!(fetched(&source, german, "2024-03").await > 700, "{german:?}");
    let (nord, syd) = (unit(&units, "45W000000000208I"), unit(&units, "45W000000000207K"));
    assert_eq!(nord.attributes["site"], syd.attributes["site"], "two units of one plant");
    let two = "areas = \"DK_1, DK_2\"\n";
    let (simulator, source) = simulated("entsoe", two).await;
    let danish = listed(&source).await;
    assert_eq!(simulator.log().len(), 2);
    assert!(danish.iter().all(|unit| unit.attributes["area"] == "10Y1001A1001A796"));
    simulator.set_faults(vec!["kind=instance-limit,allowed=6".parse().unwrap()]);
    let by_type = listed(&source).await;
    assert!(!by_type.is_empty() && by_type.len() <= danish.len(), "asked by type where a zone is too much");
    assert!(simulator.log().iter().any(|entry| format!("{entry:?}").contains("psrType")));
}

#[tokio::test]
async fn eia_lists_wind_plants_unless_other_fuels_or_authorities_are_wanted() {
    let (simulator, source) = simulated("eia", "").await;
    let plants = listed(&source).await;
    assert_eq!(simulator.log().len(), 2, "the last month, and its generators");
    assert_eq!(wind(&plants), plants.len());
    let isabel = unit(&plants, "61014");
    assert_eq!((isabel.name.as_str(), isabel.capacity_mw), ("Pattern Santa Isabel LLC", Some(101.2)));
    assert_eq!(unit(&plants, "80001").attributes["production_type"], "wind-offshore");
    assert_eq!(fetched(&source, isabel, "2024-03").await, 1);
    let both = "catalog = \"plants,authorities\"\ncatalog_fuels = \"WND,SUN\"\n";
    let (_simulator, source) = simulated("eia", both).await;
    let all = listed(&source).await;
    assert!(all.len() > plants.len());
    let hybrid = all.iter().find(|unit| unit.attributes["production_type"] == "wind-onshore,solar").unwrap();
    assert_eq!(fetched(&source, hybrid, "2024-03").await, 2, "a value of each fuel");
    assert_eq!(fetched(&source, unit(&all, "PACW WND"), "2024-03").await, 744);
    let (_simulator, source) = simulated("eia", "catalog = \"farms\"\n").await;
    let refused = source.list_units().await.unwrap().outcome.unwrap();
    assert!(matches!(refused, Err(Failure::NotAvailable(why)) if why.contains("\"farms\"")));
}

#[tokio::test]
async fn taipower_lists_what_the_live_report_shows() {
    let (_simulator, source) = simulated("taipower", "").await;
    let units = listed(&source).await;
    assert!(wind(&units) > 20, "{}", wind(&units));
    let own: Vec<_> = units.iter().filter(|unit| unit.attributes["energy_type"] == "wind").cloned().collect();
    let collected = source.collect(&own).await.unwrap().outcome.unwrap().unwrap();
    assert!(collected.len() > own.len() / 2, "{} of {}", collected.len(), own.len());
}

#[tokio::test]
async fn recorded_lists_are_catalogues() {
    let Some(folder) = fixtures() else { return };
    for (id, file, units, of_wind) in [
        ("elexon", "elexon/gs_bmunits_truncated.json", 7, 6),
        ("taipower", "taipower/johnnydev_001_20260410_1010.json", 191, 30),
    ] {
        let body = std::fs::read(folder.join(file)).unwrap();
        let upstream = Upstream::start(move |_| text(200, body.clone())).await;
        let found = listed(&source(id, &upstream.url(), "").await).await;
        assert_eq!((found.len(), wind(&found)), (units, of_wind), "{file}");
    }
}

#[tokio::test]
async fn an_upstream_that_fails_is_told_as_a_fetch_would_tell_it() {
    for id in ["elexon", "entsoe", "eia", "taipower"] {
        let upstream = Upstream::start(move |_| text(503, "<html></html>")).await;
        let away = source(id, &upstream.url(), "").await;
        let failure = away.list_units().await.unwrap().outcome.unwrap().unwrap_err();
        assert_eq!(failure.case().as_str(), "unavailable", "{id}: {failure}");
        let upstream = Upstream::start(|_| text(200, "[{\"cut\": ")).await;
        let source = source(id, &upstream.url(), "").await;
        let failure = source.list_units().await.unwrap().outcome.unwrap().unwrap_err();
        let case = failure.case().as_str();
        assert!(["malformed", "unavailable"].contains(&case), "{id}: {failure}");
    }
}
