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

impl Unit {
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

#[cfg(test)]
mod tests {
    use super::*;

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
