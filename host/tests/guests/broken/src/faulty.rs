//! Which fault is on, and what the faults need to know.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::backfill::source::host;

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
