//! `electricity/facility-fuel`: months of plants, each figure in up to three roll-ups.

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, NaiveTime, Utc};

use super::dataset::{Dataset, Row};
use super::request::Request;
use crate::catalogue::eia::{Plant, plants};
use crate::fault::effects::Content;
use crate::values::eia::{gross, plant_mwh};
use crate::values::{revised, round};
use crate::world::World;

pub(super) const DATASET: Dataset = Dataset {
    route: "electricity/facility-fuel",
    description: "Annual and monthly electric power operations for individual power plants, by energy source and \
                  prime mover\n    Source: Form EIA-923",
    frequency: "monthly",
    date_format: "YYYY-MM",
    facets: &["plantCode", "fuel2002", "primeMover", "state"],
    columns: &["generation", "gross-generation"],
    start: "2001-01",
    end: |now| last_month(now).format("%Y-%m").to_string(),
    rows,
};

/// A month is published on the 24th of the second month after it.
pub(super) fn last_month(now: DateTime<Utc>) -> NaiveDate {
    let day = now.date_naive();
    let reached = day.checked_sub_days(Days::new(23)).unwrap_or(day);
    let first = reached.with_day(1).unwrap_or(reached);
    first.checked_sub_months(Months::new(2)).unwrap_or(first)
}

fn rows(world: &World, content: &Content, request: &Request) -> Vec<Row> {
    let last = last_month(content.published_now(world.now()));
    let first = NaiveDate::from_ymd_opt(2001, 1, 1).unwrap_or_default();
    let months = std::iter::successors(Some(first), |month| month.checked_add_months(Months::new(1)));
    let months: Vec<_> = months
        .take_while(|month| *month <= last)
        .filter(|month| request.wants_period(&month.format("%Y-%m").to_string()))
        .collect();
    let wanted =
        |plant: &Plant| request.wants("plantCode", &plant.code) && request.wants("state", plant.state);
    let mut rows = Vec::new();
    for plant in plants(world.options.eia_plants).iter().filter(|plant| wanted(plant)) {
        for month in &months {
            for (fuel, mover, net) in roll_ups(plant, *month, content) {
                if request.wants("fuel2002", fuel) && request.wants("primeMover", mover) {
                    rows.push(row(plant, *month, fuel, mover, net));
                }
            }
        }
    }
    rows
}

/// (ALL, ALL), then each (fuel, ALL) and each (fuel, mover): the same generation three times.
fn roll_ups(plant: &Plant, month: NaiveDate, content: &Content) -> Vec<(&'static str, &'static str, f64)> {
    let start = month.and_time(NaiveTime::MIN).and_utc();
    let mut rows = Vec::new();
    let mut total = 0.0;
    for fuel in &plant.fuels {
        let Some(net) = plant_mwh(plant, fuel.code, month.year(), month.month()) else { continue };
        let net = revised(content.revision, &plant.code, start, net, 2);
        total += net;
        rows.push((fuel.code, "ALL", net));
        let mut left = net;
        for (index, (mover, share)) in fuel.movers.iter().enumerate() {
            // The last takes what rounding left, so that movers sum to their fuel.
            let last = index + 1 == fuel.movers.len();
            let part = if last { round(left, 2) } else { round(net * share, 2) };
            left -= part;
            rows.push((fuel.code, *mover, part));
        }
    }
    rows.push(("ALL", "ALL", round(total, 2)));
    rows
}

fn row(plant: &Plant, month: NaiveDate, fuel: &str, mover: &str, net: f64) -> Row {
    let description = match fuel {
        "WND" => "Wind",
        "SUN" => "Solar",
        "NG" => "Natural Gas",
        "MWH" => "Electricity used for energy storage",
        _ => "Total",
    };
    Row {
        dimensions: vec![
            ("period", Some(month.format("%Y-%m").to_string())),
            ("plantCode", Some(plant.code.clone())),
            ("plantName", Some(plant.name.clone())),
            ("fuel2002", Some(fuel.to_owned())),
            ("fuelTypeDescription", Some(description.to_owned())),
            ("state", Some(plant.state.to_owned())),
            ("stateDescription", None),
            ("primeMover", Some(mover.to_owned())),
        ],
        values: vec![("generation", Some(net)), ("gross-generation", Some(gross(net)))],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_appears_on_the_24th_two_months_later() {
        let last = |text: &str| last_month(text.parse().unwrap()).format("%Y-%m").to_string();
        assert_eq!(last("2024-06-23T23:59:59Z"), "2024-03");
        assert_eq!(last("2024-06-24T00:00:00Z"), "2024-04");
        assert_eq!(last("2024-01-31T00:00:00Z"), "2023-11");
    }
}
