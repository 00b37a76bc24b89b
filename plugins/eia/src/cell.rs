//! Cells of EIA's tables: strings since January 2024, numbers before, and several ways to say "nothing".

use backfill_guest::Failure;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// Spellings of a missing value in Form EIA-923 products (`W` is withheld) and in clients' dumps of null.
const MISSING: [&str; 7] = ["", "NA", "N/A", "W", "--", "NONE", "NULL"];

/// For `#[serde(default, deserialize_with = "present")]`: none where the column is absent, null where it is
/// there and null. An absent column means that the query was not understood; a null that there is no value.
pub(crate) fn present<'de, D: Deserializer<'de>>(cell: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(cell).map(Some)
}

/// For codes that come as a string, a number or null (then empty).
pub(crate) fn text<'de, D: Deserializer<'de>>(cell: D) -> Result<String, D::Error> {
    Ok(match Value::deserialize(cell)? {
        Value::String(text) => text,
        Value::Null => String::new(),
        other => other.to_string(),
    })
}

/// MWh of a cell: its number, zero and negatives included, or none where EIA has no value.
///
/// # Errors
/// Malformed where the column is absent, where the cell is neither a number nor a known spelling of "missing",
/// and where a number is not in megawatthours.
pub(crate) fn megawatthours(
    column: &str,
    value: Option<&Value>,
    units: Option<&str>,
    row: &str,
) -> Result<Option<f64>, Failure> {
    let value = value.ok_or_else(|| {
        Failure::Malformed(format!("{row}: the column `{column}` is absent, so the answer holds no values"))
    })?;
    let number = match value {
        Value::Null => return Ok(None),
        Value::String(text) if MISSING.contains(&text.trim().to_ascii_uppercase().as_str()) => {
            return Ok(None);
        }
        Value::String(text) => text.trim().parse().ok(),
        other => other.as_f64(),
    };
    let number = number.filter(|number: &f64| number.is_finite()).ok_or_else(|| {
        Failure::Malformed(format!(
            "{row}: `{column}` is {value}, neither a number nor a known sign for missing"
        ))
    })?;
    if units.is_some_and(|units| units.trim().eq_ignore_ascii_case("megawatthours")) {
        Ok(Some(number))
    } else {
        let units = units.unwrap_or("absent");
        Err(Failure::Malformed(format!("{row}: `{column}-units` is {units}, expected megawatthours")))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(value: Value) -> Result<Option<f64>, Failure> {
        megawatthours("generation", Some(&value), Some("megawatthours"), "plant 1")
    }

    #[test]
    fn strings_and_numbers_are_values_with_decimals_zero_and_negatives_kept() {
        let cells =
            [json!("10126"), json!("262.34"), json!("0"), json!(0), json!("-3"), json!(-15), json!(0.5)];
        let values = cells.map(|cell| read(cell).unwrap());
        assert_eq!(values, [10126.0, 262.34, 0.0, 0.0, -3.0, -15.0, 0.5].map(Some));
    }

    #[test]
    fn signs_for_missing_are_no_value_and_not_zero() {
        for cell in [json!(null), json!(""), json!(" "), json!("NA"), json!("W"), json!("--"), json!("None")]
        {
            assert_eq!(read(cell.clone()).unwrap(), None, "{cell}");
        }
    }

    #[test]
    fn anything_else_is_malformed() {
        for cell in [json!("10,126"), json!("NaN"), json!("inf"), json!(true), json!([1]), json!("12 MWh")] {
            assert!(matches!(read(cell.clone()), Err(Failure::Malformed(_))), "{cell}");
        }
    }

    #[test]
    fn an_absent_column_is_malformed() {
        let read = megawatthours("generation", None, Some("megawatthours"), "plant 1");
        assert!(matches!(read, Err(Failure::Malformed(why)) if why.contains("`generation` is absent")));
    }

    #[test]
    fn other_units_than_megawatthours_are_malformed() {
        for units in [Some("thousand megawatthours"), Some(""), None] {
            let read = megawatthours("value", Some(&json!("1")), units, "PACW");
            assert!(matches!(read, Err(Failure::Malformed(why)) if why.contains("megawatthours")));
        }
    }
}
