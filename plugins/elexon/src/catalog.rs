//! The list of BM units as a catalogue: which of them generate, with what, how much, and where they belong.
//!
//! The list has about 3,100 rows, most of which are suppliers' demand; those are left out. Its fuel types are missing
//! for nine rows in ten, for some wind units too, so that names and ids are looked at as well: [`is_wind`].

use std::collections::BTreeMap;

use backfill_guest::{Failure, Unit, catalog};
use serde::Deserialize;
use serde_json::Value;

use crate::answer::Text;
use crate::bm_unit::BmUnit;
use crate::notes::{Notes, Tally};
use crate::upstream::{self, Upstream};

/// What is read of a row of the list. Numbers come as strings.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Row<'a> {
    #[serde(borrow)]
    elexon_bm_unit: Option<Text<'a>>,
    #[serde(borrow)]
    national_grid_bm_unit: Option<Text<'a>>,
    #[serde(borrow)]
    eic: Option<Text<'a>>,
    #[serde(borrow)]
    fuel_type: Option<Text<'a>>,
    #[serde(borrow)]
    lead_party_name: Option<Text<'a>>,
    #[serde(borrow)]
    bm_unit_type: Option<Text<'a>>,
    #[serde(borrow)]
    bm_unit_name: Option<Text<'a>>,
    #[serde(default)]
    generation_capacity: Value,
    #[serde(borrow)]
    gsp_group_name: Option<Text<'a>>,
    #[serde(borrow)]
    interconnector_id: Option<Text<'a>>,
}

/// The units that generate, in the order of the list, and what to log.
pub(crate) fn list(upstream: &impl Upstream, base_url: &str) -> (Result<Vec<Unit>, Failure>, Notes) {
    let mut notes = Notes::default();
    let outcome = read(upstream, base_url, &mut notes);
    (outcome, notes)
}

fn read(upstream: &impl Upstream, base_url: &str, notes: &mut Notes) -> Result<Vec<Unit>, Failure> {
    let answer = upstream::download_list(upstream, base_url)?;
    let rows: Vec<Row<'_>> = upstream::listed(&answer)?;
    let (mut others, mut unusable) = (Tally::default(), Tally::default());
    let (mut units, mut places) = (Vec::<Unit>::new(), BTreeMap::new());
    for row in &rows {
        let Some(code) = row.code() else {
            unusable.add(|| "a row without an id");
            continue;
        };
        if !row.generates() {
            others.add(|| code.to_owned());
            continue;
        }
        let unit = row.unit(code);
        if let Err(why) = BmUnit::of(&unit) {
            unusable.add(|| why);
            continue;
        }
        match places.get(&unit.code).and_then(|&place: &usize| units.get_mut(place)) {
            Some(known) => merge(known, unit),
            None => {
                places.insert(unit.code.clone(), units.len());
                units.push(unit);
            }
        }
    }
    notes.info_of(&others, "rows of the list are no generation units");
    notes.info_of(&unusable, "rows of the list name no unit that can be asked for");
    Ok(units)
}

/// Takes a further row of a unit, such as `T_WLNYO-4` has: its EIC too; no capacity where the rows differ.
fn merge(known: &mut Unit, other: Unit) {
    if known.capacity_mw != other.capacity_mw {
        known.capacity_mw = None;
    }
    for (name, value) in other.attributes {
        match known.attributes.iter_mut().find(|(key, _)| *key == name) {
            Some((_, first)) if name == "eic" && !first.split(", ").any(|one| one == value) => {
                *first = format!("{first}, {value}");
            }
            Some(_) => {}
            None => known.attributes.push((name, value)),
        }
    }
}

impl Row<'_> {
    /// What the unit is asked for by: the Elexon id, else the National Grid id, which `fetch` looks up.
    fn code(&self) -> Option<&str> {
        filled(&self.elexon_bm_unit).or(filled(&self.national_grid_bm_unit))
    }

    fn capacity(&self) -> Option<f64> {
        match &self.generation_capacity {
            Value::String(text) => text.trim().parse().ok(),
            number => number.as_f64(),
        }
    }

    /// Not an interconnector, and with a capacity, a fuel, or (as some have neither yet) the id of a power station.
    fn generates(&self) -> bool {
        if filled(&self.interconnector_id).is_some() || filled(&self.bm_unit_type) == Some("I") {
            return false;
        }
        let is_station = matches!(filled(&self.bm_unit_type), Some("T" | "E"));
        match self.capacity() {
            Some(capacity) if capacity > 0.0 => true,
            Some(_) => false,
            None => is_station || filled(&self.fuel_type).is_some(),
        }
    }

    fn unit(&self, code: &str) -> Unit {
        let fuel = filled(&self.fuel_type);
        let production_type = fuel.map(production_type).or_else(|| self.is_wind().then(|| "wind".to_owned()));
        let attributes = [
            ("bm_unit_type", filled(&self.bm_unit_type)),
            ("eic", filled(&self.eic)),
            ("fuel_type", fuel),
            ("gsp_group", filled(&self.gsp_group_name)),
            ("lead_party", filled(&self.lead_party_name)),
            ("national_grid_bm_unit", filled(&self.national_grid_bm_unit)),
            (catalog::PRODUCTION_TYPE, production_type.as_deref()),
            (catalog::SITE, Some(self.site(code))),
        ];
        catalog::unit(code, filled(&self.bm_unit_name), self.capacity(), attributes)
    }

    /// Whether a unit without a fuel type is moved by wind: by its name, or by its National Grid id, whose fifth
    /// letter is W for wind (`HAGHW-2`, `DWEXW-1`).
    fn is_wind(&self) -> bool {
        let name = filled(&self.bm_unit_name).unwrap_or_default().to_ascii_lowercase();
        let id = filled(&self.national_grid_bm_unit).unwrap_or_default().as_bytes();
        let marked =
            matches!(id, [a, b, c, d, b'W', b'-', ..] if [a, b, c, d].iter().all(|c| c.is_ascii_uppercase()));
        marked || name.contains("wind farm") || name.contains("windfarm")
    }

    /// The station: `HOWAO` of `T_HOWAO-1`, `HOWAO-2` …
    fn site<'a>(&'a self, code: &'a str) -> &'a str {
        let id = filled(&self.national_grid_bm_unit)
            .unwrap_or_else(|| code.split_once('_').map_or(code, |(_, id)| id.trim_start_matches('_')));
        match id.rsplit_once('-') {
            Some((site, number)) if !site.is_empty() && number.bytes().all(|c| c.is_ascii_digit()) => site,
            _ => id,
        }
    }
}

/// Upstream's word for a fuel as the attribute has it: `WIND` is `wind`, `CCGT` is `gas`.
fn production_type(fuel: &str) -> String {
    match fuel {
        "CCGT" | "OCGT" => "gas".to_owned(),
        "NPSHYD" => "hydro".to_owned(),
        "PS" => "hydro-pumped-storage".to_owned(),
        other => other.to_ascii_lowercase(),
    }
}

fn filled<'a>(text: &'a Option<Text<'_>>) -> Option<&'a str> {
    text.as_deref().map(str::trim).filter(|text| !text.is_empty())
}

#[cfg(test)]
#[path = "catalog_tests.rs"]
mod tests;
