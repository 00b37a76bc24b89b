//! Which parts of a live report are not to be believed.
//!
//! Seen: 2026-02-18, 06:50 on, every solar value a thousandfold; 2026-01-01 22:40, every wind unit exactly
//! 1.0. That most units stand at zero is *no* fault: calm hours do that.

use std::collections::BTreeMap;

use crate::energy_type::EnergyType;
use crate::snapshot::{Row, Snapshot};

/// MW by which a type's rows may miss its subtotal: two tenths were seen through rounding, and half a tenth
/// keeps binary fractions from deciding.
const SUBTOTAL_TOLERANCE: f64 = 0.25;

/// Output over capacity up to which a value passes: 1.24 was seen in a storm.
const MOST_OF_CAPACITY: f64 = 1.3;

/// So many units with one and the same value are a fault, unless it is zero.
const SAME_VALUE_FROM: usize = 5;

/// The energy types whose values are refused as a whole, with the reason.
pub(crate) fn refused_types(snapshot: &Snapshot) -> BTreeMap<EnergyType, String> {
    let mut refused = BTreeMap::new();
    for subtotal in &snapshot.subtotals {
        if let Some(share) = subtotal.share.filter(|share| !(0.0..=100.0).contains(share)) {
            let reason = format!("its subtotal is {share} % of all generation");
            refused.insert(subtotal.energy_type.clone(), reason);
        }
    }
    // Only these two: the subtotals of hydro and diesel include units that are shown as N/A.
    for energy_type in [EnergyType::Wind, EnergyType::Solar] {
        let rows: Vec<_> =
            snapshot.rows.iter().filter(|row| row.station.energy_type == energy_type).collect();
        let subtotal = snapshot.subtotals.iter().find(|subtotal| subtotal.energy_type == energy_type);
        let reason =
            subtotal.and_then(|subtotal| sum_fault(&rows, subtotal.output?)).or_else(|| same_value(&rows));
        if let Some(reason) = reason {
            refused.entry(energy_type).or_insert(reason);
        }
    }
    refused
}

/// Upstream's own sum counts every value written, whatever its note.
fn sum_fault(rows: &[&Row], subtotal: f64) -> Option<String> {
    // A hidden value may be in the subtotal.
    let written: Vec<f64> = rows.iter().map(|row| row.written).collect::<Option<_>>()?;
    let sum: f64 = written.iter().sum();
    ((sum - subtotal).abs() > SUBTOTAL_TOLERANCE)
        .then(|| format!("its units add up to {sum:.1} MW and its subtotal is {subtotal:.1} MW"))
}

fn same_value(rows: &[&Row]) -> Option<String> {
    let first = rows.first()?.written.filter(|value| *value != 0.0)?;
    let same = rows.len() >= SAME_VALUE_FROM && rows.iter().all(|row| row.written == Some(first));
    same.then(|| format!("all of its {} units show {first} MW", rows.len()))
}

/// Why one unit's value can't be right beside its capacity: the report's, or the registry's for units that
/// the report shows without one. Cogeneration is exempt: its capacity is what it may sell, not what it makes.
pub(crate) fn over_capacity(row: &Row, output: f64, registered: Option<f64>) -> Option<String> {
    if row.station.energy_type == EnergyType::Other("汽電共生".to_owned()) {
        return None;
    }
    let capacity = row.capacity.or(registered).filter(|capacity| *capacity > 0.0)?;
    (output > MOST_OF_CAPACITY * capacity).then(|| format!("{output} MW from {capacity} MW of capacity"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(rows: &[(&str, &str, &str, &str)]) -> Snapshot {
        let rows: Vec<_> = rows
            .iter()
            .map(|(kind, name, capacity, output)| {
                format!(r#"["{kind}","{name}","{capacity}","{output}",""," "]"#)
            })
            .collect();
        let text = format!(r#"{{"DateTime":"2026-01-01T22:40:00","aaData":[{}]}}"#, rows.join(","));
        Snapshot::parse(text.as_bytes()).unwrap()
    }

    fn wind(outputs: &[&str], subtotal: &str) -> BTreeMap<EnergyType, String> {
        let names: Vec<_> = (0..outputs.len()).map(|n| format!("風{n}場")).collect();
        let mut rows: Vec<_> =
            names.iter().zip(outputs).map(|(name, output)| ("風力", name.as_str(), "-", *output)).collect();
        rows.push(("風力", "小計(註5)", "100.0(4.8%)", subtotal));
        rows.push(("太陽能", "彰濱光", "100.0", "50.123"));
        rows.push(("太陽能", "小計", "100.0(4.8%)", "50.1(3.0%)"));
        refused_types(&report(&rows))
    }

    #[test]
    fn a_share_outside_zero_to_a_hundred_refuses_that_type_alone() {
        for share in ["2900.000", "100.1", "-0.1"] {
            let refused = wind(&["1.0", "2.0"], &format!("3.0({share}%)"));
            assert_eq!(refused.keys().collect::<Vec<_>>(), [&EnergyType::Wind], "{share}");
            assert!(refused[&EnergyType::Wind].contains('%'));
        }
        assert!(wind(&["1.0", "2.0"], "3.0(100.000%)").is_empty());
    }

    #[test]
    fn rows_must_add_up_to_the_subtotal_but_for_rounding() {
        assert!(wind(&["1.1", "2.2", "3.3"], "6.4(1.0%)").is_empty());
        assert!(wind(&["1.1", "2.2", "3.3"], "6.8(1.0%)").is_empty());
        assert!(wind(&["1.1", "2.2", "3.3"], "6.9(1.0%)")[&EnergyType::Wind].contains("6.6 MW"));
        assert!(wind(&["1.1", "N/A", "3.3"], "6.9(1.0%)").is_empty());
    }

    #[test]
    fn one_value_for_every_unit_is_a_fault_unless_it_is_calm() {
        assert!(wind(&["1.0"; 29], "29.0(1.0%)")[&EnergyType::Wind].contains("29 units show 1 MW"));
        assert!(wind(&["0.0"; 29], "0.0(0.0%)").is_empty());
        assert!(wind(&["1.0"; 4], "4.0(1.0%)").is_empty());
    }

    #[test]
    fn mostly_zero_is_no_fault() {
        let mut outputs = ["0.0"; 29];
        outputs[3] = "0.4";
        assert!(wind(&outputs, "0.4(0.0%)").is_empty());
    }

    #[test]
    fn a_storm_may_exceed_capacity_by_a_quarter_and_no_more() {
        let snapshot = report(&[
            ("風力", "中威大安", "75.9", "94.1"),
            ("風力", "崙尾", "-", "7000.0"),
            ("汽電共生", "汽電共生", "631.4", "1379.5"),
        ]);
        let [storm, test, cogeneration] = &snapshot.rows[..] else { panic!("three rows") };
        assert_eq!(over_capacity(storm, 94.1, None), None);
        assert!(over_capacity(storm, 99.0, None).unwrap().contains("75.9 MW"));
        assert_eq!(over_capacity(test, 7000.0, None), None);
        assert!(over_capacity(test, 7000.0, Some(181.0)).is_some());
        assert_eq!(over_capacity(cogeneration, 1379.5, None), None);
    }
}
