//! The fifth source in another version, which differs as its unit's code ends: for replays and comparisons.
//!
//! - `-same`: in nothing
//! - `-asks`: it asks for one document more
//! - `-fails`: it can't read the document
//! - `-posts`: it asks by POST, with a header of its own, a random number in the URL and the present in the body
//! - anything else: the first hour is missing, the second is one MW more, and an hour follows the last

wit_bindgen::generate!({ path: "../../../../wit", world: "source" });

use std::{
    hash::{BuildHasher, RandomState},
    time::SystemTime,
};

use backfill::source::{
    host,
    http::{self, Method, Request},
    types::{Measurement, Quantity, Setting},
};
use exports::backfill::source::adapter::{Description, Failure, Guest, Month, Series, Unit};

struct Variant;

impl Guest for Variant {
    fn describe() -> Description {
        Description {
            name: "Fifth".into(),
            version: "0.2.0".into(),
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

    fn check_unit(_: Unit) -> Result<(), String> {
        Ok(())
    }

    fn fetch(unit: Unit, month: Month) -> Result<Vec<Series>, Failure> {
        let path = format!("parks/{}/{:04}-{:02}.csv", unit.code, month.year, month.number);
        let ending = unit.code.rsplit('-').next().unwrap_or_default();
        let text = if ending == "posts" { post(&path)? } else { ask(Method::Get, &path, vec![], None)? };
        let mut rows = text.lines().map(row).collect::<Result<Vec<_>, _>>()?;
        match ending {
            "same" | "posts" => {}
            "asks" => drop(ask(Method::Get, "parks/index.csv", vec![], None)?),
            "fails" => return Err(Failure::Malformed("this version reads no such document".into())),
            _ => {
                if let Some(last) = rows.last().copied() {
                    rows.push(Measurement { start: last.start + 3600, ..last });
                }
                rows.remove(0);
                rows[0].value += 1.0;
            }
        }
        Ok(vec![Series {
            kind: "generation".into(),
            quantity: Quantity::MeanPower,
            labels: vec![],
            measurements: rows,
        }])
    }
}

fn post(path: &str) -> Result<String, Failure> {
    let (chance, now) = (RandomState::new().hash_one(path), SystemTime::now());
    let now = now.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let headers = vec![("x-asks".to_owned(), "variant".to_owned())];
    ask(Method::Post, &format!("{path}?nonce={chance}"), headers, Some(format!("hour={}", now / 3600)))
}

fn ask(
    method: Method,
    path: &str,
    headers: Vec<(String, String)>,
    body: Option<String>,
) -> Result<String, Failure> {
    let base = host::setting("base_url").unwrap_or_else(|| "https://parks.example.org".into());
    let url = format!("{base}/{path}");
    let answer = http::send(&Request { method, url, headers, body: body.map(String::into_bytes) })
        .map_err(|error| Failure::Unavailable(format!("{error:?}")))?;
    match answer.status {
        200 => {}
        404 => return Err(Failure::NoData("no such file".into())),
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

export!(Variant);
