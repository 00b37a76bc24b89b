//! The one place that reads the clock; everything else takes the time as an argument.

use chrono::{DateTime, SubsecRound, Utc};

/// The present instant in microseconds, the resolution that the store keeps.
pub fn now() -> DateTime<Utc> {
    #[expect(clippy::disallowed_methods, reason = "this is the one place")]
    Utc::now().trunc_subsecs(6)
}
