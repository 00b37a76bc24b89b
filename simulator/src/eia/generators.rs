//! `electricity/operating-generator-capacity`: every operable generator, again each month.

use chrono::{Months, NaiveDate};

use super::dataset::{Dataset, Row};
use super::facility::last_month;
use super::request::Request;
use crate::catalogue::eia::{Fuel, Plant, plants};
use crate::fault::effects::Content;
use crate::noise;
use crate::values::round;
use crate::world::World;

pub(super) const DATASET: Dataset = Dataset {
    route: "electricity/operating-generator-capacity",
    description: "Inventory of operable generators in the United States\n    Source: Forms EIA-860, EIA-860M",
    frequency: "monthly",
    date_format: "YYYY-MM",
    facets: &["plantid", "generatorid", "stateid", "energy_source_code", "prime_mover_code", "status"],
    columns: &["nameplate-capacity-mw", "latitude", "longitude", "county"],
    start: "2008-01",
    end: |now| last_month(now).format("%Y-%m").to_string(),
    rows,
};

fn rows(world: &World, content: &Content, request: &Request) -> Vec<Row> {
    let last = last_month(content.published_now(world.now()));
    let first = NaiveDate::from_ymd_opt(2008, 1, 1).unwrap_or_default();
    let months = std::iter::successors(Some(first), |month| month.checked_add_months(Months::new(1)));
    let months: Vec<_> = months
        .take_while(|month| *month <= last)
        .map(|month| month.format("%Y-%m").to_string())
        .filter(|period| request.wants_period(period))
        .collect();
    let mut rows = Vec::new();
    for plant in &plants(world.options.eia_plants) {
        for fuel in &plant.fuels {
            for (mover, share) in fuel.movers {
                let generator = format!("{}{mover}", fuel.code);
                let wanted = [
                    ("plantid", plant.code.as_str()),
                    ("generatorid", &generator),
                    ("stateid", plant.state),
                    ("energy_source_code", fuel.code),
                    ("prime_mover_code", mover),
                    ("status", "OP"),
                ];
                if wanted.iter().all(|(facet, value)| request.wants(facet, value)) {
                    rows.extend(
                        months.iter().map(|month| row(plant, fuel, mover, &generator, *share, month)),
                    );
                }
            }
        }
    }
    rows
}

fn row(plant: &Plant, fuel: &Fuel, mover: &str, generator: &str, share: f64, month: &str) -> Row {
    let text = |text: &str| Some(text.to_owned());
    Row {
        dimensions: vec![
            ("period", text(month)),
            ("stateid", text(plant.state)),
            ("stateName", text(plant.state)),
            ("sector", text("ipp-non-chp")),
            ("sectorName", text("IPP Non-CHP")),
            ("entityid", text("1")),
            ("entityName", text("Simulated Energy LLC")),
            ("plantid", text(&plant.code)),
            ("plantName", text(&plant.name)),
            ("generatorid", text(generator)),
            ("unit", None),
            ("energy_source_code", text(fuel.code)),
            ("prime_mover_code", text(mover)),
            ("balancing_authority_code", None),
            ("status", text("OP")),
            ("statusDescription", text("Operating")),
            // A column that may be asked for; it costs nobody anything to have it always.
            ("county", text("Simulated")),
        ],
        values: vec![
            ("nameplate-capacity-mw", Some(round(fuel.capacity_mw * share, 1))),
            ("latitude", Some(round(30.0 + noise::unit(&plant.code, 1) * 15.0, 4))),
            ("longitude", Some(round(-115.0 + noise::unit(&plant.code, 2) * 40.0, 4))),
        ],
    }
}
