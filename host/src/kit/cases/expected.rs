//! `expected.json`: what a source made of its answers, a measurement a line, so that a review shows what changed.

use std::{fmt::Write, path::Path};

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::problem::Problems;
use crate::{
    domain::{Labels, Measurement, Quantity, Series},
    kit::Made,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExpectedFile {
    series: Option<Vec<SeriesTable>>,
    units: Option<Vec<UnitTable>>,
    failure: Option<FailureTable>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UnitTable {
    code: String,
    series: Vec<SeriesTable>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FailureTable {
    case: String,
    message: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SeriesTable {
    kind: String,
    quantity: Quantity,
    #[serde(default)]
    labels: Labels,
    measurements: Vec<Row>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    start: Start,
    seconds: u32,
    value: Number,
}

/// An instant, or seconds where no calendar knows it.
#[derive(Serialize, Deserialize)]
#[serde(untagged, expecting = "expected an instant such as \"2024-03-01T00:00:00Z\"")]
enum Start {
    At(DateTime<Utc>),
    Seconds(i64),
}

/// JSON has no infinity.
#[derive(Serialize, Deserialize)]
#[serde(untagged, expecting = "expected a number")]
enum Number {
    Finite(f64),
    Text(String),
}

/// Reads what is expected: nothing where nothing was accepted yet; none if the file can't be used.
#[expect(clippy::option_option, reason = "the outer one is the problem that was told")]
pub(super) fn read(path: &Path, problems: &mut Problems) -> Option<Option<Made>> {
    let known = problems.0.len();
    let Some(text) = problems.text(path) else {
        return (problems.0.len() == known).then_some(None);
    };
    match serde_json::from_str::<ExpectedFile>(&text) {
        Ok(file) => match file.made() {
            Ok(made) => Some(Some(made)),
            Err(why) => {
                problems.add(path, None, why);
                None
            }
        },
        Err(error) => {
            let told = error.to_string();
            let what = told.split(" at line ").next().unwrap_or_default();
            problems.add(path, Some(error.line()), what);
            None
        }
    }
}

impl ExpectedFile {
    fn made(self) -> Result<Made, String> {
        let all = |series: Vec<SeriesTable>| {
            series.into_iter().map(SeriesTable::read).collect::<Result<Vec<_>, String>>()
        };
        match self {
            Self { series: Some(series), units: None, failure: None } => Ok(Made::Series(all(series)?)),
            Self { series: None, units: Some(units), failure: None } => {
                let unit = |unit: UnitTable| Ok((unit.code, all(unit.series)?));
                Ok(Made::Units(units.into_iter().map(unit).collect::<Result<_, String>>()?))
            }
            Self { series: None, units: None, failure: Some(FailureTable { case, message }) } => {
                Ok(Made::Failure { case, message })
            }
            _ => Err("expected one of `series`, `units` and `failure`".to_owned()),
        }
    }
}

impl SeriesTable {
    fn read(self) -> Result<Series, String> {
        let Self { kind, quantity, labels, measurements } = self;
        let row = |Row { start, seconds, value }| {
            let start = match start {
                Start::At(at) => at.timestamp(),
                Start::Seconds(seconds) => seconds,
            };
            let value = match value {
                Number::Finite(value) => value,
                Number::Text(text) => text.parse().map_err(|_| format!("{text:?} is no number"))?,
            };
            Ok(Measurement { start, seconds, value })
        };
        let measurements = measurements.into_iter().map(row).collect::<Result<_, String>>()?;
        Ok(Series { kind, quantity, labels, measurements })
    }
}

/// The text of the file.
pub(super) fn text(made: &Made) -> String {
    let mut text = String::from("{\n");
    match made {
        Made::Series(series) => write_series(&mut text, series, "  "),
        Made::Units(units) => {
            text.push_str("  \"units\": [");
            for (place, (code, series)) in units.iter().enumerate() {
                let comma = if place > 0 { "," } else { "" };
                let _ = write!(text, "{comma}\n    {{\n      \"code\": {},\n", Value::from(code.as_str()));
                write_series(&mut text, series, "      ");
                text.push_str("\n    }");
            }
            text.push_str("\n  ]");
        }
        Made::Failure { case, message } => {
            let (case, message) = (Value::from(case.as_str()), Value::from(message.as_str()));
            let _ = write!(text, "  \"failure\": {{ \"case\": {case}, \"message\": {message} }}");
        }
    }
    text.push_str("\n}\n");
    text
}

/// Writing to a text can't fail.
fn write_series(text: &mut String, series: &[Series], indent: &str) {
    let _ = write!(text, "{indent}\"series\": [");
    for (place, series) in series.iter().enumerate() {
        let comma = if place > 0 { "," } else { "" };
        let labels: serde_json::Map<String, Value> =
            series.labels.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect();
        let _ = write!(
            text,
            "{comma}\n{indent}  {{\n{indent}    \"kind\": {},\n{indent}    \"quantity\": \"{}\",\n\
             {indent}    \"labels\": {},\n{indent}    \"measurements\": [",
            Value::from(series.kind.as_str()),
            series.quantity,
            Value::Object(labels),
        );
        for (place, row) in series.measurements.iter().enumerate() {
            let comma = if place > 0 { "," } else { "" };
            let start = DateTime::from_timestamp(row.start, 0).map_or_else(
                || Value::from(row.start),
                |at| at.to_rfc3339_opts(SecondsFormat::Secs, true).into(),
            );
            let value = serde_json::Number::from_f64(row.value)
                .map_or_else(|| Value::from(row.value.to_string()), Value::Number);
            let seconds = row.seconds;
            let _ = write!(
                text,
                "{comma}\n{indent}      {{ \"start\": {start}, \"seconds\": {seconds}, \"value\": {value} }}"
            );
        }
        let _ = write!(text, "\n{indent}    ]\n{indent}  }}");
    }
    let _ = write!(text, "\n{indent}]");
}
