//! `from`, `to` and the settlement periods that they mean.

use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Utc};

use super::BadParameter;
use crate::query::Query;
use crate::values::{floor, settlement_period_start};

/// Starts of the first and the last half hour wanted: **both** count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    first: DateTime<Utc>,
    last: DateTime<Utc>,
}

impl Window {
    /// The half hours that `from` and `to` fall in.
    pub(super) fn of_times(query: &Query) -> Result<Window, BadParameter> {
        let (from, to) = (required(query, "From", "from")?, required(query, "To", "to")?);
        Ok(Window { first: floor(from.to_utc(), 30), last: floor(to.to_utc(), 30) })
    }

    /// The same, but a settlement period given with a date replaces the time of day.
    pub(super) fn of_times_or_periods(query: &Query) -> Result<Window, BadParameter> {
        let mut window = Window::of_times(query)?;
        let date = |name, lower| required(query, name, lower).map(|at| at.date_naive());
        if let Some(start) =
            period(query, "SettlementPeriodFrom", "settlementPeriodFrom", date("From", "from")?)?
        {
            window.first = start;
        }
        if let Some(start) = period(query, "SettlementPeriodTo", "settlementPeriodTo", date("To", "to")?)? {
            window.last = start;
        }
        Ok(window)
    }

    /// Starts of the half hours, ascending, none after `until`.
    pub(super) fn half_hours(&self, until: DateTime<Utc>) -> impl DoubleEndedIterator<Item = DateTime<Utc>> {
        let first = self.first;
        let count = (self.last.min(floor(until, 30)) - first).num_minutes() / 30 + 1;
        (0..count.max(0)).map(move |number| first + TimeDelta::minutes(30 * number))
    }
}

fn required(
    query: &Query,
    name: &'static str,
    lower: &'static str,
) -> Result<DateTime<FixedOffset>, BadParameter> {
    let missing = format!("A value for the '{name}' parameter or property was not provided.");
    let Some(text) = query.get(lower) else { return Err(BadParameter { name, reasons: vec![missing] }) };
    let invalid = format!("The value '{text}' is not valid for {name}.");
    read(text).ok_or(BadParameter { name, reasons: vec![invalid, missing] })
}

/// A date, or a date and time; without an offset it is UTC.
fn read(text: &str) -> Option<DateTime<FixedOffset>> {
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Some(at);
    }
    let plain = text.strip_suffix('Z').unwrap_or(text);
    let at = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"]
        .iter()
        .find_map(|format| NaiveDateTime::parse_from_str(plain, format).ok())
        .or_else(|| Some(NaiveDate::parse_from_str(plain, "%Y-%m-%d").ok()?.and_time(NaiveTime::MIN)))?;
    Some(at.and_utc().fixed_offset())
}

fn period(
    query: &Query,
    name: &'static str,
    lower: &'static str,
    date: NaiveDate,
) -> Result<Option<DateTime<Utc>>, BadParameter> {
    let Some(text) = query.get(lower) else { return Ok(None) };
    let start = text.parse().ok().and_then(|period| settlement_period_start(date, period));
    let reasons = vec![format!("The value '{text}' is not valid for {name}.")];
    start.map(Some).ok_or(BadParameter { name, reasons })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn starts(query: &str) -> Vec<String> {
        let window = Window::of_times_or_periods(&Query::parse(query)).unwrap();
        window.half_hours(DateTime::<Utc>::MAX_UTC).map(|at| at.format("%dT%H:%M").to_string()).collect()
    }

    #[test]
    fn both_ends_count() {
        assert_eq!(
            starts("from=2024-01-01T00:10Z&to=2024-01-01T01:00Z"),
            ["01T00:00", "01T00:30", "01T01:00"]
        );
        assert_eq!(starts("from=2024-01-01&to=2024-01-02").len(), 49);
        assert_eq!(starts("from=2024-01-02&to=2024-01-01").len(), 0);
    }

    #[test]
    fn a_settlement_period_replaces_the_time() {
        let query =
            "from=2026-05-20T23:59Z&to=2026-05-20T00:00Z&settlementPeriodFrom=30&settlementPeriodTo=30";
        assert_eq!(starts(query), ["20T13:30"], "a summer day begins at 23:00 UTC");
    }

    #[test]
    fn the_fiftieth_period_exists_once_a_year() {
        let query = |date| format!("from={date}&to={date}&settlementPeriodFrom=50&settlementPeriodTo=50");
        assert_eq!(starts(&query("2024-10-27")), ["27T23:30"]);
        assert!(Window::of_times_or_periods(&Query::parse(&query("2024-10-26"))).is_err());
    }
}
