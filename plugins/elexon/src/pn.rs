//! PN, physical notifications: the level that a unit said it would run at. A plan, not generation; for wind it is
//! close to what would have come without curtailment.
//!
//! A row is a segment: the level goes in a straight line from `levelFrom` at `timeFrom` to `levelTo` at `timeTo`, so
//! that one settlement period may hold several segments down to a minute. Only the last notification is public.

use backfill_guest::{Failure, Month, Series, time};
use serde::Deserialize;

use crate::answer::Text;
use crate::bm_unit::{BmUnit, Ids};
use crate::notes::{Notes, Tally};
use crate::segments::{self, Segment};
use crate::settlement::{Calendar, PERIOD_SECONDS};

/// A row of PN, less what isn't needed here. Levels are MW, times UTC.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Row<'a> {
    /// Null on some rows; the National Grid id then tells.
    #[serde(borrow)]
    bm_unit: Option<Text<'a>>,
    #[serde(borrow)]
    national_grid_bm_unit: Option<Text<'a>>,
    #[serde(borrow)]
    settlement_date: Text<'a>,
    settlement_period: u32,
    #[serde(borrow)]
    time_from: Text<'a>,
    #[serde(borrow)]
    time_to: Text<'a>,
    level_from: Option<f64>,
    level_to: Option<f64>,
}

impl Row<'_> {
    pub(crate) fn ids(&self) -> Ids<'_> {
        Ids { elexon: self.bm_unit.as_deref(), national_grid: self.national_grid_bm_unit.as_deref() }
    }

    /// For messages.
    fn name(&self) -> String {
        let Self { settlement_date, settlement_period, time_from, time_to, .. } = self;
        let (date, from, to) = (&**settlement_date, &**time_from, &**time_to);
        format!("PN row {} {date} SP{settlement_period} ({from} to {to})", self.ids().name())
    }

    fn malformed(&self, why: impl std::fmt::Display) -> Failure {
        Failure::Malformed(format!("{}: {why}", self.name()))
    }

    fn instant(&self, field: &str, text: &str) -> Result<i64, Failure> {
        time::parse_utc(text).ok_or_else(|| self.malformed(format!("{field} {text:?} is not a time")))
    }
}

/// `notified` as mean power per segment and as energy per settlement period, and `notified-level-from` and
/// `notified-level-to`; nothing if no row is about the unit and the month. See [`segments::series`].
pub(crate) fn series(
    rows: &[Row<'_>],
    unit: &BmUnit,
    month: &Month,
    notes: &mut Notes,
) -> Result<Vec<Series>, Failure> {
    let mut calendar = Calendar::default();
    let mut segments = Vec::with_capacity(rows.len());
    let (mut astray, mut missing, mut others) = (Tally::default(), Tally::default(), Tally::default());
    for row in rows {
        if !unit.is(row.ids()) {
            others.add(|| row.name());
            continue;
        }
        let period =
            calendar.start(&row.settlement_date, row.settlement_period).map_err(|why| row.malformed(why))?;
        let period_end = period + i64::from(PERIOD_SECONDS);
        if period < month.start || period_end > month.end {
            continue;
        }
        let start = row.instant("timeFrom", &row.time_from)?;
        let end = row.instant("timeTo", &row.time_to)?;
        // The times are UTC in so many words, so one odd row casts no doubt on the others, unlike in B1610.
        if start < period || end > period_end || end < start {
            astray.add(|| row.name());
            continue;
        }
        let (Some(from), Some(to)) = (row.level_from, row.level_to) else {
            missing.add(|| row.name());
            continue;
        };
        // A step: the level changes in no time, and the segments on either side say so themselves.
        if start == end {
            continue;
        }
        // Within a period of 1,800 seconds, so the length always fits.
        let seconds = u32::try_from(end - start).unwrap_or(PERIOD_SECONDS);
        segments.push(Segment { period, start, seconds, from, to });
    }
    notes.warn_of(&astray, "segments of PN don't lie in their settlement period and are left out");
    notes.info_of(&missing, "segments of PN have no level");
    notes.info_of(&others, "rows of PN are about other units and are ignored");
    Ok(segments::series(segments, notes))
}

#[cfg(test)]
#[path = "pn_tests.rs"]
mod tests;
