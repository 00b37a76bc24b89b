//! The `eia` source: net generation in the United States, from the open data API (v2) of the Energy
//! Information Administration.
//!
//! Two kinds of unit, told apart by their attributes ([`wanted`]): a **plant** of Form EIA-923, one total a
//! month ([`plant`]), and a **balancing authority's fuel** of Form EIA-930, one value an hour ([`authority`]).
//! EIA knows no single generators here, so phases that share a plant code need the registry's `share`, by which
//! the host multiplies what this source returns.
//!
//! The way of an answer: [`listing`] asks page by page, [`answer`] takes a page or says why there is none,
//! `plant` or `authority` pick the unit's own rows, [`absence`] says what it means when there are none.
#![warn(missing_docs)]

mod absence;
mod answer;
mod authority;
mod catalog;
mod cell;
mod listing;
mod plant;
#[cfg(test)]
mod recorded;
mod wanted;

use std::time::{SystemTime, UNIX_EPOCH};

use backfill_guest::http::{self, Request};
use backfill_guest::{
    Catalog, Description, Failure, Level, Month, Series, Setting, Source, Unit, base_url, export_catalog,
    export_source, log, setting,
};
use serde::de::DeserializeOwned;

use crate::listing::Listing;
use crate::wanted::Wanted;

const API: &str = "https://api.eia.gov";

/// What one fetch came to: the series, and what a person should know about them.
struct Found {
    series: Vec<Series>,
    notes: Vec<String>,
}

/// The source.
pub struct Eia;

impl Source for Eia {
    fn describe() -> Description {
        Description {
            name: "eia".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            summary: "Net generation in the United States from the EIA: plants by month (Form EIA-923), \
                      balancing authorities by hour (Form EIA-930, since 2019-01, about 2 days late)"
                .into(),
            unit_code: "EIA plant code, digits without leading zeros, e.g. 61014; attributes fuel2002 (WND, SUN, …; \
                        both if left out) and share (of the plant, for phases under one code). Or any name, with \
                        the attributes respondent (e.g. PACW) and fueltype (e.g. WND)"
                .into(),
            hosts: vec!["api.eia.gov".into()],
            settings: [
                ("base_url", "address of the API, without /v2", API),
                ("catalog", "what the catalogue lists: plants, authorities, or both", catalog::KINDS),
                ("catalog_fuels", "fuels of the catalogue, codes of EIA, e.g. WND,SUN", catalog::FUELS),
            ]
            .map(|(name, summary, default)| Setting {
                name: name.into(),
                summary: summary.into(),
                default: Some(default.into()),
            })
            .into(),
            month_zone: "UTC".into(),
            publication_lag_days: absence::PLANT_LAG_DAYS,
            first_month: Some("2001-01".into()),
        }
    }

    fn check_unit(unit: Unit) -> Result<(), String> {
        Wanted::of(&unit).map(drop)
    }

    fn fetch(unit: Unit, month: Month) -> Result<Vec<Series>, Failure> {
        let wanted = Wanted::of(&unit).map_err(Failure::InvalidUnit)?;
        let base = base_url(API);
        let found = match &wanted {
            Wanted::Plant(plant) => {
                let bounds = plant::whole_month(&month)?;
                plant::read(list(&plant::request(&base, plant, &month))?, plant, &month, bounds, now())?
            }
            Wanted::Authority(authority) => {
                let hours = authority::hours(&month)?;
                authority::read(
                    list(&authority::request(&base, authority, &hours))?,
                    authority,
                    &hours,
                    now(),
                )?
            }
        };
        for note in &found.notes {
            log(Level::Warn, note);
        }
        Ok(found.series)
    }
}

impl Catalog for Eia {
    fn list_units() -> Result<Vec<Unit>, Failure> {
        let setting = |name, default: &str| setting(name).unwrap_or_else(|| default.to_owned());
        let (kinds, fuels) = (setting("catalog", catalog::KINDS), setting("catalog_fuels", catalog::FUELS));
        let scope = catalog::Scope::of(&kinds, &fuels).map_err(Failure::NotAvailable)?;
        let base = base_url(API);
        let mut units = Vec::new();
        if scope.plants {
            let month = one::<catalog::About>(catalog::about(&base))?.end_period;
            let listing = list(&catalog::generators(&base, &scope, &month))?;
            let (plants, notes) = catalog::plants(listing, &scope, &month)?;
            for note in &notes {
                log(Level::Warn, note);
            }
            units.extend(plants);
        }
        if scope.authorities {
            units.extend(catalog::authorities(&one(catalog::respondents(&base))?, &scope));
        }
        if units.is_empty() {
            return Err(Failure::NoData(format!("EIA lists nothing of {}", scope.fuels.join(", "))));
        }
        Ok(units)
    }
}

export_source!(Eia);
export_catalog!(Eia);

/// The answer to a question that has no pages.
fn one<C: DeserializeOwned>(request: Request) -> Result<C, Failure> {
    let answer = request.send()?;
    let (status, retry_after) = (answer.status(), answer.retry_after());
    answer::response(status, retry_after, &answer.bytes()?)
}

/// All rows of a query, page by page.
fn list<R: DeserializeOwned + Eq + std::hash::Hash>(query: &Request) -> Result<Listing<R>, Failure> {
    listing::collect(|offset| {
        let answer = query
            .clone()
            .query("offset", offset.to_string())
            .query("length", listing::PAGE_ROWS.to_string())
            .send()?;
        let (status, retry_after) = (answer.status(), answer.retry_after());
        answer::page(status, retry_after, &answer.bytes()?)
    })
}

/// A query for one data column of a route, all pages sorted alike: `key` must name every column that tells
/// two rows apart, or rows wander between pages.
fn query(base: &str, route: &str, frequency: &str, column: &str, key: &[&str]) -> Request {
    let sorted = http::get(base, &format!("/v2/electricity/{route}/data/"))
        .query("frequency", frequency)
        .query("data[0]", column);
    key.iter().enumerate().fold(sorted, |request, (at, name)| {
        request.query(&format!("sort[{at}][column]"), name).query(&format!("sort[{at}][direction]"), "asc")
    })
}

/// Seconds since 1970, UTC. The only place that reads the clock.
fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs().cast_signed())
}
