//! A fifth source, written from nothing but `wit/`: a CSV of `start,MW` lines, an hour each, and a list of parks.

wit_bindgen::generate!({
    inline: "
        package guests:fifth;
        world fifth {
            include backfill:source/source@1.0.0;
            export backfill:source/catalog@1.0.0;
        }
    ",
    path: "../../../../wit",
    generate_all,
});

use backfill::source::{
    host,
    http::{self, Method, Request},
    types::{Measurement, Quantity, Setting},
};
use exports::backfill::source::{
    adapter::{Description, Failure, Guest, Month, Series, Unit},
    catalog,
};

struct Fifth;

impl Guest for Fifth {
    fn describe() -> Description {
        Description {
            name: "Fifth".into(),
            version: "0.1.0".into(),
            summary: "Hourly CSV of a park's own controller".into(),
            unit_code: "the park's name".into(),
            hosts: vec!["parks.example.org".into()],
            settings: vec![Setting {
                name: "base_url".into(),
                summary: "Where the controllers are".into(),
                default: Some("https://parks.example.org".into()),
            }],
            month_zone: "UTC".into(),
            publication_lag_days: 1,
            first_month: Some("2020-01".into()),
        }
    }

    fn check_unit(unit: Unit) -> Result<(), String> {
        if unit.code.contains('/') { Err("a park's name has no slash".into()) } else { Ok(()) }
    }

    fn fetch(unit: Unit, month: Month) -> Result<Vec<Series>, Failure> {
        Self::check_unit(unit.clone()).map_err(Failure::InvalidUnit)?;
        let text = get(&format!("parks/{}/{:04}-{:02}.csv", unit.code, month.year, month.number))?;
        let mut measurements = text.lines().map(row).collect::<Result<Vec<_>, _>>()?;
        measurements.retain(|it| month.start <= it.start && it.start + i64::from(it.seconds) <= month.end);
        measurements.sort_by_key(|it| it.start);
        measurements.dedup_by_key(|it| it.start);
        if measurements.is_empty() {
            return Err(Failure::NoData("no hour of what was asked for".into()));
        }
        Ok(vec![Series {
            kind: "generation".into(),
            quantity: Quantity::MeanPower,
            labels: vec![],
            measurements,
        }])
    }
}

impl catalog::Guest for Fifth {
    /// Lines of `name,MW`.
    fn list_units() -> Result<Vec<Unit>, Failure> {
        let text = get("parks.csv")?;
        let unit = |line: &str| {
            let (code, capacity) = line.split_once(',').unwrap_or((line, ""));
            Unit {
                code: code.into(),
                name: format!("Park {code}"),
                capacity_mw: capacity.parse().ok(),
                attributes: vec![],
            }
        };
        Ok(text.lines().map(unit).collect())
    }
}

fn get(path: &str) -> Result<String, Failure> {
    let base = host::setting("base_url").unwrap_or_else(|| "https://parks.example.org".into());
    let url = format!("{base}/{path}");
    let answer = http::send(&Request { method: Method::Get, url, headers: vec![], body: None })
        .map_err(|error| Failure::Unavailable(format!("{error:?}")))?;
    match answer.status {
        200 => {}
        401 | 403 => return Err(Failure::Unauthorized("the controllers refuse us".into())),
        404 => return Err(Failure::NoData("no such file".into())),
        429 => {
            let seconds = answer.headers.iter().find(|(name, _)| name == "retry-after");
            return Err(Failure::RateLimited(seconds.and_then(|(_, seconds)| seconds.parse().ok())));
        }
        status => return Err(Failure::Unavailable(format!("HTTP {status}"))),
    }
    let body = answer.body.bytes().map_err(|error| Failure::Unavailable(format!("{error:?}")))?;
    String::from_utf8(body).map_err(|error| Failure::Malformed(error.to_string()))
}

fn row(line: &str) -> Result<Measurement, Failure> {
    let malformed = || Failure::Malformed(format!("not `start,MW`: {line:?}"));
    let (start, value) = line.split_once(',').ok_or_else(malformed)?;
    Ok(Measurement {
        start: start.parse().map_err(|_| malformed())?,
        seconds: 3600,
        value: value.parse().map_err(|_| malformed())?,
    })
}

export!(Fifth);
