//! One `TimeSeries` element of a document, put together from its elements' texts.

use std::str::FromStr;

use backfill_guest::time;
use chrono::NaiveDate;

use crate::curve::{Curve, Period, Point};
use crate::{points, resolution};

/// Which way the power goes. The platform states generation against `inBiddingZone_Domain` and consumption
/// against `outBiddingZone_Domain`; the two are never mixed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    Generation,
    Consumption,
}

/// A place in a document, as far as its content matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Outside the root element.
    Outside,
    Document,
    DocumentType,
    TimeSeries,
    InDomain,
    OutDomain,
    Measure,
    CurveType,
    ProductionType,
    PsrType,
    Resource,
    UnitId,
    Period,
    Interval,
    Start,
    End,
    Resolution,
    Point,
    Position,
    Quantity,
    /// Anything of which the content doesn't matter.
    Elsewhere,
}

impl Place {
    /// The place of a child element. The path counts, not the name alone: `mRID` is a sequence number in a
    /// `TimeSeries`, and the generation unit in `PowerSystemResources` (`registeredResource.mRID` would be the
    /// production unit, which several generation units share).
    pub fn child(self, name: &str) -> Self {
        match (self, name) {
            (Self::Outside, "GL_MarketDocument") => Self::Document,
            (Self::Document, "type") => Self::DocumentType,
            (Self::Document, "TimeSeries") => Self::TimeSeries,
            (Self::TimeSeries, "inBiddingZone_Domain.mRID") => Self::InDomain,
            (Self::TimeSeries, "outBiddingZone_Domain.mRID") => Self::OutDomain,
            (Self::TimeSeries, "quantity_Measure_Unit.name") => Self::Measure,
            (Self::TimeSeries, "curveType") => Self::CurveType,
            (Self::TimeSeries, "MktPSRType") => Self::ProductionType,
            (Self::ProductionType, "psrType") => Self::PsrType,
            (Self::ProductionType, "PowerSystemResources") => Self::Resource,
            (Self::Resource, "mRID") => Self::UnitId,
            (Self::TimeSeries, "Period") => Self::Period,
            (Self::Period, "timeInterval") => Self::Interval,
            (Self::Interval, "start") => Self::Start,
            (Self::Interval, "end") => Self::End,
            (Self::Period, "resolution") => Self::Resolution,
            (Self::Period, "Point") => Self::Point,
            (Self::Point, "position") => Self::Position,
            (Self::Point, "quantity") => Self::Quantity,
            _ => Self::Elsewhere,
        }
    }

    /// Whether the text here matters.
    pub fn holds_text(self) -> bool {
        matches!(
            self,
            Self::DocumentType
                | Self::Measure
                | Self::CurveType
                | Self::PsrType
                | Self::UnitId
                | Self::Start
                | Self::End
                | Self::Resolution
                | Self::Position
                | Self::Quantity
        )
    }
}

/// A `TimeSeries`, as far as it has been read.
#[derive(Debug, Default)]
pub struct TimeSeries {
    /// EIC of the generation unit, where the document is by unit.
    pub unit: Option<String>,
    /// Code of the production type; a unit may have none.
    pub psr: Option<String>,
    pub curve: Curve,
    pub periods: Vec<Period>,
    into_zone: bool,
    out_of_zone: bool,
    start: Option<i64>,
    end: Option<i64>,
    step: Option<u32>,
    points: Vec<Point>,
    position: Option<u32>,
    quantity: Option<f64>,
}

impl TimeSeries {
    /// Takes note that an element has ended, and of its text. Errors say what is wrong with it.
    pub fn close(&mut self, place: Place, text: &str) -> Result<(), String> {
        let text = text.trim();
        match place {
            Place::InDomain => self.into_zone = true,
            Place::OutDomain => self.out_of_zone = true,
            Place::Measure if text != "MAW" => return Err(format!("values are in `{text}` and not in MAW")),
            Place::CurveType => {
                self.curve = match text {
                    "A01" => Curve::Fixed,
                    "A03" => Curve::Blocks,
                    _ => return Err(format!("curve type `{text}` is neither A01 nor A03")),
                }
            }
            Place::PsrType => self.psr = Some(text.to_owned()).filter(|code| !code.is_empty()),
            Place::UnitId => self.unit = Some(text.to_owned()),
            Place::Start => self.start = Some(instant(text)?),
            Place::End => self.end = Some(instant(text)?),
            Place::Resolution => self.step = Some(resolution::seconds(text)?),
            Place::Position => self.position = Some(position(text)?),
            Place::Quantity => self.quantity = Some(quantity(text)?),
            Place::Point => self.close_point()?,
            Place::Period => self.close_period()?,
            _ => {}
        }
        Ok(())
    }

    /// Takes the Points that markup in a Period begins with, and returns how many bytes they take.
    pub fn take_points(&mut self, markup: &[u8]) -> usize {
        points::run(markup, &mut self.points)
    }

    fn close_point(&mut self) -> Result<(), String> {
        match (self.position.take(), self.quantity.take()) {
            (Some(position), Some(value)) => self.points.push(Point { position, value }),
            (Some(position), None) => return Err(format!("position {position} has no quantity")),
            (None, _) => return Err("a Point has no position".into()),
        }
        Ok(())
    }

    fn close_period(&mut self) -> Result<(), String> {
        let (Some(start), Some(end)) = (self.start.take(), self.end.take()) else {
            return Err("a Period has no timeInterval".into());
        };
        let Some(step) = self.step.take() else {
            return Err(format!("the Period from {} has no resolution", time::format_utc(start)));
        };
        self.periods.push(Period { start, end, step, points: std::mem::take(&mut self.points) });
        Ok(())
    }

    /// The direction. A series that is stated against both zones or none can't be told, and is refused.
    pub fn direction(&self) -> Result<Direction, String> {
        match (self.into_zone, self.out_of_zone) {
            (true, false) => Ok(Direction::Generation),
            (false, true) => Ok(Direction::Consumption),
            _ => Err("needs one of inBiddingZone_Domain and outBiddingZone_Domain".into()),
        }
    }

    /// Where in the series a fault is: the Period and position last read.
    pub fn whereabouts(&self) -> String {
        let mut at = String::new();
        if let Some(unit) = &self.unit {
            at += &format!(" of {unit}");
        }
        if let Some(psr) = &self.psr {
            at += &format!(" ({psr})");
        }
        if let Some(start) = self.start {
            at += &format!(", Period from {}", time::format_utc(start));
        }
        if let Some(position) = self.position {
            at += &format!(", position {position}");
        }
        at
    }
}

fn instant(text: &str) -> Result<i64, String> {
    minute_of_utc(text).or_else(|| time::parse_utc(text)).ok_or_else(|| format!("`{text}` is no instant"))
}

/// `YYYY-MM-DDThh:mmZ`, as every interval is written: read without trying other spellings first.
fn minute_of_utc(text: &str) -> Option<i64> {
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<u32>().ok();
    let marks = [4, 7, 10, 13, 16].map(|at| text.as_bytes().get(at).copied());
    if text.len() != 17 || marks != [b'-', b'-', b'T', b':', b'Z'].map(Some) {
        return None;
    }
    let date = NaiveDate::from_ymd_opt(number(0, 4)?.cast_signed(), number(5, 7)?, number(8, 10)?)?;
    Some(date.and_hms_opt(number(11, 13)?, number(14, 16)?, 0)?.and_utc().timestamp())
}

/// A position, counted from 1.
pub(crate) fn position(text: &str) -> Result<u32, String> {
    u32::from_str(text).map_err(|_| format!("position `{text}` is no whole number"))
}

/// A value: a number with a decimal point. `1,5`, `NaN` and what overflows are refused, never mended.
pub(crate) fn quantity(text: &str) -> Result<f64, String> {
    let plain = text.bytes().all(|c| matches!(c, b'0'..=b'9' | b'.' | b'-' | b'+' | b'e' | b'E'));
    f64::from_str(text)
        .ok()
        .filter(|value| plain && value.is_finite())
        .ok_or_else(|| format!("quantity `{text}` is no number"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_plain_finite_numbers() {
        for (text, expected) in [("14869.83", 14869.83), ("-0.5", -0.5), ("1e2", 100.0), ("0", 0.0)] {
            assert_eq!(quantity(text), Ok(expected));
        }
        for text in ["1,5", "", "NaN", "nan", "inf", "-infinity", "1e999", "1 000", "n/a", "0x10", "--1"] {
            assert!(quantity(text).is_err(), "{text}");
        }
    }

    #[test]
    fn instants_are_read_alike_in_every_spelling() {
        for text in ["2024-03-31T01:00Z", "2024-03-31T01:00:00Z", "2024-03-31T02:00:00+01:00"] {
            assert_eq!(instant(text), Ok(1_711_846_800), "{text}");
        }
        for text in ["2024-02-30T01:00Z", "2024-03-31T24:00Z", "2024-03-31 01:00Z", "20é4-03-31T01:0Z", ""] {
            assert_eq!(minute_of_utc(text), None, "{text}");
        }
        assert!(instant("yesterday").is_err());
    }

    #[test]
    fn the_path_decides_what_an_identifier_means() {
        assert_eq!(Place::TimeSeries.child("mRID"), Place::Elsewhere);
        assert_eq!(Place::Resource.child("mRID"), Place::UnitId);
        assert_eq!(Place::Elsewhere.child("Period"), Place::Elsewhere);
    }

    #[test]
    fn a_series_against_both_zones_or_none_has_no_direction() {
        let mut series = TimeSeries::default();
        assert!(series.direction().is_err());
        series.close(Place::OutDomain, "10YNL----------L").unwrap();
        assert_eq!(series.direction(), Ok(Direction::Consumption));
        series.close(Place::InDomain, "10YNL----------L").unwrap();
        assert!(series.direction().is_err());
    }

    #[test]
    fn incomplete_points_and_periods_are_refused() {
        let mut series = TimeSeries::default();
        assert!(series.close(Place::Point, "").is_err());
        series.close(Place::Position, "3").unwrap();
        assert!(series.close(Place::Point, "").unwrap_err().contains("position 3"));
        assert!(series.close(Place::Period, "").unwrap_err().contains("timeInterval"));
        series.close(Place::Start, "2024-09-01T22:00Z").unwrap();
        series.close(Place::End, "2024-09-02T22:00Z").unwrap();
        assert!(series.close(Place::Period, "").unwrap_err().contains("no resolution"));
    }

    #[test]
    fn another_unit_of_measure_or_curve_is_refused() {
        let mut series = TimeSeries::default();
        assert!(series.close(Place::Measure, "MWH").unwrap_err().contains("`MWH`"));
        assert!(series.close(Place::CurveType, "A02").is_err());
    }
}
