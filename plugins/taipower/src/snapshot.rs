//! The live report d006001: every unit's net MW at one instant, renewed every ten minutes, kept by nobody.
//!
//! Three shapes have been published and all are read: `{"DateTime", "aaData": [{…}]}` with Chinese keys
//! (since 2024), `{"": stamp, "aaData": [[6 cells]]}` (2021), and the web page's own `genary` with 8 cells
//! and markup. Cells are text throughout.

use serde_json::{Map, Value};

use crate::energy_type::EnergyType;
use crate::names;
use crate::station::{Station, is_subtotal};
use crate::taipei;

/// Notes that say that the value beside them was not measured. Three in four of those values are 0.0, the
/// others stand still.
const NOT_MEASURED: [&str; 3] = ["通訊異常", "通訊中斷", "資料維修中"];

/// One report.
#[derive(Debug)]
pub(crate) struct Snapshot {
    /// Seconds of UTC of the report's own stamp.
    pub(crate) at: i64,
    pub(crate) rows: Vec<Row>,
    pub(crate) subtotals: Vec<Subtotal>,
    /// Rows that no known shape fits.
    pub(crate) unreadable: usize,
}

/// A unit's line.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    pub(crate) station: Station,
    /// Its name, for people.
    pub(crate) name: String,
    /// MW; nothing for units under test.
    pub(crate) capacity: Option<f64>,
    /// MW as written, whatever the note says; nothing for `N/A` and the like.
    pub(crate) written: Option<f64>,
    /// Upstream's remark, e.g. 檢修.
    pub(crate) note: String,
}

impl Row {
    /// MW, if it was measured.
    pub(crate) fn output(&self) -> Option<f64> {
        self.written.filter(|_| !NOT_MEASURED.iter().any(|note| self.note.contains(note)))
    }
}

/// A type's total: `8712.4(27.002%)` is MW and the share of all generation.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Subtotal {
    pub(crate) energy_type: EnergyType,
    pub(crate) output: Option<f64>,
    /// Percent.
    pub(crate) share: Option<f64>,
}

impl Snapshot {
    /// Reads any of the shapes. The error says what is missing.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let report: Map<String, Value> =
            serde_json::from_slice(bytes).map_err(|error| format!("d006001 is no JSON object: {error}"))?;
        let stamp = ["DateTime", ""].iter().find_map(|key| report.get(*key)?.as_str());
        let stamp = stamp.ok_or("d006001 has neither DateTime nor the stamp under the empty key")?;
        let at = taipei::parse_stamp(stamp).ok_or_else(|| format!("d006001 has the stamp {stamp:?}"))?;
        let rows = ["aaData", "dataset"].iter().find_map(|key| report.get(*key)?.as_array());
        let rows = rows.ok_or("d006001 has no rows under aaData")?;
        let mut snapshot = Self { at, rows: Vec::new(), subtotals: Vec::new(), unreadable: 0 };
        for row in rows {
            if Cells::of(row).and_then(|cells| snapshot.add(&cells)).is_none() {
                snapshot.unreadable += 1;
            }
        }
        if snapshot.rows.is_empty() {
            return Err(format!("d006001 has {} rows, and none has a known shape", rows.len()));
        }
        Ok(snapshot)
    }

    fn add(&mut self, cells: &Cells) -> Option<()> {
        let energy_type = EnergyType::parse(cells.energy_type)?;
        if is_subtotal(&names::fold(cells.name)) {
            let (output, share) = cells.output.split_once('(').unwrap_or((cells.output, ""));
            let share = number(share.trim_end_matches([')', '%']));
            self.subtotals.push(Subtotal { energy_type, output: number(output), share });
            return Some(());
        }
        self.rows.push(Row {
            station: Station::new(cells.energy_type, cells.name)?,
            name: names::shown(cells.name),
            capacity: number(cells.capacity).filter(|capacity| *capacity > 0.0),
            written: number(cells.output),
            note: cells.note.trim().to_owned(),
        });
        Some(())
    }
}

/// The cells that matter, out of any shape of row.
struct Cells<'a> {
    energy_type: &'a str,
    name: &'a str,
    capacity: &'a str,
    output: &'a str,
    note: &'a str,
}

impl<'a> Cells<'a> {
    fn of(row: &'a Value) -> Option<Self> {
        match row {
            Value::Object(row) => Self::named(row),
            Value::Array(row) => Self::placed(row),
            _ => None,
        }
    }

    fn named(row: &'a Map<String, Value>) -> Option<Self> {
        let cell = |key: &str| row.get(key)?.as_str();
        Some(Self {
            energy_type: cell("機組類型")?,
            name: cell("機組名稱")?,
            capacity: cell("裝置容量(MW)").unwrap_or_default(),
            output: cell("淨發電量(MW)")?,
            note: cell("備註").unwrap_or_default(),
        })
    }

    /// Six cells; or eight, with a subtype after the type and an empty cell at the end.
    fn placed(row: &'a [Value]) -> Option<Self> {
        let cells: Vec<&str> = row.iter().map(Value::as_str).collect::<Option<_>>()?;
        match cells[..] {
            [energy_type, name, capacity, output, _share, note]
            | [energy_type, _, name, capacity, output, _share, note, _] => {
                Some(Self { energy_type, name, capacity, output, note })
            }
            _ => None,
        }
    }
}

/// A number, or nothing for `N/A`, `-`, `∞`, `�` and blanks.
fn number(text: &str) -> Option<f64> {
    text.trim().parse().ok().filter(|value: &f64| value.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(json: &str) -> Snapshot {
        Snapshot::parse(format!("{{\"DateTime\":\"2026-04-10T10:10:00\",\"aaData\":[{json}]}}").as_bytes())
            .unwrap()
    }

    #[test]
    fn the_three_shapes_say_the_same() {
        let objects = rows(
            r#"{"機組類型":"風力","機組名稱":"觀威觀音&桃威新屋","裝置容量(MW)":"48.3","淨發電量(MW)":"32.9","備註":" "},
               {"機組類型":"風力","機組名稱":"小計(註5)","裝置容量(MW)":"2867.5(4.843%)","淨發電量(MW)":"32.9(4.217%)","備註":""}"#,
        );
        let six = Snapshot::parse(
            r#"{"":"2026-04-10 10:10","aaData":[["風力","觀威觀音&amp;桃威新屋","48.3","32.9","68.116%"," "],["風力","小計(註5)","2867.5(4.843%)","32.9(4.217%)","",""]]}"#
                .as_bytes(),
        );
        let type_cell = "<A NAME='wind'></A><b>風力(Wind)</b>";
        let eight = Snapshot::parse(
            format!(
                "\u{feff}{{\"\":\"2026-04-10 10:10\",\"aaData\":[[\"{type_cell}\",\"陸域風力購電(註13)\",\"觀威觀音&amp;桃威新屋(註10)\",\"48.3\",\"32.9\",\"68.116%\",\" \",\"\"],[\"{type_cell}\",\"\",\"小計\",\"2867.5(4.843%)\",\"32.9(4.217%)\",\"\",\"\",\"\"]],\"SubUnitSet\":[]}}"
            )
            .as_bytes(),
        );
        for other in [six.unwrap(), eight.unwrap()] {
            assert_eq!(
                (other.at, &other.rows, &other.subtotals),
                (objects.at, &objects.rows, &objects.subtotals)
            );
        }
        assert_eq!(objects.subtotals[0].share, Some(4.217));
        assert_eq!(backfill_guest::time::format_utc(objects.at), "2026-04-10T02:10:00Z");
    }

    #[test]
    fn what_was_not_measured_is_missing_and_not_zero() {
        for note in NOT_MEASURED {
            let snapshot = rows(&format!(r#"["風力","苗栗大鵬","42.0","0.0","0.000%","部分檢修、{note}"]"#));
            assert_eq!((snapshot.rows[0].written, snapshot.rows[0].output()), (Some(0.0), None), "{note}");
        }
        for text in ["N/A", "-", "", "�", "∞", "NaN"] {
            let snapshot = rows(&format!(r#"["風力","王功","23.0","{text}","{text}"," "]"#));
            assert_eq!(snapshot.rows[0].output(), None, "{text}");
        }
        assert_eq!(rows(r#"["風力","王功","23.0","0.0","0.000%","檢修"]"#).rows[0].output(), Some(0.0));
    }

    #[test]
    fn a_unit_under_test_has_no_capacity() {
        for capacity in ["-", "0.0", "N/A"] {
            assert_eq!(
                rows(&format!(r#"["風力","彰品風(註10)","{capacity}","1.5","-"," "]"#)).rows[0].capacity,
                None
            );
        }
    }

    #[test]
    fn a_row_of_an_unknown_shape_costs_only_itself() {
        let snapshot = rows(r#"["風力","王功","23.0","1.5","-"," "],["風力"],7,["","x","1","1","",""]"#);
        assert_eq!((snapshot.rows.len(), snapshot.unreadable), (1, 3));
    }

    #[test]
    fn a_report_without_stamp_or_rows_is_an_error() {
        for (text, expected) in [
            ("[]", "no JSON object"),
            ("{\"aaData\":[]}", "DateTime"),
            ("{\"DateTime\":\"now\",\"aaData\":[]}", "\"now\""),
            ("{\"DateTime\":\"2026-04-10T10:10:00\"}", "aaData"),
            ("{\"DateTime\":\"2026-04-10T10:10:00\",\"aaData\":[[]]}", "1 rows"),
        ] {
            let error = Snapshot::parse(text.as_bytes()).unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}
