//! The one place that reads the clock.

use chrono::{DateTime, Utc};

#[expect(clippy::disallowed_methods, reason = "everything else takes the time from here")]
pub(crate) fn now() -> DateTime<Utc> {
    Utc::now()
}
