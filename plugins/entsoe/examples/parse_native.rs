//! Parses the same bytes as a month's fetch would, without a sandbox: the reference for the guest's speed.
//!
//! `parse_native FILE UNIT_EIC DOCUMENTS ROUNDS` reads `DOCUMENTS` copies of a recorded document per round, and prints
//! the best round as one line of JSON: seconds, bytes, and `Point` elements in those documents.

use std::time::Instant;

use backfill_guest::time;
use entsoe::answer::{Answer, Reply};
use entsoe::assemble::Gathered;
use entsoe::document::{self, Wanted};
use entsoe::notes::Notes;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [file, unit, documents, rounds] = arguments.as_slice() else {
        return Err("usage: parse_native FILE UNIT_EIC DOCUMENTS ROUNDS".into());
    };
    let (documents, rounds): (usize, usize) = (documents.parse()?, rounds.parse()?);
    let bytes = std::fs::read(file)?;
    let start = time::parse_utc(text_of(&bytes, "start")).ok_or("the file has no start")?;
    let points = memchr::memmem::find_iter(&bytes, b"<Point>").count();
    let mut best = f64::INFINITY;
    for _ in 0..rounds {
        let started = Instant::now();
        month(&bytes, unit, documents, start)?;
        best = best.min(started.elapsed().as_secs_f64());
    }
    println!(
        "{{\"seconds\":{best},\"bytes\":{},\"points\":{}}}",
        bytes.len() * documents,
        points * documents
    );
    Ok(())
}

/// The text of the first element of a name, or nothing.
fn text_of<'a>(bytes: &'a [u8], name: &str) -> &'a str {
    let text = std::str::from_utf8(bytes).unwrap_or_default();
    let after = text.split_once(&format!("<{name}>")).map_or("", |(_, after)| after);
    after.split('<').next().unwrap_or_default()
}

fn month(bytes: &[u8], unit: &str, documents: usize, start: i64) -> Result<(), String> {
    let wanted = Wanted::unit(unit);
    let mut gathered = Gathered::new(start..start + 31 * 86_400);
    for _ in 0..documents {
        // Each body comes in memory of its own, natively as in the guest.
        let reply = Reply { status: 200, retry_after: None, body: bytes.to_vec() };
        let Answer::Documents(bodies) = Answer::of(reply) else {
            return Err("the file holds no generation document".into());
        };
        for body in bodies {
            document::read(&body, &wanted, &mut |series| gathered.add(series))?;
        }
    }
    let series = gathered.finish(&mut Notes::default());
    if series.is_empty() { Err(format!("the document does not name {unit}")) } else { Ok(()) }
}
