//! Taipower: what Taiwan's utility publishes of single stations.
//!
//! - Its **own** stations have a monthly net energy since 2024-01 (d693001): series `generation`, energy,
//!   `origin` = `monthly-official`, one value over the month of Asia/Taipei.
//! - Its own units have ten-minute power for a rolling quarter three to five months back (d006010): series
//!   `generation`, spot power, `origin` = `10min-official`.
//! - **Private** farms have no history at all. The collector stores the live report (d006001) of every unit:
//!   series `generation`, spot power, `origin` = `snapshot`.
//!
//! A unit's code is the station's name as upstream writes it, in any of its spellings. Attributes:
//! `energy_type` (wind, solar, or upstream's word) where a name exists as several; `monthly_name` and
//! `ten_minute_name` (the latter for the live report too) where a file names it otherwise.

mod catalog;
mod clock;
mod collect;
mod energy_type;
mod faults;
mod fetch;
#[cfg(test)]
mod fixtures;
mod json_objects;
mod monthly_table;
mod monthly_value;
mod names;
mod snapshot;
mod station;
mod taipei;
mod ten_minute;
mod unit;
mod upstream;

use backfill_guest::{
    Catalog, Collector, Description, Failure, Level, Month, Series, Setting, Source, Unit, export_catalog,
    export_collector, export_source, log,
};

use snapshot::Snapshot;
use upstream::Upstream;

/// The source.
pub struct Taipower;

impl Source for Taipower {
    fn describe() -> Description {
        let setting = |name: &str, summary: &str, default: &str| Setting {
            name: name.to_owned(),
            summary: summary.to_owned(),
            default: Some(default.to_owned()),
        };
        Description {
            name: "taipower".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            summary: "Taipower: monthly and ten-minute generation of its own stations; a collector for all"
                .to_owned(),
            unit_code: "a station's name as Taipower writes it, e.g. 離岸一期風力, 台中港 or 海能風"
                .to_owned(),
            hosts: vec![upstream::HOST.to_owned()],
            settings: vec![
                setting(
                    "base_url",
                    "where the files are; the paths stay",
                    &format!("https://{}", upstream::HOST),
                ),
                setting(
                    "ten_minute",
                    "auto, or off to never ask for the 200 MB of ten-minute values",
                    "auto",
                ),
            ],
            month_zone: "Asia/Taipei".to_owned(),
            publication_lag_days: 45,
            first_month: Some(fetch::FIRST_MONTH.to_owned()),
        }
    }

    fn check_unit(unit: Unit) -> Result<(), String> {
        unit::check(&unit)
    }

    fn fetch(unit: Unit, month: Month) -> Result<Vec<Series>, Failure> {
        fetch::fetch(&Upstream::from_settings(), &unit, &month)
    }
}

impl Collector for Taipower {
    fn collect(units: Vec<Unit>) -> Result<Vec<(String, Vec<Series>)>, Failure> {
        let snapshot = live()?;
        let collected = collect::collect(&snapshot, &units, clock::now());
        collected.notes.into_iter().for_each(|(level, note)| log(level, note));
        collected.outcome
    }
}

impl Catalog for Taipower {
    fn list_units() -> Result<Vec<Unit>, Failure> {
        let (units, notes) = catalog::list(&live()?);
        notes.iter().for_each(|note| log(Level::Warn, note));
        Ok(units)
    }
}

/// The live report as it is now.
fn live() -> Result<Snapshot, Failure> {
    let report = Upstream::from_settings().live()?;
    Snapshot::parse(&report).map_err(|why| {
        log(Level::Error, &why);
        Failure::Malformed(why)
    })
}

export_source!(Taipower);
export_catalog!(Taipower);
export_collector!(Taipower);
