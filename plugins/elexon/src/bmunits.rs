//! The list of BM units, `reference/bmunits/all`: which Elexon id belongs to which National Grid id.
//!
//! It shows the present only: a retired unit is not in it, though its history still is. Neither id is unique
//! (`T_WLNYO-4` is listed twice, with two EICs) and either may be null.

use serde::Deserialize;

use crate::answer::Text;
use crate::bm_unit::BmUnit;

/// Where the list is.
pub(crate) const PATH: &str = "/bmrs/api/v1/reference/bmunits/all";

/// A row of the list, less what isn't needed here (the other 20 fields; their numbers are strings).
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Listed<'a> {
    #[serde(borrow)]
    elexon_bm_unit: Option<Text<'a>>,
    #[serde(borrow)]
    national_grid_bm_unit: Option<Text<'a>>,
}

/// What the list says of a unit.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Listing {
    /// It is there, and its ids are now known as far as the list has them.
    Found,
    /// It isn't.
    Missing,
    /// A National Grid id that several BM units share, so that it doesn't say which is meant.
    Ambiguous(Vec<String>),
}

/// Looks a unit up by its key, as an Elexon id first, and completes its ids.
pub(crate) fn resolve(unit: &mut BmUnit, list: &[Listed<'_>]) -> Listing {
    let by_elexon: Vec<_> =
        list.iter().filter(|row| row.elexon_bm_unit.as_deref() == Some(unit.key.as_str())).collect();
    if !by_elexon.is_empty() {
        unit.elexon = Some(unit.key.clone());
        if unit.national_grid.is_none() {
            unit.national_grid =
                by_elexon.iter().find_map(|row| row.national_grid_bm_unit.as_deref()).map(str::to_owned);
        }
        return Listing::Found;
    }
    let by_grid: Vec<_> =
        list.iter().filter(|row| row.national_grid_bm_unit.as_deref() == Some(unit.key.as_str())).collect();
    if by_grid.is_empty() {
        return Listing::Missing;
    }
    let mut elexon: Vec<&str> = by_grid.iter().filter_map(|row| row.elexon_bm_unit.as_deref()).collect();
    elexon.sort_unstable();
    elexon.dedup();
    if elexon.len() > 1 {
        return Listing::Ambiguous(elexon.into_iter().map(str::to_owned).collect());
    }
    unit.national_grid = Some(unit.key.clone());
    unit.elexon = elexon.first().map(|&id| id.to_owned());
    Listing::Found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{answer, fixture, unit};

    fn resolved(code: &str, list: &[u8]) -> (Listing, BmUnit) {
        let answer = answer(200, list);
        let mut unit = BmUnit::of(&unit(code, &[])).unwrap();
        (resolve(&mut unit, &answer.rows("bmunits").unwrap()), unit)
    }

    #[test]
    fn the_recorded_list_resolves_ids_that_are_not_derived_from_each_other() {
        let Some(list) = fixture("elexon/gs_bmunits_truncated.json") else { return };
        let (listing, unit) = resolved("ABERU-1", &list);
        assert_eq!((listing, unit.asked_as()), (Listing::Found, "E_ABERDARE"));
        let (listing, unit) = resolved("E_ABERDARE", &list);
        assert_eq!((listing, unit.national_grid.as_deref()), (Listing::Found, Some("ABERU-1")));
    }

    #[test]
    fn a_listed_unit_without_an_elexon_id_is_asked_for_by_its_national_grid_id() {
        let Some(list) = fixture("elexon/gs_bmunits_truncated.json") else { return };
        let (listing, unit) = resolved("ACHYW-1", &list);
        assert_eq!((listing, unit.asked_as()), (Listing::Found, "ACHYW-1"));
    }

    #[test]
    fn a_unit_that_is_not_listed_is_missing() {
        let Some(list) = fixture("elexon/gs_bmunits_truncated.json") else { return };
        assert_eq!(resolved("T_NOSUCH-1", &list).0, Listing::Missing);
    }

    #[test]
    fn a_unit_listed_twice_with_one_id_is_one_unit() {
        let list = br#"[{"nationalGridBmUnit":"WLNYO-4","elexonBmUnit":"T_WLNYO-4","eic":"48W00000WLNYO-4A"},
            {"nationalGridBmUnit":"WLNYO-4","elexonBmUnit":"T_WLNYO-4","eic":"48W00000WLNYO-4B"},
            {"nationalGridBmUnit":"WLNYO-4","elexonBmUnit":null}]"#;
        let (listing, unit) = resolved("WLNYO-4", list);
        assert_eq!((listing, unit.asked_as()), (Listing::Found, "T_WLNYO-4"));
    }

    #[test]
    fn a_national_grid_id_of_two_units_is_ambiguous() {
        let list = br#"[{"nationalGridBmUnit":"X-1","elexonBmUnit":"T_X-1"},
            {"nationalGridBmUnit":"X-1","elexonBmUnit":"E_X-1"}]"#;
        assert_eq!(resolved("X-1", list).0, Listing::Ambiguous(vec!["E_X-1".into(), "T_X-1".into()]));
    }
}
