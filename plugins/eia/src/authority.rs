//! Hourly net generation of a balancing authority by fuel: `electricity/rto/fuel-type-data`, Form EIA-930.
//!
//! `period` is UTC and names the **end** of the hour (EIA's Grid Monitor, "Time reporting"; some of its own pages
//! say otherwise), so that a month's hours are the periods T01 of its first day to T00 of the next month. Solar
//! with storage (SNB) and wind with storage (WNB) are fuels of their own since 2024, not part of SUN and WND.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use backfill_guest::http::Request;
use backfill_guest::time::{format_utc, parse_utc};
use backfill_guest::{Failure, Month, Quantity, Series};
use serde::Deserialize;
use serde_json::Value;

use crate::Found;
use crate::absence::{HOURLY_LAG_DAYS, nothing};
use crate::cell::{megawatthours, present, text};
use crate::listing::Listing;
use crate::wanted::Authority;

/// One row of `fuel-type-data/data` with `data[0]=value`.
#[derive(Debug, Deserialize, PartialEq, Eq, Hash)]
pub(crate) struct Row {
    #[serde(deserialize_with = "text")]
    period: String,
    #[serde(deserialize_with = "text")]
    respondent: String,
    #[serde(deserialize_with = "text")]
    fueltype: String,
    #[serde(default, deserialize_with = "present")]
    value: Option<Value>,
    #[serde(default, rename = "value-units")]
    units: Option<String>,
}

/// The whole hours of the window wanted: the first one's start and the last one's end, seconds since 1970.
#[derive(Debug, PartialEq)]
pub(crate) struct Hours {
    start: i64,
    end: i64,
}

const HOUR: i64 = 3600;

/// 2018-12-31T23:00Z, start of the hour that ends at the first period EIA offers, 2019-01-01T00.
const FIRST_HOUR: i64 = 1_546_297_200;

/// The whole hours inside the part of the month that is wanted.
///
/// # Errors
/// Not available before 2019, where EIA's history begins, and where no whole hour is wanted.
pub(crate) fn hours(month: &Month) -> Result<Hours, Failure> {
    let hours = Hours {
        start: (month.start + HOUR - 1).div_euclid(HOUR) * HOUR,
        end: month.end.div_euclid(HOUR) * HOUR,
    };
    if hours.end <= FIRST_HOUR {
        let label = month.label();
        return Err(Failure::NotAvailable(format!(
            "{label}: EIA's hours of balancing authorities begin in 2019-01"
        )));
    }
    if hours.start >= hours.end {
        let (start, end) = (format_utc(month.start), format_utc(month.end));
        return Err(Failure::NotAvailable(format!("EIA gives whole hours, and {start} to {end} holds none")));
    }
    Ok(hours)
}

/// The query for an authority's hours of one fuel, without its page.
pub(crate) fn request(base: &str, authority: &Authority, hours: &Hours) -> Request {
    crate::query(base, "rto/fuel-type-data", "hourly", "value", &["period", "respondent", "fueltype"])
        .query("facets[respondent][]", &authority.respondent)
        .query("facets[fueltype][]", &authority.fueltype)
        .query("start", period(hours.start + HOUR))
        .query("end", period(hours.end))
}

/// The authority's energy of each hour, MWh. Rows of other authorities, fuels and hours are passed over.
///
/// # Errors
/// Malformed where a row can't be read or two rows contradict each other; see [`nothing`] for no value at all.
pub(crate) fn read(
    listing: Listing<Row>,
    authority: &Authority,
    hours: &Hours,
    now: i64,
) -> Result<Found, Failure> {
    let Listing { rows, complete, mut notes } = listing;
    let mut values: BTreeMap<i64, Option<f64>> = BTreeMap::new();
    for row in &rows {
        let is_own = row.respondent == authority.respondent && row.fueltype == authority.fueltype;
        if !is_own && row.value.is_some() {
            continue;
        }
        let name = format!("{} {} {}", row.respondent, row.fueltype, row.period);
        let value = megawatthours("value", row.value.as_ref(), row.units.as_deref(), &name)?;
        let start = hour_start(&row.period).ok_or_else(|| {
            Failure::Malformed(format!("{name}: the period is not an hour of UTC like 2024-01-31T09"))
        })?;
        if !(hours.start..hours.end).contains(&start) {
            continue;
        }
        match values.entry(start) {
            Entry::Vacant(hour) => _ = hour.insert(value),
            Entry::Occupied(hour) if *hour.get() == value => {}
            Entry::Occupied(hour) => {
                let first = hour.get();
                return Err(Failure::Malformed(format!(
                    "{name}: EIA gives it twice, as {first:?} and {value:?}"
                )));
            }
        }
    }

    let mut series = Series::new("generation", Quantity::Energy).label("fuel", &authority.fueltype);
    for (&start, &value) in &values {
        if let Some(value) = value {
            series.push(start, 3600, value);
        }
    }
    let what = format!(
        "{} {} {} to {}",
        authority.respondent,
        authority.fueltype,
        format_utc(hours.start),
        format_utc(hours.end)
    );
    if series.measurements.is_empty() {
        return Err(nothing(&what, values.len(), complete, hours.end, HOURLY_LAG_DAYS, now));
    }
    let (have, wanted) = (series.measurements.len(), (hours.end - hours.start) / HOUR);
    if i64::try_from(have).is_ok_and(|have| have < wanted) {
        notes.push(format!("{what}: {have} of {wanted} hours have a value"));
    }
    if authority.is_region() {
        let region = &authority.respondent;
        notes.push(format!("{region} is a sum over balancing authorities; adding it to theirs counts twice"));
    }
    Ok(Found { series: vec![series], notes })
}

/// `YYYY-MM-DDTHH`.
fn period(end: i64) -> String {
    format_utc(end).chars().take("YYYY-MM-DDTHH".len()).collect()
}

/// Start of the hour that a period names by its end.
fn hour_start(period: &str) -> Option<i64> {
    let is_hour = period.len() == "YYYY-MM-DDTHH".len();
    is_hour.then(|| parse_utc(&format!("{period}:00"))).flatten().map(|end| end - HOUR)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: i64 = 1_800_000_000; // 2027
    const JANUARY: i64 = 1_704_067_200; // 2024-01-01T00:00Z
    const FEBRUARY: i64 = 1_706_745_600;

    fn january() -> Month {
        Month { year: 2024, number: 1, start: JANUARY, end: FEBRUARY }
    }

    fn pacw(fueltype: &str) -> Authority {
        Authority { respondent: "PACW".into(), fueltype: fueltype.into() }
    }

    fn row(period: &str, value: Value) -> Row {
        let row = json!({
            "period": period, "respondent": "PACW", "fueltype": "WND", "value": value, "value-units": "megawatthours",
        });
        serde_json::from_value(row).unwrap()
    }

    fn read_rows(rows: impl IntoIterator<Item = Row>) -> Result<Found, Failure> {
        let listing = Listing { rows: rows.into_iter().collect(), complete: true, notes: Vec::new() };
        read(listing, &pacw("WND"), &hours(&january())?, NOW)
    }

    fn values(rows: impl IntoIterator<Item = Row>) -> Vec<(i64, f64)> {
        let found = read_rows(rows).unwrap();
        found.series[0].measurements.iter().map(|one| (one.start, one.value)).collect()
    }

    #[test]
    fn a_period_names_the_end_of_its_hour() {
        assert_eq!(values([row("2024-01-01T01", json!("5"))]), [(JANUARY, 5.0)]);
        assert_eq!(values([row("2024-02-01T00", json!("6"))]), [(FEBRUARY - HOUR, 6.0)]);
    }

    #[test]
    fn hours_of_other_months_are_passed_over() {
        let rows = [("2024-01-01T00", 1), ("2024-01-15T12", 2), ("2024-02-01T01", 3)];
        assert_eq!(
            values(rows.map(|(period, value)| row(period, json!(value)))),
            [(JANUARY + (14 * 24 + 11) * HOUR, 2.0)]
        );
    }

    #[test]
    fn values_are_ordered_whatever_the_order_of_rows_and_missing_ones_are_left_out() {
        let rows = [
            row("2024-01-01T03", json!("-3")),
            row("2024-01-01T01", json!(0)),
            row("2024-01-01T02", json!(null)),
            row("2024-01-01T04", json!("0.5")),
        ];
        assert_eq!(values(rows), [(JANUARY, 0.0), (JANUARY + 2 * HOUR, -3.0), (JANUARY + 3 * HOUR, 0.5)]);
    }

    #[test]
    fn rows_of_other_authorities_and_fuels_are_passed_over() {
        let other = |column: &str| {
            let mut other = json!({
                "period": "2024-01-01T01", "respondent": "PACW", "fueltype": "WND", "value": "9", "value-units": "megawatthours",
            });
            other[column] = json!("SUN");
            serde_json::from_value(other).unwrap()
        };
        assert_eq!(
            values([row("2024-01-01T01", json!(1)), other("respondent"), other("fueltype")]),
            [(JANUARY, 1.0)]
        );
    }

    #[test]
    fn one_hour_twice_with_two_values_is_malformed() {
        let found = read_rows([row("2024-01-01T01", json!("1")), row("2024-01-01T01", json!("2"))]);
        assert!(matches!(found, Err(Failure::Malformed(why)) if why.contains("twice")));
    }

    #[test]
    fn a_period_of_another_frequency_is_malformed() {
        for period in ["2024-01-01", "2024-01-01T01-07", "2024-01-01T25", "2024-01", ""] {
            assert!(matches!(read_rows([row(period, json!(1))]), Err(Failure::Malformed(_))), "{period}");
        }
    }

    #[test]
    fn an_absent_column_is_malformed() {
        let row = json!({"period": "2024-01-01T01", "respondent": "PACW", "fueltype": "WND"});
        assert!(matches!(read_rows([serde_json::from_value(row).unwrap()]), Err(Failure::Malformed(_))));
    }

    #[test]
    fn no_value_at_all_is_no_data() {
        assert!(matches!(read_rows([]), Err(Failure::NoData(_))));
        assert!(matches!(read_rows([row("2024-01-01T01", json!(null))]), Err(Failure::NoData(_))));
    }

    #[test]
    fn gaps_and_regions_are_noted() {
        let mut row = row("2024-01-01T01", json!("5"));
        row.respondent = "US48".into();
        let listing = Listing { rows: [row].into(), complete: true, notes: Vec::new() };
        let region = Authority { respondent: "US48".into(), fueltype: "WND".into() };
        let notes = read(listing, &region, &hours(&january()).unwrap(), NOW).unwrap().notes.join("\n");
        assert!(notes.contains("1 of 744 hours") && notes.contains("counts twice"), "{notes}");
    }

    #[test]
    fn a_month_is_asked_from_its_first_hours_end_to_its_last_hours_end() {
        let request = request("http://127.0.0.1:9", &pacw("SUN"), &hours(&january()).unwrap());
        let url = request.url().replace("%5B", "[").replace("%5D", "]");
        let (address, query) = url.split_once('?').unwrap();
        assert_eq!(address, "http://127.0.0.1:9/v2/electricity/rto/fuel-type-data/data/");
        let parameters: Vec<_> = query.split('&').collect();
        for wanted in [
            "frequency=hourly",
            "data[0]=value",
            "facets[respondent][]=PACW",
            "facets[fueltype][]=SUN",
            "start=2024-01-01T01",
            "end=2024-02-01T00",
            "sort[0][column]=period",
            "sort[1][column]=respondent",
            "sort[2][column]=fueltype",
        ] {
            assert!(parameters.contains(&wanted), "{wanted} in {query}");
        }
    }

    #[test]
    fn a_part_of_a_month_is_asked_by_its_whole_hours() {
        let part = Month { start: JANUARY + 1, end: JANUARY + 3 * HOUR + 59, ..january() };
        assert_eq!(hours(&part).unwrap(), Hours { start: JANUARY + HOUR, end: JANUARY + 3 * HOUR });
        let less = Month { start: JANUARY + 1, end: JANUARY + HOUR, ..january() };
        assert!(matches!(hours(&less), Err(Failure::NotAvailable(_))));
    }

    #[test]
    fn history_begins_with_the_period_2019_01_01_t00() {
        let december = Month { year: 2018, number: 12, start: 1_543_622_400, end: 1_546_300_800 };
        assert!(hours(&december).is_ok());
        let november = Month { year: 2018, number: 11, start: 1_541_030_400, end: 1_543_622_400 };
        assert!(matches!(hours(&november), Err(Failure::NotAvailable(why)) if why.contains("2019-01")));
    }
}
