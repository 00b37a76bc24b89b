//! A source of Backfill: what it says of itself, and how a month is fetched. What is particular to the upstream is in
//! `upstream.rs`; this file can stay much as it is.

mod upstream;

use std::time::{SystemTime, UNIX_EPOCH};

use upstream::{BASE_URL, INTERVAL, Row};

wit_bindgen::generate!({ path: "wit", world: "source" });

use backfill::source::{
    host,
    http::{self, Error, Method, Request, Response},
    types::{Measurement, Quantity, Setting},
};
use exports::backfill::source::adapter::{Description, Failure, Guest, Month, Series, Unit};

/// Days after a month's end until it is normally complete.
const PUBLICATION_LAG_DAYS: u16 = 8;

struct Source;

impl Guest for Source {
    fn describe() -> Description {
        Description {
            name: "my-source".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            summary: "Metered output of British generation units, by half hour (Elexon B1610)"
                .into(),
            unit_code: "a BM unit, such as T_HOWAO-1".into(),
            hosts: vec![BASE_URL.into()],
            settings: vec![Setting {
                name: "base_url".into(),
                summary: "Where the API is".into(),
                default: Some(BASE_URL.into()),
            }],
            month_zone: "UTC".into(),
            publication_lag_days: PUBLICATION_LAG_DAYS,
            first_month: Some("2019-01".into()),
        }
    }

    fn check_unit(unit: Unit) -> Result<(), String> {
        upstream::check_code(&unit.code)
    }

    fn fetch(unit: Unit, month: Month) -> Result<Vec<Series>, Failure> {
        upstream::check_code(&unit.code).map_err(Failure::InvalidUnit)?;
        let base_url = host::setting("base_url").unwrap_or_else(|| BASE_URL.into());
        let answer = get(upstream::url(&base_url, &unit.code, month.start, month.end))?;
        let rows = upstream::rows(&answer, &unit.code).map_err(Failure::Malformed)?;
        let measurements = measurements(rows, &month)?;
        if measurements.is_empty() {
            return Err(nothing(&unit, &month));
        }
        host::log(host::Level::Info, &format!("{} values", measurements.len()));
        Ok(vec![Series {
            kind: "generation".into(),
            quantity: Quantity::Energy,
            labels: vec![],
            measurements,
        }])
    }
}

/// What was asked for: in order, nothing twice, and nothing that reaches out of it.
fn measurements(mut rows: Vec<Row>, month: &Month) -> Result<Vec<Measurement>, Failure> {
    rows.retain(|row| row.start >= month.start && row.start + i64::from(INTERVAL) <= month.end);
    rows.sort_by_key(|row| row.start);
    rows.dedup();
    if let Some(pair) = rows.windows(2).find(|pair| pair[0].start == pair[1].start) {
        let [one, other] = [pair[0].value, pair[1].value];
        let why = format!(
            "two values for the interval at {}: {one} and {other}",
            pair[0].start
        );
        return Err(Failure::Malformed(why));
    }
    Ok(rows
        .into_iter()
        .map(|Row { start, value }| Measurement {
            start,
            seconds: INTERVAL,
            value,
        })
        .collect())
}

/// An empty answer, which is never a success: of the past it is final, of the present it is early.
fn nothing(unit: &Unit, month: &Month) -> Failure {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |now| now.as_secs().cast_signed());
    let what = format!(
        "the upstream has nothing of {} for {:04}-{:02}",
        unit.code, month.year, month.number
    );
    if now < month.end + i64::from(PUBLICATION_LAG_DAYS) * 86_400 {
        Failure::NotYetPublished(what)
    } else {
        Failure::NoData(what)
    }
}

/// The body of an answer with status 200. The host has waited for the rate limit, added the credential and tried again
/// where that helps: every failure is final for this call.
fn get(url: String) -> Result<Vec<u8>, Failure> {
    let request = Request {
        method: Method::Get,
        url,
        headers: vec![],
        body: None,
    };
    let answer = http::send(&request).map_err(unanswered)?;
    match answer.status {
        200 => answer.body.bytes().map_err(unanswered),
        401 | 403 => Err(Failure::Unauthorized(format!("HTTP {}", answer.status))),
        429 => Err(Failure::RateLimited(retry_after(&answer))),
        404 | 408 | 500..=599 => Err(Failure::Unavailable(format!("HTTP {}", answer.status))),
        _ => Err(Failure::Malformed(format!("HTTP {}", answer.status))),
    }
}

fn retry_after(answer: &Response) -> Option<u32> {
    answer
        .headers
        .iter()
        .find(|(name, _)| name == "retry-after")?
        .1
        .trim()
        .parse()
        .ok()
}

fn unanswered(error: Error) -> Failure {
    match error {
        Error::Timeout => Failure::Unavailable("no answer in time".into()),
        Error::Transport(why) => Failure::Unavailable(why),
        Error::TooLarge(cap) => Failure::Malformed(format!("an answer of more than {cap} bytes")),
        Error::Denied(why) => Failure::NotAvailable(why),
    }
}

// A component's exports have names that no other linker takes, so tests are built without them.
#[cfg(target_family = "wasm")]
export!(Source);
