//! A unit's ids. Every BM unit has an Elexon id (`T_DRAXX-1`) and most a National Grid id (`DRAXX-1`); rows carry
//! one or both, and requests are made by the Elexon id.

use backfill_guest::Unit;

/// The ids of one row, either of which may be missing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ids<'a> {
    pub(crate) elexon: Option<&'a str>,
    pub(crate) national_grid: Option<&'a str>,
}

impl<'a> Ids<'a> {
    /// Some id, for messages.
    pub(crate) fn name(self) -> &'a str {
        self.elexon.or(self.national_grid).unwrap_or("without an id")
    }
}

/// What is known of a unit's ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BmUnit {
    /// The id to look the unit up by: the attribute `elexon_bm_unit`, else the code.
    pub(crate) key: String,
    pub(crate) elexon: Option<String>,
    pub(crate) national_grid: Option<String>,
}

impl BmUnit {
    /// The ids that the registry gives. The error is for people.
    pub(crate) fn of(unit: &Unit) -> Result<Self, String> {
        let code = unit.code.as_str();
        check("the code", code)?;
        let grid_code = (!is_elexon_id(code)).then(|| code.to_owned());
        match unit.attribute("elexon_bm_unit") {
            Some(elexon) => {
                check("attribute elexon_bm_unit", elexon)?;
                Ok(Self { key: elexon.into(), elexon: Some(elexon.into()), national_grid: grid_code })
            }
            None => Ok(Self {
                key: code.into(),
                elexon: is_elexon_id(code).then(|| code.to_owned()),
                national_grid: grid_code,
            }),
        }
    }

    /// What to put into `bmUnit=`. A National Grid id where no Elexon id is known: upstream documents that for
    /// some endpoints, and for a unit without an Elexon id there is nothing else to ask by.
    pub(crate) fn asked_as(&self) -> &str {
        self.elexon.as_deref().unwrap_or(&self.key)
    }

    /// Whether a row is about this unit: either id tells, as `bmUnit` is null on some PN rows.
    pub(crate) fn is(&self, row: Ids<'_>) -> bool {
        same(self.elexon.as_deref(), row.elexon) || same(self.national_grid.as_deref(), row.national_grid)
    }

    /// Takes the National Grid id from a row that carries both, so that rows with only that one are known too.
    pub(crate) fn learn(&mut self, row: Ids<'_>) {
        if self.national_grid.is_none() && same(self.elexon.as_deref(), row.elexon) {
            self.national_grid = row.national_grid.map(str::to_owned);
        }
    }
}

fn same(known: Option<&str>, found: Option<&str>) -> bool {
    known.is_some() && known == found
}

/// Elexon ids begin with a letter or digit for the kind of unit and an underscore (`T_`, `E_`, `I_`, `2__`, `V__`);
/// National Grid ids don't.
fn is_elexon_id(id: &str) -> bool {
    id.as_bytes().get(1) == Some(&b'_')
}

fn check(what: &str, id: &str) -> Result<(), String> {
    const LONGEST: usize = 40;
    let example = "expected an id like T_DRAXX-1 (Elexon) or DRAXX-1 (National Grid)";
    if id.is_empty() {
        return Err(format!("{what} is empty; {example}"));
    }
    if id.len() > LONGEST || !id.bytes().all(|byte| byte.is_ascii_graphic() && byte != b',') {
        return Err(format!("{what} {id:?} is not a BM unit id; {example}, one unit, without blanks"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::unit;

    #[test]
    fn either_sort_of_code_is_recognised() {
        let elexon = BmUnit::of(&unit("T_DRAXX-1", &[])).unwrap();
        assert_eq!((elexon.elexon.as_deref(), elexon.national_grid.as_deref()), (Some("T_DRAXX-1"), None));
        let grid = BmUnit::of(&unit("AG-ADL00B", &[])).unwrap();
        assert_eq!((grid.elexon.as_deref(), grid.national_grid.as_deref()), (None, Some("AG-ADL00B")));
        assert_eq!(grid.asked_as(), "AG-ADL00B");
        assert!(BmUnit::of(&unit("2__AEELC000", &[])).unwrap().elexon.is_some());
    }

    #[test]
    fn the_attribute_gives_the_elexon_id_of_a_national_grid_code() {
        let both = BmUnit::of(&unit("ABERU-1", &[("elexon_bm_unit", "E_ABERDARE")])).unwrap();
        assert_eq!(both.asked_as(), "E_ABERDARE");
        assert!(both.is(Ids { elexon: None, national_grid: Some("ABERU-1") }));
    }

    #[test]
    fn a_row_without_any_id_or_of_another_unit_does_not_match() {
        let unit = BmUnit::of(&unit("T_DRAXX-1", &[])).unwrap();
        assert!(!unit.is(Ids { elexon: None, national_grid: None }));
        assert!(!unit.is(Ids { elexon: Some("T_DRAXX-10"), national_grid: None }));
    }

    #[test]
    fn codes_that_cannot_be_ids_are_refused_in_the_preview() {
        for code in ["", "T DRAXX", "T_A,T_B", "風力", &"X".repeat(41)] {
            assert!(BmUnit::of(&unit(code, &[])).is_err(), "{code:?}");
        }
        let why = BmUnit::of(&unit("DRAXX-1", &[("elexon_bm_unit", "T DRAXX")])).unwrap_err();
        assert!(why.contains("elexon_bm_unit"), "{why}");
    }
}
