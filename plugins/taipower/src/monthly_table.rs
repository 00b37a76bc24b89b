//! The file d693001: net generation of Taipower's own stations, month by month, in kWh.
//!
//! UTF-8 with a byte-order mark; a header in Chinese and English; `-` where nothing was reported; and cells
//! damaged by hand (`357,156.00 2`). Only own wind, solar and geothermal stations; no private farm.

use std::collections::BTreeSet;

use crate::energy_type::EnergyType;
use crate::station::Station;
use crate::taipei::YearMonth;

/// The columns by a part of their heading that stays whether English is there or not.
const YEAR: &str = "年度";
const MONTH: &str = "月份";
const TYPE: &str = "能源別";
const STATION: &str = "發電站名稱";
/// With its unit: 度 is the kWh. A column in another unit must not pass for this one.
const GENERATION: &str = "發電量(度)";

/// What a generation cell holds.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Cell {
    /// `-` or blank: not reported, which is not zero.
    Missing,
    Kwh(f64),
    /// The text, which is no number.
    Damaged(String),
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    /// Line of the file, from 1.
    pub(crate) line: u64,
    pub(crate) month: YearMonth,
    /// As written: onshore and offshore wind are separate blocks here.
    pub(crate) energy_type: String,
    pub(crate) station: Station,
    pub(crate) cell: Cell,
}

/// The whole file.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) rows: Vec<Row>,
    /// Lines whose month or station can't be read: nobody's, so nobody's error.
    pub(crate) unreadable: Vec<u64>,
}

impl Table {
    /// Reads the file. The error says what was expected and what came instead.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let mut reader = csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::All).from_reader(bytes);
        let headings = reader.headers().map_err(|error| format!("d693001 is no CSV: {error}"))?.clone();
        let column = |name: &str| {
            headings.iter().position(|heading| heading.contains(name)).ok_or_else(|| {
                let found: Vec<_> = headings.iter().collect();
                format!("d693001 has no column {name}; its columns are {}", found.join(", "))
            })
        };
        let columns = [column(YEAR)?, column(MONTH)?, column(TYPE)?, column(STATION)?, column(GENERATION)?];
        let mut table = Self { rows: Vec::new(), unreadable: Vec::new() };
        for record in reader.records() {
            let record = record.map_err(|error| format!("d693001 is no CSV: {error}"))?;
            let line = record.position().map_or(0, csv::Position::line);
            let cells = columns.map(|column| record.get(column).unwrap_or_default());
            match row(line, cells) {
                Some(row) => table.rows.push(row),
                None => table.unreadable.push(line),
            }
        }
        Ok(table)
    }

    /// Every station of the file, once.
    pub(crate) fn stations(&self) -> BTreeSet<&Station> {
        self.rows.iter().map(|row| &row.station).collect()
    }

    /// The newest month that the file has for an energy type: blocks are not published all at once.
    pub(crate) fn newest(&self, energy_type: &EnergyType) -> Option<YearMonth> {
        let of_type = self.rows.iter().filter(|row| row.station.energy_type == *energy_type);
        of_type.map(|row| row.month).max()
    }

    /// The newest month of the whole file.
    pub(crate) fn newest_of_all(&self) -> Option<YearMonth> {
        self.rows.iter().map(|row| row.month).max()
    }
}

fn row(line: u64, [year, month, energy_type, station, generation]: [&str; 5]) -> Option<Row> {
    Some(Row {
        line,
        month: YearMonth::new(year.parse().ok()?, month.parse().ok()?)?,
        energy_type: energy_type.to_owned(),
        station: Station::new(energy_type, station)?,
        cell: cell(generation),
    })
}

fn cell(text: &str) -> Cell {
    if matches!(text, "" | "-" | "－" | "—" | "N/A") {
        return Cell::Missing;
    }
    match number(text) {
        Some(value) => Cell::Kwh(value),
        None => Cell::Damaged(text.to_owned()),
    }
}

/// A plain number, with commas only where thousands are: `1,208,274` and `357,156.00`, not `3,57`.
fn number(text: &str) -> Option<f64> {
    let (whole, fraction) = text.split_once('.').map_or((text, None), |(whole, rest)| (whole, Some(rest)));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let unsigned = whole.strip_prefix('-').unwrap_or(whole);
    let mut groups = unsigned.split(',');
    let first = groups.next().unwrap_or_default();
    let grouped = unsigned.contains(',');
    let plausible = digits(first)
        && (!grouped || first.len() <= 3)
        && groups.all(|group| group.len() == 3 && digits(group))
        && fraction.is_none_or(digits);
    plausible.then(|| text.replace(',', "").parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "\u{feff}年度/Year,月份/Month,能源別/Energy Type,發電站名稱/Station Name,發電量(度)/Power Generation(kWh)\n";

    #[test]
    fn a_dash_is_missing_a_zero_is_zero_and_a_damaged_cell_is_neither() {
        for (text, expected) in [
            ("-", Cell::Missing),
            ("", Cell::Missing),
            ("0", Cell::Kwh(0.0)),
            ("543699", Cell::Kwh(543_699.0)),
            ("357,156.00", Cell::Kwh(357_156.0)),
            ("-12", Cell::Kwh(-12.0)),
        ] {
            assert_eq!(cell(text), expected, "{text:?}");
        }
        for text in ["357,156.00 2", "3,57", "1.2.3", "12O", "--", "1e9", "inf", "NaN", ",123"] {
            assert_eq!(cell(text), Cell::Damaged(text.into()), "{text:?}");
        }
    }

    #[test]
    fn quoted_commas_in_a_station_name_are_part_of_it() {
        let name = "\"淡水3.5萬噸配水池太陽光電/Danshui Distribution Reservoir(35,000 tons) Solar\"";
        let table = Table::parse(format!("{HEADER}2025,01,太陽能/Solar,{name},21834\n").as_bytes()).unwrap();
        assert_eq!(table.rows[0].cell, Cell::Kwh(21_834.0));
        assert_eq!(table.rows[0].station.to_string(), "淡水3.5萬噸配水池 (solar)");
        assert_eq!(table.rows[0].line, 2);
    }

    #[test]
    fn a_row_without_a_month_is_nobodys_and_stops_nothing() {
        let text = format!("{HEADER}註:,,,,\n2025,13,太陽能,甲太陽光電,5\n2025,01,太陽能,甲太陽光電,5\n");
        let table = Table::parse(text.as_bytes()).unwrap();
        assert_eq!((table.rows.len(), table.unreadable), (1, vec![2, 3]));
    }

    #[test]
    fn another_unit_or_another_file_is_an_error_that_names_the_column() {
        let megawatthours = HEADER.replace("(度)", "(千度)");
        assert!(Table::parse(megawatthours.as_bytes()).unwrap_err().contains("發電量(度)"));
        assert!(Table::parse(b"a,b\n1,2\n").unwrap_err().contains("its columns are a, b"));
        assert!(Table::parse(b"").is_err());
    }
}
