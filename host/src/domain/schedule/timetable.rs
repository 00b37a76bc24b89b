//! When a schedule fires: a cron expression by the clocks of a zone.

use chrono::{DateTime, NaiveDateTime, Utc};
use chrono_tz::Tz;
use croner::{Cron, parser::CronParser};

use crate::domain::local_time::first_shown;

/// A cron expression of five fields, and the zone whose clocks it means.
///
/// Where clocks change: an expression that names hours fires once for every local time that it names: after the gap
/// if clocks skip the time (once, if several are skipped), and the first time if they show it twice. One for
/// every hour (`*`) fires whenever the clocks show what it names, so that a collector neither pauses nor doubles.
#[derive(Clone, Debug)]
pub struct Timetable {
    cron: Cron,
    zone: Tz,
    every_hour: bool,
}

/// Why there can be no such timetable.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TimetableError {
    /// The expression has not five fields.
    #[error(
        "the cron expression {text:?} has {count} fields; expected five: minute, hour, day of month, month, day of \
         week, e.g. \"30 6 * * *\" for every day at half past six"
    )]
    Fields {
        /// The expression.
        text: String,
        /// How many it has.
        count: usize,
    },
    /// A field can't be read.
    #[error(
        "the {field} of the cron expression, {text:?}, can't be read; expected {expected}, a range such as {range}, \
         a step such as */{step}, or several of them with commas"
    )]
    Field {
        /// Its name.
        field: &'static str,
        /// Its text.
        text: String,
        /// What may stand there.
        expected: &'static str,
        /// An example.
        range: &'static str,
        /// An example.
        step: u8,
    },
    /// Cron would fire on days that match *either*, which nobody expects.
    #[error(
        "the cron expression {text:?} names both days of the month and days of the week, and would fire on either; \
         put * for one of them, or make two schedules"
    )]
    BothDays {
        /// The expression.
        text: String,
    },
    /// No date matches.
    #[error("the cron expression {text:?} never fires: there is no such date; check its day and month")]
    Never {
        /// The expression.
        text: String,
    },
    /// The zone is unknown.
    #[error("{text:?} is no IANA time zone; expected one such as UTC or Europe/Berlin")]
    Zone {
        /// The text.
        text: String,
    },
}

/// A field: its name, what it may hold, examples, and names for its values.
struct Field {
    name: &'static str,
    expected: &'static str,
    range: &'static str,
    step: u8,
    names: &'static [&'static str],
}

const FIELDS: [Field; 5] = [
    Field { name: "minute", expected: "0 to 59 or *", range: "0-29", step: 10, names: &[] },
    Field { name: "hour", expected: "0 to 23 or *", range: "6-18", step: 6, names: &[] },
    Field { name: "day of month", expected: "1 to 31 or *", range: "1-7", step: 2, names: &[] },
    Field {
        name: "month",
        expected: "1 to 12, JAN to DEC or *",
        range: "1-6",
        step: 3,
        names: &["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"],
    },
    Field {
        name: "day of week",
        expected: "0 to 7 (0 and 7 are Sunday), SUN to SAT or *",
        range: "MON-FRI",
        step: 2,
        names: &["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"],
    },
];

impl Timetable {
    /// Reads a cron expression of five fields, with numbers, three-letter names, `*`, lists, ranges and steps.
    ///
    /// # Errors
    /// See [`TimetableError`]. What crons differ about is refused: seconds, `@daily`, `L`, `W`, `#`, `?`.
    pub fn parse(cron: &str, zone: &str) -> Result<Self, TimetableError> {
        let text = cron.to_owned();
        let zone = zone.parse().map_err(|_| TimetableError::Zone { text: zone.to_owned() })?;
        let fields: Vec<_> = cron.split_whitespace().collect();
        let Ok(five) = <[&str; 5]>::try_from(&fields[..]) else {
            return Err(TimetableError::Fields { text, count: fields.len() });
        };
        for (index, field) in FIELDS.iter().enumerate() {
            field.check(index, five[index])?;
        }
        if five[2] != "*" && five[4] != "*" {
            return Err(TimetableError::BothDays { text });
        }
        let never = || TimetableError::Never { text: text.clone() };
        let cron = CronParser::new().parse(&five.join(" ")).map_err(|_| never())?;
        // No zone is needed to see that there is no such date.
        cron.find_next_occurrence(&NaiveDateTime::default(), false).map_err(|_| never())?;
        let every_hour = cron.pattern.hours.values().len() == 24;
        Ok(Self { cron, zone, every_hour })
    }

    /// The first firing after an instant; none only past the year 5000.
    pub fn next_after(&self, instant: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let local = instant.with_timezone(&self.zone);
        if self.every_hour {
            return self.cron.find_next_occurrence(&local, false).ok().map(|at| at.to_utc());
        }
        // Later local times are first shown at later instants, or at the end of the same gap. After an instant
        // that the clocks show for the second time come some that were shown before it.
        let mut local = local.naive_local();
        loop {
            local = self.cron.find_next_occurrence(&local, false).ok()?;
            let at = first_shown(local, self.zone);
            if at > instant {
                return Some(at);
            }
        }
    }
}

impl Field {
    /// Whether a text is one of ours: stricter than the parser, which takes names in any field and inside of numbers
    /// (`MON` as a month, `1JAN` as 11), and lists with nothing in them. The parser then checks the numbers.
    fn check(&self, index: usize, text: &str) -> Result<(), TimetableError> {
        let is_known = |token: &str| {
            let is_number = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_digit());
            token == "*" || is_number || self.names.iter().any(|name| name.eq_ignore_ascii_case(token))
        };
        let alone = (0..5).map(|other| if other == index { text } else { "*" }).collect::<Vec<_>>().join(" ");
        if text.split([',', '-', '/']).all(is_known) && CronParser::new().parse(&alone).is_ok() {
            return Ok(());
        }
        let Self { name, expected, range, step, .. } = *self;
        Err(TimetableError::Field { field: name, text: text.to_owned(), expected, range, step })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn firings(cron: &str, zone: &str, after: &str, count: usize) -> Vec<String> {
        let timetable = Timetable::parse(cron, zone).unwrap();
        let firings = std::iter::successors(timetable.next_after(at(after)), |at| timetable.next_after(*at));
        firings.take(count).map(|at| at.format("%d %H:%M").to_string()).collect()
    }

    #[test]
    fn it_fires_by_the_clocks_of_its_zone() {
        assert_eq!(firings("30 6 * * *", "Asia/Taipei", "2024-02-28T23:00:00Z", 2), ["29 22:30", "01 22:30"]);
        assert_eq!(firings("0 6 * * MON", "UTC", "2024-01-01T05:59:59.5Z", 2), ["01 06:00", "08 06:00"]);
        assert_eq!(firings("0 6 * * 7", "UTC", "2024-01-01T06:00:00Z", 1), ["07 06:00"]);
        assert_eq!(firings("0 0 29 feb *", "UTC", "2024-03-01T00:00:00Z", 1), ["29 00:00"]);
        assert_eq!(
            firings("*/20 * * * *", "UTC", "2024-01-01T00:00:00Z", 3),
            ["01 00:20", "01 00:40", "01 01:00"]
        );
    }

    #[test]
    fn what_a_gap_skips_fires_once_right_after_it() {
        // Clocks go from 02:00 to 03:00, at 01:00 UTC.
        let berlin = |cron| firings(cron, "Europe/Berlin", "2024-03-30T12:00:00Z", 2);
        assert_eq!(berlin("30 2 * * *"), ["31 01:00", "01 00:30"]);
        assert_eq!(berlin("0,15,30 2 * * *"), ["31 01:00", "01 00:00"]);
        assert_eq!(berlin("0 2,3 * * *"), ["31 01:00", "01 00:00"]);
        assert_eq!(berlin("0 */2 * * *"), ["30 13:00", "30 15:00"]);
        let lord_howe = firings("15 2 * * *", "Australia/Lord_Howe", "2024-10-05T00:00:00Z", 2);
        assert_eq!(lord_howe, ["05 15:30", "06 15:15"]);
    }

    #[test]
    fn what_a_fold_shows_twice_fires_once_the_first_time() {
        // Clocks go from 03:00 back to 02:00, at 01:00 UTC.
        let berlin = |cron| firings(cron, "Europe/Berlin", "2024-10-26T12:00:00Z", 3);
        assert_eq!(berlin("30 2 * * *"), ["27 00:30", "28 01:30", "29 01:30"]);
        assert_eq!(berlin("0,30 2 * * *"), ["27 00:00", "27 00:30", "28 01:00"]);
        let in_the_second_half = firings("15,45 2 * * *", "Europe/Berlin", "2024-10-27T01:20:00Z", 1);
        assert_eq!(in_the_second_half, ["28 01:15"]);
    }

    #[test]
    fn every_hour_means_every_hour_of_a_day_with_23_or_25() {
        let hours = |after| firings("0 * * * *", "Europe/Berlin", after, 4);
        assert_eq!(hours("2024-03-30T23:00:00Z"), ["31 00:00", "31 01:00", "31 02:00", "31 03:00"]);
        assert_eq!(hours("2024-10-26T23:00:00Z"), ["27 00:00", "27 01:00", "27 02:00", "27 03:00"]);
    }

    #[test]
    fn a_wrong_field_is_named_with_what_may_stand_there() {
        let message = |cron| Timetable::parse(cron, "UTC").unwrap_err().to_string();
        assert_eq!(
            message("0 25 * * *"),
            "the hour of the cron expression, \"25\", can't be read; expected 0 to 23 or *, a range such as 6-18, a \
             step such as */6, or several of them with commas"
        );
        for (cron, field) in [
            ("60 * * * *", "minute"),
            ("5/10 * * * *", "minute"),
            ("1,,2 * * * *", "minute"),
            (", * * * *", "minute"),
            ("*/0 * * * *", "minute"),
            ("-1 * * * *", "minute"),
            ("99999999999 * * * *", "minute"),
            ("* 18-6 * * *", "hour"),
            ("* * 0 * *", "day of month"),
            ("* * L * *", "day of month"),
            ("* * 15W * *", "day of month"),
            ("* * ? * *", "day of month"),
            ("* * * MON *", "month"),
            ("* * * 1JAN *", "month"),
            ("* * * JANUARY *", "month"),
            ("* * * * JAN", "day of week"),
            ("* * * * 8", "day of week"),
            ("* * * * 1#2", "day of week"),
            ("* * * * +MON", "day of week"),
            ("* * * * ₁", "day of week"),
        ] {
            assert!(
                message(cron).starts_with(&format!("the {field} of the cron")),
                "{cron}: {}",
                message(cron)
            );
        }
    }

    #[test]
    fn what_would_surprise_is_refused_with_what_to_do() {
        let message = |cron, zone| Timetable::parse(cron, zone).unwrap_err().to_string();
        for (cron, count) in
            [("", 0), ("@daily", 1), ("* * * *", 4), ("0 0 6 * * *", 6), ("0 0 0 1 1 * 2030", 7)]
        {
            assert!(message(cron, "UTC").contains(&format!("has {count} fields; expected five")), "{cron}");
        }
        assert!(message("0 0 13 * 5", "UTC").contains("would fire on either"));
        for cron in ["0 0 30 2 *", "0 0 31 4,6,9,11 *"] {
            assert!(message(cron, "UTC").contains("never fires"), "{cron}");
        }
        assert_eq!(
            message("0 0 * * *", "Berlin"),
            "\"Berlin\" is no IANA time zone; expected one such as UTC or Europe/Berlin"
        );
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(cron in "[0-9*,/ A-Z@#?-]{0,30}", zone in "[A-Za-z/]{0,12}") {
            let _ = Timetable::parse(&cron, &zone);
        }

        #[test]
        fn named_times_fire_once_a_day_in_any_zone_and_never_early(
            hour in 0..24u32, minute in 0..60u32, start in 0..3_000_000_000i64,
            zone in prop::sample::select(chrono_tz::TZ_VARIANTS.to_vec()),
        ) {
            let timetable = Timetable::parse(&format!("{minute} {hour} * * *"), zone.name()).unwrap();
            let mut at = DateTime::from_timestamp(start, 0).unwrap();
            let mut dates = Vec::new();
            for _ in 0..40 {
                let next = timetable.next_after(at).unwrap();
                prop_assert!(next > at);
                let local = next.with_timezone(&zone).naive_local();
                let named = local.date().and_hms_opt(hour, minute, 0).unwrap();
                let before = named - chrono::Days::new(1);
                let of_its_date = first_shown(named, zone) == next;
                // Later than named only where a gap skips what is named.
                prop_assert!(local >= named || !of_its_date);
                prop_assert!(of_its_date || first_shown(before, zone) == next);
                // What a gap skips may fire on the next date, which has a firing of its own: each counts for
                // the date that names it.
                dates.push(if of_its_date { named.date() } else { before.date() });
                at = next;
            }
            prop_assert!(dates.is_sorted_by(|a, b| a < b), "once a day: {dates:?}");
        }

        #[test]
        fn a_later_start_never_finds_an_earlier_firing(
            start in 0..3_000_000_000i64, ahead in 0..200_000i64,
            cron in prop::sample::select(vec!["0,30 2 * * *", "*/10 * * * *", "15 */3 * * *", "0 0 1 * *"]),
            zone in prop::sample::select(chrono_tz::TZ_VARIANTS.to_vec()),
        ) {
            let timetable = Timetable::parse(cron, zone.name()).unwrap();
            let next = |seconds| timetable.next_after(DateTime::from_timestamp(seconds, 0).unwrap()).unwrap();
            let (first, second) = (next(start), next(start + ahead));
            prop_assert!(first <= second);
            prop_assert!(first == second || first.timestamp() <= start + ahead, "none is left out");
        }
    }
}
