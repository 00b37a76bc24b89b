//! Balancing mechanism units of Great Britain.

use crate::noise;

/// A balancing mechanism unit as `/reference/bmunits/all` lists it. Either id can be absent from
/// upstream's list, and neither is unique there.
#[derive(Clone, Debug, PartialEq)]
pub struct BmUnit {
    pub elexon: Option<String>,
    pub national_grid: String,
    pub eic: Option<&'static str>,
    /// `WIND`, `BIOMASS` …; unreliable: some wind units have none.
    pub fuel_type: Option<&'static str>,
    pub name: String,
    /// MW; absent for some units. Values then are those of a unit of 50 MW.
    pub capacity_mw: Option<f64>,
}

const fn row(
    elexon: Option<&'static str>,
    national_grid: &'static str,
    eic: Option<&'static str>,
    fuel_type: Option<&'static str>,
    name: &'static str,
    capacity_mw: Option<f64>,
) -> Row {
    Row { elexon, national_grid, eic, fuel_type, name, capacity_mw }
}

struct Row {
    elexon: Option<&'static str>,
    national_grid: &'static str,
    eic: Option<&'static str>,
    fuel_type: Option<&'static str>,
    name: &'static str,
    capacity_mw: Option<f64>,
}

const WIND: Option<&str> = Some("WIND");

const REAL: &[Row] = &[
    row(Some("T_HOWAO-1"), "HOWAO-1", None, WIND, "Hornsea 1 A", Some(400.0)),
    row(Some("T_HOWAO-2"), "HOWAO-2", None, WIND, "Hornsea 1 B", Some(400.0)),
    row(Some("T_HOWAO-3"), "HOWAO-3", None, WIND, "Hornsea 1 C", Some(400.0)),
    row(Some("T_ABRBO-1"), "ABRBO-1", Some("48W00000ABRBO-19"), WIND, "ABRBO-1", Some(99.0)),
    row(Some("T_ACHRW-1"), "ACHRW-1", Some("48W00000ACHRW-1O"), WIND, "ACHRW-1", Some(42.6)),
    row(Some("T_AFTOW-1"), "AFTOW-1", None, WIND, "AFTOW-1", Some(50.0)),
    row(Some("E_ABRTW-1"), "ABRTW-1", Some("48W00000ABRTW-1Z"), WIND, "ABRTW-1", Some(36.0)),
    row(None, "ACHYW-1", None, WIND, "ACHYW-1", None),
    row(Some("T_DWEXW-1"), "DWEXW-1", None, None, "DWEXW-1", Some(65.0)),
    row(Some("T_HAGHW-2"), "HAGHW-2", None, None, "HAGHW-2", Some(40.0)),
    row(Some("T_WLNYO-4"), "WLNYO-4", Some("48W00000WLNYO-4A"), WIND, "Walney 4", Some(330.0)),
    row(Some("T_WLNYO-4"), "WLNYO-4", Some("48W000WLNYO-4-5Q"), WIND, "Walney 4", Some(330.0)),
    row(Some("T_DRAXX-1"), "DRAXX-1", None, Some("BIOMASS"), "Drax 1", Some(645.0)),
];

impl Row {
    fn unit(&self) -> BmUnit {
        BmUnit {
            elexon: self.elexon.map(str::to_owned),
            national_grid: self.national_grid.to_owned(),
            eic: self.eic,
            fuel_type: self.fuel_type,
            name: self.name.to_owned(),
            capacity_mw: self.capacity_mw,
        }
    }
}

/// Upstream's list: the real rows, one of them twice as upstream has it, then `made` made-up wind units
/// `T_SIMW-1` / `SIMW-1` and so on.
#[must_use]
pub fn units(made: usize) -> Vec<BmUnit> {
    REAL.iter().map(Row::unit).chain((1..=made).map(made_unit)).collect()
}

/// The unit with this Elexon or National Grid id.
#[must_use]
pub fn find(id: &str) -> Option<BmUnit> {
    if let Some(real) = REAL.iter().find(|row| row.elexon == Some(id) || row.national_grid == id) {
        return Some(real.unit());
    }
    let number = id.strip_prefix("T_").unwrap_or(id).strip_prefix("SIMW-")?.parse().ok()?;
    Some(made_unit(number)).filter(|unit| unit.has_id(id))
}

fn made_unit(number: usize) -> BmUnit {
    let national_grid = format!("SIMW-{number}");
    BmUnit {
        elexon: Some(format!("T_{national_grid}")),
        eic: None,
        fuel_type: WIND,
        name: format!("Simulated wind farm {number}"),
        capacity_mw: Some(20.0 + (noise::unit(&national_grid, 0) * 300.0).round()),
        national_grid,
    }
}

impl BmUnit {
    /// Whether `id` is one of its two ids.
    #[must_use]
    pub fn has_id(&self, id: &str) -> bool {
        self.national_grid == id || self.elexon.as_deref() == Some(id)
    }
}
