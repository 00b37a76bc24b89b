//! How results are printed: JSON and CSV for machines, on standard output alone; tables for people.

use std::{io, process::ExitCode};

use chrono::{DateTime, SecondsFormat};
use clap::ValueEnum;
use comfy_table::{Table, presets::UTF8_HORIZONTAL_ONLY};
use serde_json::{Value, json};

use crate::{
    domain::{Labels, Series},
    source::Collected,
    store::{ImportCounts, Imported},
};

/// A source answered with a failure.
const FAILURE: u8 = 3;

/// How to print series.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// One JSON document.
    Json,
    /// A row per measurement.
    Csv,
    /// A line per series, with a sketch of its course.
    Table,
}

/// How to print what was found out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Report {
    /// For people.
    Table,
    /// For machines.
    Json,
}

/// An empty table with a header, drawn the same everywhere.
pub(super) fn table<const N: usize>(header: [&str; N]) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_HORIZONTAL_ONLY).set_header(header);
    table
}

/// `2024-03-01T00:00:00Z`.
pub(super) fn instant(seconds: i64) -> String {
    DateTime::from_timestamp(seconds, 0)
        .map_or_else(|| seconds.to_string(), |at| at.to_rfc3339_opts(SecondsFormat::Secs, true))
}

/// The beginning of a message that may be long.
pub(super) fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

/// `a=1 b=2`.
pub(super) fn labels(labels: &Labels) -> String {
    labels.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
}

pub(super) fn series(series: &[Series], requests: u64, format: Format) -> anyhow::Result<ExitCode> {
    match format {
        Format::Json => say!("{}", json!({ "series": as_json(series), "requests": requests }))?,
        Format::Csv => csv(series.iter().map(|series| (None, series)))?,
        Format::Table => {
            say!("{}", series_table(series.iter().map(|series| (None, series))))?;
            say!("{requests} requests")?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) fn collected(units: &Collected, requests: u64, format: Format) -> anyhow::Result<ExitCode> {
    let all = || units.iter().flat_map(|(code, series)| series.iter().map(|s| (Some(code.as_str()), s)));
    match format {
        Format::Json => {
            let units: Vec<_> = units
                .iter()
                .map(|(code, series)| json!({ "code": code, "series": as_json(series) }))
                .collect();
            say!("{}", json!({ "units": units, "requests": requests }))?;
        }
        Format::Csv => csv(all())?,
        Format::Table => {
            say!("{}", series_table(all()))?;
            say!("{requests} requests")?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// What an import did, or would do.
pub(super) fn imported(done: &Imported) -> anyhow::Result<()> {
    for (what, counts) in [("windfarms", done.windfarms), ("units", done.units)] {
        let ImportCounts { created, updated, unchanged } = counts;
        say!("{what}: {created} created, {updated} updated, {unchanged} unchanged")?;
    }
    Ok(())
}

pub(super) fn failure(case: &str, message: &str, format: Format) -> anyhow::Result<ExitCode> {
    match format {
        Format::Json => say!("{}", json!({ "failure": { "case": case, "message": message } }))?,
        Format::Csv | Format::Table => eprintln!("{case}: {message}"),
    }
    Ok(ExitCode::from(FAILURE))
}

fn as_json(series: &[Series]) -> Value {
    let series = series.iter().map(|series| {
        let measurements: Vec<_> = series
            .measurements
            .iter()
            .map(|m| json!({ "start": instant(m.start), "seconds": m.seconds, "value": m.value }))
            .collect();
        json!({
            "kind": series.kind,
            "quantity": series.quantity,
            "labels": series.labels,
            "measurements": measurements,
        })
    });
    series.collect()
}

fn csv<'a>(series: impl Iterator<Item = (Option<&'a str>, &'a Series)>) -> anyhow::Result<()> {
    let mut out = csv::Writer::from_writer(io::stdout().lock());
    out.write_record(["code", "kind", "quantity", "labels", "start", "seconds", "value"])?;
    for (code, series) in series {
        let labels = serde_json::to_string(&series.labels)?;
        for m in &series.measurements {
            out.write_record([
                code.unwrap_or_default(),
                &series.kind,
                series.quantity.as_str(),
                &labels,
                &instant(m.start),
                &m.seconds.to_string(),
                &m.value.to_string(),
            ])?;
        }
    }
    out.flush()?;
    Ok(())
}

fn series_table<'a>(series: impl Iterator<Item = (Option<&'a str>, &'a Series)>) -> Table {
    let mut table = table(["series", "unit", "rows", "from", "to", "mean MW", "max MW", "course"]);
    for (code, series) in series {
        let powers: Vec<f64> =
            series.measurements.iter().map(|m| series.quantity.as_mw(m.value, m.seconds)).collect();
        let hours: f64 = series.measurements.iter().map(|m| f64::from(m.seconds) / 3600.0).sum();
        let energy: f64 = series
            .measurements
            .iter()
            .zip(&powers)
            .map(|(m, power)| power * f64::from(m.seconds) / 3600.0)
            .sum();
        let name: Vec<String> =
            [code.map(str::to_owned), Some(series.kind.clone()), Some(labels(&series.labels))]
                .into_iter()
                .flatten()
                .filter(|part| !part.is_empty())
                .collect();
        table.add_row([
            name.join(" "),
            format!("{} {}", series.quantity, series.quantity.unit()),
            series.measurements.len().to_string(),
            series.measurements.first().map(|m| instant(m.start)).unwrap_or_default(),
            series.measurements.last().map(|m| instant(m.end())).unwrap_or_default(),
            if hours > 0.0 { format!("{:.2}", energy / hours) } else { String::new() },
            powers.iter().copied().reduce(f64::max).map(|max| format!("{max:.2}")).unwrap_or_default(),
            sketch(&powers),
        ]);
    }
    table
}

/// Twenty-four blocks whose heights follow the values; where there are fewer values, one block each.
fn sketch(values: &[f64]) -> String {
    const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let finite: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
    let low = finite.iter().copied().fold(0.0, f64::min);
    let high = finite.iter().copied().fold(low, f64::max);
    let steps = finite.len().min(24);
    let means = (0..steps).map(|step| {
        let part = &finite[step * finite.len() / steps..(step + 1) * finite.len() / steps];
        part.iter().sum::<f64>() / part.len() as f64
    });
    means
        .map(|mean| {
            let height = if high > low { (mean - low) / (high - low) * 7.0 } else { 0.0 };
            BLOCKS[(height.round() as usize).min(7)]
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sketch_follows_its_values() {
        assert_eq!(sketch(&[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]), "▁▂▃▄▅▆▇█");
        assert_eq!(sketch(&[5.0, 5.0]), "██");
        assert_eq!(sketch(&[]), "");
        assert_eq!(sketch(&[f64::NAN, 0.0]), "▁");
        assert_eq!(sketch(&[1.0; 1000]).chars().count(), 24);
    }
}
