//! Great Britain per BM unit, from Elexon Insights: metered output (`b1610`) and physical notifications (`pn`).
//!
//! The way of the data: a unit's ids (`bm_unit`, looked up in `bmunits` where need be) → one request per dataset
//! (`upstream`) → rows (`answer`) → series. `fetch` puts these together; only this file and `upstream` touch the
//! host, everything else is a function of its arguments.

mod answer;
mod b1610;
mod bm_unit;
mod bmunits;
mod catalog;
mod dataset;
mod fetch;
mod notes;
mod pn;
mod segments;
mod settlement;
#[cfg(test)]
mod testing;
mod upstream;

use std::time::{SystemTime, UNIX_EPOCH};

use backfill_guest::{
    Catalog, Description, Failure, Month, Series, Setting, Source, Unit, base_url, log, setting,
};

use crate::bm_unit::BmUnit;
use crate::dataset::Dataset;
use crate::fetch::Task;
use crate::notes::Notes;

const BASE_URL: &str = "https://data.elexon.co.uk";
const DATASETS: &str = "B1610,PN";

/// The first settlement run (II) follows about five working days after the day; a weekend and a holiday on top.
const PUBLICATION_LAG_DAYS: u16 = 8;

/// The source.
pub struct Elexon;

impl Source for Elexon {
    fn describe() -> Description {
        Description {
            name: "elexon".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            summary: "Great Britain per BM unit: metered output (B1610) and physical notifications (PN)"
                .into(),
            unit_code: "Elexon BM unit id, e.g. T_DRAXX-1, or National Grid id, e.g. DRAXX-1; the attribute \
                        elexon_bm_unit gives the Elexon id of a National Grid one and saves a request"
                .into(),
            hosts: vec!["data.elexon.co.uk".into()],
            settings: vec![
                Setting {
                    name: "base_url".into(),
                    summary: "Where the API is, without a path".into(),
                    default: Some(BASE_URL.into()),
                },
                Setting {
                    name: "datasets".into(),
                    summary: "What to ask for, comma-separated: B1610 (metered energy), PN (notified levels)"
                        .into(),
                    default: Some(DATASETS.into()),
                },
            ],
            month_zone: "UTC".into(),
            publication_lag_days: PUBLICATION_LAG_DAYS,
            first_month: Some("2019-01".into()),
        }
    }

    fn check_unit(unit: Unit) -> Result<(), String> {
        BmUnit::of(&unit).map(drop)
    }

    fn fetch(unit: Unit, month: Month) -> Result<Vec<Series>, Failure> {
        let datasets = setting("datasets").unwrap_or_else(|| DATASETS.to_owned());
        let task = Task {
            unit: &unit,
            month: &month,
            datasets: &Dataset::list(&datasets).map_err(Failure::NotAvailable)?,
            base_url: &base_url(BASE_URL),
            now: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |at| at.as_secs().cast_signed()),
        };
        tell(fetch::fetch(&upstream::Host, &task))
    }
}

impl Catalog for Elexon {
    fn list_units() -> Result<Vec<Unit>, Failure> {
        tell(catalog::list(&upstream::Host, &base_url(BASE_URL)))
    }
}

/// The outcome, once its notes are in the log.
fn tell<T>((outcome, notes): (T, Notes)) -> T {
    for (level, line) in notes.lines() {
        log(*level, line);
    }
    outcome
}

// The names of a component's exports (`backfill:source/adapter…`) are more than a native linker takes.
#[cfg(target_family = "wasm")]
mod exports {
    use super::Elexon;

    backfill_guest::export_source!(Elexon);
    backfill_guest::export_catalog!(Elexon);
}
