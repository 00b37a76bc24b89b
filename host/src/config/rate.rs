//! How often an upstream may be asked, as people write it: `400/min`, `5/s burst 10`.

use std::{fmt, time::Duration};

use super::reading::FromText;

/// At most `permits` requests in any `per`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateSpec {
    /// Requests; at least 1.
    pub permits: u32,
    /// A second, a minute, an hour or a day.
    pub per: Duration,
    /// How many of them may be made at once; at least 1 and at most `permits`. Left open, the limiter chooses.
    pub burst: Option<u32>,
}

impl FromText for RateSpec {
    const EXPECTED: &'static str =
        "COUNT/UNIT with unit s, min, h or day, such as \"400/min\", \"9000/h\" or \"5/s burst 2\"";

    fn from_text(text: &str) -> Result<Self, String> {
        let not_a_rate = || format!("{text:?} is not a rate");
        let mut words = text.split_whitespace();
        let (count, unit) = words.next().and_then(|rate| rate.split_once('/')).ok_or_else(not_a_rate)?;
        let burst = match (words.next(), words.next(), words.next()) {
            (None, _, _) => None,
            (Some("burst"), Some(burst), None) => Some(positive(burst).ok_or_else(not_a_rate)?),
            _ => return Err(not_a_rate()),
        };
        let permits = positive(count).ok_or_else(not_a_rate)?;
        if burst.is_some_and(|burst| burst > permits) {
            return Err(format!("{text:?} has a burst above its rate"));
        }
        let seconds = match unit {
            "s" | "sec" | "second" => 1,
            "min" | "minute" => 60,
            "h" | "hour" => 3600,
            "d" | "day" => 86_400,
            _ => return Err(not_a_rate()),
        };
        Ok(Self { permits, per: Duration::from_secs(seconds), burst })
    }
}

impl fmt::Display for RateSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = match self.per.as_secs() {
            1 => "s",
            60 => "min",
            3600 => "h",
            _ => "day",
        };
        write!(f, "{}/{unit}", self.permits)?;
        self.burst.map_or(Ok(()), |burst| write!(f, " burst {burst}"))
    }
}

fn positive(text: &str) -> Option<u32> {
    // Rust would take a leading plus.
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|number| digits && *number > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_a_count_per_unit_with_or_without_a_burst() {
        let cases = [
            ("400/min", 400, 60, None),
            ("5/s", 5, 1, None),
            ("9000/h", 9000, 3600, None),
            ("100/day", 100, 86_400, None),
            (" 400/min burst 20 ", 400, 60, Some(20)),
            ("400/minute burst 400", 400, 60, Some(400)),
        ];
        for (text, permits, seconds, burst) in cases {
            let expected = RateSpec { permits, per: Duration::from_secs(seconds), burst };
            assert_eq!(RateSpec::from_text(text), Ok(expected), "{text}");
            assert_eq!(RateSpec::from_text(&expected.to_string()), Ok(expected), "{expected}");
        }
    }

    #[test]
    fn anything_else_is_no_rate() {
        for text in [
            "",
            "400",
            "400 / min",
            "400/",
            "/min",
            "0/s",
            "-1/s",
            "+1/s",
            "1.5/s",
            "400/mn",
            "400/min 20",
            "400/min burst",
            "400/min burst 0",
            "400/min burst 20 now",
            "5/s burst 6",
            "4294967296/s",
        ] {
            assert!(RateSpec::from_text(text).is_err(), "{text}");
        }
    }
}
