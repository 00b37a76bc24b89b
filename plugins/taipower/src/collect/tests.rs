use super::*;
use crate::fixtures::recorded;
use crate::unit::tests::unit;

type Values = Vec<(String, f64)>;

fn report(name: &str) -> Option<Snapshot> {
    Some(Snapshot::parse(&recorded(name)?).unwrap())
}

fn of(snapshot: &Snapshot, codes: &[&str]) -> Collected {
    let units: Vec<_> = codes.iter().map(|code| unit(code, &[])).collect();
    collect(snapshot, &units, snapshot.at)
}

fn values(collected: Collected) -> Values {
    let series = collected.outcome.unwrap();
    series.iter().map(|(code, series)| (code.clone(), series[0].measurements[0].value)).collect()
}

fn pairs(expected: &[(&str, f64)]) -> Values {
    expected.iter().map(|(code, value)| ((*code).to_owned(), *value)).collect()
}

#[test]
fn every_recorded_format_is_read() {
    for (name, at, rows, wind) in [
        ("johnnydev_001_20211223.json", "2021-12-23T12:20:00Z", 169, 15),
        ("johnnydev_001_20240907.json", "2024-09-07T06:10:00Z", 198, 24),
        ("johnnydev_001_20260410_1010.json", "2026-04-10T02:10:00Z", 202, 30),
        ("kiang_genary_20250106_0820.json", "2025-01-06T00:20:00Z", 197, 24),
        ("kiang_genary_20250106_0830.json", "2025-01-06T00:30:00Z", 197, 24),
        ("kiang_genary_20260218_0710.json", "2026-02-17T23:10:00Z", 200, 30),
        ("kiang_genary_20260422_1440.json", "2026-04-22T06:40:00Z", 202, 30),
    ] {
        let Some(snapshot) = report(name) else { return };
        assert_eq!(backfill_guest::time::format_utc(snapshot.at), at, "{name}");
        assert_eq!(snapshot.unreadable, 0, "{name}");
        let shown = snapshot.rows.iter().filter(|row| row.station.energy_type == EnergyType::Wind).count();
        assert_eq!(shown, wind, "{name}");
        assert_eq!(snapshot.rows.len(), rows, "{name}");
        let stations: std::collections::HashSet<_> = snapshot.rows.iter().map(|row| &row.station).collect();
        assert_eq!(stations.len(), rows, "{name}: two units taken for one");
    }
}

#[test]
fn recorded_values_come_out_under_the_codes_that_were_asked() {
    let Some(snapshot) = report("johnnydev_001_20260410_1010.json") else { return };
    let codes = [
        "台中港區風力",
        "海能風",
        "沃四風",
        "觀威觀音＆桃威新屋",
        "其它台電自有風力",
        "其它台電自有太陽光電",
        "雲林麥寮風力",
        "彰化彰濱太陽光電",
    ];
    let expected = [
        ("其它台電自有太陽光電", 6.365),
        ("其它台電自有風力", 20.7),
        ("台中港區風力", 5.1),
        ("彰化彰濱太陽光電", 53.69),
        ("沃四風", 158.7),
        ("海能風", 365.0),
        ("觀威觀音＆桃威新屋", 32.9),
        ("雲林麥寮風力", 2.7),
    ];
    let collected = of(&snapshot, &codes);
    assert!(collected.notes.is_empty(), "{:?}", collected.notes);
    let (_, series) = &collected.outcome.as_ref().unwrap()[0];
    assert_eq!(series[0].labels, [("origin".to_owned(), "snapshot".to_owned())]);
    assert_eq!((series[0].kind.as_str(), series[0].quantity), ("generation", Quantity::SpotPower));
    let point = &series[0].measurements[0];
    assert_eq!((point.start, point.seconds), (snapshot.at, 600));
    assert_eq!(values(collected), pairs(&expected));
}

#[test]
fn a_footnote_that_comes_or_goes_does_not_lose_the_unit() {
    let codes = ["沃一風", "沃二風(註10)", "芳一風", "芳二風"];
    for (name, expected) in [
        ("kiang_genary_20250106_0820.json", None),
        ("kiang_genary_20250106_0830.json", Some([495.6, 249.8, 64.1, 257.9])),
        ("kiang_genary_20260422_1440.json", Some([562.0, 257.3, 71.7, 280.6])),
    ] {
        let Some(snapshot) = report(name) else { return };
        let found = values(of(&snapshot, &codes));
        assert_eq!(
            found.iter().map(|(code, _)| code.as_str()).collect::<Vec<_>>(),
            ["沃一風", "沃二風(註10)", "芳一風", "芳二風"]
        );
        if let Some(expected) = expected {
            assert_eq!(found.iter().map(|(_, value)| *value).collect::<Vec<_>>(), expected, "{name}");
        }
    }
    // Three changes of one afternoon: 中能風 and 允湖 have lost theirs, 允西 has not yet.
    let Some(snapshot) = report("kiang_genary_20260422_1440.json") else { return };
    let found = values(of(&snapshot, &["中能風", "允湖", "允西"]));
    assert_eq!(found, pairs(&[("中能風", 239.8), ("允湖", 217.8), ("允西", 183.1)]));
}

#[test]
fn a_value_beside_a_fault_note_is_not_collected() {
    let Some(snapshot) = report("kiang_genary_20250106_0830.json") else { return };
    let collected = of(&snapshot, &["苗栗大鵬", "海能風"]);
    assert!(collected.notes.iter().any(|(_, note)| note.contains("通訊異常")));
    assert_eq!(values(collected), pairs(&[("海能風", 348.2)]));
}

#[test]
fn a_thousandfold_solar_block_is_refused_and_the_wind_beside_it_kept() {
    let Some(snapshot) = report("kiang_genary_20260218_0710.json") else { return };
    let collected = of(&snapshot, &["海能風", "南鹽光", "天篷光"]);
    assert!(collected.notes.iter().any(|(level, note)| *level == Level::Error && note.contains("1236.637")));
    assert_eq!(values(collected), pairs(&[("海能風", 314.2)]));
    let outcome = of(&snapshot, &["南鹽光", "星股光"]).outcome;
    assert!(matches!(outcome, Err(Failure::Malformed(why)) if why.contains("1236.637")));
}

#[test]
fn every_recorded_report_without_a_fault_passes_whole() {
    for name in [
        "johnnydev_001_20211223.json",
        "johnnydev_001_20240907.json",
        "johnnydev_001_20260410_1010.json",
        "kiang_genary_20250106_0820.json",
        "kiang_genary_20250106_0830.json",
        "kiang_genary_20260422_1440.json",
    ] {
        let Some(snapshot) = report(name) else { return };
        assert!(faults::refused_types(&snapshot).is_empty(), "{name}");
        let over =
            |row: &&Row| row.output().and_then(|output| faults::over_capacity(row, output, None)).is_some();
        assert_eq!(snapshot.rows.iter().find(over), None, "{name}");
    }
}

fn small_report(rows: &str) -> Snapshot {
    Snapshot::parse(format!("{{\"DateTime\":\"2026-04-10T10:10:00\",\"aaData\":[{rows}]}}").as_bytes())
        .unwrap()
}

#[test]
fn one_unit_over_its_capacity_is_rejected_alone() {
    let snapshot = small_report(r#"["風力","王功","23.0","30.0","",""],["風力","四湖","28.0","20.0","",""]"#);
    let collected = of(&snapshot, &["王功", "四湖"]);
    assert!(collected.notes.iter().any(|(_, note)| note.contains("王功") && note.contains("23 MW")));
    assert_eq!(values(collected), pairs(&[("四湖", 20.0)]));
}

#[test]
fn nothing_shown_is_no_data_and_never_zero() {
    let snapshot = small_report(r#"["風力","王功","23.0","N/A","",""]"#);
    assert!(matches!(of(&snapshot, &["王功"]).outcome, Err(Failure::NoData(_))));
    assert!(matches!(of(&snapshot, &["海能風"]).outcome, Err(Failure::NoData(_))));
    assert!(of(&snapshot, &[]).outcome.unwrap().is_empty());
}

#[test]
fn a_name_of_two_types_takes_the_attribute_and_two_meanings_of_a_code_are_told_aloud() {
    let snapshot = small_report(
        r#"["風力","其它台電自有","84.7","20.7","",""],["太陽能","其它台電自有","24.3","6.365","",""]"#,
    );
    let solar = unit("其它台電自有", &[("energy_type", "solar")]);
    let wind = unit("其它台電自有", &[("energy_type", "風力")]);
    let alone = collect(&snapshot, std::slice::from_ref(&solar), snapshot.at);
    assert_eq!(values(alone), pairs(&[("其它台電自有", 6.365)]));
    let both = collect(&snapshot, &[solar, wind], snapshot.at);
    assert!(matches!(both.outcome, Err(Failure::NoData(why)) if why.contains("different codes")));
    let untold = of(&snapshot, &["其它台電自有"]);
    assert!(matches!(untold.outcome, Err(Failure::NoData(why)) if why.contains("energy_type")));
}

#[test]
fn phases_that_share_a_code_share_its_value() {
    let snapshot = small_report(r#"["風力","海能風","376.0","365.0","",""]"#);
    assert_eq!(values(of(&snapshot, &["海能風", "海能風"])), pairs(&[("海能風", 365.0)]));
}

#[test]
fn a_feed_that_stands_still_is_logged_and_keeps_its_own_stamp() {
    let snapshot = small_report(r#"["風力","海能風","376.0","365.0","",""]"#);
    let units = [unit("海能風", &[])];
    let fresh = collect(&snapshot, &units, snapshot.at + 3600);
    assert!(fresh.notes.is_empty());
    let stale = collect(&snapshot, &units, snapshot.at + 2 * 3600);
    assert!(stale.notes[0].1.contains("120 minutes"));
    assert_eq!(stale.outcome.unwrap()[0].1[0].measurements[0].start, snapshot.at);
}
