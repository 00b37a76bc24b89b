//! `[retention]`: how long what nothing else rests on is kept.

use std::time::Duration;

use super::reading::{Bounded, Section};
use crate::domain::Retention;

const DAY: Duration = Duration::from_secs(86_400);

/// As good as for ever.
const LONGEST: Duration = Duration::from_secs(100 * 365 * 86_400);

pub(super) fn read(section: Section<'_>) -> Retention {
    let usual = Retention::default();
    let days = |key, usual| section.bounded(key, usual, DAY..=LONGEST);
    let retention = Retention {
        events: days("events", usual.events),
        messages: days("messages", usual.messages),
        logs: days("logs", usual.logs),
        workers: days("workers", usual.workers),
        runs: days("runs", usual.runs),
    };
    if retention.messages > retention.events {
        let (messages, events) = (retention.messages.show(), retention.events.show());
        section.problem(
            "messages",
            format!(
                "{messages} is more than events, {events}, which messages tell of; expected at most that"
            ),
        );
    }
    section.finish();
    retention
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::{Problems, reading};

    fn read(text: &str) -> Result<Retention, Problems> {
        let (retention, problems) = reading::document(Path::new("backfill.toml"), text, |root| {
            let retention = super::read(root.section("retention"));
            root.finish();
            retention
        });
        Problems::unless_any(retention, problems)
    }

    #[test]
    fn what_is_not_said_is_kept_for_the_usual_time() {
        assert_eq!(read("").unwrap(), Retention::default());
        let retention = read("[retention]\nlogs = \"7d\"").unwrap();
        assert_eq!(retention, Retention { logs: 7 * DAY, ..Retention::default() });
    }

    #[test]
    fn a_message_is_kept_no_longer_than_what_it_tells_of() {
        let problems = read("[retention]\nevents = \"10d\"\nmessages = \"11d\"").unwrap_err().to_string();
        assert!(problems.contains("11days is more than events, 10days"), "{problems}");
    }
}
