//! What a month of a unit comes to, out of what the two historical files say.

use backfill_guest::{Failure, Level, Month, Quantity, Series, Unit, log};

use crate::monthly_table::Table;
use crate::monthly_value::{self, Monthly};
use crate::taipei::YearMonth;
use crate::ten_minute::{self, TenMinute, TenMinuteError};
use crate::upstream::{self, Upstream};
use crate::{clock, unit};

/// The first month of the monthly file; no other file reaches back as far.
pub(crate) const FIRST_MONTH: &str = "2024-01";

/// Fetches and normalizes: the monthly value first, then the ten-minute values where they can be had.
pub(crate) fn fetch(upstream: &Upstream, unit: &Unit, month: &Month) -> Result<Vec<Series>, Failure> {
    unit::check(unit).map_err(Failure::InvalidUnit)?;
    let taipei_month = YearMonth::new(month.year.into(), month.number.into())
        .ok_or_else(|| Failure::Malformed(format!("there is no month {}", month.label())))?;
    if Some(taipei_month) < YearMonth::new(2024, 1) {
        return Err(Failure::NotAvailable(format!("Taipower's history begins with {FIRST_MONTH}")));
    }
    let table = Table::parse(&upstream.monthly()?).map_err(Failure::Malformed)?;
    if !table.unreadable.is_empty() {
        log(Level::Warn, format!("d693001: lines without a month or a station: {:?}", table.unreadable));
    }
    let wanted = unit::in_monthly_names(unit).map_err(Failure::InvalidUnit)?;
    let monthly = monthly_value::find(&table, &wanted, taipei_month).map_err(Failure::InvalidUnit)?;
    let may_hold = ten_minute::may_hold(taipei_month, YearMonth::at(clock::now()), table.newest_of_all());
    let ten_minute =
        if upstream.ten_minute && may_hold { read_ten_minute(upstream, unit, month)? } else { None };
    let settled = settle(unit, month, taipei_month, monthly, ten_minute);
    settled.notes.into_iter().for_each(|(level, note)| log(level, note));
    settled.outcome
}

/// Nothing if the file is not there at all: upstream takes it away while it changes the quarter.
fn read_ten_minute(upstream: &Upstream, unit: &Unit, month: &Month) -> Result<Option<TenMinute>, Failure> {
    let wanted = unit::in_short_names(unit).map_err(Failure::InvalidUnit)?;
    let Some(reader) = upstream.ten_minute_reader()? else {
        log(Level::Warn, "d006010 is not there (HTTP 404): no ten-minute values of this month");
        return Ok(None);
    };
    ten_minute::read(reader, &wanted, month).map(Some).map_err(|error| match error {
        TenMinuteError::Stream(error) => upstream::broken_stream("d006010", &error),
        TenMinuteError::NoRecords { unreadable } => Failure::Malformed(format!(
            "d006010 has no record with FUEL_TYPE, UNIT_NAME and NET_P ({unreadable} other objects)"
        )),
        TenMinuteError::Ambiguous(why) => Failure::InvalidUnit(why),
    })
}

/// What the month comes to, and what the log should say.
pub(crate) struct Settled {
    pub(crate) outcome: Result<Vec<Series>, Failure>,
    pub(crate) notes: Vec<(Level, String)>,
}

/// Both files' series stand side by side under their labels, never mixed. A monthly value that must not be
/// stored is an error only if nothing else is there; a month that is missing is never a zero.
pub(crate) fn settle(
    unit: &Unit,
    month: &Month,
    taipei_month: YearMonth,
    monthly: Monthly,
    ten_minute: Option<TenMinute>,
) -> Settled {
    let mut notes = Vec::new();
    let mut series = Vec::new();
    let known = ten_minute.as_ref().is_some_and(|found| found.known);
    if let Some(found) = ten_minute {
        notes.extend(about(&found));
        if !found.measurements.is_empty() {
            let ten_minute = Series::new("generation", Quantity::SpotPower).label("origin", "10min-official");
            series.push(Series { measurements: found.measurements, ..ten_minute });
        }
    }
    type Case = fn(String) -> Failure;
    let without: Option<(Case, String)> = match monthly {
        Monthly::Energy(energy) => match whole_month(month, taipei_month, energy) {
            Some(monthly) => {
                series.insert(0, monthly);
                None
            }
            None => Some((
                Failure::NotAvailable,
                format!("d693001 gives one value for all of {taipei_month}, and only a part of it is wanted"),
            )),
        },
        Monthly::Missing(why) => Some((Failure::NoData, why)),
        Monthly::NotYet(why) => Some((Failure::NotYetPublished, why)),
        Monthly::Refused(why) => Some((Failure::Malformed, why)),
        Monthly::Unknown if known => {
            Some((Failure::NoData, format!("d006010 has no value of {} in {taipei_month}", unit.code)))
        }
        Monthly::Unknown => Some((Failure::NotAvailable, no_history(unit, taipei_month))),
    };
    let outcome = match without {
        Some((case, why)) if series.is_empty() => Err(case(why)),
        Some((_, why)) => {
            notes.push((Level::Warn, format!("no monthly value, only ten-minute ones: {why}")));
            Ok(series)
        }
        None => Ok(series),
    };
    Settled { outcome, notes }
}

fn no_history(unit: &Unit, month: YearMonth) -> String {
    format!(
        "Taipower publishes no history of {} for {month}: it is not among its own stations (d693001), nor in the ten-minute file (d006010) where that reaches the month. Of private farms only the present is shown: run the collector. If it is Taipower's own under another name, set monthly_name or ten_minute_name",
        unit.code,
    )
}

fn about(found: &TenMinute) -> Vec<(Level, String)> {
    let counts = [
        (found.contradicted, "stamps of d006010 came twice with different values; the first stands"),
        (found.unreadable, "records of d006010 could not be read"),
    ];
    let notes = counts.into_iter().filter(|(count, _)| *count > 0);
    notes.map(|(count, what)| (Level::Warn, format!("{count} {what}"))).collect()
}

/// The monthly value over its whole month, if the whole month is wanted: a part of it has no value.
fn whole_month(month: &Month, taipei_month: YearMonth, energy: f64) -> Option<Series> {
    let (start, end) = taipei_month.bounds()?;
    if month.start > start || month.end < end {
        return None;
    }
    let mut series = Series::new("generation", Quantity::Energy).label("origin", "monthly-official");
    series.push(start, u32::try_from(end - start).ok()?, energy);
    Some(series)
}

#[cfg(test)]
mod tests;
