//! Monthly net generation of a plant: `electricity/facility-fuel`, from Form EIA-923.
//!
//! EIA's month is the calendar month at the plant and carries no zone. It is kept as a month label: one
//! measurement from the first to the last midnight UTC of that month, never shifted by the plant's own zone.
//!
//! The same generation comes several times, as roll-ups: for a fuel as a whole (`primeMover` ALL) and for each
//! prime mover. Only ALL is taken; the movers are added up where a fuel has no ALL.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use backfill_guest::http::Request;
use backfill_guest::time::midnight;
use backfill_guest::{Failure, Month, Quantity, Series};
use chrono::{Months, NaiveDate};
use serde::Deserialize;
use serde_json::Value;

use crate::Found;
use crate::absence::{PLANT_LAG_DAYS, nothing};
use crate::cell::{megawatthours, present, text};
use crate::listing::Listing;
use crate::wanted::Plant;

/// One row of `facility-fuel/data` with `data[0]=generation`.
#[derive(Debug, Deserialize, PartialEq, Eq, Hash)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Row {
    #[serde(deserialize_with = "text")]
    period: String,
    #[serde(deserialize_with = "text")]
    plant_code: String,
    #[serde(deserialize_with = "text")]
    fuel2002: String,
    /// One value is a blank; it is a mover like the others.
    #[serde(deserialize_with = "text")]
    prime_mover: String,
    #[serde(default, deserialize_with = "text")]
    fuel_type: String,
    #[serde(default, deserialize_with = "present")]
    generation: Option<Value>,
    #[serde(default, rename = "generation-units")]
    units: Option<String>,
}

/// `primeMover` and `fuelType`: what tells the rows of one plant, month and fuel apart.
type Part<'a> = (&'a str, &'a str);

const ALL: &str = "ALL";
const FIRST_YEAR: u16 = 2001;

/// The month from midnight to midnight UTC, in seconds since 1970.
///
/// # Errors
/// Not available before 2001, where EIA's history begins, and for a part of a month: EIA has one total, which can't
/// be cut, and which belongs to no part.
pub(crate) fn whole_month(month: &Month) -> Result<(i64, i64), Failure> {
    let label = month.label();
    if month.year < FIRST_YEAR {
        return Err(Failure::NotAvailable(format!(
            "{label}: EIA's months of plants begin in {FIRST_YEAR}-01"
        )));
    }
    let bounds = NaiveDate::from_ymd_opt(i32::from(month.year), u32::from(month.number), 1)
        .and_then(|first| Some((midnight(first), midnight(first.checked_add_months(Months::new(1))?))))
        .ok_or_else(|| Failure::NotAvailable(format!("{label} is not a month")))?;
    if month.start <= bounds.0 && bounds.1 <= month.end {
        Ok(bounds)
    } else {
        Err(Failure::NotAvailable(format!(
            "EIA gives a plant's generation for the whole of {label} only, and a part of it was asked for; ask for \
             the whole month"
        )))
    }
}

/// The query for a plant's month, without its page.
pub(crate) fn request(base: &str, plant: &Plant, month: &Month) -> Request {
    // `fuelType` tells rows apart too, but it is a facet that recorded rows don't carry: no column to sort by.
    let key = ["period", "plantCode", "fuel2002", "primeMover"];
    let query = crate::query(base, "facility-fuel", "monthly", "generation", &key)
        .query("facets[plantCode][]", &plant.code);
    let query = plant.fuels.iter().fold(query, |query, fuel| query.query("facets[fuel2002][]", fuel));
    query.query("start", month.label()).query("end", month.label())
}

/// The plant's total of the month, MWh, one series for each fuel that has one. Rows of other plants, months and
/// fuels are passed over: what EIA filters is not relied on.
///
/// # Errors
/// Malformed where a row can't be read or two rows contradict each other; see [`nothing`] for no value at all.
pub(crate) fn read(
    listing: Listing<Row>,
    plant: &Plant,
    month: &Month,
    (start, end): (i64, i64),
    now: i64,
) -> Result<Found, Failure> {
    let Listing { rows, complete, mut notes } = listing;
    let label = month.label();
    let mut fuels: BTreeMap<&str, BTreeMap<Part, Option<f64>>> = BTreeMap::new();
    let mut own = 0;
    for row in &rows {
        let is_own =
            row.period == label && row.plant_code == plant.code && plant.fuels.contains(&row.fuel2002);
        if !is_own && row.generation.is_some() {
            continue;
        }
        let name = format!("plant {} {} {}/{}", row.plant_code, row.period, row.fuel2002, row.prime_mover);
        let value = megawatthours("generation", row.generation.as_ref(), row.units.as_deref(), &name)?;
        own += 1;
        match fuels.entry(&row.fuel2002).or_default().entry((&row.prime_mover, &row.fuel_type)) {
            Entry::Vacant(part) => _ = part.insert(value),
            Entry::Occupied(part) if *part.get() == value => {}
            Entry::Occupied(part) => {
                let first = part.get();
                return Err(Failure::Malformed(format!(
                    "{name}: EIA gives it twice, as {first:?} and {value:?}"
                )));
            }
        }
    }

    let mut series = Vec::new();
    for (fuel, parts) in &fuels {
        let what = format!("plant {} {label} {fuel}", plant.code);
        let has_all = parts.keys().any(|(mover, _)| *mover == ALL);
        if !has_all && !complete {
            return Err(Failure::Malformed(format!(
                "{what}: EIA did not give all rows, so that the prime movers seen may not be all of the plant"
            )));
        }
        let taken = parts.iter().filter(|((mover, _), _)| !has_all || *mover == ALL);
        // A sum in which one part is withheld would be too low, and nobody could tell.
        match taken.map(|(_, value)| *value).sum::<Option<f64>>().zip(u32::try_from(end - start).ok()) {
            Some((value, seconds)) => {
                let mut one = Series::new("generation", Quantity::Energy).label("fuel", fuel);
                one.push(start, seconds, value);
                series.push(one);
            }
            None => notes.push(format!("{what}: the value is missing or withheld")),
        }
    }
    if series.is_empty() {
        let what = format!("plant {} {label} {}", plant.code, plant.fuels.join(", "));
        return Err(nothing(&what, own, complete, end, PLANT_LAG_DAYS, now));
    }
    Ok(Found { series, notes })
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, json};

    use super::*;

    const NOW: i64 = 1_800_000_000; // 2027

    fn january() -> Month {
        Month { year: 2021, number: 1, start: 1_609_459_200, end: 1_612_137_600 }
    }

    /// A row of plant 61014 in 2021-01, with `changes` laid over it; a change to null takes the column away.
    fn row(changes: Value) -> Row {
        let mut row = json!({
            "period": "2021-01", "plantCode": "61014", "fuel2002": "WND", "primeMover": "ALL", "state": "PR",
            "generation": "10126", "generation-units": "megawatthours",
        });
        let changes: Map<_, _> = serde_json::from_value(changes).unwrap();
        for (column, value) in changes {
            match value {
                Value::Null => _ = row.as_object_mut().unwrap().remove(&column),
                value => row[column] = value,
            }
        }
        serde_json::from_value(row).unwrap()
    }

    fn read_listing(
        rows: impl IntoIterator<Item = Row>,
        complete: bool,
        fuels: &[&str],
    ) -> Result<Found, Failure> {
        let plant =
            Plant { code: "61014".into(), fuels: fuels.iter().map(|&fuel| fuel.to_owned()).collect() };
        let listing = Listing { rows: rows.into_iter().collect(), complete, notes: Vec::new() };
        let month = january();
        read(listing, &plant, &month, whole_month(&month)?, NOW)
    }

    /// `(fuel, value)` of each series.
    fn values(changes: impl IntoIterator<Item = Value>) -> Result<Vec<(String, f64)>, Failure> {
        let found = read_listing(changes.into_iter().map(row), true, &["SUN", "WND"])?;
        Ok(found.series.iter().map(|one| (one.labels[0].1.clone(), one.measurements[0].value)).collect())
    }

    fn wind(value: f64) -> Vec<(String, f64)> {
        vec![("WND".to_owned(), value)]
    }

    #[test]
    fn a_total_is_one_measurement_of_energy_over_the_utc_month() {
        let found = read_listing([row(json!({}))], true, &["WND"]).unwrap();
        let [series] = &found.series[..] else { panic!("{} series", found.series.len()) };
        assert_eq!((series.kind.as_str(), series.quantity), ("generation", Quantity::Energy));
        assert_eq!(series.labels, [("fuel".to_owned(), "WND".to_owned())]);
        let [one] = &series.measurements[..] else { panic!("{} measurements", series.measurements.len()) };
        assert_eq!((one.start, one.seconds, one.value), (1_609_459_200, 31 * 86_400, 10126.0));
    }

    #[test]
    fn the_row_of_all_movers_is_taken_and_their_own_rows_are_not_added() {
        assert_eq!(values([json!({}), json!({"primeMover": "WT"})]).unwrap(), wind(10126.0));
    }

    #[test]
    fn without_a_row_of_all_movers_they_are_summed_the_blank_one_too() {
        let rows = [("WT", "10"), ("WS", "2.5"), (" ", "1")]
            .map(|(mover, value)| json!({"primeMover": mover, "generation": value}));
        assert_eq!(values(rows).unwrap(), wind(13.5));
    }

    #[test]
    fn movers_are_not_summed_when_some_of_them_may_be_unread() {
        let found = read_listing([row(json!({"primeMover": "WT"}))], false, &["WND"]);
        assert!(matches!(found, Err(Failure::Malformed(_))));
        assert!(read_listing([row(json!({}))], false, &["WND"]).is_ok());
    }

    #[test]
    fn fuel_types_of_one_fuel_are_summed() {
        let rows = [
            json!({"fuelType": "A", "generation": "5"}),
            json!({"fuelType": "B", "generation": "7"}),
            json!({"fuelType": "B", "primeMover": "WT", "generation": "7"}),
        ];
        assert_eq!(values(rows).unwrap(), wind(12.0));
    }

    #[test]
    fn rows_of_other_plants_months_and_fuels_are_passed_over() {
        let rows = [
            json!({}),
            json!({"plantCode": "61015"}),
            json!({"plantCode": "610140"}),
            json!({"period": "2021-02"}),
            json!({"period": "2021"}),
            json!({"fuel2002": "ALL"}),
            json!({"fuel2002": "MWH", "generation": "-69"}),
        ];
        assert_eq!(values(rows).unwrap(), wind(10126.0));
    }

    #[test]
    fn each_fuel_is_a_series_of_its_own() {
        let both = values([json!({}), json!({"fuel2002": "SUN", "generation": 3})]).unwrap();
        assert_eq!(both, [("SUN".to_owned(), 3.0), ("WND".to_owned(), 10126.0)]);
    }

    #[test]
    fn numbers_are_read_like_strings_and_zero_and_negatives_are_values() {
        for (cell, value) in
            [(json!(10126), 10126.0), (json!("0"), 0.0), (json!(0), 0.0), (json!("-3"), -3.0)]
        {
            assert_eq!(values([json!({"plantCode": 61014, "generation": cell})]).unwrap(), wind(value));
        }
    }

    #[test]
    fn a_withheld_value_is_no_data_and_not_zero() {
        assert!(
            matches!(values([json!({"generation": "W"})]), Err(Failure::NoData(why)) if why.contains("withheld"))
        );
    }

    #[test]
    fn a_withheld_part_leaves_out_the_whole_sum() {
        let movers = [json!({"primeMover": "WT"}), json!({"primeMover": "WS", "generation": "NA"})];
        assert!(matches!(values(movers), Err(Failure::NoData(_))));
    }

    #[test]
    fn one_row_twice_with_two_values_is_malformed() {
        let found = values([json!({}), json!({"generation": "9"})]);
        assert!(matches!(found, Err(Failure::Malformed(why)) if why.contains("twice")));
        assert_eq!(values([json!({}), json!({"generation": 10126})]).unwrap(), wind(10126.0));
    }

    #[test]
    fn an_absent_column_is_malformed_even_in_rows_of_other_plants() {
        for plant in ["61014", "1"] {
            let found = values([json!({"plantCode": plant, "generation": null})]);
            assert!(matches!(found, Err(Failure::Malformed(why)) if why.contains("absent")));
        }
    }

    #[test]
    fn no_rows_are_no_data() {
        assert!(matches!(values([]), Err(Failure::NoData(why)) if why.contains("61014 2021-01 SUN, WND")));
    }

    #[test]
    fn a_part_of_a_month_and_times_before_the_history_are_not_available() {
        let part = Month { end: 1_612_137_600 - 86_400, ..january() };
        assert!(matches!(whole_month(&part), Err(Failure::NotAvailable(why)) if why.contains("whole month")));
        let early = Month { year: 2000, number: 12, start: 975_628_800, end: 978_307_200 };
        assert!(matches!(whole_month(&early), Err(Failure::NotAvailable(why)) if why.contains("2001-01")));
    }

    #[test]
    fn the_query_names_filters_month_and_the_complete_sort_key() {
        let plant = Plant { code: "61014".into(), fuels: vec!["SUN".into(), "WND".into()] };
        let request = request("http://127.0.0.1:9", &plant, &january());
        let url = request.url().replace("%5B", "[").replace("%5D", "]");
        let (address, query) = url.split_once('?').unwrap();
        assert_eq!(address, "http://127.0.0.1:9/v2/electricity/facility-fuel/data/");
        let parameters: Vec<_> = query.split('&').collect();
        for wanted in [
            "frequency=monthly",
            "data[0]=generation",
            "facets[plantCode][]=61014",
            "facets[fuel2002][]=SUN",
            "facets[fuel2002][]=WND",
            "start=2021-01",
            "end=2021-01",
            "sort[0][column]=period",
            "sort[1][column]=plantCode",
            "sort[2][column]=fuel2002",
            "sort[3][column]=primeMover",
            "sort[3][direction]=asc",
        ] {
            assert!(parameters.contains(&wanted), "{wanted} in {query}");
        }
    }
}
