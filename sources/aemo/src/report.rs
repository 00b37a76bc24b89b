//! AEMO's reports in CSV: rows that begin with `C` are comments, `I` names a table and its columns, `D` is a row of the table
//! named last. A report ends with `C,"END OF REPORT",…`.
//!
//! ```text
//! C,SETP.WORLD,DVD_DISPATCH_UNIT_SCADA,AEMO,PUBLIC,2020/02/07,00:00:20,0,,0
//! I,DISPATCH,UNIT_SCADA,1,SETTLEMENTDATE,DUID,SCADAVALUE
//! D,DISPATCH,UNIT_SCADA,1,"2020/01/01 00:05:00",ARWF1,120.5
//! C,"END OF REPORT",4
//! ```
//!
//! The number at the end is not held against the rows: what it counts is written nowhere, and the zip has a checksum.

use chrono::NaiveDateTime;
use memchr::{memchr, memmem, memrchr};

/// Seconds of a dispatch interval.
pub const INTERVAL: u32 = 300;
/// AEST: market time has no summer time.
const ZONE: i64 = 10 * 3600;
const TABLE: [&str; 2] = ["DISPATCH", "UNIT_SCADA"];
/// No row is nearly as long: what is, is no report.
const LONGEST: usize = 64 * 1024;

/// A reading of the unit.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Seconds since 1970, of the dispatch interval's start.
    pub start: i64,
    /// MW.
    pub value: f64,
    /// `2024/01/01 00:00:14`, which sorts as it is; empty where the file has no such column.
    pub changed: String,
}

/// Looks through a report for one unit's rows, piece by piece.
pub struct Report<'a> {
    duid: &'a str,
    finder: memmem::Finder<'a>,
    /// The begin of a row that isn't whole yet.
    kept: Vec<u8>,
    columns: Option<Columns>,
    found_table: bool,
    ended: bool,
    rows: Vec<Row>,
}

/// Where the columns of the table stand, by the names in its `I` row.
struct Columns {
    date: usize,
    duid: usize,
    value: usize,
    changed: Option<usize>,
}

impl<'a> Report<'a> {
    pub fn of(duid: &'a str) -> Self {
        Self {
            duid,
            finder: memmem::Finder::new(duid.as_bytes()),
            kept: Vec::new(),
            columns: None,
            found_table: false,
            ended: false,
            rows: Vec::new(),
        }
    }

    /// Takes the next bytes. The error says what can't be read.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(), String> {
        let Some(end) = memrchr(b'\n', bytes) else {
            self.kept.extend_from_slice(bytes);
            if self.kept.len() > LONGEST {
                return Err(format!("a row of more than {LONGEST} bytes: {}", begin(&self.kept)));
            }
            return Ok(());
        };
        let first = memchr(b'\n', bytes).unwrap_or(end);
        if !self.kept.is_empty() {
            let mut row = std::mem::take(&mut self.kept);
            row.extend_from_slice(&bytes[..=first]);
            self.rows_in(&row)?;
            row.clear();
            self.kept = row;
            if first < end {
                self.rows_in(&bytes[first + 1..=end])?;
            }
        } else {
            self.rows_in(&bytes[..=end])?;
        }
        self.kept.extend_from_slice(&bytes[end + 1..]);
        Ok(())
    }

    /// The unit's rows, after the last piece.
    pub fn finish(mut self) -> Result<Vec<Row>, String> {
        let last = std::mem::take(&mut self.kept);
        self.rows_in(&last)?;
        if !self.found_table {
            return Err(format!("the file has no table {}", TABLE.join(" ")));
        }
        if !self.ended {
            return Err("the file has no END OF REPORT: it is cut".into());
        }
        Ok(self.rows)
    }

    /// Whole rows. Of millions all but few are another unit's: rows are searched for as bytes before any is split.
    fn rows_in(&mut self, block: &[u8]) -> Result<(), String> {
        let mut at = 0;
        while let Some(line) = next_special(block, at) {
            self.data_in(&block[at..line])?;
            at = memchr(b'\n', &block[line..]).map_or(block.len(), |end| line + end + 1);
            self.special(&block[line..at])?;
        }
        self.data_in(&block[at..])
    }

    fn data_in(&mut self, block: &[u8]) -> Result<(), String> {
        let Some(columns) = &self.columns else {
            return Ok(());
        };
        let mut at = 0;
        while let Some(found) = self.finder.find(&block[at..]) {
            let found = at + found;
            let start = memrchr(b'\n', &block[..found]).map_or(0, |end| end + 1);
            let end = memchr(b'\n', &block[found..]).map_or(block.len(), |end| found + end);
            self.rows.extend(row(&block[start..end], columns, self.duid)?);
            at = end;
        }
        Ok(())
    }

    /// A comment, or a table's columns.
    fn special(&mut self, line: &[u8]) -> Result<(), String> {
        let line = text(line)?;
        let fields: Vec<&str> = fields(line).collect();
        if fields[0] == "C" {
            self.ended |= fields.get(1).is_some_and(|it| it.eq_ignore_ascii_case("END OF REPORT"));
            return Ok(());
        }
        self.columns = None;
        if is_table(&fields) {
            let place = |name: &str| fields.iter().position(|it| it.eq_ignore_ascii_case(name));
            let needed = |name: &str| place(name).ok_or_else(|| format!("no column {name} in {line:?}"));
            self.found_table = true;
            self.columns = Some(Columns {
                date: needed("SETTLEMENTDATE")?,
                duid: needed("DUID")?,
                value: needed("SCADAVALUE")?,
                changed: place("LASTCHANGED"),
            });
        }
        Ok(())
    }
}

/// Where the next row begins that is no data.
fn next_special(block: &[u8], from: usize) -> Option<usize> {
    let special = |at: usize| matches!(block.get(at..at + 2), Some(b"C," | b"I,"));
    if special(from) {
        return Some(from);
    }
    let [comment, table] =
        [b"\nC,", b"\nI,"].map(|begin| memmem::find(&block[from..], begin).map(|at| from + at + 1));
    comment.into_iter().chain(table).min()
}

/// The row's reading; none where it is another unit's, another table's, or has no value.
fn row(line: &[u8], columns: &Columns, duid: &str) -> Result<Option<Row>, String> {
    let line = text(line)?;
    let fields: Vec<&str> = fields(line).collect();
    if fields[0] != "D" || !is_table(&fields) || fields.get(columns.duid) != Some(&duid) {
        return Ok(None);
    }
    let wrong = |what: &str| format!("{what} in the row {line:?}");
    let field = |at: usize| fields.get(at).copied().ok_or_else(|| wrong("too few columns"));
    let (date, value) = (field(columns.date)?, field(columns.value)?);
    if value.is_empty() {
        return Ok(None);
    }
    let value: f64 = value.parse().map_err(|_| wrong("no number"))?;
    let at = NaiveDateTime::parse_from_str(date, "%Y/%m/%d %H:%M:%S").map_err(|_| wrong("no time"))?;
    let end = at.and_utc().timestamp() - ZONE;
    if end % i64::from(INTERVAL) != 0 || !value.is_finite() {
        return Err(wrong("no dispatch interval, or no number"));
    }
    let changed = columns.changed.map_or(Ok(""), field)?.to_owned();
    Ok(Some(Row { start: end - i64::from(INTERVAL), value, changed }))
}

fn is_table(fields: &[&str]) -> bool {
    fields.len() > 4 && fields[1..3] == TABLE
}

/// The fields of a row. None that is read here has a comma inside of its quotes.
fn fields(line: &str) -> impl Iterator<Item = &str> {
    line.trim_end().split(',').map(|field| field.trim_matches('"'))
}

fn text(line: &[u8]) -> Result<&str, String> {
    str::from_utf8(line).map_err(|_| format!("a row that is no text: {}", begin(line)))
}

fn begin(line: &[u8]) -> String {
    format!("{:?}", String::from_utf8_lossy(&line[..line.len().min(100)]))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2020-01-01T00:00 in Brisbane.
    const JANUARY: i64 = 1_577_800_800;

    const REPORT: &str = "\
C,SETP.WORLD,DVD_DISPATCH_UNIT_SCADA,AEMO,PUBLIC,2020/02/07,00:00:20,0,,0\r
I,DISPATCH,UNIT_SCADA,1,SETTLEMENTDATE,DUID,SCADAVALUE\r
D,DISPATCH,UNIT_SCADA,1,\"2020/01/01 00:05:00\",ARWF1,120.5\r
D,DISPATCH,UNIT_SCADA,1,\"2020/01/01 00:05:00\",ARWF10,7\r
D,DISPATCH,UNIT_SCADA,1,\"2020/01/01 00:10:00\",ARWF1,-0.75\r
D,DISPATCH,UNIT_SCADA,1,\"2020/01/01 00:15:00\",ARWF1,\r
D,DISPATCH,UNIT_SCADA,1,\"2020/01/01 00:20:00\",W/HOE#1,0\r
C,\"END OF REPORT\",9\r
";

    fn read(report: &str, duid: &str, step: usize) -> Result<Vec<Row>, String> {
        let mut reader = Report::of(duid);
        for bytes in report.as_bytes().chunks(step) {
            reader.feed(bytes)?;
        }
        reader.finish()
    }

    fn values(report: &str, duid: &str) -> Vec<(i64, f64)> {
        let rows = read(report, duid, 64).unwrap();
        rows.into_iter().map(|row| ((row.start - JANUARY) / 300, row.value)).collect()
    }

    #[test]
    fn a_units_rows_are_found_however_the_file_arrives() {
        for step in 1..REPORT.len() + 1 {
            let rows = read(REPORT, "ARWF1", step).unwrap();
            let found: Vec<_> = rows.iter().map(|row| (row.start - JANUARY, row.value)).collect();
            assert_eq!(found, [(0, 120.5), (300, -0.75)], "{step}");
        }
        assert_eq!(values(REPORT, "ARWF10"), [(0, 7.0)]);
        assert_eq!(values(REPORT, "W/HOE#1"), [(3, 0.0)]);
        assert_eq!(values(REPORT, "RWF1"), []);
        // What stands in other columns is no unit.
        assert_eq!(values(REPORT, "DISPATCH"), []);
        assert_eq!(values(REPORT, "0"), []);
    }

    #[test]
    fn columns_go_by_their_names() {
        let report = "\
I,DISPATCH,OTHER,1,SETTLEMENTDATE,DUID,SCADAVALUE
D,DISPATCH,OTHER,1,\"2020/01/01 00:05:00\",ARWF1,1
I,DISPATCH,UNIT_SCADA,2,LASTCHANGED,SCADAVALUE,MORE,DUID,SETTLEMENTDATE
D,DISPATCH,UNIT_SCADA,2,\"2020/01/01 00:00:14\",9.25,x,ARWF1,\"2020/01/01 00:05:00\"
I,DISPATCH,OTHER,1,SETTLEMENTDATE,DUID,SCADAVALUE
D,DISPATCH,OTHER,1,\"2020/01/01 00:05:00\",ARWF1,3
C,\"END OF REPORT\",7";
        let row = Row { start: JANUARY, value: 9.25, changed: "2020/01/01 00:00:14".into() };
        for step in [1, 50, 10_000] {
            assert_eq!(read(report, "ARWF1", step).unwrap(), std::slice::from_ref(&row));
        }
    }

    #[test]
    fn what_cannot_be_read_is_told() {
        for (from, to, why) in [
            ("C,\"END OF REPORT\",9", "", "it is cut"),
            ("I,DISPATCH", "I,TRADING", "no table DISPATCH UNIT_SCADA"),
            ("SCADAVALUE", "VALUE", "no column SCADAVALUE"),
            (",ARWF1,120.5", ",ARWF1", "too few columns"),
            ("120.5", "120.5MW", "no number"),
            ("120.5", "NaN", "no number"),
            ("2020/01/01 00:05:00", "01/01/2020 00:05", "no time"),
            ("00:05:00", "00:04:00", "no dispatch interval"),
        ] {
            let error = read(&REPORT.replacen(from, to, 1), "ARWF1", 64).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
        for junk in ["", "<html>", &"x".repeat(200_000)] {
            assert!(read(junk, "ARWF1", 4096).is_err());
        }
    }
}
