//! Resolutions of a Period: ISO 8601 durations of fixed length.

/// Seconds of a duration such as `PT15M`, `PT60M`, `PT1H`, `P1D`, `P7D`, `PT4S`. Months and years have no fixed
/// length and are refused, as is a duration of nothing. The error is for people.
pub fn seconds(text: &str) -> Result<u32, String> {
    let refuse = |why: &str| Err(format!("resolution `{text}` {why}"));
    let Some(duration) = text.strip_prefix('P') else { return refuse("is no ISO 8601 duration") };
    let (date, time) = duration.split_once('T').unwrap_or((duration, ""));
    if date.contains(['M', 'Y']) {
        return refuse("has no fixed length; this source reads minutes, hours, days and weeks");
    }
    let units = |part: &str, units: &[(char, u32)]| -> Option<u32> {
        let (mut total, mut rest) = (0_u32, part);
        while !rest.is_empty() {
            let end = rest.find(|c: char| !c.is_ascii_digit())?;
            let (number, unit) = rest.split_at(end);
            let &(letter, length) = units.iter().find(|(letter, _)| unit.starts_with(*letter))?;
            total = total.checked_add(number.parse::<u32>().ok()?.checked_mul(length)?)?;
            rest = unit.strip_prefix(letter)?;
        }
        Some(total)
    };
    let days = units(date, &[('W', 604_800), ('D', 86_400)]);
    let clock = units(time, &[('H', 3_600), ('M', 60), ('S', 1)]);
    match days.zip(clock).and_then(|(days, clock)| days.checked_add(clock)) {
        Some(0) => refuse("is a duration of nothing"),
        Some(seconds) => Ok(seconds),
        None => refuse("is no ISO 8601 duration of whole seconds"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fixed_durations_are_read() {
        for (text, expected) in [
            ("PT1M", 60),
            ("PT15M", 900),
            ("PT30M", 1800),
            ("PT60M", 3600),
            ("PT1H", 3600),
            ("PT1H30M", 5400),
            ("PT4S", 4),
            ("P1D", 86_400),
            ("P7D", 604_800),
            ("P1W", 604_800),
            ("P1DT12H", 129_600),
        ] {
            assert_eq!(seconds(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn months_and_years_are_refused_and_minutes_are_no_months() {
        for text in ["P1M", "P1Y", "P1Y2M"] {
            assert!(seconds(text).unwrap_err().contains("no fixed length"), "{text}");
        }
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        for text in [
            "",
            "P",
            "PT",
            "PT0M",
            "15M",
            "PT15",
            "PTM",
            "PT1.5H",
            "PT-15M",
            "PT99999999999M",
            "PT4294967295H",
            "PT15Mé",
        ] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }
}
