//! What a job is asked to be, by a request's body.

use chrono::NaiveDate;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::{
    api::problem::{Misfit, Problem, misfit},
    domain::{Order, Priority, Range, Reprocess},
    planning::Wanted,
};

/// What a job is to fill. The span is years, or dates; its end is included.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewBackfill {
    /// The wind farm. If none is named, here or in `windfarm_ids`, those of the units.
    #[schema(minimum = 1, example = 1)]
    windfarm_id: Option<i64>,
    /// More wind farms.
    #[serde(default)]
    #[schema(max_items = 1000)]
    windfarm_ids: Vec<i64>,
    /// Only these units; all if none is named.
    #[serde(default)]
    #[schema(max_items = 10_000)]
    generation_unit_ids: Vec<i64>,
    /// Only units of these sources; all if none is named.
    #[serde(default)]
    #[schema(max_items = 100)]
    sources: Vec<String>,
    /// The first year.
    #[schema(example = 2023)]
    start_year: Option<i64>,
    /// The last year.
    #[schema(example = 2023)]
    end_year: Option<i64>,
    /// The first day, instead of a year.
    start_date: Option<NaiveDate>,
    /// The last day, instead of a year.
    end_date: Option<NaiveDate>,
    /// How soon; waiting ages a job, so that nothing starves.
    #[serde(default = "normal")]
    #[schema(default = "backfill")]
    pub(super) priority: Priority,
    /// Which months: what is missing, also what failed for good, or all.
    #[serde(default = "missing")]
    #[schema(default = "missing")]
    reprocess: Reprocess,
    /// Which months first.
    #[serde(default = "oldest")]
    #[schema(default = "oldest")]
    order: Order,
    /// At most so many of its tasks at once, over all hosts.
    #[schema(minimum = 1, maximum = 65_536)]
    pub(super) max_concurrency: Option<u32>,
    /// Start only this plan, as the preview showed it; if it has changed meanwhile, nothing is started.
    pub(super) plan_hash: Option<String>,
}

const fn normal() -> Priority {
    Priority::Normal
}

const fn missing() -> Reprocess {
    Reprocess::Missing
}

const fn oldest() -> Order {
    Order::OldestFirst
}

impl NewBackfill {
    /// What is to be planned.
    pub(super) fn wanted(&self) -> Result<Wanted, Problem> {
        let windfarm_ids: Vec<_> = self.windfarm_id.iter().chain(&self.windfarm_ids).copied().collect();
        let nobody = windfarm_ids.is_empty() && self.generation_unit_ids.is_empty();
        let nobody =
            nobody.then(|| misfit("/windfarm_id", "name a wind farm, or units in generation_unit_ids"));
        match (self.range(), nobody) {
            (Ok(range), None) => Ok(Wanted {
                windfarm_ids,
                unit_ids: self.generation_unit_ids.clone(),
                sources: self.sources.clone(),
                range,
                reprocess: self.reprocess,
                order: self.order,
            }),
            (range, nobody) => Err(Problem::misfits(nobody.into_iter().chain(range.err()))),
        }
    }

    fn range(&self) -> Result<Range, Misfit> {
        match (self.start_year, self.end_year, self.start_date, self.end_date) {
            (Some(first), Some(last), None, None) => {
                Range::of_years(first, last).map_err(|error| misfit("/start_year", error.to_string()))
            }
            (None, None, Some(first), Some(last)) => {
                Range::of_dates(first, last).map_err(|error| misfit("/start_date", error.to_string()))
            }
            (Some(_), None, None, None) => Err(misfit("/end_year", "the last year is missing")),
            (None, None, Some(_), None) => Err(misfit("/end_date", "the last day is missing")),
            (None, None, None, None) => {
                Err(misfit("/start_year", "give start_year and end_year, or start_date and end_date"))
            }
            _ => Err(misfit("/start_year", "give either both years, or both dates")),
        }
    }
}
