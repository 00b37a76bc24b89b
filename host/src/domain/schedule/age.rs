//! How long after its end a month is looked at again.

use std::{fmt, str::FromStr};

use chrono::{Days, Months, NaiveDate};
use serde::{Deserialize, Serialize};

/// A number of days or of months: `10d`, `14mo`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Age {
    /// Days, 1 to 3650.
    Days(u16),
    /// Calendar months, 1 to 120.
    Months(u16),
}

impl Age {
    /// The day that is this much after another; none at the end of the calendar.
    pub fn after(self, day: NaiveDate) -> Option<NaiveDate> {
        match self {
            Self::Days(days) => day.checked_add_days(Days::new(days.into())),
            Self::Months(months) => day.checked_add_months(Months::new(months.into())),
        }
    }

    /// The day that is this much before another; none at the beginning of the calendar.
    pub(super) fn before(self, day: NaiveDate) -> Option<NaiveDate> {
        match self {
            Self::Days(days) => day.checked_sub_days(Days::new(days.into())),
            Self::Months(months) => day.checked_sub_months(Months::new(months.into())),
        }
    }
}

impl fmt::Display for Age {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Days(days) => write!(f, "{days}d"),
            Self::Months(months) => write!(f, "{months}mo"),
        }
    }
}

impl FromStr for Age {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = |digits: &str, most| {
            let digits = digits.bytes().all(|byte| byte.is_ascii_digit()).then_some(digits)?;
            digits.parse().ok().filter(|number| (1..=most).contains(number))
        };
        let age = if let Some(months) = text.strip_suffix("mo") {
            number(months, 120).map(Self::Months)
        } else {
            text.strip_suffix('d').and_then(|days| number(days, 3650)).map(Self::Days)
        };
        age.ok_or_else(|| {
            format!("{text:?} is no age; expected 1d to 3650d for days or 1mo to 120mo for months, e.g. 45d")
        })
    }
}

impl TryFrom<String> for Age {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Age> for String {
    fn from(age: Age) -> Self {
        age.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_days_or_months_and_nothing_else() {
        for (text, age) in [("1d", Age::Days(1)), ("3650d", Age::Days(3650)), ("14mo", Age::Months(14))] {
            assert_eq!(text.parse(), Ok(age));
            assert_eq!(age.to_string(), text);
        }
        for text in
            ["", "d", "mo", "0d", "3651d", "121mo", "14m", "+1d", "-1d", "1 d", "1.5d", "1w", "99999d"]
        {
            assert!(text.parse::<Age>().unwrap_err().contains("e.g. 45d"), "{text}");
        }
    }

    #[test]
    fn months_are_those_of_the_calendar() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        assert_eq!(Age::Months(14).after(day("2023-01-01")), Some(day("2024-03-01")));
        assert_eq!(Age::Days(45).after(day("2023-01-01")), Some(day("2023-02-15")));
        assert_eq!(Age::Months(14).before(day("2024-03-01")), Some(day("2023-01-01")));
    }
}
