//! The one place that reads the clock; everything else is told the time.

use std::time::{SystemTime, UNIX_EPOCH};

/// Seconds of UTC.
pub(crate) fn now() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs().try_into().unwrap_or(i64::MAX))
}
