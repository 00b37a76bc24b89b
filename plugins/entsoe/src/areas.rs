//! Areas of the platform by name, and which control area answers for a unit.
//!
//! Output per unit (16.1.A) is published by control area alone: asked for a bidding zone or a country, the
//! platform says "no data" as if the unit had none.

use crate::eic;

/// An area: its usual name, its EIC, and the control area that answers for the units inside.
#[derive(Debug)]
pub struct Area {
    pub name: &'static str,
    pub eic: &'static str,
    control: Control,
}

#[derive(Debug)]
enum Control {
    Itself,
    Of(&'static str),
    OneOf(&'static [&'static str]),
}

use Control::{Itself, Of, OneOf};

const GERMAN: &[&str] = &["DE_50HZ", "DE_AMPRION", "DE_TENNET", "DE_TRANSNET"];
const BRITISH: &[&str] = &["GB", "NIE"];
const IRISH: &[&str] = &["IE", "NIE"];

const fn area(name: &'static str, eic: &'static str, control: Control) -> Area {
    Area { name, eic, control }
}

static AREAS: [Area; 46] = [
    area("DE_LU", "10Y1001A1001A82H", OneOf(GERMAN)),
    area("DE_AT_LU", "10Y1001A1001A63L", OneOf(&["DE_50HZ", "DE_AMPRION", "DE_TENNET", "DE_TRANSNET", "AT"])),
    area("DE", "10Y1001A1001A83F", OneOf(GERMAN)),
    area("DE_50HZ", "10YDE-VE-------2", Itself),
    area("DE_AMPRION", "10YDE-RWENET---I", Itself),
    area("DE_TENNET", "10YDE-EON------1", Itself),
    area("DE_TRANSNET", "10YDE-ENBW-----N", Itself),
    area("LU_CA", "10YLU-CEGEDEL-NQ", Itself),
    area("FR", "10YFR-RTE------C", Itself),
    area("ES", "10YES-REE------0", Itself),
    area("PT", "10YPT-REN------W", Itself),
    area("GB", "10YGB----------A", Itself),
    area("UK", "10Y1001A1001A92E", OneOf(BRITISH)),
    area("NIE", "10Y1001A1001A016", Itself),
    area("IE_SEM", "10Y1001A1001A59C", OneOf(IRISH)),
    area("IE", "10YIE-1001A00010", Itself),
    area("IT", "10YIT-GRTN-----B", Itself),
    area("IT_NORD", "10Y1001A1001A73I", Of("IT")),
    area("IT_CNOR", "10Y1001A1001A70O", Of("IT")),
    area("IT_CSUD", "10Y1001A1001A71M", Of("IT")),
    area("IT_SUD", "10Y1001A1001A788", Of("IT")),
    area("IT_CALA", "10Y1001C--00096J", Of("IT")),
    area("IT_SICI", "10Y1001A1001A75E", Of("IT")),
    area("IT_SARD", "10Y1001A1001A74G", Of("IT")),
    area("NL", "10YNL----------L", Itself),
    area("BE", "10YBE----------2", Itself),
    area("AT", "10YAT-APG------L", Itself),
    area("CH", "10YCH-SWISSGRIDZ", Itself),
    area("PL", "10YPL-AREA-----S", Itself),
    area("CZ", "10YCZ-CEPS-----N", Itself),
    area("DK_1", "10YDK-1--------W", Of("DK_CA")),
    area("DK_2", "10YDK-2--------M", Of("DK_CA")),
    area("DK", "10Y1001A1001A65H", Of("DK_CA")),
    area("DK_CA", "10Y1001A1001A796", Itself),
    area("NO_1", "10YNO-1--------2", Of("NO")),
    area("NO_2", "10YNO-2--------T", Of("NO")),
    area("NO_3", "10YNO-3--------J", Of("NO")),
    area("NO_4", "10YNO-4--------9", Of("NO")),
    area("NO_5", "10Y1001A1001A48H", Of("NO")),
    area("NO", "10YNO-0--------C", Itself),
    area("SE_1", "10Y1001A1001A44P", Of("SE")),
    area("SE_2", "10Y1001A1001A45N", Of("SE")),
    area("SE_3", "10Y1001A1001A46L", Of("SE")),
    area("SE_4", "10Y1001A1001A47J", Of("SE")),
    area("SE", "10YSE-1--------K", Itself),
    area("FI", "10YFI-1--------U", Itself),
];

/// The area of a name (`DE_LU`, in any case) or an EIC.
pub fn find(name_or_eic: &str) -> Option<&'static Area> {
    AREAS.iter().find(|area| area.name.eq_ignore_ascii_case(name_or_eic) || area.eic == name_or_eic)
}

/// The EIC of the control area that a registry's `area` means: its own, or the one around a bidding zone.
/// An area EIC that is not in the table is taken as a control area. The error is for people.
pub fn control_area(name_or_eic: &str) -> Result<String, String> {
    let Some(area) = find(name_or_eic) else {
        return if eic::is_area(name_or_eic) {
            Ok(name_or_eic.to_owned())
        } else {
            Err(format!(
                "area `{name_or_eic}` is neither an EIC of type Y nor a known name; known are {}",
                AREAS.each_ref().map(|area| area.name).join(", ")
            ))
        };
    };
    match area.control {
        Itself => Ok(area.eic.to_owned()),
        Of(name) => control_area(name),
        OneOf(names) => Err(format!(
            "output per unit is published by control area, and {name_or_eic} has several; set `area` to one of {}",
            names.join(", ")
        )),
    }
}

/// The EIC of the control area of a unit, judged by the office that issued its EIC (the first two digits).
///
/// Only offices that issue for the transmission system of one country with one control area decide; elsewhere
/// the registry has to say. The error is for people.
pub fn control_area_of_unit(unit: &str) -> Result<String, String> {
    let candidates: &[&str] = match unit.get(..2) {
        Some("12") => &["CH"],
        Some("14") => &["AT"],
        Some("16") => &["PT"],
        Some("17") => &["FR"],
        Some("18") => &["ES"],
        Some("19") => &["PL"],
        Some("22") => &["BE"],
        Some("26") => &["IT"],
        Some("27") => &["CZ"],
        Some("44") => &["FI"],
        Some("45") => &["DK_CA"],
        Some("46") => &["SE"],
        Some("49") => &["NL"],
        Some("50") => &["NO"],
        Some("11") => GERMAN,
        Some("47") => IRISH,
        Some("48") => BRITISH,
        _ => &[],
    };
    match candidates {
        [one] => control_area(one),
        [] => Err(format!(
            "the control area of {unit} can't be told from its code; set `area` to the area's EIC or name"
        )),
        several => Err(format!(
            "{unit} may be in one of several control areas; set `area` to one of {}",
            several.join(", ")
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_and_every_eic_occurs_once_and_every_eic_is_an_area() {
        for (i, one) in AREAS.iter().enumerate() {
            assert!(eic::is_area(one.eic), "{}", one.eic);
            assert!(AREAS.iter().skip(i + 1).all(|other| other.name != one.name && other.eic != one.eic));
        }
    }

    #[test]
    fn the_table_equals_the_list_of_areas_among_the_facts() {
        let path = std::env::var_os("BACKFILL_FIXTURES").map_or_else(
            || std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/fixtures"),
            Into::into,
        );
        let Ok(list) = std::fs::read_to_string(path.join("../facts/areas.csv")) else {
            eprintln!("SKIPPED: no areas.csv beside the fixtures at {}", path.display());
            return;
        };
        let listed: Vec<_> = list
            .lines()
            .skip(1)
            .filter_map(|line| line.split_once(',').and_then(|(n, rest)| Some((n, rest.split_once(',')?.0))))
            .collect();
        assert_eq!(listed, AREAS.each_ref().map(|area| (area.name, area.eic)));
    }

    #[test]
    fn every_control_area_named_in_the_table_is_one() {
        for area in &AREAS {
            let names: &[&str] = match area.control {
                Itself => &[],
                Of(ref name) => std::slice::from_ref(name),
                OneOf(names) => names,
            };
            for name in names {
                assert!(matches!(find(name), Some(Area { control: Itself, .. })), "{name}");
            }
        }
    }

    #[test]
    fn danish_zones_and_units_lead_to_the_control_area() {
        for text in ["DK", "dk_1", "DK_2", "10YDK-1--------W", "10Y1001A1001A65H", "10Y1001A1001A796"] {
            assert_eq!(control_area(text).as_deref(), Ok("10Y1001A1001A796"), "{text}");
        }
        assert_eq!(control_area_of_unit("45W000000000046I").as_deref(), Ok("10Y1001A1001A796"));
    }

    #[test]
    fn germany_has_to_be_decided_by_the_registry() {
        for error in [control_area("DE_LU"), control_area("DE"), control_area_of_unit("11WD7TENN1K----X")] {
            assert!(error.unwrap_err().contains("DE_50HZ, DE_AMPRION, DE_TENNET, DE_TRANSNET"));
        }
    }

    #[test]
    fn an_unlisted_area_eic_is_trusted_and_an_unlisted_name_is_not() {
        assert_eq!(control_area("10YGR-HTSO-----Y").as_deref(), Ok("10YGR-HTSO-----Y"));
        assert!(control_area("GREECE").unwrap_err().contains("neither an EIC"));
        assert!(control_area("45W000000000046I").is_err());
    }
}
