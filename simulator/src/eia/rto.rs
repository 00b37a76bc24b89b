//! `electricity/rto/fuel-type-data`: hours of balancing authorities; a period names the hour's **end**.

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};

use super::dataset::{Dataset, Row};
use super::request::Request;
use crate::catalogue::eia::{FUEL_TYPES, RESPONDENTS, Respondent};
use crate::fault::effects::Content;
use crate::values::{eia_ba_mwh, floor, revised};
use crate::world::World;

pub(super) const DATASET: Dataset = Dataset {
    route: "electricity/rto/fuel-type-data",
    description: "Hourly net generation by balancing authority and energy source.  \n    Source: Form EIA-930\n    \
                  Product: Hourly Electric Grid Monitor",
    frequency: "hourly",
    date_format: "YYYY-MM-DD\"T\"HH24",
    facets: &["respondent", "fueltype"],
    columns: &["value"],
    start: "2019-01-01T00",
    end: |now| period(last_hour(now)),
    rows,
};

fn period(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%dT%H").to_string()
}

/// Hours are published a day late.
fn last_hour(now: DateTime<Utc>) -> DateTime<Utc> {
    floor(now - TimeDelta::days(1), 60)
}

fn rows(world: &World, content: &Content, request: &Request) -> Vec<Row> {
    let day = |text: Option<&str>| NaiveDate::parse_from_str(text?.get(..10)?, "%Y-%m-%d").ok();
    let midnight = |day: NaiveDate| day.and_time(NaiveTime::MIN).and_utc();
    let first = midnight(NaiveDate::from_ymd_opt(2019, 1, 1).unwrap_or_default());
    let last = last_hour(content.published_now(world.now()));
    // Only a shortcut to the days that can match; the text decides.
    let from = day(request.start.as_deref()).map_or(first, |day| first.max(midnight(day)));
    let to = day(request.end.as_deref()).map_or(last, |day| last.min(midnight(day) + TimeDelta::days(1)));
    let hours = std::iter::successors(Some(from), |hour| Some(*hour + TimeDelta::hours(1)));
    let mut rows = Vec::new();
    for hour in hours.take_while(|hour| *hour <= to) {
        let period = period(hour);
        if !request.wants_period(&period) {
            continue;
        }
        for respondent in RESPONDENTS.iter().filter(|known| request.wants("respondent", known.code)) {
            for (fuel, name) in FUEL_TYPES.iter().filter(|(code, _)| request.wants("fueltype", code)) {
                rows.push(row(respondent, fuel, name, hour, &period, content));
            }
        }
    }
    rows
}

fn row(
    respondent: &Respondent,
    fuel: &str,
    fuel_name: &str,
    hour: DateTime<Utc>,
    period: &str,
    content: &Content,
) -> Row {
    let id = format!("{}/{fuel}", respondent.code);
    let value =
        eia_ba_mwh(respondent.code, fuel, hour).map(|value| revised(content.revision, &id, hour, value, 0));
    Row {
        dimensions: vec![
            ("period", Some(period.to_owned())),
            ("respondent", Some(respondent.code.to_owned())),
            ("respondent-name", Some(respondent.name.to_owned())),
            ("fueltype", Some(fuel.to_owned())),
            ("type-name", Some(fuel_name.to_owned())),
        ],
        values: vec![("value", value)],
    }
}
