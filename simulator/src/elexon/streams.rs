//! `/datasets/B1610/stream` and `/datasets/PN/stream`: bare arrays.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::{Extension, Json};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::BadParameter;
use super::window::Window;
use crate::catalogue::elexon::{self, BmUnit};
use crate::fault::effects::Content;
use crate::query::Query;
use crate::values::elexon::{b1610_mwh, pn_segments, settlement_of};
use crate::values::{elexon_settlement_run, revised};
use crate::world::World;

type Rows = Result<Json<Vec<Value>>, BadParameter>;

/// Metered volumes, ascending. Filters by settlement period have no effect. The present run only.
pub(super) async fn b1610(
    State(world): State<Arc<World>>,
    Extension(content): Extension<Content>,
    RawQuery(raw): RawQuery,
) -> Rows {
    let query = Query::parse(raw.as_deref().unwrap_or_default());
    let window = Window::of_times(&query)?;
    let now = content.published_now(world.now());
    let units = units(&world, &content, &query);
    let mut rows = Vec::new();
    for start in window.half_hours(now) {
        let (date, period) = settlement_of(start);
        let Some(run) = elexon_settlement_run(date, now) else { continue };
        for unit in &units {
            rows.push(json!({
                "dataset": "B1610",
                "psrType": "Generation",
                "bmUnit": unit.elexon,
                "nationalGridBmUnitId": unit.national_grid,
                "settlementDate": date,
                "settlementPeriod": period,
                "halfHourEndTime": (start + TimeDelta::minutes(30)).format("%Y-%m-%dT%H:%M:%S").to_string(),
                "settlementRunType": run,
                "quantity": revised(content.revision, &unit.national_grid, start, b1610_mwh(unit, start), 3),
            }));
        }
    }
    Ok(Json(rows))
}

/// Notified levels, descending; known 80 minutes ahead.
pub(super) async fn pn(
    State(world): State<Arc<World>>,
    Extension(content): Extension<Content>,
    RawQuery(raw): RawQuery,
) -> Rows {
    let query = Query::parse(raw.as_deref().unwrap_or_default());
    let window = Window::of_times_or_periods(&query)?;
    let known_until = content.published_now(world.now()) + TimeDelta::minutes(80);
    let units = units(&world, &content, &query);
    let mut rows = Vec::new();
    for start in window.half_hours(known_until).rev() {
        for unit in &units {
            rows.extend(pn_rows(unit, &content, start));
        }
    }
    Ok(Json(rows))
}

fn pn_rows(unit: &BmUnit, content: &Content, start: DateTime<Utc>) -> impl Iterator<Item = Value> {
    let (date, period) = settlement_of(start);
    // All levels of a half hour are corrected alike, so that its segments still meet.
    let level =
        move |level: i64| revised(content.revision, &unit.national_grid, start, level as f64, 0) as i64;
    pn_segments(unit, start).into_iter().rev().map(move |segment| {
        json!({
            "dataset": "PN",
            "settlementDate": date,
            "settlementPeriod": period,
            "timeFrom": segment.from.format("%Y-%m-%dT%H:%M:%SZ").to_string(),
            "timeTo": segment.to.format("%Y-%m-%dT%H:%M:%SZ").to_string(),
            "levelFrom": level(segment.level_from),
            "levelTo": level(segment.level_to),
            "nationalGridBmUnit": unit.national_grid,
            "bmUnit": unit.elexon,
        })
    })
}

/// The units asked for, or all; unknown ones are left out without a word. A unit that the list has
/// twice is one here.
fn units(world: &World, content: &Content, query: &Query) -> Vec<BmUnit> {
    if content.empty {
        return Vec::new();
    }
    let asked: Vec<_> = query.all("bmUnit").collect();
    let strict = world.options.elexon_ids_only;
    let mut units = elexon::units(world.options.elexon_units);
    units.dedup_by(|one, other| one.national_grid == other.national_grid);
    units.retain(|unit| {
        let asked_for =
            |id: &&str| if strict { unit.elexon.as_deref() == Some(*id) } else { unit.has_id(id) };
        asked.is_empty() || asked.iter().any(asked_for)
    });
    units
}
