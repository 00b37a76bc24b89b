//! A generation unit as the registry knows it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// One generating unit of one source.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Unit {
    /// The upstream's own identifier: an EIC, a BM unit, a plant code, a station name.
    pub code: String,
    /// What people call it.
    pub name: String,
    /// Rated capacity in MW, where it is known.
    pub capacity_mw: Option<f64>,
    /// Registry metadata that the source reads, e.g. `area` = `10Y1001A1001A796`.
    pub attributes: BTreeMap<String, String>,
}

/// The longest code, name or attribute, in characters.
const LONGEST: usize = 500;

/// The most attributes of a unit.
const MOST_ATTRIBUTES: usize = 100;

impl Unit {
    /// What keeps it out of the registry, whatever its source: the field, and why. None if nothing does.
    pub fn unfit(&self) -> Option<(&'static str, String)> {
        let texts = [("code", &self.code), ("name", &self.name)];
        for (field, text) in texts {
            if let Some(why) = unfit_text(text, 1) {
                return Some((field, why));
            }
        }
        if self.capacity_mw.is_some_and(|capacity| !(capacity.is_finite() && capacity > 0.0)) {
            let why = "expected MW above 0; leave it out where it is not known";
            return Some(("capacity_mw", why.to_owned()));
        }
        if self.attributes.len() > MOST_ATTRIBUTES {
            let why = format!("{} attributes; expected at most {MOST_ATTRIBUTES}", self.attributes.len());
            return Some(("attributes", why));
        }
        let unfit = |(name, value): (&String, &String)| unfit_text(name, 1).or_else(|| unfit_text(value, 0));
        if let Some(why) = self.attributes.iter().find_map(unfit) {
            return Some(("attributes", format!("a name or a value: {why}")));
        }
        self.share().err().map(|why| ("attributes", why))
    }

    /// The unit's part of what its source reports for the code, from the attribute `share`; none is all of it.
    /// Phases of a plant that its upstream knows under one code have one each, so that nothing counts twice.
    ///
    /// # Errors
    /// The attribute is no number above 0 and at most 1; for people.
    pub fn share(&self) -> Result<Option<f64>, String> {
        let Some(text) = self.attributes.get("share") else { return Ok(None) };
        text.trim().parse().ok().filter(|share| *share > 0.0 && *share <= 1.0).map(Some).ok_or_else(|| {
            format!("attribute `share` is {text:?}; expected a number above 0 and at most 1, e.g. 0.4")
        })
    }
}

/// What is wrong with a text that people read and databases keep: none if nothing is.
pub fn unfit_text(text: &str, shortest: usize) -> Option<String> {
    let length = text.chars().count();
    if !(shortest..=LONGEST).contains(&length) {
        return Some(format!("expected {shortest} to {LONGEST} characters, found {length}"));
    }
    if shortest > 0 && text.starts_with(char::is_whitespace) {
        return Some("expected something else than a space to begin with".to_owned());
    }
    // Cells of spreadsheets hold line breaks.
    let unprintable = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
    text.contains(unprintable).then(|| "expected no control characters but line breaks and tabs".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_could_read_or_keep_is_unfit() {
        let good = Unit { code: "T_X-1".to_owned(), name: "é".repeat(500), ..Unit::default() };
        assert_eq!(good.unfit(), None);
        let field = |unit: Unit| unit.unfit().unwrap().0;
        for code in ["", " ", " a", "a\0", "a\u{85}b"] {
            assert_eq!(field(Unit { code: code.to_owned(), ..good.clone() }), "code", "{code:?}");
        }
        assert_eq!(field(Unit { name: "é".repeat(501), ..good.clone() }), "name");
        for capacity in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert_eq!(field(Unit { capacity_mw: Some(capacity), ..good.clone() }), "capacity_mw");
        }
        let with = |name: &str, value: &str| Unit {
            attributes: [(name.to_owned(), value.to_owned())].into(),
            ..good.clone()
        };
        assert_eq!(with("area", "").unfit(), None);
        for unfit in [with("", "x"), with("a\0", "x"), with("a", "x\0"), with("share", "2")] {
            assert_eq!(field(unfit), "attributes");
        }
        let many = (0..101).map(|n| (n.to_string(), String::new())).collect();
        assert_eq!(field(Unit { attributes: many, ..good.clone() }), "attributes");
    }

    #[test]
    fn a_share_is_above_zero_and_at_most_one() {
        let share = |text: &str| {
            Unit { attributes: [("share".to_owned(), text.to_owned())].into(), ..Unit::default() }.share()
        };
        assert_eq!(Unit::default().share(), Ok(None));
        assert_eq!([share("0.25"), share(" 1 ")], [Ok(Some(0.25)), Ok(Some(1.0))]);
        for text in ["0", "-0.5", "1.01", "40%", "NaN", "inf", ""] {
            assert!(share(text).is_err(), "{text}");
        }
    }
}
