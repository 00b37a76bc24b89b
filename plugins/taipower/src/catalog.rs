//! The live report as a catalogue: every unit that it shows, by a code that finds exactly that unit again.

use std::collections::BTreeMap;

use backfill_guest::{Unit, catalog};

use crate::energy_type::EnergyType;
use crate::snapshot::{Row, Snapshot};
use crate::station::Station;
use crate::unit;

/// The units in the order of the report, and what to log.
///
/// A unit's code is its name without footnotes, which come and go. A name that exists as several types (`其它台電自有`
/// is wind and solar) has its type at the end; of a turbine that is shown as a pump too, the turbine is taken. A row
/// that its own code does not find is left out, and told of.
pub(crate) fn list(snapshot: &Snapshot) -> (Vec<Unit>, Vec<String>) {
    let mut times: BTreeMap<&str, usize> = BTreeMap::new();
    for row in &snapshot.rows {
        *times.entry(&row.name).or_default() += 1;
    }
    let stations = || snapshot.rows.iter().map(|row| &row.station);
    let (mut units, mut notes) = (Vec::<Unit>::new(), Vec::new());
    for row in &snapshot.rows {
        let several = times.get(row.name.as_str()).is_some_and(|times| *times > 1);
        let unit = unit_of(row, several);
        match finds(&unit, &row.station, stations()) {
            Ok(()) if units.iter().any(|known| known.code == unit.code) => {
                notes.push(format!(
                    "{} ({}): the report has the name before",
                    unit.code, row.station.energy_type
                ));
            }
            Ok(()) => units.push(unit),
            Err(why) => notes.push(format!("{} ({}) is left out: {why}", unit.code, row.station.energy_type)),
        }
    }
    (units, notes)
}

fn unit_of(row: &Row, several: bool) -> Unit {
    let energy_type = row.station.energy_type.to_string();
    let ending = match row.station.energy_type {
        EnergyType::Wind if several => "風力",
        EnergyType::Solar if several => "太陽光電",
        _ => "",
    };
    let code = format!("{}{ending}", row.name);
    let attributes = [
        ("energy_type", Some(energy_type.as_str())),
        (catalog::PRODUCTION_TYPE, Some(energy_type.as_str())),
        (catalog::SITE, Some(row.name.as_str())),
    ];
    catalog::unit(&code, Some(&row.name), row.capacity, attributes)
}

/// Whether the unit means this station and no other, as `check-unit` and the collector would read it.
fn finds<'a>(unit: &Unit, station: &Station, all: impl Iterator<Item = &'a Station>) -> Result<(), String> {
    unit::check(unit)?;
    match unit::in_short_names(unit)?.choose(all)? {
        Some(found) if found == station => Ok(()),
        _ => Err("its name means another station".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect;
    use crate::fixtures::recorded;

    fn report(rows: &str) -> Snapshot {
        Snapshot::parse(format!(r#"{{"DateTime":"2026-04-10T10:10:00","aaData":[{rows}]}}"#).as_bytes())
            .unwrap()
    }

    #[test]
    fn every_unit_of_every_recorded_report_is_listed_and_collected_under_its_own_code() {
        for (name, expected, wind) in [
            ("johnnydev_001_20211223.json", 169, 15),
            ("johnnydev_001_20240907.json", 198, 24),
            ("johnnydev_001_20260410_1010.json", 202, 30),
            ("kiang_genary_20250106_0820.json", 197, 24),
            ("kiang_genary_20260422_1440.json", 202, 30),
        ] {
            let Some(bytes) = recorded(name) else { return };
            let snapshot = Snapshot::parse(&bytes).unwrap();
            let (units, notes) = list(&snapshot);
            assert_eq!(units.len() + notes.len(), expected, "{name}");
            let loads = |note: &String| note.contains("負載): the report has the name before");
            assert!(
                notes.iter().all(loads),
                "only pumps, under the names of their turbines: {name}: {notes:?}"
            );
            let turning: Vec<_> =
                units.iter().filter(|unit| unit.attribute("production_type") == Some("wind")).collect();
            assert_eq!(turning.len(), wind, "{name}");
            for unit in &units {
                assert!(unit::check(unit).is_ok(), "{}", unit.code);
                let one = collect::collect(&snapshot, std::slice::from_ref(unit), snapshot.at);
                let own = snapshot.rows.iter().find(|row| {
                    unit.attribute("site") == Some(&row.name)
                        && unit.attribute("energy_type") == Some(&row.station.energy_type.to_string())
                });
                match (one.outcome, own.unwrap().output()) {
                    (Ok(found), output) => {
                        assert_eq!(Some(found[0].1[0].measurements[0].value), output, "{}", unit.code);
                    }
                    (Err(_), output) => assert!(
                        output.is_none()
                            || crate::faults::refused_types(&snapshot)
                                .contains_key(&own.unwrap().station.energy_type)
                            || crate::faults::over_capacity(own.unwrap(), output.unwrap(), None).is_some(),
                        "{name} {}",
                        unit.code
                    ),
                }
            }
        }
    }

    #[test]
    fn a_name_of_two_types_is_two_codes_and_footnotes_are_no_part_of_them() {
        let snapshot = report(
            r#"["風力","其它台電自有(註13)","81.8","1"," "," "],["太陽能","其它台電自有","90.0","1"," "," "],
               ["風力","沃一(註10)","-","1"," "," "],["風力","小計","1(1%)","1(1%)"," "," "]"#,
        );
        let (units, notes) = list(&snapshot);
        let told: Vec<_> = units
            .iter()
            .map(|unit| (unit.code.as_str(), unit.attribute("energy_type").unwrap(), unit.capacity_mw))
            .collect();
        let expected = [
            ("其它台電自有風力", "wind", Some(81.8)),
            ("其它台電自有太陽光電", "solar", Some(90.0)),
            ("沃一", "wind", None),
        ];
        assert_eq!((told.as_slice(), notes.len()), (&expected[..], 0));
    }

    #[test]
    fn a_row_that_cannot_be_told_from_another_is_left_out_and_told_of() {
        let twice = report(r#"["風力","王功","23.0","1"," "," "],["風力","王功(註5)","23.0","1"," "," "]"#);
        let (units, notes) = list(&twice);
        assert_eq!((units.len(), notes.len()), (1, 1), "{notes:?}");
        let two_kinds = report(r#"["燃煤","中火","1","1"," "," "],["燃氣","中火","1","1"," "," "]"#);
        let (units, notes) = list(&two_kinds);
        assert_eq!((units.len(), notes.len()), (1, 1), "{notes:?}");
    }
}
