//! The questions put to the platform: which document, which area, which interval.

use std::fmt;
use std::ops::Range;

use backfill_guest::{http, time};
use chrono::{DateTime, Datelike as _, Timelike as _};

use crate::{psr, target::Target};

const DAY: i64 = 86_400;
const HOUR: i64 = 3_600;

/// The two data items in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item {
    /// 16.1.A, actual generation per generation unit: control areas only, one day at most.
    PerUnit,
    /// 16.1.B&C, actual generation per production type: one year at most.
    PerType,
}

impl Item {
    /// `documentType` of the request.
    pub fn document_type(self) -> &'static str {
        match self {
            Self::PerUnit => "A73",
            Self::PerType => "A75",
        }
    }
}

/// One question. Questions of all units of an area are the same, so that one answer serves them all; `psr` and
/// `unit` narrow it only where the platform refuses to answer as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    pub item: Item,
    pub area: String,
    /// Seconds of UTC, end exclusive, whole minutes.
    pub interval: Range<i64>,
    pub psr: Option<&'static str>,
    pub unit: Option<String>,
}

impl Query {
    /// The questions that cover a window: a day of UTC each for a unit, one for an area.
    pub fn cover(target: &Target, window: Range<i64>) -> Vec<Self> {
        let whole = window.start.div_euclid(60) * 60..(window.end + 59).div_euclid(60) * 60;
        let question = |item, area: &str, interval| Self {
            item,
            area: area.to_owned(),
            interval,
            psr: None,
            unit: None,
        };
        match target {
            Target::Area { area, .. } => vec![question(Item::PerType, area, whole)],
            Target::Unit { control_area, .. } => {
                utc_days(whole).map(|day| question(Item::PerUnit, control_area, day)).collect()
            }
        }
    }

    /// The request, to be sent to `base`.
    pub fn request(&self, base: &str) -> http::Request {
        let mut request = http::get(base, "/api")
            .query("documentType", self.item.document_type())
            .query("processType", "A16")
            .query("in_Domain", &self.area);
        if let Some(psr) = self.psr {
            request = request.query("psrType", psr);
        }
        if let Some(unit) = &self.unit {
            request = request.query("registeredResource", unit);
        }
        request
            .query("periodStart", compact(self.interval.start))
            .query("periodEnd", compact(self.interval.end))
    }

    /// The two halves of the interval, cut at a full hour; none below two hours.
    pub fn halves(&self) -> Option<Vec<Self>> {
        let Range { start, end } = self.interval;
        let middle = start.midpoint(end).div_euclid(HOUR) * HOUR;
        (start < middle && end - start >= 2 * HOUR)
            .then(|| [start..middle, middle..end].map(|interval| Self { interval, ..self.clone() }).to_vec())
    }

    /// The same interval asked in smaller parts: by the wanted types; then for the wanted unit alone; then none.
    pub fn narrower(&self, target: &Target) -> Option<Vec<Self>> {
        match (self.psr, target) {
            (None, Target::Unit { .. }) => Some(self.by_type(&psr::WIND_AND_SOLAR)),
            (None, Target::Area { types, .. }) => Some(self.by_type(types)),
            (Some(_), Target::Unit { eic, .. }) if self.unit.is_none() => {
                Some(vec![Self { unit: Some(eic.clone()), ..self.clone() }])
            }
            (Some(_), _) => None,
        }
    }

    fn by_type(&self, types: &[&'static str]) -> Vec<Self> {
        types.iter().map(|&psr| Self { psr: Some(psr), ..self.clone() }).collect()
    }
}

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Range { start, end } = self.interval;
        write!(f, "{} of {}", self.item.document_type(), self.area)?;
        if let Some(psr) = self.psr {
            write!(f, " {psr}")?;
        }
        if let Some(unit) = &self.unit {
            write!(f, " {unit}")?;
        }
        write!(f, " for {}/{}", time::format_utc(start), time::format_utc(end))
    }
}

/// A window cut at every midnight of UTC.
pub fn utc_days(window: Range<i64>) -> impl Iterator<Item = Range<i64>> {
    let mut start = window.start;
    std::iter::from_fn(move || {
        let day = start..((start.div_euclid(DAY) + 1) * DAY).min(window.end);
        start = day.end;
        (day.start < day.end).then_some(day)
    })
}

/// `yyyyMMddHHmm`, as the platform wants its instants.
fn compact(at: i64) -> String {
    let at = DateTime::from_timestamp(at, 0).unwrap_or_default();
    format!("{:04}{:02}{:02}{:02}{:02}", at.year(), at.month(), at.day(), at.hour(), at.minute())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEPTEMBER: Range<i64> = 1_725_148_800..1_727_740_800;

    fn unit() -> Target {
        Target::Unit { eic: "45W000000000046I".into(), control_area: "10Y1001A1001A796".into() }
    }

    #[test]
    fn a_month_of_a_unit_is_a_request_per_utc_day_for_the_whole_area() {
        let queries = Query::cover(&unit(), SEPTEMBER);
        assert_eq!(queries.len(), 30);
        let other = Target::Unit { eic: "45W000000000047G".into(), control_area: "10Y1001A1001A796".into() };
        assert_eq!(queries, Query::cover(&other, SEPTEMBER));
        assert_eq!(
            queries[1].request("https://web-api.tp.entsoe.eu").url(),
            "https://web-api.tp.entsoe.eu/api?documentType=A73&processType=A16&in_Domain=10Y1001A1001A796\
             &periodStart=202409020000&periodEnd=202409030000"
        );
    }

    #[test]
    fn a_month_of_an_area_is_one_request_whatever_the_types() {
        let area = |types| Target::Area { area: "10Y1001A1001A82H".into(), types };
        let queries = Query::cover(&area(vec!["B19"]), SEPTEMBER);
        assert_eq!(queries, Query::cover(&area(vec!["B01", "B16"]), SEPTEMBER));
        assert_eq!(
            queries[0].request("").url(),
            "/api?documentType=A75&processType=A16&in_Domain=10Y1001A1001A82H\
             &periodStart=202409010000&periodEnd=202410010000"
        );
    }

    #[test]
    fn days_tile_a_window_that_begins_and_ends_inside_a_day() {
        let window = SEPTEMBER.start + 5 * HOUR..SEPTEMBER.start + 50 * HOUR;
        let days: Vec<_> = utc_days(window.clone()).collect();
        assert_eq!(days.iter().map(|d| (d.end - d.start) / HOUR).collect::<Vec<_>>(), [19, 24, 2]);
        assert_eq!((days[0].start, days[2].end), (window.start, window.end));
        assert!(days.windows(2).all(|pair| pair[0].end == pair[1].start));
        assert_eq!(utc_days(5..5).count(), 0);
    }

    #[test]
    fn halving_tiles_the_interval_and_ends_at_an_hour() {
        let mut pending = Query::cover(&unit(), SEPTEMBER.start..SEPTEMBER.start + DAY);
        let mut hours = Vec::new();
        while let Some(query) = pending.pop() {
            match query.halves() {
                Some(halves) => pending.extend(halves),
                None => hours.push(query.interval),
            }
        }
        hours.sort_by_key(|hour| hour.start);
        assert_eq!(hours.len(), 24);
        assert!(hours.windows(2).all(|pair| pair[0].end == pair[1].start));
    }

    #[test]
    fn a_question_too_large_is_narrowed_by_type_then_by_unit_then_no_more() {
        let by_type = Query::cover(&unit(), SEPTEMBER)[0].narrower(&unit()).unwrap();
        assert_eq!(
            by_type.iter().map(|q| q.psr).collect::<Vec<_>>(),
            [Some("B16"), Some("B18"), Some("B19")]
        );
        assert!(by_type[0].request("").url().contains("&psrType=B16&periodStart="));
        let by_unit = by_type[1].narrower(&unit()).unwrap();
        assert_eq!(by_unit[0].unit.as_deref(), Some("45W000000000046I"));
        assert_eq!(by_unit[0].narrower(&unit()), None);
    }
}
