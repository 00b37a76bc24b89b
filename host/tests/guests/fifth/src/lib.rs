//! A fifth source, written from nothing but `wit/`: a CSV of `start,MW` lines, an hour each.

wit_bindgen::generate!({ path: "../../../../wit", world: "source" });

use backfill::source::{
    host,
    http::{self, Method, Request},
    types::{Measurement, Quantity, Setting},
};
use exports::backfill::source::adapter::{Description, Failure, Guest, Month, Series, Unit};

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
        let base = host::setting("base_url").unwrap_or_else(|| "https://parks.example.org".into());
        let url = format!("{base}/parks/{}/{:04}-{:02}.csv", unit.code, month.year, month.number);
        let answer = http::send(&Request { method: Method::Get, url, headers: vec![], body: None })
            .map_err(|error| Failure::Unavailable(format!("{error:?}")))?;
        match answer.status {
            200 => {}
            404 => return Err(Failure::NoData("no file for this month".into())),
            status => return Err(Failure::Unavailable(format!("HTTP {status}"))),
        }
        let body = answer.body.bytes().map_err(|error| Failure::Unavailable(format!("{error:?}")))?;
        let text = String::from_utf8(body).map_err(|error| Failure::Malformed(error.to_string()))?;
        let measurements = text.lines().map(row).collect::<Result<_, _>>()?;
        Ok(vec![Series {
            kind: "generation".into(),
            quantity: Quantity::MeanPower,
            labels: vec![],
            measurements,
        }])
    }
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
