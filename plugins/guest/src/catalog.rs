//! Units of a catalogue, as the host's registry can take them, whatever upstreams write into their lists.
//!
//! Two attributes mean the same with every source, so that the host can pick and group units of any of them:
//! [`PRODUCTION_TYPE`] (`wind`, `wind-offshore`, `solar` …) and [`SITE`], what people would call the plant or park.

use crate::Unit;

/// Attribute: how the unit generates. Everything that the wind turns begins with `wind`.
pub const PRODUCTION_TYPE: &str = "production_type";
/// Attribute: the plant, park or station that the unit is a part of.
pub const SITE: &str = "site";

/// The longest text that the registry takes, in characters.
const LONGEST: usize = 500;

/// A unit that the upstream knows. A blank name is replaced by the code, a capacity that is none is left out, and so
/// are blank attributes.
pub fn unit<'a>(
    code: &str,
    name: Option<&str>,
    capacity_mw: Option<f64>,
    attributes: impl IntoIterator<Item = (&'a str, Option<&'a str>)>,
) -> Unit {
    let code = text(code);
    let name = name.map(text).filter(|name| !name.is_empty()).unwrap_or_else(|| code.clone());
    let attributes = attributes
        .into_iter()
        .filter_map(|(key, value)| Some((key.to_owned(), text(value?))))
        .filter(|(_, value)| !value.is_empty())
        .collect();
    let capacity_mw = capacity_mw.filter(|capacity| capacity.is_finite() && *capacity > 0.0);
    Unit { code, name, capacity_mw, attributes }
}

/// A text on one line, each run of blanks one space, without control characters, cut where it is over long.
fn text(raw: &str) -> String {
    let words = raw.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ").chars().take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lists_hold_becomes_what_a_registry_takes() {
        let raw = "  Müritz\u{0}\n  Nord ";
        let long = "é".repeat(600);
        let made =
            unit(" A-1 ", Some(raw), Some(12.5), [("site", Some(raw)), ("eic", None), ("x", Some(" "))]);
        assert_eq!((made.code.as_str(), made.name.as_str()), ("A-1", "Müritz Nord"));
        assert_eq!((made.capacity_mw, made.attributes.len()), (Some(12.5), 1));
        assert_eq!(made.attribute("site"), Some("Müritz Nord"));
        assert_eq!(unit("A", Some(&long), None, []).name.chars().count(), 500);
        for (name, capacity) in [(None, f64::NAN), (Some(""), 0.0), (Some(" \t"), -3.0)] {
            let made = unit("A", name, Some(capacity), []);
            assert_eq!((made.name.as_str(), made.capacity_mw), ("A", None));
        }
    }
}
