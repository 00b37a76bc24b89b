//! A month's fetch without a sandbox: the reference for the guest's speed.
//!
//! `parse_native CODE ATTRIBUTE=VALUE YYYY-MM ROUNDS FILE…` does what the component does with the same answers, in
//! the same code, natively: it builds the requests, takes the files in the order of the questions as the upstream's
//! answers, and normalizes. It prints the best round as a line of JSON: `seconds`, and `measurements` found.
//!
//! Each answer is copied into memory of its own just before it is read, and that is not counted: so it is in the
//! sandbox, where the host does it.

use std::cell::Cell;
use std::hint::black_box;
use std::time::{Duration, Instant};

use backfill_guest::{Month, Unit, time};
use chrono::{Months, NaiveDate};
use entsoe::answer::Reply;
use entsoe::notes::Notes;
use entsoe::query::Query;
use entsoe::{fetch, target::Target};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [code, attribute, month, rounds, files @ ..] = arguments.as_slice() else {
        return Err("usage: parse_native CODE ATTRIBUTE=VALUE YYYY-MM ROUNDS FILE…".into());
    };
    let (name, value) = attribute.split_once('=').ok_or("the attribute is not NAME=VALUE")?;
    let unit = Unit {
        code: code.clone(),
        name: String::new(),
        capacity_mw: None,
        attributes: vec![(name.to_owned(), value.to_owned())],
    };
    let first: NaiveDate = format!("{month}-01").parse().map_err(|_| "the month is not YYYY-MM")?;
    let next = first.checked_add_months(Months::new(1)).ok_or("the month has no end")?;
    let (year, number) = month.split_once('-').ok_or("the month is not YYYY-MM")?;
    let month = Month {
        year: year.parse()?,
        number: number.parse()?,
        start: time::midnight(first),
        end: time::midnight(next),
    };
    let files = files.iter().map(std::fs::read).collect::<Result<Vec<_>, _>>()?;
    let (mut best, mut measurements) = (f64::INFINITY, 0);
    for _ in 0..rounds.parse()? {
        let took;
        (measurements, took) = fill(&unit, &month, &files)?;
        best = best.min(took.as_secs_f64());
    }
    println!("{{\"seconds\":{best},\"measurements\":{measurements}}}");
    Ok(())
}

/// How many measurements there are, and the time that it took without copying.
fn fill(unit: &Unit, month: &Month, files: &[Vec<u8>]) -> Result<(usize, Duration), String> {
    let copying = Cell::new(Duration::ZERO);
    let started = Instant::now();
    let target = Target::of(unit)?;
    let ask = |queries: &[Query]| {
        for query in queries {
            black_box(query.request("http://127.0.0.1:1"));
        }
        files.iter().map(|file| {
            let started = Instant::now();
            let body = file.clone();
            copying.set(copying.get() + started.elapsed());
            Ok(Reply { status: 200, retry_after: None, body })
        })
    };
    let series = fetch::fetch(&target, month, i64::MAX, ask, &mut Notes::default())
        .map_err(|failure| format!("{failure:?}"))?;
    let took = started.elapsed() - copying.get();
    Ok((series.iter().map(|series| series.measurements.len()).sum(), took))
}
