//! What a unit of the registry asks of each file.

use backfill_guest::Unit;

use crate::station::Wanted;

/// The station in the monthly file: the attribute `monthly_name`, or the code.
pub(crate) fn in_monthly_names(unit: &Unit) -> Result<Wanted, String> {
    wanted(unit, "monthly_name")
}

/// The station in the ten-minute history and in the live report, which use short names: the attribute
/// `ten_minute_name`, or the code.
pub(crate) fn in_short_names(unit: &Unit) -> Result<Wanted, String> {
    wanted(unit, "ten_minute_name")
}

/// Checks without any request that the unit names something.
pub(crate) fn check(unit: &Unit) -> Result<(), String> {
    Wanted::new(&unit.code, None).map_err(|why| format!("code: {why}"))?;
    in_monthly_names(unit).map_err(|why| format!("monthly_name: {why}"))?;
    in_short_names(unit).map_err(|why| format!("ten_minute_name: {why}"))?;
    Ok(())
}

fn wanted(unit: &Unit, attribute: &str) -> Result<Wanted, String> {
    let code = Wanted::new(&unit.code, unit.attribute("energy_type"))?;
    match unit.attribute(attribute) {
        Some(name) => Ok(code.named(name)?),
        None => Ok(code),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A unit with attributes and nothing else.
    pub(crate) fn unit(code: &str, attributes: &[(&str, &str)]) -> Unit {
        let attributes =
            attributes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Unit { code: code.to_owned(), name: code.to_owned(), capacity_mw: None, attributes }
    }

    #[test]
    fn a_unit_must_name_a_station_in_its_code_and_in_every_override() {
        assert_eq!(
            check(&unit("台中港區風力/Taichung Harbor Wind Power", &[("energy_type", "wind")])),
            Ok(())
        );
        assert!(check(&unit(" ", &[])).unwrap_err().starts_with("code: "));
        assert!(check(&unit("小計", &[])).unwrap_err().contains("subtotal"));
        assert!(
            check(&unit("王功", &[("monthly_name", "(註1)")])).unwrap_err().starts_with("monthly_name: ")
        );
        assert!(
            check(&unit("王功", &[("ten_minute_name", "小計")]))
                .unwrap_err()
                .starts_with("ten_minute_name: ")
        );
    }

    #[test]
    fn an_override_changes_the_name_and_keeps_the_type() {
        use crate::station::Station;
        let unit = unit("某某太陽光電", &[("ten_minute_name", "甲乙")]);
        let wanted = in_short_names(&unit).unwrap();
        assert!(wanted.closeness(&Station::new("太陽能", "甲乙").unwrap()).is_some());
        assert!(wanted.closeness(&Station::new("風力", "甲乙").unwrap()).is_none());
        assert!(
            in_monthly_names(&unit).unwrap().closeness(&Station::new("太陽能", "某某").unwrap()).is_some()
        );
    }
}
