//! Generation units published through ENTSO-E A73.

use super::eic;
use super::entsoe_areas::{self, Area, AreaKind};
use crate::noise;

/// A generation unit.
#[derive(Clone, Debug, PartialEq)]
pub struct Unit {
    /// EIC of the generation unit: the key.
    pub eic: String,
    pub name: String,
    /// EIC of the power plant it belongs to; another unit may share it.
    pub production_unit: String,
    /// EIC of its control area.
    pub area: &'static str,
    /// `B16` solar, `B18` wind offshore, `B19` wind onshore … Some units have none.
    pub psr_type: Option<&'static str>,
    pub capacity_mw: f64,
    pub resolution_minutes: i64,
    /// Whether consumption is published too, in a series of its own.
    pub consumes: bool,
    /// Whether some hours are never published.
    pub has_gaps: bool,
}

struct Known {
    eic: &'static str,
    name: &'static str,
    production_unit: &'static str,
    capacity_mw: f64,
    resolution_minutes: i64,
    consumes: bool,
    has_gaps: bool,
}

/// The Danish offshore wind farms.
const DANISH: &[Known] = &[
    known("45W000000000046I", "Anholt", "17W-SIM-DKP0046", 400.0, 60, false, false),
    known("45W000000000023U", "Horns Rev A", "17W-SIM-DKP0023", 160.0, 60, true, false),
    known("45W000000000116N", "Horns Rev C", "45W000000000114", 406.7, 60, false, false),
    known("45W000000000044M", "Rødsand 1", "17W-SIM-DKP0044", 165.6, 60, false, false),
    known("45W000000000126K", "Kriegers Flak", "17W-SIM-DKP0126", 604.8, 15, true, false),
    known("45W000000000208I", "Vesterhav Nord", "17W-SIM-DKP0208", 180.6, 60, false, false),
    known("45W000000000207K", "Vesterhav Syd", "17W-SIM-DKP0208", 168.4, 60, false, true),
];

const fn known(
    eic: &'static str,
    name: &'static str,
    production_unit: &'static str,
    capacity_mw: f64,
    resolution_minutes: i64,
    consumes: bool,
    has_gaps: bool,
) -> Known {
    Known { eic, name, production_unit, capacity_mw, resolution_minutes, consumes, has_gaps }
}

impl Known {
    fn unit(&self) -> Unit {
        Unit {
            eic: self.eic.to_owned(),
            name: self.name.to_owned(),
            production_unit: eic::complete(self.production_unit).unwrap_or_else(|| self.eic.to_owned()),
            area: "10Y1001A1001A796",
            psr_type: Some("B18"),
            capacity_mw: self.capacity_mw,
            resolution_minutes: self.resolution_minutes,
            consumes: self.consumes,
            has_gaps: self.has_gaps,
        }
    }
}

/// The units of a control area: the real ones known, then `made` made-up ones, of which France has 120
/// or more. None where the area is not a control area. The codes of made-up units are `17W-SIM-` + area + number + check character.
#[must_use]
pub fn units(area: &Area, made: usize) -> Vec<Unit> {
    if area.kind != AreaKind::Control {
        return Vec::new();
    }
    let made = if area.short == "FR" { made.max(120) } else { made };
    let real = DANISH.iter().filter(|_| area.short == "DK").map(Known::unit);
    real.chain((1..).filter_map(|number| made_unit(area, number)).take(made)).collect()
}

/// The units of a bidding zone, or of all zones of a control area, as master data has them.
#[must_use]
pub fn in_zone(zone: &Area, made: usize) -> Vec<Unit> {
    let (areas, at, of): (&[&str], usize, usize) = match zone.short {
        "DL" | "DE" => (&["50", "AM", "TN", "TR"], 0, 1),
        "SM" => (&["IE"], 0, 1),
        "D0" => (&["DK"], 0, 1),
        "D1" => (&["DK"], 1, 2),
        "D2" => (&["DK"], 0, 2),
        _ if zone.kind == AreaKind::Control => (std::slice::from_ref(&zone.short), 0, 1),
        short => match (short.get(..1), short.get(1..).and_then(|number| number.parse().ok())) {
            (Some("I"), Some(number)) => (&["IT"], number, 7),
            (Some("N"), Some(number)) => (&["NO"], number, 5),
            (Some("S"), Some(number)) => (&["SE"], number, 4),
            _ => return Vec::new(),
        },
    };
    let areas = entsoe_areas::AREAS.iter().filter(|area| areas.contains(&area.short));
    let zone_of = |unit: &Unit| match DANISH.iter().find(|known| known.eic == unit.eic) {
        // The eastern grid is that of Zealand and Lolland.
        Some(known) => usize::from(!matches!(known.name, "Rødsand 1" | "Kriegers Flak")),
        None => unit.name.rsplit(' ').next().and_then(|number| number.parse().ok()).unwrap_or(0),
    };
    areas.flat_map(|area| units(area, made)).filter(|unit| of == 1 || zone_of(unit) % of == at % of).collect()
}

/// The unit with this EIC, real or made up; `None` for any other code, also for those of plants.
#[must_use]
pub fn find(code: &str) -> Option<Unit> {
    if let Some(known) = DANISH.iter().find(|known| known.eic == code) {
        return Some(known.unit());
    }
    let rest = code.strip_prefix("17W-SIM-")?;
    let (short, number) = (rest.get(..2)?, rest.get(3..7)?);
    let area = entsoe_areas::AREAS.iter().find(|area| area.short == short)?;
    made_unit(area, number.parse().ok()?).filter(|unit| unit.eic == code)
}

/// Made-up units take turns: half wind, a quarter solar, a quarter thermal. Each 11th has no type, each
/// 5th publishes quarter hours, each 6th consumption, each 7th has gaps, and two neighbours are one plant.
fn made_unit(area: &Area, number: u32) -> Option<Unit> {
    if area.kind != AreaKind::Control || !(1..=9999).contains(&number) {
        return None;
    }
    let code = eic::complete(&format!("17W-SIM-{}-{number:04}", area.short))?;
    // Not every number has a check character, so that a plant takes the first that does.
    let plant =
        (number.div_ceil(2)..).find_map(|n| eic::complete(&format!("17W-SIM-{}P{n:04}", area.short)))?;
    let (psr_type, kind) = match number % 4 {
        0 => ("B16", "Solar"),
        1 => ("B19", "Wind"),
        2 if area.has_offshore_wind() => ("B18", "Offshore Wind"),
        2 => ("B19", "Wind"),
        _ => ("B04", "Gas & Steam"),
    };
    Some(Unit {
        capacity_mw: 100.0 + (noise::unit(&code, 0) * 500.0).round(),
        name: format!("{kind} {} {number}", area.short),
        eic: code,
        production_unit: plant,
        area: area.eic,
        psr_type: (!number.is_multiple_of(11)).then_some(psr_type),
        resolution_minutes: if number.is_multiple_of(5) { 15 } else { 60 },
        consumes: number.is_multiple_of(6),
        has_gaps: number.is_multiple_of(7),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn france_can_have_a_hundred_and_twenty_units_with_valid_codes() {
        let france = entsoe_areas::find("10YFR-RTE------C").unwrap();
        let units = units(france, 120);
        let mut codes: Vec<_> = units.iter().map(|unit| unit.eic.as_str()).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), 120);
        for unit in &units {
            assert!(eic::is_valid(&unit.eic), "{}", unit.eic);
            assert!(eic::is_valid(&unit.production_unit), "{}", unit.production_unit);
            assert_eq!(find(&unit.eic).as_ref(), Some(unit));
            assert_eq!(find(&unit.production_unit), None, "a plant is not a unit");
        }
    }

    #[test]
    fn zones_share_the_units_of_their_control_area_without_overlap() {
        let codes = |eic: &str| {
            let units = in_zone(entsoe_areas::find(eic).unwrap(), 12);
            units.into_iter().map(|unit| unit.eic).collect::<std::collections::BTreeSet<_>>()
        };
        let (whole, west, east) =
            (codes("10Y1001A1001A796"), codes("10YDK-1--------W"), codes("10YDK-2--------M"));
        assert_eq!((west.len() + east.len(), &west | &east), (whole.len(), whole));
        assert!(west.contains("45W000000000046I") && east.contains("45W000000000126K"));
        assert_eq!(codes("10Y1001A1001A82H").len(), 4 * 12);
        let swedish = ["10Y1001A1001A44P", "10Y1001A1001A45N", "10Y1001A1001A46L", "10Y1001A1001A47J"];
        assert_eq!(swedish.map(|zone| codes(zone).len()).iter().sum::<usize>(), 12);
        assert!(codes("10YGB----------A").is_empty());
    }

    #[test]
    fn a_plant_can_have_two_units() {
        let nord = find("45W000000000208I").unwrap();
        assert_eq!(nord.production_unit, find("45W000000000207K").unwrap().production_unit);
    }
}
