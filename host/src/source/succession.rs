//! Whether a component may take the place of another one while the host runs. What is stored of a source was made under
//! its calendar and for its codes: both must mean the same afterwards.

use super::{describe::Description, open::Unusable};

/// What keeps a component that describes itself so from succeeding another one.
pub(super) fn succeeds(before: &Description, after: &Description) -> Result<(), Unusable> {
    if before.month_zone != after.month_zone {
        return Err(Unusable::NoSuccessor(format!(
            "its months are those of {}, and so far they are those of {}: months that are stored whole would not be whole any \
             more; give it an id of its own, or start the host anew if it is to be so all the same",
            after.month_zone, before.month_zone
        )));
    }
    if before.name != after.name && !after.hosts.iter().any(|host| before.hosts.contains(host)) {
        return Err(Unusable::NoSuccessor(format!(
            "it is another source ({:?}, and so far {:?}) and asks for other hosts, so that the codes of units would mean \
             something else; give it an id of its own, or start the host anew if it is to be so all the same",
            after.name, before.name
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn described(name: &str, zone: chrono_tz::Tz, host: &str) -> Description {
        Description {
            name: name.to_owned(),
            version: "1.0.0".to_owned(),
            summary: String::new(),
            unit_code: String::new(),
            hosts: vec![host.to_owned()],
            settings: Vec::new(),
            month_zone: zone,
            publication_lag_days: 0,
            first_month: None,
        }
    }

    #[test]
    fn a_successor_keeps_the_calendar_and_is_the_same_source() {
        use chrono_tz::{Asia::Taipei, UTC};
        let before = described("Parks", UTC, "a.org");
        for (after, refused) in [
            (described("Parks", UTC, "b.org"), None),
            (described("Wind parks", UTC, "a.org"), None),
            (described("Parks", Taipei, "a.org"), Some("months that are stored whole")),
            (described("Tides", UTC, "b.org"), Some("another source")),
        ] {
            match (succeeds(&before, &after), refused) {
                (Ok(()), None) => {}
                (Err(why), Some(hint)) => assert!(why.to_string().contains(hint), "{why}"),
                (other, _) => panic!("{other:?}"),
            }
        }
    }
}
