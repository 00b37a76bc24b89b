//! What a unit of the registry asks of EIA: a plant, or one fuel of a balancing authority.

use backfill_guest::Unit;

/// A unit's code and attributes, understood.
#[derive(Debug, PartialEq)]
pub(crate) enum Wanted {
    Plant(Plant),
    Authority(Authority),
}

/// A plant of Form EIA-923.
#[derive(Debug, PartialEq)]
pub(crate) struct Plant {
    pub(crate) code: String,
    /// Codes of the facet `fuel2002`.
    pub(crate) fuels: Vec<String>,
}

/// One fuel of a balancing authority (or of a regional aggregate) of Form EIA-930.
#[derive(Debug, PartialEq)]
pub(crate) struct Authority {
    pub(crate) respondent: String,
    pub(crate) fueltype: String,
}

/// Plant codes that stand for no plant: the yearly increment that balances a state's total.
const STATE_INCREMENT: &str = "99999";

/// Respondents that are sums over balancing authorities.
const REGIONS: [&str; 14] =
    ["CAL", "CAR", "CENT", "FLA", "MIDA", "MIDW", "NE", "NW", "NY", "SE", "SW", "TEN", "TEX", "US48"];

impl Wanted {
    /// Reads a unit. The error tells a person which attribute to mend.
    pub(crate) fn of(unit: &Unit) -> Result<Self, String> {
        let wanted = match (unit.attribute("respondent"), unit.attribute("fueltype")) {
            (None, None) => Wanted::Plant(Plant { code: plant_code(&unit.code)?, fuels: fuels(unit)? }),
            (Some(respondent), Some(fueltype)) => Wanted::Authority(Authority {
                respondent: facet("respondent", respondent, "PACW")?,
                fueltype: facet("fueltype", fueltype, "WND")?,
            }),
            (Some(_), None) => {
                return Err("attribute `respondent` needs `fueltype` beside it, e.g. WND or SUN".into());
            }
            (None, Some(_)) => {
                return Err(
                    "attribute `fueltype` needs `respondent` beside it, e.g. PACW; the fuel of a plant is \
                            `fuel2002`"
                        .into(),
                );
            }
        };
        Ok(wanted)
    }
}

impl Authority {
    /// Whether the respondent is a sum over authorities, which must not be added to its members.
    pub(crate) fn is_region(&self) -> bool {
        REGIONS.contains(&self.respondent.as_str())
    }
}

fn plant_code(code: &str) -> Result<String, String> {
    let code = code.trim();
    if code.is_empty() || !code.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(format!(
            "{code:?} is not an EIA plant code: digits only, e.g. 61014, without a suffix; phases under one code \
             carry the attribute `share`. A balancing authority needs the attributes `respondent` and `fueltype`"
        ));
    }
    if code.starts_with('0') {
        return Err(format!("plant code {code:?}: EIA writes plant codes without leading zeros"));
    }
    if code == STATE_INCREMENT {
        return Err(format!("plant code {code} is EIA's balancing entry of a state, not a plant"));
    }
    Ok(code.to_owned())
}

fn fuels(unit: &Unit) -> Result<Vec<String>, String> {
    if let Some(code) = unit.attribute("fuel2002") {
        return Ok(vec![facet("fuel2002", code, "WND")?]);
    }
    match unit.attribute("fuel").map(str::to_ascii_lowercase).as_deref() {
        None => Ok(vec!["SUN".into(), "WND".into()]),
        Some("wind") => Ok(vec!["WND".into()]),
        Some("solar") => Ok(vec!["SUN".into()]),
        Some(other) => Err(format!(
            "attribute `fuel` is {other:?}: use wind or solar, or `fuel2002` with a code of EIA, e.g. WND"
        )),
    }
}

/// A facet value in EIA's spelling. EIA answers an unknown one with zero rows and no error, so that at least
/// its form is checked here.
fn facet(name: &str, value: &str, example: &str) -> Result<String, String> {
    let value = value.to_ascii_uppercase();
    if value.len() <= 8 && value.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        Ok(value)
    } else {
        Err(format!("attribute `{name}` is {value:?}: expected one code of EIA, e.g. {example}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(code: &str, attributes: &[(&str, &str)]) -> Unit {
        let attributes = attributes.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect();
        Unit { code: code.into(), name: "a unit".into(), capacity_mw: None, attributes }
    }

    fn fuels_of(attributes: &[(&str, &str)]) -> Vec<String> {
        match Wanted::of(&unit("61014", attributes)).unwrap() {
            Wanted::Plant(plant) => plant.fuels,
            Wanted::Authority(_) => panic!("a plant was asked for"),
        }
    }

    #[test]
    fn a_plant_without_attributes_means_wind_and_solar() {
        assert_eq!(fuels_of(&[]), ["SUN", "WND"]);
    }

    #[test]
    fn a_fuel_is_named_by_code_or_by_word() {
        assert_eq!(fuels_of(&[("fuel2002", "wnd")]), ["WND"]);
        assert_eq!(fuels_of(&[("fuel", "Solar")]), ["SUN"]);
        assert_eq!(fuels_of(&[("fuel2002", "MWH"), ("fuel", "wind")]), ["MWH"]);
        assert!(Wanted::of(&unit("61014", &[("fuel", "coal")])).unwrap_err().contains("fuel2002"));
        assert!(Wanted::of(&unit("61014", &[("fuel2002", "WND,SUN")])).is_err());
    }

    #[test]
    fn plant_codes_are_digits_without_leading_zeros_or_suffix_and_stand_for_a_plant() {
        for code in ["", "66167_1", "061014", "99999", "T_WIND-1", "６１"] {
            assert!(Wanted::of(&unit(code, &[])).is_err(), "{code}");
        }
    }

    #[test]
    fn an_authority_needs_respondent_and_fueltype_and_leaves_the_code_free() {
        let both = unit("PacifiCorp West wind", &[("respondent", "pacw"), ("fueltype", "WND")]);
        let expected = Authority { respondent: "PACW".into(), fueltype: "WND".into() };
        assert_eq!(Wanted::of(&both).unwrap(), Wanted::Authority(expected));
        assert!(Wanted::of(&unit("61014", &[("respondent", "PACW")])).unwrap_err().contains("`fueltype`"));
        assert!(Wanted::of(&unit("61014", &[("fueltype", "WND")])).unwrap_err().contains("`respondent`"));
    }
}
