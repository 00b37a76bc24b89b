//! The catalogue: plants with a generator of the wanted fuels, from the inventory of operable generators
//! (`operating-generator-capacity`, Form EIA-860M), and balancing authorities where they are wanted.
//!
//! The inventory is a snapshot a month of every generator; the latest is taken. It has nameplate capacities and places,
//! which the facet of plant codes has not, and lacks plants that are retired, whose history is there all the same.

use std::collections::BTreeMap;

use backfill_guest::http::{self, Request};
use backfill_guest::{Failure, Unit, catalog};
use serde::Deserialize;
use serde_json::Value;

use crate::cell::text;
use crate::listing::Listing;
use crate::wanted::Wanted;

/// Fuels whose plants are listed unless the setting `catalog_fuels` says otherwise.
pub(crate) const FUELS: &str = "WND";
/// What is listed unless the setting `catalog` says otherwise.
pub(crate) const KINDS: &str = "plants";

const ROUTE: &str = "operating-generator-capacity";

/// What the settings want listed.
#[derive(Debug, PartialEq)]
pub(crate) struct Scope {
    pub(crate) plants: bool,
    pub(crate) authorities: bool,
    /// Codes of EIA, which are the same for generators (`energy_source_code`) and their output (`fuel2002`).
    pub(crate) fuels: Vec<String>,
}

impl Scope {
    /// Reads the settings `catalog` and `catalog_fuels`. The error is for people.
    pub(crate) fn of(kinds: &str, fuels: &str) -> Result<Self, String> {
        let parts = |list: &str| -> Vec<String> {
            list.split(',').map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
        };
        let mut scope = Self { plants: false, authorities: false, fuels: Vec::new() };
        for kind in parts(kinds) {
            match kind.to_ascii_lowercase().as_str() {
                "plants" => scope.plants = true,
                "authorities" => scope.authorities = true,
                _ => {
                    return Err(format!(
                        "setting `catalog`: {kind:?}; expected plants, authorities, or both"
                    ));
                }
            }
        }
        if !scope.plants && !scope.authorities {
            return Err("setting `catalog` names nothing; expected plants, authorities, or both".into());
        }
        for fuel in parts(fuels) {
            let code = fuel.to_ascii_uppercase();
            if code.len() > 8 || !code.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
                return Err(format!(
                    "setting `catalog_fuels`: {fuel:?}; expected codes of EIA, e.g. WND,SUN"
                ));
            }
            if !scope.fuels.contains(&code) {
                scope.fuels.push(code);
            }
        }
        if scope.fuels.is_empty() {
            return Err("setting `catalog_fuels` names no fuel, e.g. WND".into());
        }
        Ok(scope)
    }
}

/// What a route says of itself.
#[derive(Deserialize)]
pub(crate) struct About {
    /// The last month that there is.
    #[serde(rename = "endPeriod", deserialize_with = "text")]
    pub(crate) end_period: String,
}

/// The question for [`About`].
pub(crate) fn about(base: &str) -> Request {
    http::get(base, &format!("/v2/electricity/{ROUTE}/"))
}

/// The question for a month's generators, without its page.
pub(crate) fn generators(base: &str, scope: &Scope, month: &str) -> Request {
    let query = crate::query(base, ROUTE, "monthly", "nameplate-capacity-mw", &["plantid", "generatorid"])
        .query("data[1]", "latitude")
        .query("data[2]", "longitude")
        .query("data[3]", "county");
    let by_fuel = |query: Request, fuel| query.query("facets[energy_source_code][]", fuel);
    scope.fuels.iter().fold(query, by_fuel).query("start", month).query("end", month)
}

/// One generator.
#[derive(Debug, Deserialize, PartialEq, Eq, Hash)]
pub(crate) struct Row {
    #[serde(deserialize_with = "text")]
    period: String,
    #[serde(deserialize_with = "text")]
    plantid: String,
    #[serde(default, rename = "plantName", deserialize_with = "text")]
    name: String,
    #[serde(deserialize_with = "text")]
    generatorid: String,
    #[serde(default, rename = "stateid", deserialize_with = "text")]
    state: String,
    #[serde(default, rename = "entityName", deserialize_with = "text")]
    operator: String,
    #[serde(default, deserialize_with = "text")]
    balancing_authority_code: String,
    #[serde(deserialize_with = "text")]
    energy_source_code: String,
    #[serde(default, deserialize_with = "text")]
    prime_mover_code: String,
    #[serde(default, deserialize_with = "text")]
    county: String,
    #[serde(default, deserialize_with = "text")]
    latitude: String,
    #[serde(default, deserialize_with = "text")]
    longitude: String,
    #[serde(rename = "nameplate-capacity-mw", deserialize_with = "text")]
    capacity: String,
    #[serde(default, rename = "nameplate-capacity-mw-units", deserialize_with = "text")]
    capacity_units: String,
}

impl Row {
    fn megawatts(&self) -> Option<f64> {
        let is_mw = self.capacity_units.is_empty() || self.capacity_units.eq_ignore_ascii_case("MW");
        self.capacity.trim().parse().ok().filter(|mw: &f64| is_mw && mw.is_finite() && *mw > 0.0)
    }
}

/// The plants of a month's generators, by code, and what to log. A capacity is the sum of a plant's generators of the
/// fuel; a plant is one unit whatever it burns, since its code is.
///
/// # Errors
/// Malformed where EIA did not give all rows: nobody could tell which plants are lacking.
pub(crate) fn plants(
    listing: Listing<Row>,
    scope: &Scope,
    month: &str,
) -> Result<(Vec<Unit>, Vec<String>), Failure> {
    let Listing { rows, complete, mut notes } = listing;
    if !complete {
        return Err(Failure::Malformed(format!(
            "the generators of {month}: EIA did not give all rows: {}",
            notes.join("; ")
        )));
    }
    let mut plants: BTreeMap<&str, BTreeMap<(&str, &str), &Row>> = BTreeMap::new();
    // What EIA filters is not relied on.
    let own = |row: &&Row| row.period == month && scope.fuels.contains(&row.energy_source_code);
    for row in rows.iter().filter(own) {
        plants.entry(&row.plantid).or_default().insert((&row.energy_source_code, &row.generatorid), row);
    }
    let mut units = Vec::new();
    for (code, generators) in plants {
        let unit = plant(code, &generators.into_values().collect::<Vec<_>>(), &mut notes);
        match Wanted::of(&unit) {
            Ok(_) => units.push(unit),
            Err(why) => notes.push(format!("{code} is left out: {why}")),
        }
    }
    units.sort_by_key(|unit| unit.code.parse::<u64>().unwrap_or(u64::MAX));
    Ok((units, notes))
}

fn plant(code: &str, generators: &[&Row], notes: &mut Vec<String>) -> Unit {
    let mut fuels: BTreeMap<&str, f64> = BTreeMap::new();
    for row in generators {
        *fuels.entry(&row.energy_source_code).or_default() += row.megawatts().unwrap_or_default();
    }
    let most = fuels.iter().max_by(|a, b| a.1.total_cmp(b.1)).map_or("", |(fuel, _)| *fuel);
    // Without a fuel, a plant's wind and solar are fetched, a series each.
    let hybrid = fuels.keys().copied().eq(["SUN", "WND"]);
    if fuels.len() > 1 && !hybrid {
        let all: Vec<_> = fuels.keys().copied().collect();
        notes.push(format!("plant {code} burns {}; it is listed for {most}", all.join(", ")));
    }
    let taken = |row: &&&Row| hybrid || row.energy_source_code == most;
    let capacity = generators.iter().filter(taken).map(|row| row.megawatts()).sum::<Option<f64>>();
    let movers: Vec<_> = generators.iter().filter(taken).map(|row| row.prime_mover_code.as_str()).collect();
    let production_type = match (most, hybrid) {
        (_, true) => "wind-onshore,solar",
        ("WND", _) if movers.iter().all(|mover| *mover == "WS") => "wind-offshore",
        ("WND", _) => "wind-onshore",
        (other, _) => word(other).unwrap_or(other),
    };
    let first =
        |field: fn(&Row) -> &str| generators.iter().map(|row| field(row)).find(|text| !text.is_empty());
    let name = first(|row| &row.name);
    let attributes = [
        ("balancing_authority", first(|row| &row.balancing_authority_code)),
        ("county", first(|row| &row.county)),
        ("fuel2002", (!hybrid).then_some(most)),
        ("latitude", first(|row| &row.latitude)),
        ("longitude", first(|row| &row.longitude)),
        ("operator", first(|row| &row.operator)),
        (catalog::PRODUCTION_TYPE, Some(production_type)),
        (catalog::SITE, name.or(Some(code))),
        ("state", first(|row| &row.state)),
    ];
    let capacity = capacity.map(|mw| (mw * 1000.0).round() / 1000.0);
    catalog::unit(code, name, capacity, attributes)
}

/// The values of a facet.
#[derive(Deserialize)]
pub(crate) struct Facets {
    facets: Vec<Facet>,
}

#[derive(Deserialize)]
struct Facet {
    #[serde(deserialize_with = "text")]
    id: String,
    #[serde(default)]
    name: Value,
}

/// The question for the balancing authorities.
pub(crate) fn respondents(base: &str) -> Request {
    http::get(base, "/v2/electricity/rto/fuel-type-data/facet/respondent/")
}

/// Each authority's output of each fuel. Regions are sums of authorities and left out, so that nothing counts twice;
/// whether an authority has the fuel, EIA does not say here.
pub(crate) fn authorities(facets: &Facets, scope: &Scope) -> Vec<Unit> {
    let all =
        scope.fuels.iter().flat_map(|fuel| facets.facets.iter().map(move |facet| authority(facet, fuel)));
    all.filter(|unit| match Wanted::of(unit) {
        Ok(Wanted::Authority(authority)) => !authority.is_region(),
        _ => false,
    })
    .collect()
}

fn authority(facet: &Facet, fuel: &str) -> Unit {
    let respondent = facet.id.trim();
    let name = facet.name.as_str().map_or(respondent, str::trim);
    let attributes = [
        ("fueltype", Some(fuel)),
        (catalog::PRODUCTION_TYPE, Some(word(fuel).unwrap_or(if fuel == "WND" { "wind" } else { fuel }))),
        ("respondent", Some(respondent)),
        (catalog::SITE, Some(name)),
    ];
    catalog::unit(&format!("{respondent} {fuel}"), Some(&format!("{name}, {fuel}")), None, attributes)
}

/// What a fuel's code stands for, where one word says it.
fn word(fuel: &str) -> Option<&'static str> {
    Some(match fuel {
        "SUN" => "solar",
        "WAT" => "hydro",
        "NUC" => "nuclear",
        "MWH" => "energy-storage",
        "NG" => "gas",
        _ => return None,
    })
}

#[cfg(test)]
#[path = "catalog_tests.rs"]
mod tests;
