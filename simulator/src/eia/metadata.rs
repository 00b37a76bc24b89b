//! What a dataset says of itself, and the values of its facets.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::dataset::{self, Dataset};
use crate::catalogue::eia::{FUEL_TYPES, RESPONDENTS, plants};
use crate::world::World;

pub(super) fn of(dataset: &Dataset, now: DateTime<Utc>) -> Value {
    let (_, id) = dataset.route.rsplit_once('/').unwrap_or_default();
    let facets: Vec<_> = dataset.facets.iter().map(|facet| json!({ "id": facet })).collect();
    let columns: serde_json::Map<_, _> = dataset
        .columns
        .iter()
        .map(|column| {
            ((*column).to_owned(), json!({ "aggregation-method": "SUM", "units": dataset::unit(column) }))
        })
        .collect();
    json!({
        "id": id,
        "description": dataset.description,
        "frequency": [{ "id": dataset.frequency, "format": dataset.date_format }],
        "facets": facets,
        "data": columns,
        "startPeriod": dataset.start,
        "endPeriod": (dataset.end)(now),
        "defaultDateFormat": dataset.date_format,
        "defaultFrequency": dataset.frequency,
    })
}

/// Every value of a facet; `None` where the dataset hasn't that facet.
pub(super) fn facet(world: &World, dataset: &Dataset, facet: &str) -> Option<Value> {
    dataset.facets.contains(&facet).then_some(())?;
    let plants = plants(world.options.eia_plants);
    let fuels = || plants.iter().flat_map(|plant| &plant.fuels);
    let all = || ("ALL".to_owned(), "Total".to_owned());
    let values: BTreeSet<(String, String)> = match facet {
        "plantCode" | "plantid" => {
            plants.iter().map(|plant| (plant.code.clone(), plant.name.clone())).collect()
        }
        "state" | "stateid" => {
            plants.iter().map(|plant| (plant.state.to_owned(), plant.state.to_owned())).collect()
        }
        "energy_source_code" => fuels().map(|fuel| (fuel.code.to_owned(), fuel.code.to_owned())).collect(),
        "status" => BTreeSet::from([("OP".to_owned(), "Operating".to_owned())]),
        "fuel2002" => {
            fuels().map(|fuel| (fuel.code.to_owned(), fuel.code.to_owned())).chain([all()]).collect()
        }
        "generatorid" => fuels()
            .flat_map(|fuel| fuel.movers.iter().map(|(mover, _)| format!("{}{mover}", fuel.code)))
            .map(|id| (id.clone(), id))
            .collect(),
        "prime_mover_code" => fuels()
            .flat_map(|fuel| fuel.movers)
            .map(|(mover, _)| ((*mover).to_owned(), (*mover).to_owned()))
            .collect(),
        "primeMover" => fuels()
            .flat_map(|fuel| fuel.movers)
            .map(|(mover, _)| ((*mover).to_owned(), (*mover).to_owned()))
            .chain([all()])
            .collect(),
        "respondent" => {
            RESPONDENTS.iter().map(|known| (known.code.to_owned(), known.name.to_owned())).collect()
        }
        _ => FUEL_TYPES.iter().map(|(code, name)| ((*code).to_owned(), (*name).to_owned())).collect(),
    };
    let rows: Vec<_> = values.iter().map(|(id, name)| json!({ "id": id, "name": name })).collect();
    Some(json!({ "totalFacets": rows.len(), "facets": rows }))
}
