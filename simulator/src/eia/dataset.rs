//! What tells one dataset from the other, and what a row is.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::request::Request;
use super::{facility, generators, rto};
use crate::fault::effects::Content;
use crate::world::World;

/// A dataset of the API, with one frequency.
#[derive(Debug)]
pub(super) struct Dataset {
    pub(super) route: &'static str,
    pub(super) description: &'static str,
    pub(super) frequency: &'static str,
    pub(super) date_format: &'static str,
    pub(super) facets: &'static [&'static str],
    pub(super) columns: &'static [&'static str],
    /// First period published.
    pub(super) start: &'static str,
    /// Last period published at a time.
    pub(super) end: fn(DateTime<Utc>) -> String,
    /// The rows that match facets and periods, in no order that matters.
    pub(super) rows: fn(&World, &Content, &Request) -> Vec<Row>,
}

const DATASETS: [&Dataset; 3] = [&facility::DATASET, &generators::DATASET, &rto::DATASET];

impl Dataset {
    /// The dataset whose route begins this one, and what follows: nothing, `/data`, `/facet/NAME`.
    pub(super) fn of_route(route: &str) -> Option<(&'static Dataset, &str)> {
        DATASETS.into_iter().find_map(|dataset| {
            let rest = route.strip_prefix(dataset.route)?;
            (rest.is_empty() || rest.starts_with('/')).then_some((dataset, rest))
        })
    }
}

/// A row: what it is about, and what was measured.
#[derive(Debug)]
pub(super) struct Row {
    /// `period` first. `None` is null.
    pub(super) dimensions: Vec<(&'static str, Option<String>)>,
    /// In the column's unit of measure ([`unit`]). `None` is null.
    pub(super) values: Vec<(&'static str, Option<f64>)>,
}

impl Row {
    pub(super) fn dimension(&self, name: &str) -> Option<&str> {
        self.dimensions.iter().find(|(known, _)| *known == name)?.1.as_deref()
    }

    pub(super) fn value(&self, name: &str) -> Option<f64> {
        self.values.iter().find(|(known, _)| *known == name)?.1
    }

    /// The row as answered: all dimensions, the columns asked for with their units; numbers are strings.
    pub(super) fn to_json(&self, columns: &[String]) -> Value {
        let mut object = Map::new();
        for (name, text) in &self.dimensions {
            object.insert((*name).to_owned(), text.clone().into());
        }
        for column in columns.iter().filter(|column| self.dimension(column).is_none()) {
            object.insert(column.clone(), self.value(column).map(|value| value.to_string()).into());
            if let Some(unit) = unit(column) {
                object.insert(format!("{column}-units"), unit.into());
            }
        }
        Value::Object(object)
    }
}

/// What a column is measured in; places have no unit.
pub(super) fn unit(column: &str) -> Option<&'static str> {
    match column {
        "nameplate-capacity-mw" => Some("MW"),
        "latitude" | "longitude" | "county" => None,
        _ => Some("megawatthours"),
    }
}
