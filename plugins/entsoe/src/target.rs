//! What a registry's unit means here: one generation unit, or production types of an area.

use backfill_guest::Unit;

use crate::{areas, eic, psr};

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A generation unit, through output per unit (16.1.A) of its control area.
    Unit { eic: String, control_area: String },
    /// Production types of an area, through output per type (16.1.B&C).
    Area { area: String, types: Vec<&'static str> },
}

impl Target {
    /// Reads a unit's code and attributes (`area`, the older `entsoe_area_code`, `production_type`). The error
    /// is for people.
    pub fn of(unit: &Unit) -> Result<Self, String> {
        let code = unit.code.trim();
        if let Some(area) =
            areas::find(code).map(|area| area.eic).or_else(|| eic::is_area(code).then_some(code))
        {
            let types = match unit.attribute("production_type") {
                Some(list) => psr::parse_list(list)?,
                None => psr::WIND_AND_SOLAR.to_vec(),
            };
            return Ok(Self::Area { area: area.to_owned(), types });
        }
        if !eic::is_eic(code) {
            return Err(format!(
                "`{code}` is neither an EIC (two digits, a letter, 13 of A-Z 0-9 -, as in 45W000000000046I) \
                 nor the name of an area (as in DK_1)"
            ));
        }
        let control_area = match unit.attribute("area").or_else(|| unit.attribute("entsoe_area_code")) {
            Some(area) => areas::control_area(area)?,
            None => areas::control_area_of_unit(code)?,
        };
        Ok(Self::Unit { eic: code.to_owned(), control_area })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(code: &str, attributes: &[(&str, &str)]) -> Result<Target, String> {
        let attributes = attributes.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Target::of(&Unit { code: code.into(), name: String::new(), capacity_mw: None, attributes })
    }

    fn unit(eic: &str, control_area: &str) -> Result<Target, String> {
        Ok(Target::Unit { eic: eic.into(), control_area: control_area.into() })
    }

    #[test]
    fn an_area_is_asked_for_wind_and_solar_unless_it_says_otherwise() {
        let area = |types: &[&'static str]| {
            Ok(Target::Area { area: "10YDK-1--------W".into(), types: types.to_vec() })
        };
        assert_eq!(target("DK_1", &[]), area(&["B16", "B18", "B19"]));
        assert_eq!(target("10YDK-1--------W", &[("production_type", "biomass")]), area(&["B01"]));
        assert!(target("DK_1", &[("production_type", "sun")]).unwrap_err().contains("`sun`"));
    }

    #[test]
    fn the_registrys_area_wins_over_the_older_attribute_and_that_over_the_table() {
        let anholt = "45W000000000046I";
        let (old, new) = (("entsoe_area_code", "NL"), ("area", "10YBE----------2"));
        assert_eq!(target(anholt, &[]), unit(anholt, "10Y1001A1001A796"));
        assert_eq!(target(anholt, &[old]), unit(anholt, "10YNL----------L"));
        assert_eq!(target(anholt, &[old, new]), unit(anholt, "10YBE----------2"));
    }

    #[test]
    fn a_unit_in_germany_needs_a_control_area_and_takes_one() {
        let unit_eic = "11WD8ALPH1WW---G";
        assert!(target(unit_eic, &[]).is_err());
        assert!(target(unit_eic, &[("area", "DE_LU")]).unwrap_err().contains("set `area`"));
        assert_eq!(target(unit_eic, &[("area", "DE_TENNET")]), unit(unit_eic, "10YDE-EON------1"));
    }

    #[test]
    fn what_is_no_code_is_named() {
        assert!(target("Anholt", &[]).unwrap_err().contains("`Anholt`"));
        assert!(target("", &[]).is_err());
    }
}
