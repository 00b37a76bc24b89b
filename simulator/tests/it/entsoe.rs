//! ENTSO-E documents: what is in them equals what `values` says.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use roxmltree::{Document, Node};
use simulator::catalogue::entsoe::find;
use simulator::values::{self, Direction};
use simulator::{Curve, Options, Simulator};

use crate::{get, options, start, utc};

const DENMARK: &str = "10Y1001A1001A796";
const FRANCE: &str = "10YFR-RTE------C";
const KRIEGERS_FLAK: &str = "45W000000000126K";
const VESTERHAV_SYD: &str = "45W000000000207K";

/// A time series with its curve filled in: (start, minutes, MW).
pub(crate) struct Series {
    pub(crate) unit: Option<String>,
    plant: Option<String>,
    psr_type: Option<String>,
    direction: Direction,
    periods: usize,
    points_given: usize,
    pub(crate) values: Vec<(DateTime<Utc>, i64, f64)>,
}

pub(crate) fn query(document_type: &str, area: &str, start: &str, end: &str) -> String {
    format!(
        "/api?documentType={document_type}&processType=A16&in_Domain={area}&periodStart={start}&periodEnd={end}"
    )
}

async fn series(simulator: &Simulator, path: &str) -> Vec<Series> {
    let answer = get(simulator, path).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    parse(answer.text())
}

/// Positions left out repeat the one before, up to the end of the period.
pub(crate) fn parse(text: &str) -> Vec<Series> {
    let document = Document::parse(text).unwrap();
    assert_eq!(document.root_element().tag_name().name(), "GL_MarketDocument");
    let all = document.root_element().children().filter(|node| node.has_tag_name_any("TimeSeries"));
    all.map(one_series).collect()
}

trait Named {
    fn has_tag_name_any(&self, name: &str) -> bool;
    fn find_text(&self, path: &[&str]) -> Option<String>;
}

impl Named for Node<'_, '_> {
    /// By local name; every element has the document's namespace.
    fn has_tag_name_any(&self, name: &str) -> bool {
        self.tag_name().name() == name
    }

    fn find_text(&self, path: &[&str]) -> Option<String> {
        let Some((first, rest)) = path.split_first() else { return self.text().map(str::to_owned) };
        self.children().find(|node| node.has_tag_name_any(first))?.find_text(rest)
    }
}

fn one_series(node: Node) -> Series {
    let generation = node.find_text(&["inBiddingZone_Domain.mRID"]).is_some();
    let mut series = Series {
        unit: node.find_text(&["MktPSRType", "PowerSystemResources", "mRID"]),
        plant: node.find_text(&["registeredResource.mRID"]),
        psr_type: node.find_text(&["MktPSRType", "psrType"]),
        direction: if generation { Direction::Generation } else { Direction::Consumption },
        periods: 0,
        points_given: 0,
        values: Vec::new(),
    };
    for period in node.children().filter(|node| node.has_tag_name_any("Period")) {
        let time = |name| {
            let text = period.find_text(&["timeInterval", name]).unwrap();
            NaiveDateTime::parse_from_str(&text, "%Y-%m-%dT%H:%MZ").unwrap().and_utc()
        };
        let resolution = period.find_text(&["resolution"]).unwrap();
        let minutes: i64 = resolution.trim_start_matches("PT").trim_end_matches('M').parse().unwrap();
        let points: BTreeMap<i64, f64> = period
            .children()
            .filter(|node| node.has_tag_name_any("Point"))
            .map(|point| {
                let number = |name| point.find_text(&[name]).unwrap();
                (number("position").parse().unwrap(), number("quantity").parse().unwrap())
            })
            .collect();
        series.periods += 1;
        series.points_given += points.len();
        for position in 1..=(time("end") - time("start")).num_minutes() / minutes {
            let (_, value) = points.range(..=position).next_back().expect("position 1 is present");
            series.values.push((
                time("start") + TimeDelta::minutes(minutes * (position - 1)),
                minutes,
                *value,
            ));
        }
    }
    series
}

fn expected(series: &Series, at: DateTime<Utc>) -> Option<f64> {
    let unit = series.unit.as_deref().unwrap();
    match series.direction {
        Direction::Generation => values::entsoe_unit_mw(unit, at),
        Direction::Consumption => values::entsoe_unit_consumption_mw(unit, at),
    }
}

#[tokio::test]
async fn every_value_of_every_unit_is_the_one_the_functions_give_under_both_curves() {
    for curve in [Curve::A01, Curve::A03] {
        let simulator = start(Options { entsoe_curve: curve, ..options() }).await;
        let found = series(&simulator, &query("A73", DENMARK, "202401050000", "202401060000")).await;
        for series in &found {
            for (at, minutes, value) in &series.values {
                assert_eq!(Some(*value), expected(series, *at), "{:?} {at}", series.unit);
                assert_eq!(*minutes, find(series.unit.as_deref().unwrap()).unwrap().resolution_minutes);
            }
        }
        let given: usize = found.iter().map(|series| series.points_given).sum();
        let values: usize = found.iter().map(|series| series.values.len()).sum();
        match curve {
            Curve::A01 => assert_eq!(given, values, "A01 leaves nothing out"),
            Curve::A03 => assert!(given < values * 9 / 10, "A03 leaves repeats out: {given} of {values}"),
        }
    }
}

#[tokio::test]
async fn a_day_of_an_area_holds_all_its_units_with_both_resolutions_and_directions() {
    let simulator = start(options()).await;
    let found = series(&simulator, &query("A73", FRANCE, "202401050000", "202401060000")).await;
    let units: std::collections::BTreeSet<_> =
        found.iter().filter_map(|series| series.unit.clone()).collect();
    assert_eq!(units.len(), 120);
    let resolutions: std::collections::BTreeSet<_> =
        found.iter().flat_map(|series| &series.values).map(|(_, minutes, _)| *minutes).collect();
    assert_eq!(resolutions.into_iter().collect::<Vec<_>>(), [15, 60]);
    assert!(found.iter().any(|series| series.direction == Direction::Consumption));
    assert!(found.iter().any(|series| series.psr_type.is_none()), "some units have no type");
    let plants: std::collections::BTreeSet<_> =
        found.iter().filter_map(|series| series.plant.clone()).collect();
    assert!(plants.len() < units.len(), "some plants have two units");
}

#[tokio::test]
async fn filters_by_unit_and_by_type_narrow_the_answer() {
    let simulator = start(options()).await;
    let day = query("A73", DENMARK, "202401050000", "202401060000");
    let one = series(&simulator, &format!("{day}&registeredResource={KRIEGERS_FLAK}")).await;
    assert!(one.iter().all(|series| series.unit.as_deref() == Some(KRIEGERS_FLAK)));
    assert_eq!(one.iter().map(|series| series.values.len()).collect::<Vec<_>>(), [96, 96]);
    let solar = series(&simulator, &format!("{day}&psrType=B16")).await;
    assert!(solar.iter().all(|series| series.psr_type.as_deref() == Some("B16")));
}

#[tokio::test]
async fn periods_are_clipped_to_the_window_and_begin_at_position_one() {
    let simulator = start(options()).await;
    let part = format!(
        "{}&registeredResource={KRIEGERS_FLAK}",
        query("A73", DENMARK, "202401051015", "202401051130")
    );
    let found = series(&simulator, &part).await;
    let starts: Vec<_> = found[0].values.iter().map(|(at, _, _)| at.format("%H:%M").to_string()).collect();
    assert_eq!(starts, ["10:15", "10:30", "10:45", "11:00", "11:15"]);
    for (at, _, value) in &found[0].values {
        assert_eq!(Some(*value), values::entsoe_unit_mw(KRIEGERS_FLAK, *at));
    }
}

/// The first day of 2024 on which Vesterhav Syd has its gap.
fn day_with_gap() -> DateTime<Utc> {
    let at = |day| utc("2024-01-01T03:00:00Z") + TimeDelta::days(day);
    (0..60).map(at).find(|at| values::entsoe_unit_mw(VESTERHAV_SYD, *at).is_none()).unwrap()
}

#[tokio::test]
async fn a_gap_is_two_periods_under_a03_and_two_series_under_a01() {
    let day = day_with_gap();
    let next = day + TimeDelta::days(1);
    let (from, to) = (day.format("%Y%m%d0000").to_string(), next.format("%Y%m%d0000").to_string());
    let path = format!("{}&registeredResource={VESTERHAV_SYD}", query("A73", DENMARK, &from, &to));
    for (curve, periods) in [(Curve::A03, vec![2]), (Curve::A01, vec![1, 1])] {
        let simulator = start(Options { entsoe_curve: curve, ..options() }).await;
        let found = series(&simulator, &path).await;
        assert_eq!(found.iter().map(|series| series.periods).collect::<Vec<_>>(), periods, "{curve:?}");
        assert_eq!(found.iter().map(|series| series.values.len()).sum::<usize>(), 22);
    }
}

#[tokio::test]
async fn types_of_an_area_come_in_both_directions_and_never_add_up() {
    let simulator = start(options()).await;
    let found = series(&simulator, &query("A75", "10YNL----------L", "202401010000", "202402010000")).await;
    let of = |psr_type: &str, direction| {
        found
            .iter()
            .find(|series| series.psr_type.as_deref() == Some(psr_type) && series.direction == direction)
            .unwrap()
    };
    for direction in [Direction::Generation, Direction::Consumption] {
        let wind = of("B19", direction);
        assert_eq!(wind.values.len(), 31 * 96);
        for (at, _, value) in &wind.values {
            assert_eq!(Some(*value), values::entsoe_area_mw("10YNL----------L", "B19", direction, *at));
        }
    }
    assert!(of("B10", Direction::Consumption).values.iter().any(|(_, _, value)| *value > 0.0));
}

#[tokio::test]
async fn france_changes_its_resolution_within_one_series() {
    let simulator = start(Options { now: Some(utc("2025-06-30T00:00:00Z")), ..options() }).await;
    let path = format!("{}&psrType=B16", query("A75", FRANCE, "202501080000", "202501090000"));
    let found = series(&simulator, &path).await;
    assert_eq!((found.len(), found[0].periods), (1, 2));
    let minutes: Vec<_> = found[0].values.iter().map(|(_, minutes, _)| *minutes).collect();
    assert_eq!(minutes, [vec![60; 23], vec![15; 4]].concat());
}

#[tokio::test]
async fn values_never_exceed_capacity_and_winter_is_windier() {
    let mean = |month: u32| {
        let start = utc(&format!("2023-{month:02}-01T00:00:00Z"));
        let hours: Vec<_> = (0..28 * 24)
            .map(|hour| values::entsoe_unit_mw("45W000000000046I", start + TimeDelta::hours(hour)).unwrap())
            .collect();
        assert!(hours.iter().all(|value| (0.0..=400.0).contains(value)));
        hours.iter().sum::<f64>() / hours.len() as f64
    };
    let winter = mean(1) + mean(2) + mean(12);
    let summer = mean(6) + mean(7) + mean(8);
    assert!(winter > summer, "{winter} {summer}");
}

#[tokio::test]
async fn units_are_published_five_days_late() {
    let simulator = start(options()).await;
    let path = format!(
        "{}&registeredResource={KRIEGERS_FLAK}",
        query("A73", DENMARK, "202406250000", "202406260000")
    );
    let found = series(&simulator, &path).await;
    assert_eq!(found[0].values.last().unwrap().0, utc("2024-06-25T11:45:00Z"), "now is noon of the 30th");
}

#[tokio::test]
async fn large_answers_are_compressed_for_those_who_can_read_it() {
    let simulator = start(options()).await;
    let url = format!("{}{}", simulator.url(), query("A73", FRANCE, "202401050000", "202401060000"));
    let plain = reqwest::Client::builder().no_gzip().build().unwrap();
    let packed = plain.get(&url).header("Accept-Encoding", "gzip").send().await.unwrap();
    assert_eq!(packed.headers()["content-encoding"], "gzip");
    assert_eq!(packed.headers()["content-type"], "text/xml");
    assert!(packed.bytes().await.unwrap().starts_with(&[0x1f, 0x8b]));
    let read = reqwest::get(&url).await.unwrap().text().await.unwrap();
    assert!(parse(&read).len() >= 120);
}
