//! What the tests share.

use std::io::Write as _;
use std::path::PathBuf;

use backfill_guest::{Month, Quantity, Series, Unit, time};

use crate::answer::Answer;

/// A recorded answer, or `None` (said aloud) where the recordings are not at hand.
pub(crate) fn fixture(path: &str) -> Option<Vec<u8>> {
    let folder = std::env::var_os("BACKFILL_FIXTURES").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/fixtures"),
        PathBuf::from,
    );
    let file = folder.join(path);
    match std::fs::read(&file) {
        Ok(bytes) => Some(bytes),
        Err(error) => {
            // Not `eprintln!`, which the test harness keeps to itself when a test passes.
            let why = format!(
                "SKIPPED: no fixture {}: {error}; BACKFILL_FIXTURES names the folder",
                file.display()
            );
            let _ = writeln!(std::io::stderr(), "{why}");
            None
        }
    }
}

pub(crate) fn instant(text: &str) -> i64 {
    time::parse_utc(text).unwrap()
}

pub(crate) fn month(year: u16, number: u8) -> Month {
    let (next_year, next) = if number == 12 { (year + 1, 1) } else { (year, number + 1) };
    let first = |year: u16, number: u8| instant(&format!("{year}-{number:02}-01T00:00Z"));
    Month { year, number, start: first(year, number), end: first(next_year, next) }
}

pub(crate) fn unit(code: &str, attributes: &[(&str, &str)]) -> Unit {
    Unit {
        code: code.into(),
        name: "a unit".into(),
        capacity_mw: None,
        attributes: attributes.iter().map(|&(key, value)| (key.into(), value.into())).collect(),
    }
}

pub(crate) fn answer(status: u16, body: &[u8]) -> Answer {
    Answer { status, retry_after: None, body: body.to_vec() }
}

/// The values of one series as (start, seconds, value); empty if it isn't there.
pub(crate) fn values(series: &[Series], kind: &str, quantity: Quantity) -> Vec<(String, u32, f64)> {
    series
        .iter()
        .filter(|one| one.kind == kind && one.quantity == quantity)
        .flat_map(|one| &one.measurements)
        .map(|one| (time::format_utc(one.start), one.seconds, one.value))
        .collect()
}
