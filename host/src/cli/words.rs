//! Words that people may write in more than one way.

use crate::domain::Priority;

/// `high`, `normal` or `default`, or a priority as it is stored.
pub(super) fn priority(text: &str) -> Result<Priority, String> {
    match text {
        "high" => Ok(Priority::High),
        "normal" => Ok(Priority::Normal),
        other => {
            other.parse().map_err(|_| format!("{text:?} is no priority; expected high, normal or default"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn priorities_are_read_as_people_and_as_the_database_write_them() {
        for (text, expected) in [
            ("high", Priority::High),
            ("backfill_high", Priority::High),
            ("normal", Priority::Normal),
            ("backfill", Priority::Normal),
            ("default", Priority::Default),
        ] {
            assert_eq!(priority(text), Ok(expected), "{text}");
        }
        assert!(priority("urgent").unwrap_err().contains("expected high, normal or default"));
    }
}
