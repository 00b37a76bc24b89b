//! What it means that EIA gave no value: not yet, never for this unit and month, or not to be told.

use backfill_guest::Failure;
use backfill_guest::time::format_utc;

/// Form EIA-923 comes about two months after the month, between its 24th and its end.
pub(crate) const PLANT_LAG_DAYS: u16 = 60;

/// Form EIA-930 comes half a day to a day after the hour; two days leave room for late authorities.
pub(crate) const HOURLY_LAG_DAYS: u16 = 2;

const DAY: i64 = 86_400;

/// The failure for a unit and time without any value.
///
/// `end` is when the time asked for ends, `rows` how many rows of the unit came (all without a value),
/// `complete` whether EIA's listing was read to its end. EIA answers an unknown facet value like a month
/// without data, with zero rows, so the message says both.
pub(crate) fn nothing(what: &str, rows: usize, complete: bool, end: i64, lag_days: u16, now: i64) -> Failure {
    if !complete {
        return Failure::Malformed(format!(
            "{what}: no value among the rows that EIA gave, but it did not give all of them: the filters or the \
             offset are ignored"
        ));
    }
    let normally = end.saturating_add(i64::from(lag_days) * DAY);
    if now < normally {
        return Failure::NotYetPublished(format!(
            "{what}: nothing yet; EIA publishes about {lag_days} days later, normally by {}",
            format_utc(normally)
        ));
    }
    Failure::NoData(if rows > 0 {
        format!("{what}: EIA has {rows} rows and all values are missing or withheld")
    } else {
        format!("{what}: EIA has no rows; it answers a code that it doesn't know in the same way")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const END: i64 = 1_612_137_600; // 2021-02-01T00:00Z

    fn after(days: i64, complete: bool) -> Failure {
        nothing("plant 61014", 0, complete, END, PLANT_LAG_DAYS, END + days * DAY)
    }

    #[test]
    fn a_month_newer_than_the_publication_lag_is_not_yet_published() {
        assert!(matches!(after(-3, true), Failure::NotYetPublished(_)));
        assert!(matches!(after(59, true), Failure::NotYetPublished(why) if why.contains("2021-04-02")));
    }

    #[test]
    fn an_older_month_has_no_data_and_the_message_doubts_the_code() {
        assert!(matches!(after(60, true), Failure::NoData(why) if why.contains("code that it doesn't know")));
    }

    #[test]
    fn a_listing_that_was_not_read_to_its_end_proves_no_absence() {
        assert!(matches!(after(400, false), Failure::Malformed(_)));
    }

    #[test]
    fn rows_without_values_are_named() {
        let failure = nothing("plant 1", 2, true, END, PLANT_LAG_DAYS, END * 2);
        assert!(matches!(failure, Failure::NoData(why) if why.contains("2 rows")));
    }
}
