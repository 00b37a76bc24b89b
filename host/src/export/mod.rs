//! Measurements as files and answers: what a line says, and who writes it as CSV, Parquet or JSON. Whoever writes takes
//! line by line, so that nothing is ever whole in memory.

mod csv;
mod json;
mod parquet;

pub use self::json::{JsonBody, JsonSeries, JsonValue};

use std::io::Write;

use crate::{
    domain::{Bucket, Measure},
    store::{ExportRow, ExportSeries, Instant, Replaced},
};

/// How lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// With a line of names first.
    Csv,
    /// Compressed with Zstandard.
    Parquet,
    /// `{"series": [{…, "values": […]}, …]}`.
    Json,
}

/// Columns besides those that every file has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Columns {
    /// Who wrote the value.
    pub attempt: bool,
    /// The part of the span that the value is about.
    pub coverage: bool,
    /// When and by whom it was replaced.
    pub history: bool,
}

/// A value to write.
#[derive(Clone, Copy, Debug)]
pub struct Line<'a> {
    /// Its series. Lines of one series come together.
    pub series: &'a ExportSeries,
    /// Seconds since 1970-01-01T00:00:00Z.
    pub start: i64,
    /// The first second after it.
    pub end: i64,
    /// In the measure.
    pub value: f64,
    /// What the value is given in.
    pub measure: Measure,
    /// The attempt that wrote it; below zero, the collector run. None of what was gathered from several.
    pub attempt_id: Option<i64>,
    /// The part of the span that the value is about.
    pub coverage: f64,
    /// That it was replaced.
    pub replaced: Option<Replaced>,
}

impl<'a> Line<'a> {
    /// A measurement as it is stored.
    pub fn of(row: &'a ExportRow) -> Self {
        Self::measured(row, Measure::of(row.series.quantity))
    }

    /// A measurement in a measure.
    pub fn measured(row: &'a ExportRow, measure: Measure) -> Self {
        let measurement = row.measurement();
        Self {
            series: &row.series,
            start: row.start,
            end: measurement.end(),
            value: measure.value(row.series.quantity, &measurement),
            measure,
            attempt_id: Some(row.attempt_id),
            coverage: 1.0,
            replaced: row.replaced,
        }
    }

    /// What was gathered of a span.
    pub const fn gathered(series: &'a ExportSeries, bucket: &Bucket, measure: Measure) -> Self {
        Self {
            series,
            start: bucket.span.start,
            end: bucket.span.end,
            value: bucket.value,
            measure,
            attempt_id: None,
            coverage: bucket.coverage,
            replaced: None,
        }
    }

    const fn seconds(&self) -> i64 {
        self.end - self.start
    }
}

/// Takes lines one by one and finishes the file.
pub trait Sink: Send {
    /// The next line.
    ///
    /// # Errors
    /// If it can't be written.
    fn line(&mut self, line: &Line<'_>) -> anyhow::Result<()>;

    /// Writes what is left.
    ///
    /// # Errors
    /// If it can't be written.
    fn finish(self: Box<Self>) -> anyhow::Result<()>;
}

/// Writes lines.
///
/// # Errors
/// If the beginning can't be written.
pub fn sink<W: Write + Send + 'static>(
    format: Format,
    columns: Columns,
    out: W,
) -> anyhow::Result<Box<dyn Sink>> {
    Ok(match format {
        Format::Csv => Box::new(csv::Csv::new(out, columns)?),
        Format::Parquet => Box::new(parquet::Parquet::new(out, columns)?),
        Format::Json => Box::new(json::Json::new(out, columns)),
    })
}

/// `2024-03-01T00:00:00Z`.
fn instant(seconds: i64) -> String {
    Instant::from_seconds(seconds).to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}
