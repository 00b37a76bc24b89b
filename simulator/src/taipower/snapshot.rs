//! d006001: every unit at the last ten minutes, in the shapes of three years.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{Html, IntoResponse, Response};
use chrono::{DateTime, Utc};
use chrono_tz::Asia::Taipei;
use serde_json::{Value, json};

use super::BYTE_ORDER_MARK;
use crate::catalogue::taipower::{SUN, UNITS, Unit, WIND};
use crate::fault::SnapshotFault;
use crate::fault::effects::Content;
use crate::options::SnapshotFormat;
use crate::values::taipower::{strip, unit_mw};
use crate::values::{floor, revised};
use crate::world::World;

/// A row, all text: type, name, capacity, output, share, note.
type Row = [String; 6];

const KEYS: [&str; 6] =
    ["機組類型", "機組名稱", "裝置容量(MW)", "淨發電量(MW)", "淨發電量/裝置容量比(%)", "備註"];

pub(super) async fn file(
    State(world): State<Arc<World>>,
    Extension(content): Extension<Content>,
) -> Response {
    if content.snapshot == Some(SnapshotFault::Html) {
        return Html("<html><body>系統維護中</body></html>").into_response();
    }
    let at = floor(content.published_now(world.now()), 10);
    let format = world.options.taipower_format;
    let rows = if content.empty { Vec::new() } else { rows(at, format, &content) };
    ([(CONTENT_TYPE, "application/json")], document(at, format, &rows)).into_response()
}

fn document(at: DateTime<Utc>, format: SnapshotFormat, rows: &[Row]) -> String {
    let local = at.with_timezone(&Taipei);
    let document = match format {
        SnapshotFormat::Y2021 => json!({ "": local.format("%Y-%m-%d %H:%M").to_string(), "aaData": rows }),
        SnapshotFormat::Y2024 | SnapshotFormat::Y2026 => {
            let objects: Vec<Value> = rows
                .iter()
                .map(|row| KEYS.iter().zip(row).map(|(key, cell)| ((*key).to_owned(), json!(cell))).collect())
                .collect();
            json!({ "DateTime": local.format("%Y-%m-%dT%H:%M:%S").to_string(), "aaData": objects })
        }
    };
    format!("{BYTE_ORDER_MARK}{document}")
}

/// A unit with what it gives now; `None` where nobody knows.
struct Reading<'unit> {
    unit: &'unit Unit,
    mw: Option<f64>,
    note: &'static str,
}

fn rows(at: DateTime<Utc>, format: SnapshotFormat, content: &Content) -> Vec<Row> {
    let year = match format {
        SnapshotFormat::Y2021 => 2021,
        SnapshotFormat::Y2024 => 2024,
        SnapshotFormat::Y2026 => 2026,
    };
    let readings: Vec<_> =
        UNITS.iter().filter(|unit| unit.since <= year).map(|unit| reading(unit, at, content)).collect();
    let total = Sums::of(&readings);
    let mut rows = Vec::new();
    for group in readings.chunk_by(|one, other| one.unit.fuel == other.unit.fuel) {
        rows.extend(group.iter().map(|reading| unit_row(reading, format)));
        if let Some(first) = group.first() {
            rows.push(subtotal(first.unit.fuel, &Sums::of(group), &total, format));
        }
    }
    rows
}

fn reading<'unit>(unit: &'unit Unit, at: DateTime<Utc>, content: &Content) -> Reading<'unit> {
    let published = unit_mw(unit.fuel, unit.name, unit.capacity_mw, at);
    let mw = published.map(|mw| revised(content.revision, strip(unit.name), at, mw, 1));
    let (mw, note) = match (content.snapshot, unit.fuel, unit.name) {
        (Some(SnapshotFault::Thousandfold), SUN, _) => (mw.map(|mw| mw * 1000.0), "資料維修中"),
        (Some(SnapshotFault::AllOne), WIND, _) => (Some(1.0), " "),
        (Some(SnapshotFault::NoContact), WIND, "王功" | "苗栗大鵬") => (Some(0.0), "通訊異常"),
        _ => (mw, " "),
    };
    Reading { unit, mw, note }
}

#[derive(Default)]
struct Sums {
    capacity_mw: f64,
    mw: f64,
}

impl Sums {
    fn of(readings: &[Reading]) -> Sums {
        readings.iter().fold(Sums::default(), |sums, reading| Sums {
            capacity_mw: sums.capacity_mw + reading.unit.capacity_mw.unwrap_or_default(),
            mw: sums.mw + reading.mw.unwrap_or_default(),
        })
    }
}

fn unit_row(reading: &Reading, format: SnapshotFormat) -> Row {
    let Reading { unit, mw, note } = reading;
    let footnote = if unit.capacity_mw.is_none() && !unit.name.contains("(註") { "(註10)" } else { "" };
    let share = match (mw, unit.capacity_mw) {
        (None, _) => "N/A".to_owned(),
        (Some(_), None) => "-".to_owned(),
        (Some(mw), Some(capacity)) => format!("{:.3}%", mw / capacity * 100.0),
    };
    [
        fuel_name(unit.fuel, format),
        format!("{}{footnote}", unit.name),
        unit.capacity_mw.map_or_else(|| "-".to_owned(), |capacity| format!("{capacity:.1}")),
        mw.map_or_else(|| "N/A".to_owned(), |mw| format!("{mw:.1}")),
        share,
        (*note).to_owned(),
    ]
}

fn subtotal(fuel: &str, sums: &Sums, total: &Sums, format: SnapshotFormat) -> Row {
    let share = |part: f64, whole: f64| format!("{part:.1}({:.3}%)", part / whole * 100.0);
    let name = if format == SnapshotFormat::Y2026 { "小計(註5)" } else { "小計" };
    [
        fuel_name(fuel, format),
        name.to_owned(),
        share(sums.capacity_mw, total.capacity_mw),
        share(sums.mw, total.mw),
        String::new(),
        String::new(),
    ]
}

/// Fuels were renamed in 2026, and some carry markup that nobody closed or opened.
fn fuel_name(fuel: &str, format: SnapshotFormat) -> String {
    match (format, fuel) {
        (SnapshotFormat::Y2021, "其它再生能源") => {
            "<A NAME='Other Renewable Energy'></A><b>其它再生能源(Other Renewable Energy)</b>".to_owned()
        }
        (SnapshotFormat::Y2026, "燃油") => "燃料油".to_owned(),
        (SnapshotFormat::Y2026, "儲能負載") => "儲能負載(Energy Storage System Load)</b>".to_owned(),
        _ => fuel.to_owned(),
    }
}
