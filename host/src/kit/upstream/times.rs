//! Times as upstreams write them: read and written in any zone.

use std::fmt::Write as _;

use chrono::{DateTime, LocalResult, NaiveDate, NaiveDateTime, NaiveTime, TimeZone as _};
use chrono_tz::Tz;

/// The forms of local times that are read without being told.
const FORMS: [&str; 7] = [
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y-%m-%dT%H:%M",
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%d %H:%M",
    "%Y%m%d%H%M",
    "%Y%m%d%H%M%S",
    "%Y/%m/%d %H:%M",
];

/// Seconds since 1970 of a text: with an offset or `Z` as it says, else by the clocks of `zone`.
pub(super) fn read(text: &str, zone: Tz, form: Option<&str>) -> Option<i64> {
    let text = text.trim();
    if let Some(form) = form {
        if let Ok(at) = DateTime::parse_from_str(text, form) {
            return Some(at.timestamp());
        }
        let date = || NaiveDate::parse_from_str(text, form).ok().map(|date| date.and_time(NaiveTime::MIN));
        return NaiveDateTime::parse_from_str(text, form).ok().or_else(date).and_then(|at| local(at, zone));
    }
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Some(at.timestamp());
    }
    let (text, zone) = text.strip_suffix('Z').map_or((text, zone), |text| (text, Tz::UTC));
    let hour = || NaiveDateTime::parse_from_str(&format!("{text}:00"), "%Y-%m-%dT%H:%M").ok();
    let date = |text: &str| {
        NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().map(|date| date.and_time(NaiveTime::MIN))
    };
    let at = FORMS
        .iter()
        .find_map(|form| NaiveDateTime::parse_from_str(text, form).ok())
        .or_else(hour)
        .or_else(|| date(text))
        .or_else(|| date(&format!("{text}-01")))?;
    local(at, zone)
}

/// The first instant at which the clocks of a zone show a time, or that follows the hour which they leave out.
pub(super) fn local(at: NaiveDateTime, zone: Tz) -> Option<i64> {
    match zone.from_local_datetime(&at) {
        LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => Some(at.timestamp()),
        LocalResult::None => {
            let later = at.checked_add_signed(chrono::TimeDelta::hours(1))?;
            zone.from_local_datetime(&later).earliest().map(|at| at.timestamp())
        }
    }
}

/// An instant as the clocks of a zone show it; none if the form is none of strftime's.
pub(super) fn write(at: i64, zone: Tz, form: &str) -> Option<String> {
    let at = DateTime::from_timestamp(at, 0)?.with_timezone(&zone);
    let mut text = String::new();
    write!(text, "{}", at.format(form)).ok()?;
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_read_in_the_forms_of_upstreams() {
        let zone = Tz::Asia__Taipei;
        for (text, form) in [
            ("2024-03-01T00:00:00+08:00", None),
            ("2024-02-29T16:00Z", None),
            ("2024-03-01T00:00", None),
            ("2024-03-01 00:00:00", None),
            ("202403010000", None),
            ("2024-03-01T00", None),
            ("2024-03-01", None),
            ("2024-03", None),
            ("01.03.2024 00:00", Some("%d.%m.%Y %H:%M")),
            ("01.03.2024", Some("%d.%m.%Y")),
        ] {
            assert_eq!(read(text, zone, form), Some(1_709_222_400), "{text}");
        }
        assert_eq!(read("yesterday", zone, None), None);
        assert_eq!(read("2024-03-01", zone, Some("%d.%m.%Y")), None);
    }

    #[test]
    fn instants_are_written_in_any_zone_and_a_wrong_form_is_told() {
        assert_eq!(write(1_709_222_400, Tz::Asia__Taipei, "%Y-%m-%d %H:%M").unwrap(), "2024-03-01 00:00");
        assert_eq!(write(1_709_222_400, Tz::UTC, "%Q"), None);
    }

    #[test]
    fn an_hour_that_a_clock_leaves_out_is_the_one_after_it() {
        let spring = read("2024-03-31T01:30", Tz::Europe__London, None).unwrap();
        assert_eq!(write(spring, Tz::UTC, "%H:%M").unwrap(), "01:30");
    }
}
