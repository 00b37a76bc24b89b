use std::io::{self, Read};

use super::*;

fn month(year: i32, number: u32) -> Month {
    let (start, end) = YearMonth::new(year, number).unwrap().bounds().unwrap();
    Month { year: year.try_into().unwrap(), number: number.try_into().unwrap(), start, end }
}

fn document(records: &str) -> String {
    format!("\u{feff}{{\"success\":true,\"records\":{{\"NET_P\":[{records}]}}}}")
}

fn record(fuel: &str, unit: &str, stamp: &str, net: &str) -> String {
    format!("{{\"FUEL_TYPE\":\"{fuel}\",\"UNIT_NAME\":\"{unit}\",\"DATETIME\":\"{stamp}\",\"NET_P\":{net}}}")
}

fn read_text(text: &str, code: &str) -> Result<TenMinute, TenMinuteError> {
    let reader = io::BufReader::with_capacity(64, text.as_bytes());
    read(reader, &Wanted::new(code, None).unwrap(), &month(2026, 3))
}

fn points(found: &TenMinute) -> Vec<(String, u32, f64)> {
    let point = |m: &Measurement| (backfill_guest::time::format_utc(m.start), m.seconds, m.value);
    found.measurements.iter().map(point).collect()
}

#[test]
fn stamps_are_taipei_time_and_the_month_is_taipeis() {
    let records = [
        record("風力", "離岸一期", "2026-02-28 23:50:00", "\"1.0\""),
        record("風力", "離岸一期", "2026-03-01 00:00:00", "\"2.5\""),
        record("風力", "離岸一期", "2026-03-31 23:50:00", "3"),
        record("風力", "離岸一期", "2026-04-01 00:00:00", "4.0"),
    ];
    let found = read_text(&document(&records.join(",")), "離岸一期風力").unwrap();
    let expected =
        [("2026-02-28T16:00:00Z".to_owned(), 600, 2.5), ("2026-03-31T15:50:00Z".to_owned(), 600, 3.0)];
    assert_eq!(points(&found), expected);
}

#[test]
fn a_part_of_a_month_that_ends_within_ten_minutes_leaves_them_to_the_next() {
    let records = record("風力", "觀園", "2026-03-02 00:00", "4")
        + ","
        + &record("風力", "觀園", "2026-03-02 00:10", "5");
    let whole = month(2026, 3);
    let read_until = |end| {
        let part = Month { end, ..whole };
        let text = document(&records);
        points(&read(text.as_bytes(), &Wanted::new("觀園風力", None).unwrap(), &part).unwrap()).len()
    };
    let second = whole.start + 86_400;
    assert_eq!([read_until(second + 900), read_until(second + 1200)], [1, 2]);
}

#[test]
fn missing_values_are_no_zeros_and_zeros_and_negatives_are_values() {
    let values = ["null", "\"\"", "\"N/A\"", "\"-\"", "\"NaN\"", "0", "\"-0.4\""];
    let records: Vec<_> = values
        .iter()
        .enumerate()
        .map(|(n, value)| record("風力", "觀園", &format!("2026-03-02 0{n}:00"), value))
        .collect();
    let found = read_text(&document(&records.join(",")), "觀園風力").unwrap();
    assert_eq!(found.measurements.iter().map(|m| m.value).collect::<Vec<_>>(), [0.0, -0.4]);
    assert_eq!(found.unreadable, 0);
}

#[test]
fn a_day_that_is_in_the_file_twice_is_counted_once() {
    let once = record("風力", "觀園", "2026-03-02 00:10", "5");
    let records = [
        once.clone(),
        record("風力", "觀園", "2026-03-02 00:00", "4"),
        once.clone(),
        once.replace(":5", ":6"),
    ];
    let found = read_text(&document(&records.join(",")), "觀園").unwrap();
    assert_eq!(found.measurements.iter().map(|m| m.value).collect::<Vec<_>>(), [4.0, 5.0]);
    assert_eq!(found.contradicted, 1);
}

#[test]
fn a_stamp_off_the_grid_overlaps_nothing() {
    let stamps = ["14:10", "14:21", "14:30", "14:50"];
    let records = stamps.map(|stamp| record("風力", "觀園", &format!("2026-03-02 {stamp}"), "1"));
    let found = read_text(&document(&records.join(",")), "觀園").unwrap();
    assert_eq!(found.measurements.iter().map(|m| m.seconds).collect::<Vec<_>>(), [600, 540, 600, 600]);
}

#[test]
fn the_stamp_may_be_called_date() {
    let records = record("風力", "觀園", "2026-03-02T00:10:00", "5").replace("DATETIME", "DATE");
    assert_eq!(read_text(&document(&records), "觀園").unwrap().measurements.len(), 1);
}

#[test]
fn escaped_names_are_the_same_names() {
    let records = record("\\u98a8\\u529b", "\\u89c0\\u5712", "2026-03-02 00:10", "5");
    assert_eq!(read_text(&document(&records), "觀園").unwrap().measurements.len(), 1);
}

#[test]
fn a_name_of_two_fuels_needs_a_type_and_an_unknown_name_is_unknown() {
    let records =
        [record("風力", "其它", "2026-03-02 00:10", "5"), record("太陽能", "其它", "2026-03-02 00:10", "5")];
    let text = document(&records.join(","));
    assert!(
        matches!(read_text(&text, "其它"), Err(TenMinuteError::Ambiguous(why)) if why.contains("energy_type"))
    );
    assert!(!read_text(&text, "海能風").unwrap().known);
}

#[test]
fn unreadable_records_are_counted_and_a_file_of_nothing_else_is_an_error() {
    let records = [
        record("風力", "觀園", "2026-03-02 00:10", "5"),
        record("風力", "觀園", "yesterday", "5"),
        "{\"FUEL_TYPE\":7}".to_owned(),
    ];
    let found = read_text(&document(&records.join(",")), "觀園").unwrap();
    assert_eq!((found.measurements.len(), found.unreadable), (1, 2));
    assert!(matches!(
        read_text(&document("{\"a\":1}"), "觀園"),
        Err(TenMinuteError::NoRecords { unreadable: 1 })
    ));
}

#[test]
fn a_file_that_is_cut_off_is_not_taken_for_a_whole_one() {
    let text = document(&record("風力", "觀園", "2026-03-02 00:10", "5"));
    let cut = &text[..text.len() - 4];
    assert!(matches!(read_text(cut, "觀園"), Err(TenMinuteError::Stream(StreamError::CutOff))));
}

/// 10 MB of records made while they are read; what is kept is one unit's month.
struct Endless {
    record: usize,
    rest: io::Cursor<Vec<u8>>,
}

impl Read for Endless {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.rest.position() == self.rest.get_ref().len() as u64 {
            let n = self.record;
            self.record += 1;
            let piece = match n {
                0..100_000 => {
                    let (unit, slot) = (n % 100, n / 100);
                    let stamp = format!("2026-03-{:02} {:02}:{}0", slot / 144 + 1, slot / 6 % 24, slot % 6);
                    let comma = if n == 0 { "{\"records\":{\"NET_P\":[" } else { "," };
                    format!(
                        "{comma}{}",
                        record("風力", &format!("風場{unit}"), &stamp, &format!("\"{slot}\""))
                    )
                }
                100_000 => "]}}".to_owned(),
                _ => String::new(),
            };
            self.rest = io::Cursor::new(piece.into_bytes());
        }
        self.rest.read(into)
    }
}

#[test]
fn a_long_file_is_read_as_a_stream_and_only_the_units_own_values_are_kept() {
    let reader = io::BufReader::new(Endless { record: 0, rest: io::Cursor::new(Vec::new()) });
    let found = read(reader, &Wanted::new("風場7", None).unwrap(), &month(2026, 3)).unwrap();
    assert_eq!(found.measurements.len(), 1000);
    assert!(found.measurements.iter().enumerate().all(|(n, m)| m.value == n as f64 && m.seconds == STEP));
}

#[test]
fn only_months_that_the_rolling_window_can_hold_are_asked_for() {
    let at = |year, number| YearMonth::new(year, number);
    let asked = |clock, newest| {
        let months = (1..=12).filter(|number| may_hold(at(2026, *number).unwrap(), clock, newest));
        months.collect::<Vec<_>>()
    };
    assert_eq!(asked(at(2026, 10), None), [1, 2, 3, 4, 5, 6, 7, 8]);
    assert_eq!(asked(at(2026, 7), None), [1, 2, 3, 4, 5]);
    assert_eq!(asked(None, at(2026, 8)), [1, 2, 3, 4, 5, 6, 7, 8]);
    assert_eq!(asked(at(2030, 1), at(2024, 1)), Vec::<u32>::new());
}
