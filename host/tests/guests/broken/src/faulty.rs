//! Which fault is on, and what the faults need to know.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::{HOUR, backfill::source::host, exports::backfill::source::adapter::Month};

/// Whether the setting `fault` names this one.
pub(crate) fn is(fault: &str) -> bool {
    host::setting("fault").as_deref() == Some(fault)
}

/// Seconds since 1970.
pub(crate) fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs().cast_signed())
}

/// Roughly when clocks are ahead in the north: April to October, counted in twelfths of a year.
pub(crate) fn summer(at: i64) -> bool {
    const YEAR: i64 = 31_556_952;
    (YEAR / 4..YEAR * 10 / 12).contains(&at.rem_euclid(YEAR))
}

/// How late the values of a window come, in seconds, by a fault that is to be seen only in windows that end, or begin, as
/// the months of one zone do: at 23:00 UTC those of London's summer, at 04:00 UTC those of New York's, at 13:30 UTC those of
/// Lord Howe's standard time.
pub(crate) fn late(month: &Month) -> i64 {
    let of_day = |at: i64| at.rem_euclid(24 * HOUR);
    match () {
        () if is("forgets-london-summer") && of_day(month.end) == 23 * HOUR => HOUR,
        () if is("forgets-new-york-summer") && of_day(month.start) == 4 * HOUR => -HOUR,
        () if is("forgets-half-hours") && of_day(month.end) == 13 * HOUR + HOUR / 2 => HOUR / 2,
        () => 0,
    }
}
