//! A small source as it should be, and every way of getting it wrong: the setting `fault` chooses one.

wit_bindgen::generate!({ path: "../../../../wit", world: "source" });

mod faulty;

use std::collections::BTreeMap;

use backfill::source::{
    host,
    http::{self, Error, Method, Request},
    types::{Measurement, Quantity, Setting},
};
use exports::backfill::source::adapter::{Description, Failure, Guest, Month, Series, Unit};
use faulty::{is, late, now, summer};

struct Broken;

const HOUR: i64 = 3600;
const HOME: &str = "https://output.example.org";

impl Guest for Broken {
    fn describe() -> Description {
        let setting = |name: &str, default: Option<&str>| Setting {
            name: name.into(),
            summary: format!("the {name} of this source"),
            default: default.map(Into::into),
        };
        let mut settings = vec![setting("base_url", Some(HOME)), setting("fault", None)];
        if is("asks-a-secret") {
            settings.push(setting("api_key", None));
        }
        if is("describes-by-asking") {
            _ = send(HOME);
        }
        Description {
            name: "Broken".into(),
            version: "0.1.0".into(),
            summary: match () {
                () if is("says-nothing") => String::new(),
                () if is("fickle") => format!("Hourly output, as of {}", now()),
                () => "Hourly output".into(),
            },
            unit_code: "letters, digits and dashes".into(),
            hosts: vec!["output.example.org".into()],
            settings,
            month_zone: "UTC".into(),
            publication_lag_days: 2,
            first_month: Some("2019-06".into()),
        }
    }

    fn check_unit(unit: Unit) -> Result<(), String> {
        if is("panics-at-a-code") {
            assert!(unit.code.is_ascii(), "codes are ASCII");
        }
        if is("checks-by-asking") {
            _ = send(HOME);
        }
        let plain = unit.code.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-');
        let long = is("too-strict") && unit.code.len() > 3;
        if plain && !long && (1..=20).contains(&unit.code.len()) {
            Ok(())
        } else {
            Err(format!("{:?}: a code has 1 to 20 letters, digits and dashes", unit.code))
        }
    }

    fn fetch(unit: Unit, month: Month) -> Result<Vec<Series>, Failure> {
        if !is("trusts-every-code") {
            Self::check_unit(unit.clone()).map_err(Failure::InvalidUnit)?;
        }
        if is("hungry") {
            std::hint::black_box(vec![1_u8; 200 << 20]);
        }
        if is("asks-far-too-often") {
            (0..950).for_each(|_| _ = send(&format!("{}/health", base())));
        }
        if is("writes-a-novel") {
            (0..2000).for_each(|_| host::log(host::Level::Info, &"and then ".repeat(100)));
        }
        let (start, end) = window(&month);
        if start > now() && is("invents-the-future") {
            return Ok(vec![series([(start, 0.0)].into(), 0)]);
        }
        if is("returns-far-too-much") {
            return Ok(vec![series(vec![(start, 0.0); 500_001], 0)]);
        }
        if is("begins-later") && start < 1_577_836_800 {
            return Err(Failure::NotAvailable("history begins in 2020".into()));
        }
        for astray in
            [("asks-elsewhere", "https://other.example.net/"), ("asks-more", &format!("{}/health", base()))]
        {
            if is(astray.0) {
                _ = send(astray.1);
            }
        }
        let middle = start + (end - start) / 2 / HOUR * HOUR;
        let mut rows = Vec::new();
        for (from, to) in [(start, middle), (middle, end)] {
            match part(&unit.code, from, to) {
                Ok(part) => rows.extend(part),
                Err(Failure::Unavailable(_)) if is("half-is-enough") && !rows.is_empty() => {}
                Err(failure) => return Err(failure),
            }
        }
        finish(rows, (start, end), late(&month))
    }
}

/// The span to ask for: whole hours.
fn window(month: &Month) -> (i64, i64) {
    let (mut start, mut end) = ((month.start + HOUR - 1) / HOUR * HOUR, month.end / HOUR * HOUR);
    if is("rounds-outward") {
        start = month.start / HOUR * HOUR;
    }
    if is("takes-the-month-by-its-name") {
        let days = if month.number == 2 { 28 } else { 30 };
        end = start + days * 24 * HOUR;
    }
    if month.number == 2 && is("february-has-28-days") {
        end = end.min(start + 28 * 24 * HOUR);
    }
    if month.number == 2 && is("february-has-29-days") {
        end = start + 29 * 24 * HOUR;
    }
    (start, end)
}

fn base() -> String {
    let base = host::setting("base_url").filter(|_| !is("ignores-base-url"));
    base.unwrap_or_else(|| HOME.into())
}

fn send(url: &str) -> Result<http::Response, Error> {
    http::send(&Request { method: Method::Get, url: url.into(), headers: vec![], body: None })
}

/// The rows of a part of the month, in kWh, as they came.
fn part(code: &str, from: i64, to: i64) -> Result<Vec<(i64, f64)>, Failure> {
    let mut url = format!("{}/v1/output?unit={code}&from={from}&to={to}", base());
    if is("sends-a-key") {
        url += "&api_key=abc";
    }
    if is("busts-caches") {
        url += &format!("&at={}", now());
    }
    let mut answer = send(&url);
    for _ in 0..20 {
        match &answer {
            Ok(said) if said.status >= 500 && is("insists") => answer = send(&url),
            _ => break,
        }
    }
    let answer = answer.map_err(|error| match error {
        Error::Denied(why) if is("denied-is-no-data") => Failure::NoData(why),
        Error::Denied(why) => Failure::NotAvailable(why),
        Error::TooLarge(_) if is("panics-at-a-large-answer") => panic!("too large"),
        Error::TooLarge(cap) => Failure::Malformed(format!("more than {cap} bytes")),
        Error::Timeout | Error::Transport(_) if is("panics-without-an-answer") => panic!("no answer"),
        Error::Timeout => Failure::Unavailable("no answer in time".into()),
        Error::Transport(why) => Failure::Unavailable(why),
    })?;
    let waits = answer.headers.iter().find(|(name, _)| name == "retry-after");
    let waits = waits.and_then(|(_, seconds)| seconds.parse().ok()).filter(|_| !is("forgets-the-seconds"));
    match answer.status {
        200 => {}
        401 | 403 if is("refusal-is-no-data") => return Err(Failure::NoData("refused".into())),
        401 | 403 => return Err(Failure::Unauthorized("refused".into())),
        404 if is("invents-units") => return Ok(vec![(from, 0.0)]),
        404 => return Err(Failure::NoData("no such unit".into())),
        429 => return Err(Failure::RateLimited(waits)),
        status if is("errors-are-no-data") => return Err(Failure::NoData(format!("HTTP {status}"))),
        status => return Err(Failure::Unavailable(format!("HTTP {status}"))),
    }
    let body = answer.body.bytes().map_err(|error| Failure::Unavailable(format!("{error:?}")))?;
    if body.is_empty() && is("empty-is-a-success") {
        return Ok(vec![]);
    }
    if body.starts_with(b"<!") && is("a-page-is-no-data") {
        return Err(Failure::NoData("a page".into()));
    }
    read(&String::from_utf8_lossy(&body))
}

/// `start;kWh`, a row per hour, and `end;COUNT`.
fn read(text: &str) -> Result<Vec<(i64, f64)>, Failure> {
    let malformed = |line: &str| Failure::Malformed(format!("not `start;kWh`: {line:?}"));
    let lenient = is("skips-what-it-can-not-read");
    let mut lines = text.lines();
    if lines.next() != Some("start;kWh") && !lenient {
        return Err(malformed(text.lines().next().unwrap_or_default()));
    }
    let (mut rows, mut ended) = (Vec::new(), None);
    for line in lines {
        match line.split_once(';') {
            Some(("end", count)) => ended = count.parse::<usize>().ok(),
            Some((start, "")) if is("nothing-is-zero") => rows.extend(start.parse().ok().map(|at| (at, 0.0))),
            Some((_, "")) => {}
            Some((start, value)) => match (start.parse(), value.parse()) {
                (Ok(start), Ok(value)) => rows.push((start, value)),
                _ if lenient => {}
                _ => return Err(malformed(line)),
            },
            None if lenient || is("takes-a-part-for-the-whole") => {}
            None => return Err(malformed(line)),
        }
    }
    if ended.is_none() && !lenient && !is("takes-a-part-for-the-whole") {
        return Err(Failure::Malformed("the answer ends before its end".into()));
    }
    Ok(rows)
}

fn finish(mut rows: Vec<(i64, f64)>, (start, end): (i64, i64), late: i64) -> Result<Vec<Series>, Failure> {
    if is("empty-is-a-success") && rows.is_empty() {
        return Ok(vec![]);
    }
    if is("fills-with-zeros") {
        let known: BTreeMap<_, _> = rows.iter().copied().collect();
        rows = (0..(end - start) / HOUR)
            .map(|n| start + n * HOUR)
            .map(|at| (at, known.get(&at).copied().unwrap_or(0.0)))
            .collect();
    }
    if !is("leaves-them-unsorted") {
        rows.sort_by_key(|row| row.0);
    }
    if !is("keeps-repeats") {
        rows.dedup_by_key(|row| row.0);
    }
    if is("drops-the-last") {
        rows.pop();
    }
    if is("backwards") {
        rows.reverse();
    }
    if rows.is_empty() {
        return Err(Failure::NoData("no rows".into()));
    }
    Ok(vec![series(rows, late)])
}

fn series(rows: Vec<(i64, f64)>, late: i64) -> Series {
    let noise = if is("dices") { (now() % 7919) as f64 / 1e3 } else { 0.0 };
    let factor = if is("forgets-the-unit") { 1.0 } else { 1000.0 };
    let measurement = |(start, value): (i64, f64)| Measurement {
        start: late + if is("takes-summer-time-for-utc") && summer(start) { start + HOUR } else { start },
        seconds: if is("stretches") { 7200 } else { 3600 },
        value: value / factor + noise,
    };
    Series {
        kind: if is("names-it-otherwise") { "output" } else { "generation" }.into(),
        quantity: Quantity::Energy,
        labels: vec![],
        measurements: rows.into_iter().map(measurement).collect(),
    }
}

export!(Broken);
