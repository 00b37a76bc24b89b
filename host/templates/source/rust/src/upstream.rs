//! What is particular to the upstream: where a unit's month is asked for, and what the answer says. Begin here: put your
//! upstream's address into `BASE_URL` and `url`, and its rows into `rows`.

use chrono::{DateTime, NaiveDateTime};
use serde::Deserialize;

pub const BASE_URL: &str = "https://data.elexon.co.uk";

/// Seconds that one value is for.
pub const INTERVAL: u32 = 1800;

/// The upstream's value of the interval that begins at `start`, in seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Row {
    pub start: i64,
    pub value: f64,
}

/// A row of the answer, less what isn't needed.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answered {
    bm_unit: Option<String>,
    /// UTC, without saying so.
    half_hour_end_time: String,
    /// MWh.
    quantity: Option<f64>,
}

/// Whether a code can be one of this upstream. The error is for people.
pub fn check_code(code: &str) -> Result<(), String> {
    let fits = |c: u8| c.is_ascii_alphanumeric() || c == b'_' || c == b'-';
    if !code.is_empty() && code.len() <= 30 && code.bytes().all(fits) {
        Ok(())
    } else {
        Err(format!(
            "{code:?} is no BM unit; expected one such as T_HOWAO-1"
        ))
    }
}

/// Where the values of `[start, end)` are asked for. This upstream counts both ends in: the last interval is the one
/// before `end`.
pub fn url(base_url: &str, code: &str, start: i64, end: i64) -> String {
    let base_url = base_url.trim_end_matches('/');
    let (from, to) = (utc(start), utc(end - i64::from(INTERVAL)));
    format!("{base_url}/bmrs/api/v1/datasets/B1610/stream?from={from}&to={to}&bmUnit={code}")
}

fn utc(seconds: i64) -> String {
    DateTime::from_timestamp(seconds, 0)
        .map_or_else(String::new, |at| at.format("%Y-%m-%dT%H:%MZ").to_string())
}

/// The rows of an answer that are about the unit and have a value. The error says what can't be read.
pub fn rows(answer: &[u8], code: &str) -> Result<Vec<Row>, String> {
    let answered: Vec<Answered> = serde_json::from_slice(answer).map_err(|error| {
        let begin = String::from_utf8_lossy(&answer[..answer.len().min(100)]).into_owned();
        format!("not the rows expected: {error}; the answer begins {begin:?}")
    })?;
    let mut rows = Vec::with_capacity(answered.len());
    for row in answered
        .iter()
        .filter(|row| row.bm_unit.as_deref() == Some(code))
    {
        let end = &row.half_hour_end_time;
        let at = NaiveDateTime::parse_from_str(end, "%Y-%m-%dT%H:%M:%S");
        let at = at
            .map_err(|_| format!("not a time: {end:?}"))?
            .and_utc()
            .timestamp();
        let Some(value) = row.quantity else { continue };
        rows.push(Row {
            start: at - i64::from(INTERVAL),
            value,
        });
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2024-01-01T00:00Z.
    const JANUARY: i64 = 1_704_067_200;

    fn row(unit: &str, end: &str, quantity: &str) -> String {
        format!(
            r#"{{"bmUnit":"{unit}","settlementPeriod":1,"halfHourEndTime":"{end}","quantity":{quantity}}}"#
        )
    }

    #[test]
    fn a_month_is_asked_for_with_its_last_interval() {
        let url = url("http://here/", "T_A-1", JANUARY, JANUARY + 31 * 86_400);
        let path = "/bmrs/api/v1/datasets/B1610/stream";
        assert_eq!(
            url,
            format!("http://here{path}?from=2024-01-01T00:00Z&to=2024-01-31T23:30Z&bmUnit=T_A-1")
        );
    }

    #[test]
    fn rows_of_the_unit_are_read_and_begin_before_their_end() {
        let rows_of = [
            row("T_A-1", "2024-01-01T00:30:00", "12.5"),
            row("T_B-1", "2024-01-01T00:30:00", "7"),
            row("T_A-1", "2024-01-01T01:00:00", "null"),
            row("T_A-1", "2024-01-01T01:30:00", "-1"),
        ];
        let answer = format!("[{}]", rows_of.join(","));
        let expected = [
            Row {
                start: JANUARY,
                value: 12.5,
            },
            Row {
                start: JANUARY + 3600,
                value: -1.0,
            },
        ];
        assert_eq!(rows(answer.as_bytes(), "T_A-1").unwrap(), expected);
    }

    #[test]
    fn what_cannot_be_read_is_told() {
        for answer in [
            "",
            "[",
            "{}",
            "<html>",
            "[1]",
            &format!("[{}]", row("T_A-1", "yesterday", "1")),
        ] {
            assert!(rows(answer.as_bytes(), "T_A-1").is_err(), "{answer}");
        }
        assert!(rows(b"[]", "T_A-1").unwrap().is_empty());
    }

    #[test]
    fn a_code_has_letters_digits_underscores_and_hyphens() {
        assert!(check_code("T_HOWAO-1").is_ok());
        for code in ["", "T HOWAO", "T/1", "a&b=c", &"x".repeat(31)] {
            assert!(check_code(code).is_err(), "{code}");
        }
    }
}
