//! A source of contract 1.0.0 that uses everything of it: each function that the host offers, each failure, both
//! optional interfaces. `../source-1.0.0.wasm` is this, built once and kept; see `../README.md`.

wit_bindgen::generate!({
    path: "../../../../wit/released/1.0.0.wit",
    world: "full-source",
});

use backfill::source::{
    host::{self, Level},
    http::{self, Method, Request},
    types::{Measurement, Quantity, Setting},
};
use exports::backfill::source::{
    adapter::{self, Description, Failure, Month, Series, Unit},
    catalog, collector,
};

struct Old;

impl adapter::Guest for Old {
    fn describe() -> Description {
        Description {
            name: "old".into(),
            version: "1.0.0".into(),
            summary: "Speaks contract 1.0.0".into(),
            unit_code: "a failure by its name, or anything".into(),
            hosts: vec!["old.example.org".into()],
            settings: vec![Setting {
                name: "base_url".into(),
                summary: "Where the upstream is".into(),
                default: Some("https://old.example.org".into()),
            }],
            month_zone: "Asia/Taipei".into(),
            publication_lag_days: 3,
            first_month: Some("2020-01".into()),
        }
    }

    fn check_unit(unit: Unit) -> Result<(), String> {
        if unit.code.is_empty() { Err("a code, please".into()) } else { Ok(()) }
    }

    fn fetch(unit: Unit, month: Month) -> Result<Vec<Series>, Failure> {
        host::log(Level::Info, &format!("{} {}-{}", unit.code, month.year, month.number));
        let why = format!("{} of {}", unit.code, unit.name);
        match unit.code.as_str() {
            "no-data" => return Err(Failure::NoData(why)),
            "not-yet-published" => return Err(Failure::NotYetPublished(why)),
            "not-available" => return Err(Failure::NotAvailable(why)),
            "invalid-unit" => return Err(Failure::InvalidUnit(why)),
            "unauthorized" => return Err(Failure::Unauthorized(why)),
            "rate-limited" => return Err(Failure::RateLimited(Some(7))),
            "unavailable" => return Err(Failure::Unavailable(why)),
            "malformed" => return Err(Failure::Malformed(why)),
            _ => {}
        }
        let get = |path: &str| request(Method::Get, path, None);
        let first = whole(http::send(&get("first")))?;
        let mut values = numbers(&first);
        for answer in http::send_all(&[get("second"), request(Method::Post, "third", Some(b"7.5".to_vec()))])
        {
            values.extend(numbers(&piece_by_piece(answer)?));
        }
        let at = |index: usize| month.start + index as i64 * 3600;
        let measurements = values.iter().enumerate();
        let measurements = measurements
            .map(|(index, value)| Measurement { start: at(index), seconds: 3600, value: *value })
            .collect();
        let labels = vec![("capacity".to_owned(), format!("{:?}", unit.capacity_mw))];
        let quantity = match unit.attributes.first().map(|(_, value)| value.as_str()) {
            Some("spot") => Quantity::SpotPower,
            Some("energy") => Quantity::Energy,
            _ => Quantity::MeanPower,
        };
        Ok(vec![Series { kind: "generation".into(), quantity, labels, measurements }])
    }
}

impl collector::Guest for Old {
    fn collect(units: Vec<Unit>) -> Result<Vec<(String, Vec<Series>)>, Failure> {
        let value = Measurement { start: 0, seconds: 600, value: units.len() as f64 };
        let series = |kind: &str| Series {
            kind: kind.into(),
            quantity: Quantity::SpotPower,
            labels: vec![],
            measurements: vec![value],
        };
        Ok(units.into_iter().map(|unit| (unit.code, vec![series("generation")])).collect())
    }
}

impl catalog::Guest for Old {
    fn list_units() -> Result<Vec<Unit>, Failure> {
        let unit = |line: &str| Unit {
            code: line.into(),
            name: line.to_uppercase(),
            capacity_mw: Some(1.0),
            attributes: vec![("site".into(), "Old".into())],
        };
        Ok(whole(http::send(&request(Method::Get, "units", None)))?.lines().map(unit).collect())
    }
}

fn request(method: Method, path: &str, body: Option<Vec<u8>>) -> Request {
    let base = host::setting("base_url").unwrap_or_default();
    let headers = vec![("x-old".to_owned(), "1".to_owned())];
    Request { method, url: format!("{base}/{path}"), headers, body }
}

fn whole(answer: Result<http::Response, http::Error>) -> Result<String, Failure> {
    let answer = answer.map_err(failure)?;
    if answer.status != 200 {
        return Err(Failure::Unavailable(format!("HTTP {}", answer.status)));
    }
    text(answer.body.bytes().map_err(failure)?)
}

fn piece_by_piece(answer: Result<http::Response, http::Error>) -> Result<String, Failure> {
    let (body, mut all) = (answer.map_err(failure)?.body, Vec::new());
    loop {
        let piece = body.read(2).map_err(failure)?;
        if piece.is_empty() {
            return text(all);
        }
        all.extend(piece);
    }
}

fn text(bytes: Vec<u8>) -> Result<String, Failure> {
    String::from_utf8(bytes).map_err(|error| Failure::Malformed(error.to_string()))
}

fn failure(error: http::Error) -> Failure {
    match error {
        http::Error::Denied(why) => Failure::NotAvailable(why),
        http::Error::Timeout => Failure::Unavailable("timeout".into()),
        http::Error::TooLarge(cap) => Failure::Malformed(format!("over {cap} bytes")),
        http::Error::Transport(why) => Failure::Unavailable(why),
    }
}

fn numbers(text: &str) -> Vec<f64> {
    text.split_whitespace().filter_map(|word| word.parse().ok()).collect()
}

export!(Old);
