//! `GET /backfill/availability/{windfarm_id}`: what is stored of each unit's months, and why the rest is missing.

mod view;

use std::collections::HashMap;

use axum::{extract::State, http::HeaderMap, response::Response};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use self::view::Availability;
use super::{
    auth::Viewer,
    extract::{Id, Params, list as words, word},
    problem::Problem,
    state::Api,
    tag::tagged,
};
use crate::{
    domain::{Month, Range, RangeError},
    planning::plan_unit,
};

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(availability))
}

/// The most unit × months of an answer.
const MOST_CELLS: usize = 100_000;

/// So many months are shown of a wind farm of which nothing is known yet.
const MONTHS: usize = 12;

/// Which months, and of which units.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Which {
    /// All months of this year.
    #[param(minimum = 1970, maximum = 2999)]
    year: Option<i64>,
    /// The first month, instead of a year.
    #[serde(default, deserialize_with = "word")]
    #[param(value_type = Option<String>, pattern = "^(19[7-9][0-9]|2[0-9]{3})-(0[1-9]|1[0-2])$", example = "2023-01")]
    from: Option<Month>,
    /// The last month, included.
    #[serde(default, deserialize_with = "word")]
    #[param(value_type = Option<String>, pattern = "^(19[7-9][0-9]|2[0-9]{3})-(0[1-9]|1[0-2])$", example = "2024-12")]
    to: Option<Month>,
    /// Only units of these sources.
    #[serde(default, deserialize_with = "words")]
    #[param(value_type = Vec<String>, style = Form, explode)]
    source: Vec<String>,
}

/// Show what is stored of a wind farm, by unit, source and month, and why the rest is missing.
///
/// Without a span: from the first month of which anything is known to the present one.
#[utoipa::path(get, path = "/backfill/availability/{windfarm_id}", tag = "measurements",
    params(("windfarm_id" = i64, Path, description = "The wind farm.", minimum = 1), Which,
           ("If-None-Match" = Option<String>, Header, description = "The `ETag` of an answer that the client has.")),
    responses((status = 200, body = Availability, headers(("ETag" = String, description = "Changes with the content."))),
              (status = 304, description = "Unchanged.")))]
async fn availability(
    State(api): State<Api>,
    _: Viewer,
    Id(windfarm_id): Id,
    headers: HeaderMap,
    Params(which): Params<Which>,
) -> Result<Response, Problem> {
    let now = api.store.now();
    let windfarm = api.store.windfarm(windfarm_id).await?;
    let mut units = api.store.all_units(windfarm_id).await?;
    units.retain(|unit| which.source.is_empty() || which.source.contains(&unit.source));
    let range = match which.range()? {
        Some(range) => range,
        None => default_range(api.store.known_months(windfarm_id).await?, now)?,
    };
    let months: Vec<_> = range.months().collect();
    if months.len() * units.len() > MOST_CELLS {
        let detail = format!(
            "{} months of {} units are more than {MOST_CELLS} in one answer; give a shorter span",
            months.len(),
            units.len()
        );
        return Err(Problem::parameter("from", detail));
    }
    let units: Vec<_> = units.into_iter().map(|unit| (plan_unit(&unit, &api.registry), unit)).collect();
    let zones: HashMap<i64, Tz> = units.iter().map(|(plan, unit)| (unit.id, plan.calendar.zone)).collect();
    let first = months.first().copied().unwrap_or(Month::FIRST);
    let last = months.last().copied().unwrap_or(first);
    let holdings = api
        .store
        .holdings(windfarm_id, first, last, |unit, month| {
            let window = month.window(zones.get(&unit).copied().unwrap_or(Tz::UTC));
            (window.start, window.end)
        })
        .await?;
    tagged(&headers, &Availability::new(windfarm, months, units, &holdings, now))
}

impl Which {
    fn range(&self) -> Result<Option<Range>, Problem> {
        let wrong = |name| move |error: RangeError| Problem::parameter(name, error.to_string());
        match (self.year, self.from, self.to) {
            (None, None, None) => Ok(None),
            (Some(year), None, None) => Range::of_years(year, year).map(Some).map_err(wrong("year")),
            (Some(_), _, _) => Err(Problem::parameter("year", "give either a year, or from and to")),
            (None, Some(from), Some(to)) => Range::of_months(from, to).map(Some).map_err(wrong("from")),
            (None, Some(_), None) => Err(Problem::parameter("to", "the last month is missing")),
            (None, None, Some(_)) => Err(Problem::parameter("from", "the first month is missing")),
        }
    }
}

/// From the first known month to the last, or to the present one if that is later; else the last twelve.
fn default_range(known: Option<(Month, Month)>, now: DateTime<Utc>) -> Result<Range, Problem> {
    let internal = |error: &dyn std::fmt::Display| Problem::internal(error);
    let present = Month::of(now, Tz::UTC).map_err(|error| internal(&error))?;
    let (first, last) = known.map_or_else(
        || {
            let all: Vec<_> = Month::FIRST.through(present).collect();
            (all[all.len().saturating_sub(MONTHS)], present)
        },
        |(first, last)| (first.min(present), last.max(present)),
    );
    Range::of_months(first, last).map_err(|error| internal(&error))
}
