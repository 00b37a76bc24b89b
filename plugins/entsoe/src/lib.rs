//! The ENTSO-E Transparency Platform: actual generation per unit (16.1.A) and per production type (16.1.B&C).
//!
//! The way of the data: a registry's unit becomes a [`target`]; a month of it becomes a few [`query`]s, the same for
//! all units of an area; every [`answer`] is judged by its body; the wanted series of a [`document`] become intervals
//! by their [`curve`]; and all of them are put together by [`assemble`]. Everything but this file is a plain
//! function of its input, and runs natively as well.

pub mod ack;
pub mod answer;
pub mod archive;
pub mod areas;
pub mod assemble;
pub mod catalog;
pub mod coverage;
pub mod curve;
pub mod document;
pub mod eic;
pub mod fetch;
pub mod markup;
pub mod master;
pub mod notes;
pub mod points;
pub mod psr;
pub mod query;
pub mod resolution;
pub mod scan;
pub mod sniff;
pub mod target;
pub mod timeseries;

use std::time::{SystemTime, UNIX_EPOCH};

use backfill_guest::{
    Catalog, Description, Failure, Month, Series, Setting, Source, Unit, base_url, export_catalog,
    export_source, http, log, setting,
};

use answer::Reply;
use notes::Notes;
use target::Target;

const ADDRESS: &str = "https://web-api.tp.entsoe.eu";

/// The source that the component exports.
pub struct Entsoe;

impl Source for Entsoe {
    fn describe() -> Description {
        Description {
            name: "ENTSO-E Transparency Platform".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            summary:
                "Actual generation and consumption in Europe, per generation unit of 100 MW and more and per \
                      production type of an area. Needs a token, as header SECURITY_TOKEN."
                    .into(),
            unit_code:
                "EIC of a generation unit (45W000000000046I; attribute `area`: its control area), or an area \
                        by name or EIC (DK_1; attribute `production_type`: wind-onshore, solar, …)"
                    .into(),
            hosts: vec!["web-api.tp.entsoe.eu".into()],
            settings: vec![
                Setting {
                    name: "areas".into(),
                    summary: "Bidding zones whose units the catalogue lists, by name or EIC, comma-separated"
                        .into(),
                    default: Some(catalog::AREAS.into()),
                },
                Setting {
                    name: "base_url".into(),
                    summary: "Address of the platform, without `/api`".into(),
                    default: Some(ADDRESS.into()),
                },
            ],
            month_zone: "UTC".into(),
            publication_lag_days: fetch::PUBLICATION_DAYS,
            first_month: Some("2014-12".into()),
        }
    }

    fn check_unit(unit: Unit) -> Result<(), String> {
        Target::of(&unit).map(drop)
    }

    fn fetch(unit: Unit, month: Month) -> Result<Vec<Series>, Failure> {
        let target = Target::of(&unit).map_err(Failure::InvalidUnit)?;
        let base = base_url(ADDRESS);
        let ask = |queries: &[query::Query]| send(queries.iter().map(|query| query.request(&base)).collect());
        told(|notes| fetch::fetch(&target, &month, now(), ask, notes))
    }
}

impl Catalog for Entsoe {
    fn list_units() -> Result<Vec<Unit>, Failure> {
        let areas = setting("areas").unwrap_or_else(|| catalog::AREAS.to_owned());
        let base = base_url(ADDRESS);
        let ask =
            |queries: &[catalog::Query]| send(queries.iter().map(|query| query.request(&base)).collect());
        told(|notes| catalog::list(&areas, now(), ask, notes))
    }
}

/// Sends requests side by side; each answer's body is taken when its turn comes.
fn send(requests: Vec<http::Request>) -> impl Iterator<Item = Result<Reply, Failure>> {
    http::send_all(requests).into_iter().map(|answer| {
        let answer = answer?;
        let (status, retry_after) = (answer.status(), answer.retry_after());
        Ok(Reply { status, retry_after, body: answer.bytes()? })
    })
}

/// What `act` comes to, once what it notes is in the log.
fn told<T>(act: impl FnOnce(&mut Notes) -> T) -> T {
    let mut notes = Notes::default();
    let result = act(&mut notes);
    for (level, line) in notes.0 {
        log(level, line);
    }
    result
}

fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs().cast_signed())
}

export_source!(Entsoe);
export_catalog!(Entsoe);
