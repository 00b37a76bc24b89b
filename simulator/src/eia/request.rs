//! `data[0]=…&facets[x][]=…&sort[0][column]=…`

use serde_json::{Map, Value, json};

use super::dataset::Dataset;
use super::error::Refusal;
use crate::query::Query;

/// Rows that one JSON answer holds at most.
pub(super) const MOST_ROWS: usize = 5000;

/// A request for rows, every name checked against the dataset.
#[derive(Debug)]
pub(super) struct Request {
    /// Columns asked for; without any, only dimensions are answered.
    pub(super) columns: Vec<String>,
    facets: Vec<(String, String)>,
    /// Inclusive, and compared as text: `2008-02-01` begins after `2008-02`.
    pub(super) start: Option<String>,
    pub(super) end: Option<String>,
    pub(super) sort: Vec<Sort>,
    pub(super) offset: usize,
    pub(super) length: usize,
}

/// One column to sort by.
#[derive(Debug, Default)]
pub(super) struct Sort {
    pub(super) column: String,
    pub(super) descending: bool,
}

impl Request {
    pub(super) fn read(dataset: &Dataset, query: &Query) -> Result<Request, Refusal> {
        let mut request = Request {
            columns: Vec::new(),
            facets: Vec::new(),
            start: bound(dataset, query.get("start")),
            end: bound(dataset, query.get("end")),
            sort: Vec::new(),
            offset: number(query, "offset", 0)?,
            length: number(query, "length", MOST_ROWS)?,
        };
        if let Some(given) = query.get("frequency").filter(|given| *given != dataset.frequency) {
            return Err(Refusal::invalid("frequency", given, "frequencies", &[dataset.frequency]));
        }
        for (name, value) in query.iter() {
            match brackets(name).as_slice() {
                ["data", _] => request.column(dataset, value)?,
                ["facets", facet, _] => request.facet(dataset, facet, value)?,
                ["sort", index, part] => request.sort_by(dataset, index, part, value)?,
                ["data" | "facets" | "sort", ..] => {
                    return Err(Refusal::BadParameter(format!("Invalid parameter '{name}' provided.")));
                }
                _ => {}
            }
        }
        Ok(request)
    }

    fn column(&mut self, dataset: &Dataset, value: &str) -> Result<(), Refusal> {
        if !dataset.columns.contains(&value) {
            return Err(Refusal::invalid("data", value, "data columns", dataset.columns));
        }
        self.columns.push(value.to_owned());
        Ok(())
    }

    fn facet(&mut self, dataset: &Dataset, facet: &str, value: &str) -> Result<(), Refusal> {
        if !dataset.facets.contains(&facet) {
            return Err(Refusal::invalid("facet", facet, "facets", dataset.facets));
        }
        self.facets.push((facet.to_owned(), value.to_owned()));
        Ok(())
    }

    fn sort_by(&mut self, dataset: &Dataset, index: &str, part: &str, value: &str) -> Result<(), Refusal> {
        let bad = || Refusal::BadParameter(format!("Invalid sort[{index}][{part}] '{value}' provided."));
        let index: usize = index.parse().ok().filter(|index| *index < 20).ok_or_else(bad)?;
        if self.sort.len() <= index {
            self.sort.resize_with(index + 1, Sort::default);
        }
        let sort = self.sort.get_mut(index).ok_or_else(bad)?;
        match (part, value) {
            ("column", "period") => value.clone_into(&mut sort.column),
            ("column", _) if dataset.facets.contains(&value) || dataset.columns.contains(&value) => {
                value.clone_into(&mut sort.column);
            }
            ("direction", "asc") => sort.descending = false,
            ("direction", "desc") => sort.descending = true,
            _ => return Err(bad()),
        }
        Ok(())
    }

    /// Whether rows with this value of this facet are wanted. Values of one facet are alternatives.
    pub(super) fn wants(&self, facet: &str, value: &str) -> bool {
        let mut asked = self.facets.iter().filter(|(name, _)| name == facet).peekable();
        asked.peek().is_none() || asked.any(|(_, wanted)| wanted == value)
    }

    pub(super) fn wants_period(&self, period: &str) -> bool {
        self.start.as_deref().is_none_or(|start| period >= start)
            && self.end.as_deref().is_none_or(|end| period <= end)
    }
}

/// In hourly data a bare date means its hour 00.
fn bound(dataset: &Dataset, text: Option<&str>) -> Option<String> {
    let is_date = text.is_some_and(|text| text.len() == "YYYY-MM-DD".len());
    let hour = if is_date && dataset.frequency == "hourly" { "T00" } else { "" };
    text.map(|text| format!("{text}{hour}"))
}

fn number(query: &Query, name: &str, default: usize) -> Result<usize, Refusal> {
    let Some(text) = query.get(name) else { return Ok(default) };
    text.parse().map_err(|_| {
        Refusal::BadParameter(format!("Invalid {name} '{text}' provided. It must be an integer."))
    })
}

/// `sort[0][column]` is `sort`, `0`, `column`.
fn brackets(name: &str) -> Vec<&str> {
    name.split('[').map(|part| part.strip_suffix(']').unwrap_or(part)).collect()
}

/// The parameters as the API repeats them in its answers: nested, in the order given.
pub(super) fn echo(query: &Query) -> Value {
    let mut params = Map::new();
    for (name, value) in query.iter() {
        match brackets(name).as_slice() {
            ["data", _] => push(params.entry("data").or_insert_with(|| json!([])), value),
            ["facets", facet, _] => {
                let facets = params.entry("facets").or_insert_with(|| json!({}));
                if let Some(facets) = facets.as_object_mut() {
                    push(facets.entry(*facet).or_insert_with(|| json!([])), value);
                }
            }
            ["sort", index, part] => {
                let sorts = params.entry("sort").or_insert_with(|| json!({}));
                if let Some(sorts) = sorts.as_object_mut() {
                    let sort = sorts.entry(*index).or_insert_with(|| json!({}));
                    sort.as_object_mut().into_iter().for_each(|sort| {
                        sort.insert((*part).to_owned(), value.into());
                    });
                }
            }
            _ => {
                params.insert(name.to_owned(), value.into());
            }
        }
    }
    if let Some(sorts) = params.get_mut("sort") {
        let list: Vec<_> = sorts.as_object().into_iter().flat_map(Map::values).cloned().collect();
        *sorts = Value::Array(list);
    }
    Value::Object(params)
}

fn push(list: &mut Value, value: &str) {
    if let Some(list) = list.as_array_mut() {
        list.push(value.into());
    }
}
