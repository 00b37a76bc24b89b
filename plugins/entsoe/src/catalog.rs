//! The catalogue: master data of bidding zones (A95), turned into units that `fetch` takes as they are.
//!
//! Output is published by generation unit and asked for by control area, so that each unit carries its control area as
//! `area`. Plants without generation units have no output of their own to ask for, and are left out.

use std::collections::BTreeMap;

use backfill_guest::{Failure, Level, Unit, catalog, http, time};

use crate::answer::{Answer, Reply};
use crate::fetch::rank;
use crate::master::{self, GenerationUnit, ProductionUnit};
use crate::notes::{Notes, listed};
use crate::target::Target;
use crate::{areas, eic, psr};

/// The zones that are asked unless the setting `areas` says otherwise: all of the table that publish. A request each.
pub const AREAS: &str = "AT,BE,CH,CZ,DE_LU,DK_1,DK_2,ES,FI,FR,IE_SEM,IT_NORD,IT_CNOR,IT_CSUD,IT_SUD,IT_CALA,IT_SICI,\
                         IT_SARD,NIE,NL,NO_1,NO_2,NO_3,NO_4,NO_5,PL,PT,SE_1,SE_2,SE_3,SE_4";

/// The most zones that one catalogue asks: each may take a request per production type.
const MOST_AREAS: usize = 40;

/// One question: the plants of a zone on a day, all of them or those of one type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    zone: Zone,
    psr: Option<&'static str>,
    /// `YYYY-MM-DD`.
    day: String,
}

/// A zone by the name that people gave it, and its EIC.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Zone {
    name: String,
    eic: String,
}

impl Query {
    /// The request, to be sent to `base`.
    pub fn request(&self, base: &str) -> http::Request {
        let mut request = http::get(base, "/api")
            .query("documentType", "A95")
            .query("businessType", "B11")
            .query("BiddingZone_Domain", &self.zone.eic);
        if let Some(psr) = self.psr {
            request = request.query("psrType", psr);
        }
        request.query("Implementation_DateAndOrTime", &self.day)
    }
}

/// Reads a list of zones, by name or EIC, separated by commas; each once. The error is for people.
fn zones(list: &str) -> Result<Vec<Zone>, String> {
    let mut zones = Vec::<Zone>::new();
    for name in list.split(',').map(str::trim).filter(|name| !name.is_empty()) {
        let eic = match areas::find(name) {
            Some(area) => area.eic.to_owned(),
            None if eic::is_area(name) => name.to_owned(),
            None => {
                return Err(format!(
                    "setting `areas`: `{name}` is neither an EIC of type Y nor a known name"
                ));
            }
        };
        if zones.iter().all(|zone| zone.eic != eic) {
            zones.push(Zone { name: name.to_owned(), eic });
        }
    }
    match zones.len() {
        0 => Err("setting `areas` names no area, e.g. DK_1,DK_2".into()),
        1..=MOST_AREAS => Ok(zones),
        many => Err(format!("setting `areas` names {many} areas; at most {MOST_AREAS} are asked at once")),
    }
}

/// The generation units of zones as of `now`, in seconds of UTC, by zone, plant and name. `ask` is as for `fetch`.
///
/// A zone that the platform has nothing of, or refuses, is told of and passed over; anything else that goes wrong ends
/// the whole, since nobody could tell that a catalogue lacks a zone.
pub fn list<Replies: Iterator<Item = Result<Reply, Failure>>>(
    areas: &str,
    now: i64,
    mut ask: impl FnMut(&[Query]) -> Replies,
    notes: &mut Notes,
) -> Result<Vec<Unit>, Failure> {
    let day = time::format_utc(now).chars().take(10).collect::<String>();
    let zones = zones(areas).map_err(Failure::NotAvailable)?;
    let mut pending: Vec<_> =
        zones.into_iter().map(|zone| Query { zone, psr: None, day: day.clone() }).collect();
    let mut found = Found::default();
    while !pending.is_empty() {
        let mut again = Vec::new();
        let mut worst: Option<Failure> = None;
        for (query, reply) in pending.iter().zip(ask(&pending)) {
            match found.take(query, reply) {
                Ok(more) => again.extend(more),
                Err(failure) if worst.as_ref().is_none_or(|known| rank(&failure) < rank(known)) => {
                    worst = Some(failure);
                }
                Err(_) => {}
            }
        }
        if let Some(failure) = worst {
            return Err(failure);
        }
        pending = again;
    }
    found.finish(notes)
}

#[derive(Default)]
struct Found {
    /// By EIC, so that a unit which is told of twice is one.
    units: BTreeMap<String, Known>,
    /// Plants without generation units, and units that `fetch` could not ask for.
    without: Vec<String>,
    unusable: Vec<String>,
    /// Zones with nothing, and zones that were refused, with upstream's words.
    empty: Vec<String>,
    refused: Vec<String>,
}

struct Known {
    implemented: String,
    /// Zone and plant, to sort by.
    place: (String, String),
    unit: Unit,
}

impl Found {
    /// Takes an answer; questions to ask instead, where it wants that.
    fn take(&mut self, query: &Query, reply: Result<Reply, Failure>) -> Result<Vec<Query>, Failure> {
        let zone = &query.zone.name;
        let told = |why: String| format!("master data of {zone}: {why}");
        let said = match Answer::of(reply?) {
            Answer::Documents(documents) => {
                for document in &documents {
                    for plant in master::read(document).map_err(|why| Failure::Malformed(told(why)))? {
                        self.add(&query.zone, plant);
                    }
                }
                return Ok(Vec::new());
            }
            Answer::Empty | Answer::TypeNotInArea(_) if query.psr.is_some() => return Ok(Vec::new()),
            Answer::Empty => {
                self.empty.push(zone.clone());
                return Ok(Vec::new());
            }
            Answer::TooMuch(said) | Answer::TooManyInstances(said) => match query.psr {
                None => {
                    let by_type = |psr| Query { psr: Some(psr), ..query.clone() };
                    return Ok(psr::generating().map(by_type).collect());
                }
                Some(_) => return Err(Failure::Malformed(told(said))),
            },
            Answer::IntervalRefused(said) | Answer::TypeNotInArea(said) => said,
            Answer::Failed(Failure::InvalidUnit(said)) => said,
            Answer::Failed(failure) => return Err(failure),
        };
        self.refused.push(format!("{zone}: {said}"));
        Ok(Vec::new())
    }

    fn add(&mut self, zone: &Zone, plant: ProductionUnit) {
        if plant.units.is_empty() {
            self.without.push(plant.name);
            return;
        }
        for generator in &plant.units {
            let unit = unit_of(zone, &plant, generator);
            if let Err(why) = Target::of(&unit).and_then(|target| is_unit(&target)) {
                self.unusable.push(format!("{}: {why}", unit.code));
                continue;
            }
            let known = Known {
                implemented: plant.implemented.clone(),
                place: (zone.name.clone(), plant.name.clone()),
                unit,
            };
            match self.units.get(&generator.eic) {
                Some(other) if other.implemented >= known.implemented => {}
                _ => _ = self.units.insert(generator.eic.clone(), known),
            }
        }
    }

    fn finish(self, notes: &mut Notes) -> Result<Vec<Unit>, Failure> {
        let mut tell = |level, what: &str, items: Vec<String>| {
            if !items.is_empty() {
                let count = items.len();
                notes.add(level, format!("{count} {what}: {}", listed(items.into_iter())));
            }
        };
        let nothing = format!(
            "the platform has no generation unit of these areas; no data of {}; refused {}",
            listed(self.empty.clone().into_iter()),
            listed(self.refused.clone().into_iter()),
        );
        tell(Level::Warn, "areas refused", self.refused);
        tell(Level::Info, "areas without master data", self.empty);
        tell(Level::Info, "plants without a generation unit, so without output of their own", self.without);
        tell(Level::Warn, "generation units that can't be asked for", self.unusable);
        let mut known: Vec<_> = self.units.into_values().collect();
        if known.is_empty() {
            return Err(Failure::NoData(nothing));
        }
        known.sort_by(|a, b| {
            (&a.place, &a.unit.name, &a.unit.code).cmp(&(&b.place, &b.unit.name, &b.unit.code))
        });
        Ok(known.into_iter().map(|known| known.unit).collect())
    }
}

fn is_unit(target: &Target) -> Result<(), String> {
    match target {
        Target::Unit { .. } => Ok(()),
        Target::Area { .. } => Err("its code is that of an area".into()),
    }
}

fn unit_of(zone: &Zone, plant: &ProductionUnit, generator: &GenerationUnit) -> Unit {
    let first = |one: &str, other: &str| if one.is_empty() { other.to_owned() } else { one.to_owned() };
    let code = first(&generator.psr, &plant.psr);
    let production_type = psr::by_code(&code).map_or(code.as_str(), |known| known.name);
    // What the document says may be a zone of several control areas, or missing.
    let area = [plant.control_area.as_str(), &zone.eic]
        .into_iter()
        .filter(|area| !area.is_empty())
        .find_map(|area| areas::control_area(area).ok())
        .or_else(|| areas::control_area_of_unit(&generator.eic).ok());
    let (location, site) = (first(&generator.location, &plant.location), first(&plant.name, &plant.eic));
    let attributes = [
        ("area", area.as_deref()),
        ("bidding_zone", Some(zone.name.as_str())),
        ("location", Some(location.as_str())),
        (catalog::PRODUCTION_TYPE, Some(production_type)),
        ("production_unit", Some(plant.eic.as_str())),
        (catalog::SITE, Some(site.as_str())),
    ];
    let name = first(&generator.name, &plant.name);
    catalog::unit(&generator.eic, Some(&name), generator.capacity_mw, attributes)
}

#[cfg(test)]
mod tests;
