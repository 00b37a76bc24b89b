//! `…/data/`: rows, sorted and cut into pages.

use std::cmp::Ordering;

use serde_json::{Value, json};

use super::dataset::{Dataset, Row};
use super::error::Refusal;
use super::request::{MOST_ROWS, Request};
use crate::fault::effects::Content;
use crate::noise;
use crate::query::Query;
use crate::world::World;

/// One page, with the total as a string and a warning where rows are left out.
pub(super) fn of(
    world: &World,
    content: &Content,
    dataset: &Dataset,
    query: &Query,
) -> Result<Value, Refusal> {
    let request = Request::read(dataset, query)?;
    let mut rows = if content.empty { Vec::new() } else { (dataset.rows)(world, content, &request) };
    order(&mut rows, &request, content.unstable_order);
    let total = rows.len();
    let length = request.length.min(MOST_ROWS);
    let page: Vec<_> =
        rows.iter().skip(request.offset).take(length).map(|row| row.to_json(&request.columns)).collect();
    let mut response = json!({
        "total": total.to_string(),
        "dateFormat": dataset.date_format,
        "frequency": dataset.frequency,
        "data": page,
        "description": dataset.description,
    });
    if total > page.len() || request.length > MOST_ROWS {
        response["warnings"] = json!([{
            "warning": "incomplete return",
            "description": "The API can only return 5000 rows in JSON format.  Please consider constraining \
                            your request with facet, start, or end, or using offset to paginate results.",
        }]);
    }
    Ok(response)
}

/// What the sort leaves open is in no meaningful order: always the same one, or, with `unstable`, another
/// for each offset, as before version 2.1.9.
fn order(rows: &mut [Row], request: &Request, unstable: bool) {
    let seed = if unstable { request.offset as i64 + 1 } else { 0 };
    rows.sort_by_cached_key(|row| {
        let key: String = row.dimensions.iter().filter_map(|(_, text)| text.as_deref()).collect();
        noise::hash(&key, seed)
    });
    for sort in request.sort.iter().rev().filter(|sort| !sort.column.is_empty()) {
        rows.sort_by(|one, other| {
            let ordering = compare(one, other, &sort.column);
            if sort.descending { ordering.reverse() } else { ordering }
        });
    }
}

fn compare(one: &Row, other: &Row, column: &str) -> Ordering {
    let values = (one.value(column), other.value(column));
    one.dimension(column)
        .cmp(&other.dimension(column))
        .then_with(|| values.0.partial_cmp(&values.1).unwrap_or(Ordering::Equal))
}
