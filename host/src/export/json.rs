//! JSON: one object, written bit by bit.

use std::io::Write;

use serde::Serialize;

use super::{Columns, Line, Sink};
use crate::store::{ExportSeries, Instant};

/// Values by series.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Measurements)]
pub struct JsonBody<'a> {
    /// The series that have values, by unit.
    #[schema(value_type = Vec<JsonSeries>)]
    series: &'a [JsonSeries<'a>],
}

/// The values of one series.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = MeasurementSeries)]
pub struct JsonSeries<'a> {
    /// What they are about.
    #[serde(flatten)]
    series: &'a ExportSeries,
    /// What they are given in: `MW` or `MWh`.
    unit: &'static str,
    /// By start; in a history, what was replaced before what took its place.
    #[schema(value_type = Vec<JsonValue>)]
    values: [JsonValue; 0],
}

/// One value.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = MeasurementValue)]
pub struct JsonValue {
    /// The first instant of its span.
    start: Instant,
    /// The first instant after it.
    end: Instant,
    /// In the series' `unit`.
    value: f64,
    /// The part of the span that the value is about, above 0 and up to 1; only of hours, days and months.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 1)]
    coverage: Option<f64>,
    /// The attempt that wrote it; below zero, the collector run. Only of values as they are stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    attempt_id: Option<i64>,
    /// When it was replaced; only in a history, and of values that were.
    #[serde(skip_serializing_if = "Option::is_none")]
    replaced_at: Option<Instant>,
    /// The attempt that replaced it; below zero, the collector run.
    #[serde(skip_serializing_if = "Option::is_none")]
    replaced_by: Option<i64>,
}

pub(super) struct Json<W> {
    out: W,
    columns: Columns,
    /// The series whose values are being written.
    series: Option<i64>,
}

impl<W: Write> Json<W> {
    pub(super) const fn new(out: W, columns: Columns) -> Self {
        Self { out, columns, series: None }
    }

    /// Ends the series before, and begins that of a line.
    fn begin(&mut self, line: &Line<'_>) -> anyhow::Result<()> {
        if self.series.is_some() {
            self.out.write_all(b"]},\n")?;
        } else {
            self.open(&JsonBody { series: &[] })?;
        }
        self.series = Some(line.series.id);
        self.open(&JsonSeries { series: line.series, unit: line.measure.unit(), values: [] })
    }

    /// Writes what ends with an empty list, without the end: its items follow.
    fn open(&mut self, what: &impl Serialize) -> anyhow::Result<()> {
        let text = serde_json::to_string(what)?;
        Ok(self.out.write_all(text.trim_end_matches("]}").as_bytes())?)
    }
}

impl<W: Write + Send> Sink for Json<W> {
    fn line(&mut self, line: &Line<'_>) -> anyhow::Result<()> {
        if self.series == Some(line.series.id) {
            self.out.write_all(b",\n")?;
        } else {
            self.begin(line)?;
        }
        let replaced = line.replaced.filter(|_| self.columns.history);
        let value = JsonValue {
            start: Instant::from_seconds(line.start),
            end: Instant::from_seconds(line.end),
            value: line.value,
            coverage: self.columns.coverage.then_some(line.coverage),
            attempt_id: line.attempt_id.filter(|_| self.columns.attempt),
            replaced_at: replaced.map(|replaced| replaced.at),
            replaced_by: replaced.map(|replaced| replaced.by),
        };
        Ok(serde_json::to_writer(&mut self.out, &value)?)
    }

    fn finish(mut self: Box<Self>) -> anyhow::Result<()> {
        if self.series.is_some() {
            self.out.write_all(b"]}]}")?;
        } else {
            serde_json::to_writer(&mut self.out, &JsonBody { series: &[] })?;
        }
        Ok(self.out.flush()?)
    }
}
