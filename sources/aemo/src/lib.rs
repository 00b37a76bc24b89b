//! AEMO's SCADA readings as a source of Backfill: what it says of itself, and how a month is fetched. Where the files are and
//! where that is known from stands in `upstream.rs`; `zip.rs` and `report.rs` read them as they arrive.

mod report;
mod upstream;
mod zip;

use std::time::{SystemTime, UNIX_EPOCH};

use report::{INTERVAL, Report, Row};
use upstream::{BASE_URL, FIRST_MONTH};
use zip::Unzip;

wit_bindgen::generate!({ path: "wit", world: "source" });

use backfill::source::{
    host,
    http::{self, Error, Method, Request, Response},
    types::{Measurement, Quantity, Setting},
};
use exports::backfill::source::adapter::{Description, Failure, Guest, Month, Series, Unit};

/// A month's file is there by the middle of the next one.
const PUBLICATION_LAG_DAYS: u16 = 15;
/// Bytes of the body at a time.
const PIECE: u32 = 256 * 1024;

struct Source;

impl Guest for Source {
    fn describe() -> Description {
        Description {
            name: "AEMO NEM unit SCADA".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            summary:
                "Output of units of Australia's National Electricity Market, read every five minutes by SCADA"
                    .into(),
            unit_code: "a DUID, such as ARWF1".into(),
            hosts: vec![BASE_URL.into()],
            settings: vec![Setting {
                name: "base_url".into(),
                summary: "Where NEMWEB is".into(),
                default: Some(BASE_URL.into()),
            }],
            month_zone: "Australia/Brisbane".into(),
            publication_lag_days: PUBLICATION_LAG_DAYS,
            first_month: Some(format!("{:04}-{:02}", FIRST_MONTH.0, FIRST_MONTH.1)),
        }
    }

    fn check_unit(unit: Unit) -> Result<(), String> {
        upstream::check_code(&unit.code)
    }

    fn fetch(unit: Unit, month: Month) -> Result<Vec<Series>, Failure> {
        upstream::check_code(&unit.code).map_err(Failure::InvalidUnit)?;
        if (month.year, month.number) < FIRST_MONTH {
            let (year, number) = FIRST_MONTH;
            let why = format!("NEMWEB has files of single tables from {year:04}-{number:02} on");
            return Err(Failure::NotAvailable(why));
        }
        let base_url = host::setting("base_url").unwrap_or_else(|| BASE_URL.into());
        let rows = match file(&base_url, &month)? {
            Some(file) => read(file, &unit.code)?,
            None => return Err(nothing("NEMWEB has no file of SCADA readings", &month)),
        };
        let measurements = measurements(rows, &month)?;
        if measurements.is_empty() {
            return Err(nothing(&format!("NEMWEB has no readings of {}", unit.code), &month));
        }
        host::log(host::Level::Info, &format!("{} values", measurements.len()));
        Ok(vec![Series {
            kind: "generation".into(),
            quantity: Quantity::SpotPower,
            labels: vec![],
            measurements,
        }])
    }
}

/// The answer that has the month's file, by either of its names; none where neither is there.
fn file(base_url: &str, month: &Month) -> Result<Option<Response>, Failure> {
    for url in upstream::urls(base_url, month.year, month.number) {
        let request = Request { method: Method::Get, url, headers: vec![], body: None };
        let answer = http::send(&request).map_err(unanswered)?;
        match answer.status {
            200 => return Ok(Some(answer)),
            404 => {}
            429 => return Err(Failure::RateLimited(retry_after(&answer))),
            // NEMWEB knows no credentials: it refuses who asks too much, for a while.
            status @ (401 | 403 | 408 | 500..=599) => {
                return Err(Failure::Unavailable(format!("HTTP {status}")));
            }
            status => return Err(Failure::Malformed(format!("HTTP {status}"))),
        }
    }
    Ok(None)
}

/// The unit's rows of a file, which is read as it arrives and never held.
fn read(file: Response, duid: &str) -> Result<Vec<Row>, Failure> {
    let (mut unzip, mut report) = (Unzip::default(), Report::of(duid));
    loop {
        let piece = file.body.read(PIECE).map_err(unanswered)?;
        if piece.is_empty() {
            break;
        }
        let fed = unzip.feed(&piece, |bytes| report.feed(bytes));
        fed.map_err(Failure::Malformed)?;
    }
    if !unzip.is_done() {
        return Err(Failure::Malformed("the zip ends in its middle".into()));
    }
    report.finish().map_err(Failure::Malformed)
}

/// What was asked for: in order, nothing twice, and nothing that reaches out of it.
fn measurements(mut rows: Vec<Row>, month: &Month) -> Result<Vec<Measurement>, Failure> {
    rows.retain(|row| row.start >= month.start && row.start + i64::from(INTERVAL) <= month.end);
    // Of an interval that is there more than once, the reading that was changed last comes first.
    rows.sort_by(|one, other| (one.start, &other.changed).cmp(&(other.start, &one.changed)));
    let differ = |pair: &&[Row]| {
        let [one, other] = *pair else { return false };
        (one.start, &one.changed) == (other.start, &other.changed) && one.value != other.value
    };
    if let Some([one, other]) = rows.windows(2).find(differ) {
        let (start, one, other) = (one.start, one.value, other.value);
        let why = format!("two readings for the interval at {start}: {one} and {other}, and none is newer");
        return Err(Failure::Malformed(why));
    }
    rows.dedup_by_key(|row| row.start);
    let measurement = |row: Row| Measurement { start: row.start, seconds: INTERVAL, value: row.value };
    Ok(rows.into_iter().map(measurement).collect())
}

/// An empty answer, which is never a success: of the past it is final, of the present it is early.
fn nothing(what: &str, month: &Month) -> Failure {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs().cast_signed());
    let what = format!("{what} for {:04}-{:02}", month.year, month.number);
    if now < month.end + i64::from(PUBLICATION_LAG_DAYS) * 86_400 {
        Failure::NotYetPublished(what)
    } else {
        Failure::NoData(what)
    }
}

fn retry_after(answer: &Response) -> Option<u32> {
    let header = answer.headers.iter().find(|(name, _)| name == "retry-after")?;
    header.1.trim().parse().ok()
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

#[cfg(test)]
mod tests {
    use super::*;

    const MONTH: Month = Month { year: 2024, number: 1, start: 3000, end: 3900 };

    fn row(start: i64, value: f64, changed: &str) -> Row {
        Row { start, value, changed: changed.into() }
    }

    fn told(rows: Vec<Row>) -> Result<Vec<(i64, f64)>, Failure> {
        let all = measurements(rows, &MONTH)?;
        assert!(all.iter().all(|it| it.seconds == 300));
        Ok(all.into_iter().map(|it| (it.start, it.value)).collect())
    }

    #[test]
    fn readings_come_in_order_and_from_the_month_alone() {
        let rows = [3600, 3000, 2700, 3900, 3300].map(|start| row(start, start as f64, ""));
        assert_eq!(told(rows.into()).unwrap(), [(3000, 3000.0), (3300, 3300.0), (3600, 3600.0)]);
    }

    #[test]
    fn of_readings_of_one_interval_the_newest_counts_and_equal_ones_are_one() {
        let rows = vec![
            row(3300, 5.0, ""),
            row(3000, 1.0, "2024/01/01 00:00:14"),
            row(3000, 2.0, "2024/01/01 00:03:00"),
            row(3000, 3.0, "2024/01/01 00:01:00"),
            row(3300, 5.0, ""),
        ];
        assert_eq!(told(rows).unwrap(), [(3000, 2.0), (3300, 5.0)]);
        let torn = told(vec![row(3000, 1.0, "x"), row(3000, 2.0, "x")]);
        assert!(matches!(torn, Err(Failure::Malformed(why)) if why.contains("1 and 2")));
    }
}
