//! From a request to the time series that answer it.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

use super::Refusal;
use super::request::{Item, Request};
use crate::catalogue::entsoe::{self, Unit};
use crate::catalogue::entsoe_areas::Area;
use crate::fault::effects::Content;
use crate::values::entsoe::{TYPES, area_mw, area_resolution_minutes, unit_consumption_mw, unit_mw};
use crate::values::{Direction, floor, revised};
use crate::world::World;

/// Values without a gap between them, all of one resolution.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) start: DateTime<Utc>,
    pub(super) resolution_minutes: i64,
    pub(super) values: Vec<f64>,
}

impl Run {
    pub(super) fn end(&self) -> DateTime<Utc> {
        self.start + TimeDelta::minutes(self.resolution_minutes * self.values.len() as i64)
    }
}

/// What one unit or type gave or took.
#[derive(Debug)]
pub(super) struct Series {
    pub(super) direction: Direction,
    /// The unit; none in answers per type.
    pub(super) unit: Option<Unit>,
    pub(super) psr_type: Option<&'static str>,
    /// At least one.
    pub(super) runs: Vec<Run>,
}

/// The series asked for, as far as they were published by now; none where nothing matches.
pub(super) fn find(world: &World, content: &Content, request: &Request) -> Result<Vec<Series>, Refusal> {
    let Some(area) = request.area else { return Ok(Vec::new()) };
    let window = Window::of(world, content, request, area);
    let found = match request.item {
        Item::PerUnit => per_unit(world, content, request, area, &window),
        Item::PerType => per_type(content, request, area, &window)?,
    };
    let Some(allowed) = content.instances_allowed else { return Ok(found) };
    match request.offset {
        Some(offset) => Ok(found.into_iter().skip(offset).take(allowed).collect()),
        None if found.len() > allowed => Err(Refusal::bad_request(format!(
            "The number of instances ({}) exceeds the allowed maximum ({allowed}).",
            found.len()
        ))),
        None => Ok(found),
    }
}

fn per_unit(
    world: &World,
    content: &Content,
    request: &Request,
    area: &Area,
    window: &Window,
) -> Vec<Series> {
    let wanted = |unit: &Unit| {
        request.unit.as_ref().is_none_or(|eic| *eic == unit.eic)
            && request.psr_type.as_deref().is_none_or(|psr_type| unit.psr_type == Some(psr_type))
    };
    let units = entsoe::units(area, world.options.units_per_area).into_iter().filter(wanted);
    let both = |unit: Unit| {
        [Direction::Generation, Direction::Consumption].map(|direction| {
            let runs = window.runs(
                |_| unit.resolution_minutes,
                |start| {
                    let value = match direction {
                        Direction::Generation => unit_mw(&unit, start),
                        Direction::Consumption => unit_consumption_mw(&unit, start),
                    };
                    value.map(|value| revised(content.revision, &unit.eic, start, value, 2))
                },
            );
            Series { direction, psr_type: unit.psr_type, unit: Some(unit.clone()), runs }
        })
    };
    units.flat_map(both).filter(|series| !series.runs.is_empty()).collect()
}

fn per_type(
    content: &Content,
    request: &Request,
    area: &Area,
    window: &Window,
) -> Result<Vec<Series>, Refusal> {
    let mut found = Vec::new();
    for &(psr_type, _) in TYPES {
        if request.psr_type.as_deref().is_some_and(|wanted| wanted != psr_type) {
            continue;
        }
        for direction in [Direction::Generation, Direction::Consumption] {
            let id = format!("{}/{psr_type}", area.eic);
            let runs = window.runs(
                |at| area_resolution_minutes(area, at),
                |start| {
                    let value = area_mw(area, psr_type, direction, start)?;
                    Some(revised(content.revision, &id, start, value, 2))
                },
            );
            if !runs.is_empty() {
                found.push(Series { direction, unit: None, psr_type: Some(psr_type), runs });
            }
        }
    }
    match &request.psr_type {
        // A type that the area never has is refused; one that it has may still have no data.
        Some(wanted) if area_mw(area, wanted, Direction::Generation, request.start).is_none() => {
            Err(Refusal::bad_request(format!("Production type {wanted} is not valid for this area.")))
        }
        _ => Ok(found),
    }
}

/// The time asked for, as far as something was published about it.
struct Window {
    start: DateTime<Utc>,
    end: DateTime<Utc>,
    published_from: DateTime<Utc>,
    published_until: DateTime<Utc>,
}

impl Window {
    /// Units are published five days late, types an hour; nothing before 2014-12-05. The British types
    /// ended in 2021.
    fn of(world: &World, content: &Content, request: &Request, area: &Area) -> Window {
        let midnight = |year, month, day| {
            NaiveDate::from_ymd_opt(year, month, day)
                .unwrap_or_default()
                .and_time(chrono::NaiveTime::MIN)
                .and_utc()
        };
        let lag = match request.item {
            Item::PerUnit => TimeDelta::days(5),
            Item::PerType => TimeDelta::hours(1),
        };
        let mut published_until = content.published_now(world.now()) - lag;
        if ["GB", "UK"].contains(&area.short) {
            published_until = published_until.min(midnight(2021, 6, 15));
        }
        let published_from = midnight(2014, 12, 5);
        Window { start: request.start, end: request.end, published_from, published_until }
    }

    /// Every interval that touches the time asked for, whole, in runs without gaps.
    fn runs(
        &self,
        resolution_minutes: impl Fn(DateTime<Utc>) -> i64,
        value: impl Fn(DateTime<Utc>) -> Option<f64>,
    ) -> Vec<Run> {
        let mut runs: Vec<Run> = Vec::new();
        let mut start = floor(self.start, resolution_minutes(self.start));
        while start < self.end {
            let minutes = resolution_minutes(start);
            let end = start + TimeDelta::minutes(minutes);
            let published = start >= self.published_from && end <= self.published_until;
            if let Some(value) = published.then(|| value(start)).flatten() {
                match runs.last_mut() {
                    Some(run) if run.end() == start && run.resolution_minutes == minutes => {
                        run.values.push(value)
                    }
                    _ => runs.push(Run { start, resolution_minutes: minutes, values: vec![value] }),
                }
            }
            start = end;
        }
        runs
    }
}
