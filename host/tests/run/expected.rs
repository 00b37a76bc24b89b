//! What must be stored for a unit and a month, by the simulator's own functions of unit and time.

use std::{collections::BTreeMap, ops::Range};

use chrono::{DateTime, Months, NaiveDate, TimeDelta, Utc};
use chrono_tz::{Asia::Taipei, Europe::London, Tz};
use simulator::{catalogue, values};

use crate::support::work_folder::Row;

/// What tells stored rows apart.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) windfarm: String,
    pub(crate) code: String,
    pub(crate) kind: String,
    /// With its unit: `energy MWh`.
    pub(crate) quantity: String,
    /// As JSON.
    pub(crate) labels: String,
    /// Seconds since 1970.
    pub(crate) start: i64,
    pub(crate) seconds: u32,
}

/// Values by what tells them apart.
pub(crate) type Points = BTreeMap<Key, f64>;

/// Points of one unit.
pub(crate) struct Of<'a> {
    windfarm: &'a str,
    code: &'a str,
    points: Points,
}

/// The stored rows as points; two rows that nothing tells apart are a fault.
pub(crate) fn points(rows: &[Row]) -> Points {
    let mut points = Points::new();
    for row in rows {
        let key = Key {
            windfarm: row.windfarm.clone(),
            code: row.unit_code.clone(),
            kind: row.kind.clone(),
            quantity: format!("{} {}", row.quantity, row.unit),
            labels: row.labels.clone(),
            start: row.start.parse::<DateTime<Utc>>().unwrap().timestamp(),
            seconds: row.seconds,
        };
        assert!(points.insert(key.clone(), row.value).is_none(), "twice: {key:?}");
    }
    points
}

/// The same points with the same values, or a panic that names the first difference.
pub(crate) fn assert_same(stored: &Points, expected: &Points) {
    if let Some((key, value)) = expected.iter().find(|(key, _)| !stored.contains_key(*key)) {
        panic!("missing of {}: {key:?} = {value}", expected.len());
    }
    for (key, value) in stored {
        let expected = expected.get(key).unwrap_or_else(|| panic!("not expected: {key:?} = {value}"));
        // The sources compute sums and shares of these; nothing is rounded on the way.
        assert!((value - expected).abs() <= 1e-9 * expected.abs(), "{key:?}: {value}, expected {expected}");
    }
}

/// A month's span of UTC by a zone's calendar.
fn month(zone: Tz, year: i32, number: u32) -> Range<DateTime<Utc>> {
    let first = NaiveDate::from_ymd_opt(year, number, 1).unwrap();
    let midnight = |date: NaiveDate| {
        date.and_hms_opt(0, 0, 0).unwrap().and_local_timezone(zone).unwrap().with_timezone(&Utc)
    };
    midnight(first)..midnight(first + Months::new(1))
}

fn every(minutes: i64, span: Range<DateTime<Utc>>) -> impl Iterator<Item = DateTime<Utc>> {
    std::iter::successors(Some(span.start), move |at| Some(*at + TimeDelta::minutes(minutes)))
        .take_while(move |at| *at < span.end)
}

impl<'a> Of<'a> {
    pub(crate) fn new(windfarm: &'a str, code: &'a str) -> Self {
        Self { windfarm, code, points: Points::new() }
    }

    fn add(&mut self, series: (&str, &str, &str), start: DateTime<Utc>, seconds: i64, value: f64) {
        let (kind, quantity, labels) = series;
        let key = Key {
            windfarm: self.windfarm.into(),
            code: self.code.into(),
            kind: kind.into(),
            quantity: quantity.into(),
            labels: labels.into(),
            start: start.timestamp(),
            seconds: seconds.try_into().unwrap(),
        };
        assert!(self.points.insert(key, value).is_none());
    }

    /// A generation unit (A73): generation, and consumption where it is published; gaps stay gaps.
    pub(crate) fn entsoe(mut self, year: i32, number: u32) -> Points {
        let unit = catalogue::entsoe::find(self.code).unwrap();
        let labels = match unit.psr_type {
            Some("B18") => r#"{"production-type":"wind-offshore"}"#,
            Some("B19") => r#"{"production-type":"wind-onshore"}"#,
            other => panic!("{other:?} is no wind"),
        };
        for start in every(unit.resolution_minutes, month(Tz::UTC, year, number)) {
            let seconds = unit.resolution_minutes * 60;
            if let Some(mw) = values::entsoe_unit_mw(self.code, start) {
                self.add(("generation", "mean-power MW", labels), start, seconds, mw);
            }
            if let Some(mw) = values::entsoe_unit_consumption_mw(self.code, start) {
                self.add(("consumption", "mean-power MW", labels), start, seconds, mw);
            }
        }
        self.points
    }

    /// A balancing mechanism unit: metered energy (B1610) and notified levels (PN).
    pub(crate) fn elexon(mut self, year: i32, number: u32, now: DateTime<Utc>) -> Points {
        for start in every(30, month(Tz::UTC, year, number)) {
            let settlement_date = start.with_timezone(&London).date_naive();
            let run = values::elexon_settlement_run(settlement_date, now).unwrap();
            let metered = values::elexon_b1610_mwh(self.code, start).unwrap();
            let labels = format!(r#"{{"settlement-run":"{run}"}}"#);
            self.add(("generation", "energy MWh", &labels), start, 1800, metered);

            let segments = values::elexon_pn_segments(self.code, start);
            self.add(
                ("notified", "energy MWh", "{}"),
                start,
                1800,
                segments.iter().map(|one| one.mwh()).sum(),
            );
            for one in segments {
                let seconds = (one.to - one.from).num_seconds();
                let (from, to) = (one.level_from as f64, one.level_to as f64);
                self.add(("notified", "mean-power MW", "{}"), one.from, seconds, (from + to) / 2.0);
                self.add(("notified-level-from", "spot-power MW", "{}"), one.from, seconds, from);
                self.add(("notified-level-to", "spot-power MW", "{}"), one.from, seconds, to);
            }
        }
        self.points
    }

    /// A plant: one total a month and fuel.
    pub(crate) fn eia(mut self, fuels: &[&str], year: i32, number: u32) -> Points {
        let span = month(Tz::UTC, year, number);
        for fuel in fuels {
            let mwh = values::eia_plant_mwh(self.code, fuel, year, number).unwrap();
            let seconds = (span.end - span.start).num_seconds();
            self.add(
                ("generation", "energy MWh", &format!(r#"{{"fuel":"{fuel}"}}"#)),
                span.start,
                seconds,
                mwh,
            );
        }
        self.points
    }

    /// One of Taipower's own stations: one total a month of Taipei's calendar.
    pub(crate) fn taipower(mut self, year: i32, number: u32) -> Points {
        let span = month(Taipei, year, number);
        let mwh = values::taipower_monthly_kwh(self.code, year, number).unwrap() / 1000.0;
        let seconds = (span.end - span.start).num_seconds();
        self.add(("generation", "energy MWh", r#"{"origin":"monthly-official"}"#), span.start, seconds, mwh);
        self.points
    }
}
