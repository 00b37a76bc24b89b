//! One station's one month, out of the monthly file: a value only where upstream's own can be believed.

use std::collections::BTreeMap;

use crate::monthly_table::{Cell, Row, Table};
use crate::station::{Station, Wanted};
use crate::taipei::YearMonth;

/// A block counts as copied only if this many stations report the same non-zero value again; two or three
/// equal values might be chance, or one plant listed twice.
const COPIED_FROM: usize = 5;

/// What the monthly file says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Monthly {
    /// Net MWh of the whole month.
    Energy(f64),
    /// No such station: private, or named otherwise.
    Unknown,
    /// The station is there, but nothing was reported for the month. The reason.
    Missing(String),
    /// The file ends before the month. The reason.
    NotYet(String),
    /// There is a value, and it must not be stored. The reason.
    Refused(String),
}

/// Looks up a month. The error is an ambiguous name, with its candidates.
pub(crate) fn find(table: &Table, wanted: &Wanted, month: YearMonth) -> Result<Monthly, String> {
    let Some(station) = wanted.choose(table.stations())? else { return Ok(Monthly::Unknown) };
    let mut rows = table.rows.iter().filter(|row| row.month == month && row.station == *station);
    let Some(row) = rows.next() else { return Ok(absent(table, station, month)) };
    if let Some(other) = rows.find(|other| other.cell != row.cell) {
        return Ok(Monthly::Refused(format!(
            "d693001 gives {station} twice for {month}, in lines {} and {}, with different values",
            row.line, other.line,
        )));
    }
    Ok(value(table, row))
}

fn absent(table: &Table, station: &Station, month: YearMonth) -> Monthly {
    match table.newest(&station.energy_type) {
        Some(newest) if newest < month => Monthly::NotYet(format!(
            "d693001 has {} stations up to {newest}; {month} is published about 45 days after its end",
            station.energy_type,
        )),
        _ => Monthly::Missing(format!("d693001 has no row of {station} for {month}")),
    }
}

fn value(table: &Table, row: &Row) -> Monthly {
    let Row { line, month, station, .. } = row;
    match &row.cell {
        Cell::Missing => {
            Monthly::Missing(format!("d693001 reports {station} in {month} as \"-\" (line {line})"))
        }
        Cell::Damaged(text) => Monthly::Refused(format!(
            "the generation cell of {station} for {month} in d693001 (line {line}) is damaged: {text:?} is no number of kWh",
        )),
        Cell::Kwh(kwh) => match copied_from(table, row) {
            Some((earlier, stations)) => Monthly::Refused(format!(
                "all {stations} values of {} for {month} in d693001 equal those of {earlier}: upstream has copied the block, so {kwh} kWh of {station} (line {line}) can't be the month's own",
                row.energy_type,
            )),
            None => Monthly::Energy(kwh / 1000.0),
        },
    }
}

/// The month before, and how many stations agree, if the whole block of this row's energy type repeats it
/// (2025-02 solar: 44 of 44 values; the snapshots of both months show that the earlier one is right).
/// Zeros repeat by nature and don't count.
fn copied_from(table: &Table, row: &Row) -> Option<(YearMonth, usize)> {
    let earlier = row.month.previous()?;
    let block = |month| {
        let rows = table
            .rows
            .iter()
            .filter(move |other| other.month == month && other.energy_type == row.energy_type);
        rows.filter_map(|other| match other.cell {
            Cell::Kwh(kwh) if kwh != 0.0 => Some((&other.station, kwh)),
            _ => None,
        })
    };
    let before: BTreeMap<_, _> = block(earlier).collect();
    let mut equal = 0;
    for (station, kwh) in block(row.month) {
        match before.get(station) {
            Some(same) if *same == kwh => equal += 1,
            Some(_) => return None,
            None => {}
        }
    }
    (equal >= COPIED_FROM).then_some((earlier, equal))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "年度,月份,能源別,發電站名稱,發電量(度)\n";

    fn found(rows: &str, code: &str, year: i32, month: u32) -> Monthly {
        let table = Table::parse(format!("{HEADER}{rows}").as_bytes()).unwrap();
        find(&table, &Wanted::new(code, None).unwrap(), YearMonth::new(year, month).unwrap()).unwrap()
    }

    /// Two months of a block of solar stations, with what the second month has instead of the first's values.
    fn two_months(stations: usize, second: impl Fn(usize) -> usize) -> String {
        let rows = |month: usize, value: &dyn Fn(usize) -> usize| -> String {
            (0..stations)
                .map(|n| format!("2025,{month:02},太陽能,電廠{n}號太陽光電,{}\n", value(n)))
                .collect()
        };
        rows(1, &|n| 1000 + n) + &rows(2, &second)
    }

    #[test]
    fn a_month_that_repeats_the_whole_block_before_it_is_refused_and_the_earlier_one_stands() {
        let rows = two_months(5, |n| 1000 + n);
        assert_eq!(found(&rows, "電廠3號太陽光電", 2025, 1), Monthly::Energy(1.003));
        let Monthly::Refused(why) = found(&rows, "電廠3號太陽光電", 2025, 2) else { panic!("stored") };
        assert!(why.contains("all 5 values") && why.contains("2025-01") && why.contains("line 10"), "{why}");
    }

    #[test]
    fn one_changed_value_or_a_handful_of_stations_is_no_copy() {
        let changed = two_months(8, |n| if n == 7 { 1 } else { 1000 + n });
        assert_eq!(found(&changed, "電廠3號太陽光電", 2025, 2), Monthly::Energy(1.003));
        let few = two_months(4, |n| 1000 + n);
        assert_eq!(found(&few, "電廠3號太陽光電", 2025, 2), Monthly::Energy(1.003));
    }

    #[test]
    fn zeros_that_repeat_are_no_copy() {
        let rows = two_months(8, |_| 0).replace(",10", ",0");
        assert_eq!(found(&rows, "電廠3號太陽光電", 2025, 2), Monthly::Energy(0.0));
    }

    #[test]
    fn two_rows_of_one_month_must_agree() {
        let agreeing = "2025,01,風力,甲乙風力,7000\n2025,01,風力,甲乙風力發電站,7000\n";
        assert_eq!(found(agreeing, "甲乙", 2025, 1), Monthly::Energy(7.0));
        let differing = agreeing.replacen("7000", "8000", 1);
        assert!(
            matches!(found(&differing, "甲乙", 2025, 1), Monthly::Refused(why) if why.contains("lines 2 and 3"))
        );
    }

    #[test]
    fn a_month_past_the_types_newest_is_not_yet_published_and_a_hole_is_missing() {
        let rows = "2025,01,風力,甲乙風力,1\n2025,03,風力,丙丁風力,1\n2025,04,太陽能,戊己太陽光電,1\n";
        assert!(
            matches!(found(rows, "甲乙", 2025, 4), Monthly::NotYet(why) if why.contains("up to 2025-03"))
        );
        assert!(matches!(found(rows, "甲乙", 2025, 2), Monthly::Missing(_)));
        assert_eq!(found(rows, "海能風", 2025, 1), Monthly::Unknown);
    }
}
