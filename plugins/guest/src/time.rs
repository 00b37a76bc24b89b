//! Instants and months. Everything that crosses the contract is seconds of UTC.

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime};

use crate::Month;

/// Seconds of `YYYY-MM-DDThh:mm[:ss[.fff]]`, with `Z`, an offset, or (then taken as UTC) without either.
pub fn parse_utc(text: &str) -> Option<i64> {
    let text = text.trim();
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Some(at.timestamp());
    }
    let naive = text.strip_suffix('Z').unwrap_or(text);
    ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"]
        .iter()
        .find_map(|format| NaiveDateTime::parse_from_str(naive, format).ok())
        .map(|at| at.and_utc().timestamp())
}

/// `YYYY-MM-DDThh:mm:ssZ`, for messages.
pub fn format_utc(at: i64) -> String {
    DateTime::from_timestamp(at, 0)
        .map_or_else(|| format!("{at}"), |at| at.format("%Y-%m-%dT%H:%M:%SZ").to_string())
}

/// Midnight UTC of a date.
pub fn midnight(date: NaiveDate) -> i64 {
    date.and_time(chrono::NaiveTime::MIN).and_utc().timestamp()
}

/// The UTC date that an instant falls on.
pub fn utc_date(at: i64) -> Option<NaiveDate> {
    DateTime::from_timestamp(at, 0).map(|at| at.date_naive())
}

/// Offset of UK local time in seconds (0 or 3600) at an instant of UTC: summer time from 01:00 UTC on the
/// last Sunday of March to 01:00 UTC on the last Sunday of October (the EU rule, in force since 1996).
pub fn european_summer_offset(at: i64) -> i64 {
    let Some(date) = utc_date(at) else { return 0 };
    match (last_sunday(date.year(), 3), last_sunday(date.year(), 10)) {
        (Some(march), Some(october)) if (midnight(march) + 3600..midnight(october) + 3600).contains(&at) => {
            3600
        }
        _ => 0,
    }
}

fn last_sunday(year: i32, month: u32) -> Option<NaiveDate> {
    let last = NaiveDate::from_ymd_opt(year, month, 31)?;
    last.checked_sub_days(chrono::Days::new(u64::from(last.weekday().num_days_from_sunday())))
}

impl Month {
    /// `YYYY-MM`.
    pub fn label(&self) -> String {
        format!("{:04}-{:02}", self.year, self.number)
    }

    /// Whether an instant is inside the part that is wanted.
    pub fn contains(&self, at: i64) -> bool {
        (self.start..self.end).contains(&at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn upstream_spellings_of_an_instant_are_read_as_utc() {
        for text in [
            "2024-03-31T01:00Z",
            "2024-03-31T01:00:00Z",
            "2024-03-31T01:00:00.000Z",
            "2024-03-31T01:00:00",
            "2024-03-31T02:00:00+01:00",
        ] {
            assert_eq!(parse_utc(text), Some(1_711_846_800), "{text}");
        }
        assert_eq!(parse_utc("31.03.2024"), None);
    }

    #[test]
    fn summer_time_starts_and_ends_at_one_utc_on_the_last_sundays() {
        let march = 1_711_846_800; // 2024-03-31T01:00Z
        let october = 1_729_990_800; // 2024-10-27T01:00Z
        assert_eq!([march - 1, march, october - 1, october].map(european_summer_offset), [0, 3600, 3600, 0]);
    }
}
