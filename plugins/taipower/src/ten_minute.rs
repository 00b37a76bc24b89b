//! The file d006010: MW of every unit that Taipower owns, every ten minutes, for a rolling quarter.
//!
//! About 200 MB of `{"records":{"NET_P":[{FUEL_TYPE, UNIT_NAME, DATE or DATETIME, NET_P}, …]}}`, so it is read
//! as a stream and only the wanted unit's values are kept.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::BufRead;

use backfill_guest::{Measurement, Month};
use serde::{Deserialize, Deserializer, de};

use crate::json_objects::{StreamError, each_innermost};
use crate::station::{Station, Wanted};
use crate::taipei::{self, YearMonth};

/// The distance of the report's stamps.
pub(crate) const STEP: u32 = 600;

/// Whether the file can hold a month. It covers a quarter whose end lies three to five months back (seen:
/// December–February in July, March–May in October); one month of margin each side. Asking for nothing
/// costs 200 MB, so what can't be there is not asked for. `now` is the clock's month; `newest` the monthly
/// file's newest, which trails the clock by one or two months and serves where the clock is wrong.
pub(crate) fn may_hold(month: YearMonth, now: Option<YearMonth>, newest: Option<YearMonth>) -> bool {
    let back = |reference: Option<YearMonth>| reference.map(|reference| reference.months_since(month));
    back(now).is_some_and(|months| (2..=9).contains(&months))
        || back(newest).is_some_and(|months| (0..=7).contains(&months))
}

/// What the file says of one unit and month.
#[derive(Debug, Default)]
pub(crate) struct TenMinute {
    /// Whether the file names the unit at all.
    pub(crate) known: bool,
    /// Ordered, without overlaps.
    pub(crate) measurements: Vec<Measurement>,
    /// Stamps that came more than once with different values; the first stands.
    pub(crate) contradicted: usize,
    /// Records that could not be read.
    pub(crate) unreadable: usize,
}

/// Why the file gave nothing.
#[derive(Debug)]
pub(crate) enum TenMinuteError {
    Stream(StreamError),
    /// It was read to its end and holds no record of the shape expected.
    NoRecords {
        unreadable: usize,
    },
    /// The name fits several units.
    Ambiguous(String),
}

#[derive(Deserialize)]
struct Record<'a> {
    #[serde(rename = "FUEL_TYPE", borrow)]
    fuel: Cow<'a, str>,
    #[serde(rename = "UNIT_NAME", borrow)]
    unit: Cow<'a, str>,
    #[serde(rename = "DATETIME", borrow, default)]
    datetime: Cow<'a, str>,
    #[serde(rename = "DATE", borrow, default)]
    date: Cow<'a, str>,
    #[serde(rename = "NET_P")]
    net: Megawatts,
}

/// A number, or a text with or without one; `N/A`, `-`, blank and null are missing.
struct Megawatts(Option<f64>);

impl<'de> Deserialize<'de> for Megawatts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Megawatts;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("MW as a number or a text")
            }
            fn visit_str<E>(self, text: &str) -> Result<Megawatts, E> {
                Ok(Megawatts(text.trim().parse().ok().filter(|value: &f64| value.is_finite())))
            }
            fn visit_f64<E>(self, value: f64) -> Result<Megawatts, E> {
                Ok(Megawatts(Some(value)))
            }
            fn visit_i64<E>(self, value: i64) -> Result<Megawatts, E> {
                Ok(Megawatts(Some(value as f64)))
            }
            fn visit_u64<E>(self, value: u64) -> Result<Megawatts, E> {
                Ok(Megawatts(Some(value as f64)))
            }
            fn visit_unit<E>(self) -> Result<Megawatts, E> {
                Ok(Megawatts(None))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

/// Values of one name that may be the wanted one.
struct Candidate {
    station: Station,
    values: Vec<(i64, f64)>,
}

/// Reads the file to its end, keeping what the unit has inside the month.
pub(crate) fn read(
    reader: impl BufRead,
    wanted: &Wanted,
    month: &Month,
) -> Result<TenMinute, TenMinuteError> {
    let mut candidates: Vec<Candidate> = Vec::new();
    // By fuel and name as written: which candidate, if any. Two million records share some 200 names.
    let mut names: HashMap<String, Option<usize>> = HashMap::new();
    let mut key = String::new();
    let (mut records, mut unreadable) = (0usize, 0usize);
    each_innermost(reader, |object| {
        let Ok(record) = serde_json::from_slice::<Record>(object) else {
            unreadable += 1;
            return;
        };
        records += 1;
        key.clear();
        key.extend([&*record.fuel, "\n", &*record.unit]);
        let candidate = match names.get(key.as_str()) {
            Some(known) => *known,
            None => {
                let found = candidate(&mut candidates, wanted, &record);
                names.insert(key.clone(), found);
                found
            }
        };
        let Some(candidate) = candidate.and_then(|at| candidates.get_mut(at)) else { return };
        let stamp = if record.datetime.is_empty() { &record.date } else { &record.datetime };
        match (taipei::parse_stamp(stamp), record.net.0) {
            (Some(at), Some(value)) if month.contains(at) => candidate.values.push((at, value)),
            (None, _) => unreadable += 1,
            _ => {}
        }
    })
    .map_err(TenMinuteError::Stream)?;
    if records == 0 {
        return Err(TenMinuteError::NoRecords { unreadable });
    }
    let chosen = wanted.choose(candidates.iter().map(|candidate| &candidate.station));
    let station = chosen.map_err(TenMinuteError::Ambiguous)?.cloned();
    let Some(candidate) =
        candidates.into_iter().find(|candidate| Some(&candidate.station) == station.as_ref())
    else {
        return Ok(TenMinute { unreadable, ..TenMinute::default() });
    };
    let (mut measurements, contradicted) = measurements(candidate.values);
    // Where a part of a month is wanted that ends within ten minutes, these belong to the part after it.
    measurements.retain(|last| last.start + i64::from(last.seconds) <= month.end);
    Ok(TenMinute { known: true, measurements, contradicted, unreadable })
}

/// The candidate that a record's name belongs to, a new one where it is the first of its station.
fn candidate(candidates: &mut Vec<Candidate>, wanted: &Wanted, record: &Record) -> Option<usize> {
    let station = Station::new(&record.fuel, &record.unit)?;
    wanted.closeness(&station)?;
    let known = candidates.iter().position(|candidate| candidate.station == station);
    Some(known.unwrap_or_else(|| {
        candidates.push(Candidate { station, values: Vec::new() });
        candidates.len() - 1
    }))
}

/// Orders values and drops repetitions: a day may be in the file twice (seen: 2026-01-01). A stamp off the
/// ten-minute grid shortens the interval before it, so that intervals never overlap.
fn measurements(mut values: Vec<(i64, f64)>) -> (Vec<Measurement>, usize) {
    // Stable, so that of one stamp's values the first stays first.
    values.sort_by_key(|(at, _)| *at);
    let mut contradicted = 0;
    values.dedup_by(|later, earlier| {
        let same = later.0 == earlier.0;
        contradicted += usize::from(same && later.1 != earlier.1);
        same
    });
    let next = values.iter().skip(1).map(|(at, _)| *at).chain([i64::MAX]);
    let measurements = values.iter().zip(next).map(|(&(start, value), next)| Measurement {
        start,
        seconds: u32::try_from(next - start).map_or(STEP, |gap| gap.min(STEP)),
        value,
    });
    (measurements.collect(), contradicted)
}

#[cfg(test)]
mod tests;
