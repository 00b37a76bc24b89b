//! What a firing is to fetch, by the calendar of one source.

use chrono::{DateTime, Days, Utc};

use super::{Age, IncrementalSettings};
use crate::domain::{Calendar, Month, Range, month::day_start};

/// Where an incremental firing looks for what is missing: up to the last month that lies behind the publication lag;
/// none where nothing has been published yet. With `under_way`, it looks at the month that has days behind the lag
/// too, up to the last such day: good where an upstream publishes day by day, and wrong where it publishes months.
///
/// Months older than `look_back_months` are left alone: what did not come by then won't come by asking often.
pub fn incremental(settings: &IncrementalSettings, calendar: Calendar, now: DateTime<Utc>) -> Option<Range> {
    let unpublished = calendar.first_unpublished_day(now);
    let last = if settings.under_way {
        unpublished.pred_opt()?
    } else {
        Month::of_date(unpublished).ok()?.first_day().pred_opt()?
    };
    let last_month = Month::of_date(last).ok()?;
    let looks_back = chrono::Months::new(u32::from(settings.look_back_months).saturating_sub(1));
    let earliest = last_month.first_day().checked_sub_months(looks_back)?;
    let first =
        Month::of_date(earliest).unwrap_or(Month::FIRST).max(calendar.first_month.unwrap_or(Month::FIRST));
    if first > last_month {
        return None;
    }
    Range::of_dates(first.first_day(), last).ok()
}

/// The months that reached one of the ages, counted from their end, after `since` (the last firing, or else the
/// schedule's creation) and not after `now`. Whatever firings were missed, each month comes up for each of its ages;
/// once, if it reached several between two firings. None comes up before the publication lag is over.
pub fn revise(ages: &[Age], calendar: Calendar, since: DateTime<Utc>, now: DateTime<Utc>) -> Vec<Month> {
    let mut months: Vec<_> = ages.iter().flat_map(|age| reached(*age, calendar, since, now)).collect();
    months.sort_unstable();
    months.dedup();
    months
}

/// The months that reached one age in the span.
fn reached(
    age: Age,
    calendar: Calendar,
    since: DateTime<Utc>,
    now: DateTime<Utc>,
) -> impl Iterator<Item = Month> {
    let lag = Days::new(calendar.publication_lag_days.into());
    let reached = move |month: Month| {
        let day = age.after(month.day_after())?.max(month.day_after().checked_add_days(lag)?);
        Some(day_start(day, calendar.zone))
    };
    // The month that ends about then, give or take one: months differ in length.
    let around = |at: DateTime<Utc>| {
        let day = at.with_timezone(&calendar.zone).date_naive();
        Month::of_date(age.before(day)?.min(day.checked_sub_days(lag)?)).ok()
    };
    let first = around(since).map_or(Month::FIRST, |month| month.before().before());
    let last = around(now).map_or(Month::FIRST, Month::next);
    let begins = calendar.first_month.unwrap_or(Month::FIRST);
    let is_due = move |at: i64| since.timestamp() < at && at <= now.timestamp();
    first.max(begins).through(last).filter(move |month| reached(*month).is_some_and(is_due))
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use chrono_tz::Tz;
    use proptest::prelude::*;

    use super::*;

    fn month(text: &str) -> Month {
        text.parse().unwrap()
    }

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn calendar(zone: Tz, first: Option<&str>, publication_lag_days: u16) -> Calendar {
        Calendar { zone, first_month: first.map(month), publication_lag_days }
    }

    fn asked(under_way: bool, lag: u16, now: &str) -> Option<String> {
        let settings =
            IncrementalSettings { look_back_months: 3, under_way, ..IncrementalSettings::default() };
        let calendar = calendar(Tz::UTC, Some("2023-12"), lag);
        incremental(&settings, calendar, at(now)).map(|range| range.to_string())
    }

    #[test]
    fn whole_months_are_asked_for_once_they_lie_behind_the_lag() {
        let asked = |now| asked(false, 5, now);
        assert_eq!(asked("2024-06-05T23:59:59Z").as_deref(), Some("2024-02-01 to 2024-04-30"));
        assert_eq!(asked("2024-06-06T00:00:00Z").as_deref(), Some("2024-03-01 to 2024-05-31"));
    }

    #[test]
    fn a_month_under_way_is_asked_for_up_to_the_lag() {
        let asked = |now| asked(true, 5, now);
        assert_eq!(asked("2024-06-06T00:00:00Z").as_deref(), Some("2024-03-01 to 2024-05-31"));
        assert_eq!(asked("2024-06-07T00:00:00Z").as_deref(), Some("2024-04-01 to 2024-06-01"));
    }

    #[test]
    fn nothing_is_asked_of_before_the_upstreams_history() {
        assert_eq!(asked(false, 0, "2024-01-10T00:00:00Z").as_deref(), Some("2023-12-01 to 2023-12-31"));
        assert_eq!(asked(false, 0, "2023-12-10T00:00:00Z"), None);
        assert_eq!(asked(true, 65_535, "1970-01-10T00:00:00Z"), None);
    }

    #[test]
    fn a_month_comes_up_on_the_day_that_it_reaches_an_age_by_its_sources_calendar() {
        let ages = [Age::Days(1), Age::Days(45), Age::Months(14)];
        let taipei = calendar(Tz::Asia__Taipei, None, 0);
        let due = |since, now| {
            let months = revise(&ages, taipei, at(since), at(now));
            months.into_iter().map(|month| month.to_string()).collect::<Vec<_>>()
        };
        // March is over on 1 April, and a day old on 2 April, which begins in Taipei on 1 April at 16:00 UTC.
        assert_eq!(due("2024-04-01T06:00:00Z", "2024-04-01T15:59:59Z"), [""; 0]);
        assert_eq!(due("2024-04-01T15:59:59Z", "2024-04-01T16:00:00Z"), ["2024-03"]);
        assert_eq!(due("2024-04-01T16:00:00Z", "2024-04-02T16:00:00Z"), [""; 0]);
        // In all of April: March by a day, February by 45 days, and January of 2023 by 14 months.
        assert_eq!(due("2024-03-31T15:59:59Z", "2024-04-30T15:59:59Z"), ["2023-01", "2024-02", "2024-03"]);
    }

    #[test]
    fn a_month_that_reached_two_ages_while_no_host_ran_comes_up_once() {
        let months = revise(
            &[Age::Days(1), Age::Days(10)],
            calendar(Tz::UTC, Some("2024-03"), 0),
            at("2024-03-20T00:00:00Z"),
            at("2024-04-20T00:00:00Z"),
        );
        assert_eq!(months, [month("2024-03")]);
    }

    #[test]
    fn no_month_comes_up_before_the_publication_lag_is_over() {
        let ages = [Age::Days(1), Age::Days(10), Age::Days(60)];
        let due = |since, now| revise(&ages, calendar(Tz::UTC, None, 45), at(since), at(now));
        assert_eq!(due("2024-03-01T12:00:00Z", "2024-03-17T00:00:00Z"), [month("2024-01")]);
        assert_eq!(due("2024-03-17T00:00:00Z", "2024-03-31T00:00:00Z"), []);
        assert_eq!(due("2024-03-31T00:00:00Z", "2024-04-01T00:00:00Z"), [month("2024-01")]);
    }

    proptest! {
        #[test]
        fn however_firings_fall_each_month_comes_up_once_for_each_age(
            age in prop_oneof![(1..400u16).prop_map(Age::Days), (1..30u16).prop_map(Age::Months)],
            gaps in prop::collection::vec(0..40 * 86_400i64, 1..60), start in 0..2_000_000_000i64,
            lag in 0..100u16, zone in prop::sample::select(chrono_tz::TZ_VARIANTS.to_vec()),
        ) {
            let calendar = calendar(zone, None, lag);
            let begin = DateTime::from_timestamp(start, 0).unwrap();
            let (mut since, mut seen) = (begin, Vec::new());
            for gap in gaps {
                let now = since + TimeDelta::seconds(gap);
                seen.extend(revise(&[age], calendar, since, now));
                since = now;
            }
            let expected: Vec<_> = Month::FIRST
                .through(month("2045-01"))
                .filter(|month| {
                    let day = age.after(month.day_after()).unwrap().max(month.day_after() + Days::new(lag.into()));
                    (begin.timestamp() + 1..=since.timestamp()).contains(&day_start(day, zone))
                })
                .collect();
            prop_assert_eq!(seen, expected);
        }

        #[test]
        fn what_is_asked_for_always_lies_behind_the_lag_and_within_the_look_back(
            now in 0..3_000_000_000i64, lag in 0..200u16, look_back_months in 1..40u16, under_way in prop::bool::ANY,
            zone in prop::sample::select(chrono_tz::TZ_VARIANTS.to_vec()),
        ) {
            let settings = IncrementalSettings { look_back_months, under_way, ..IncrementalSettings::default() };
            let calendar = calendar(zone, None, lag);
            let now = DateTime::from_timestamp(now, 0).unwrap();
            if let Some(range) = incremental(&settings, calendar, now) {
                prop_assert!(calendar.due(range.window(zone)) <= now + TimeDelta::hours(24));
                prop_assert!(range.last_day() < calendar.first_unpublished_day(now));
                prop_assert!(range.months().count() <= look_back_months.into());
            } else {
                prop_assert!(now.timestamp() < (200 + 32) * 86_400);
            }
        }
    }
}
