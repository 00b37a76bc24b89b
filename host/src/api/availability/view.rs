//! What is answered: what is stored, in seconds and in percent, and each gap with its cause.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

use crate::{
    domain::{Calendar, Cause, Facts, Month, PlanUnit, Quantity, StoredSeries, TaskStatus, telling},
    store::{AskedMonth, HeldSeries, Holdings, Instant, OpenTask, RegisteredUnit, Windfarm},
};

/// What is stored of a wind farm.
#[derive(Serialize, ToSchema)]
pub(super) struct Availability {
    /// The wind farm.
    windfarm: Windfarm,
    /// The months, by the calendar of each unit's source.
    #[schema(value_type = Vec<String>, example = json!(["2024-01"]))]
    #[serde(serialize_with = "months_as_text")]
    months: Vec<Month>,
    /// Its units, active or not.
    units: Vec<AvailabilityUnit>,
    /// Month by month for each source, all its units together.
    sources: Vec<SourceAvailability>,
    /// Each unit's months, one by one.
    cells: Vec<Cell>,
}

/// A unit.
#[derive(Serialize, ToSchema)]
struct AvailabilityUnit {
    /// Row id.
    id: i64,
    /// Its code at the source.
    code: String,
    /// Its name.
    name: String,
    /// Id of its source.
    source: String,
    /// Whether it is planned for.
    active: bool,
    /// The zone of the calendar that its months follow.
    #[schema(example = "Europe/London")]
    zone: &'static str,
}

/// What is stored of the units of a source.
#[derive(Serialize, ToSchema)]
struct SourceAvailability {
    /// Id of the source.
    source: String,
    /// All months together.
    #[serde(flatten)]
    total: Share,
    /// Month by month.
    months: Vec<MonthAvailability>,
}

/// A month of all units of a source.
#[derive(Serialize, ToSchema)]
struct MonthAvailability {
    /// The month.
    #[schema(value_type = String, example = "2024-01")]
    #[serde(serialize_with = "as_text")]
    month: Month,
    /// What is stored of it.
    #[serde(flatten)]
    share: Share,
    /// How many units lack something, by cause.
    gaps: BTreeMap<Cause, u32>,
}

/// How much there should be, and how much there is.
#[derive(Clone, Copy, Default, Serialize, ToSchema)]
struct Share {
    /// Seconds that there are: the lengths of the months.
    expected_seconds: i64,
    /// Seconds of these inside of stored intervals.
    present_seconds: i64,
    /// The second in percent of the first.
    coverage_percent: f64,
}

/// A month of a unit. What counts is the unit's fullest series of measured generation; see `kind` and `quantity`.
#[derive(Serialize, ToSchema)]
struct Cell {
    /// The unit.
    generation_unit_id: i64,
    /// The month.
    #[schema(value_type = String, example = "2024-01")]
    #[serde(serialize_with = "as_text")]
    month: Month,
    /// What is stored of it.
    #[serde(flatten)]
    share: Share,
    /// What the series measures; none where the unit has no series yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<String>,
    /// How it measures.
    #[serde(skip_serializing_if = "Option::is_none")]
    quantity: Option<Quantity>,
    /// Length of the stored intervals; none where there are none, or of several lengths.
    #[serde(skip_serializing_if = "Option::is_none")]
    interval_seconds: Option<i64>,
    /// Intervals of that length in the month.
    #[serde(skip_serializing_if = "Option::is_none")]
    expected_intervals: Option<i64>,
    /// Intervals that are stored, of any length.
    present_intervals: i64,
    /// Why something is missing; none where nothing is.
    #[serde(skip_serializing_if = "Option::is_none")]
    gap: Option<Gap>,
}

/// Why something of a month is missing.
#[derive(Serialize, ToSchema)]
struct Gap {
    /// In a word.
    cause: Cause,
    /// For people.
    message: String,
    /// How the last task failed, or what the upstream said, in a word.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    /// The task that this is known from, or that is under way. It may have been deleted with its job.
    #[serde(skip_serializing_if = "Option::is_none")]
    task_id: Option<i64>,
    /// When the month was last asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    asked_at: Option<Instant>,
    /// Values that came then and were not fit to be stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    rejected: Option<i64>,
    /// Of an upstream that has none: whether it said so often enough to be believed. If not, the next job asks again.
    #[serde(skip_serializing_if = "Option::is_none")]
    confirmed: Option<bool>,
}

impl Availability {
    /// Of what is known.
    pub(super) fn new(
        windfarm: Windfarm,
        months: Vec<Month>,
        units: Vec<(PlanUnit, RegisteredUnit)>,
        holdings: &Holdings,
        now: DateTime<Utc>,
    ) -> Self {
        let mut cells = Vec::with_capacity(units.len() * months.len());
        let mut sources: BTreeMap<&str, SourceAvailability> = BTreeMap::new();
        for (plan, unit) in &units {
            let source =
                sources.entry(&unit.source).or_insert_with(|| SourceAvailability::new(&unit.source, &months));
            for (month, of_source) in months.iter().zip(&mut source.months) {
                let cell = Cell::new(plan, *month, holdings, now);
                of_source.share.add(cell.share);
                source.total.add(cell.share);
                if let Some(gap) = &cell.gap {
                    *of_source.gaps.entry(gap.cause).or_default() += 1;
                }
                cells.push(cell);
            }
        }
        let sources = sources.into_values().collect();
        let units = units.into_iter().map(|(plan, unit)| AvailabilityUnit::new(&plan, unit)).collect();
        Self { windfarm, months, units, sources, cells }
    }
}

impl AvailabilityUnit {
    fn new(plan: &PlanUnit, unit: RegisteredUnit) -> Self {
        let RegisteredUnit { id, source, unit, active, .. } = unit;
        Self { id, code: unit.code, name: unit.name, source, active, zone: plan.calendar.zone.name() }
    }
}

impl SourceAvailability {
    fn new(source: &str, months: &[Month]) -> Self {
        let empty = |&month| MonthAvailability { month, share: Share::default(), gaps: BTreeMap::new() };
        Self {
            source: source.to_owned(),
            total: Share::default(),
            months: months.iter().map(empty).collect(),
        }
    }
}

impl Share {
    fn new(expected_seconds: i64, present_seconds: i64) -> Self {
        let percent =
            if expected_seconds > 0 { present_seconds as f64 * 100.0 / expected_seconds as f64 } else { 0.0 };
        // To the hundredth, but never whole while something is missing.
        let rounded = (percent * 100.0).round() / 100.0;
        let whole = present_seconds >= expected_seconds;
        let coverage_percent = if whole { rounded } else { rounded.min(99.99) };
        Self { expected_seconds, present_seconds, coverage_percent }
    }

    fn add(&mut self, other: Self) {
        *self = Self::new(
            self.expected_seconds + other.expected_seconds,
            self.present_seconds + other.present_seconds,
        );
    }
}

impl Cell {
    fn new(unit: &PlanUnit, month: Month, holdings: &Holdings, now: DateTime<Utc>) -> Self {
        let window = month.window(unit.calendar.zone);
        let key = (unit.unit_id, month);
        let series = holdings.series.get(&unit.unit_id).map(Vec::as_slice).unwrap_or_default();
        let held = |of: &HeldSeries| of.months.get(&month).copied().unwrap_or_default();
        let counts = telling(series.iter().map(|series| StoredSeries {
            kind: &series.kind,
            quantity: series.quantity,
            seconds: held(series).1,
        }))
        .map(|(place, _)| &series[place]);
        let (rows, present) = counts.map(held).unwrap_or_default();
        let expected = window.seconds();
        let interval_seconds = (rows > 0 && present % rows == 0).then(|| present / rows);
        let (asked, open) = (holdings.asked.get(&key), holdings.open.get(&key));
        let facts = Facts {
            month,
            window,
            present,
            open_task: open.map(|task| task.id),
            asked: asked.map(|asked| &asked.asking),
            refused: unit.refused.is_some(),
        };
        let gap = facts.cause(unit.calendar, now).map(|cause| Gap {
            confirmed: facts.confirmed(unit.calendar).filter(|_| cause == Cause::UpstreamHasNone),
            ..Gap::new(cause, unit, asked, open)
        });
        Self {
            generation_unit_id: unit.unit_id,
            month,
            share: Share::new(expected, present),
            kind: counts.map(|series| series.kind.clone()),
            quantity: counts.map(|series| series.quantity),
            interval_seconds,
            expected_intervals: interval_seconds
                .filter(|seconds| expected % seconds == 0)
                .map(|seconds| expected / seconds),
            present_intervals: rows,
            gap,
        }
    }
}

impl Gap {
    fn new(cause: Cause, unit: &PlanUnit, asked: Option<&AskedMonth>, open: Option<&OpenTask>) -> Self {
        // Of a task that is under way, what an earlier one came to is not the cause.
        let asked = asked.filter(|_| cause != Cause::UnderWay);
        let said = asked.and_then(|asked| asked.error_message.clone());
        let message = match cause {
            Cause::UnderWay => open.map_or_else(String::new, under_way),
            Cause::Failed => said.unwrap_or_else(|| "the last task for it failed".to_owned()),
            Cause::Rejected => said.unwrap_or_else(|| {
                "values came that are not fit to be stored; the task's `rejections` say why".to_owned()
            }),
            Cause::NotYetPublished => {
                said.unwrap_or_else(|| "the upstream did not have all of it yet when it was asked".to_owned())
            }
            Cause::UpstreamHasNone => said.unwrap_or_else(|| "the upstream has no more of it".to_owned()),
            Cause::BeforeHistory => before_history(unit.calendar),
            Cause::Future => "the month has not begun".to_owned(),
            Cause::Refused => unit.refused.as_ref().map(ToString::to_string).unwrap_or_default(),
            Cause::NeverAsked if asked.is_some() => {
                "the last job asked for a part of the month only; start one for all of it".to_owned()
            }
            Cause::NeverAsked => "nobody has asked for it; start a job".to_owned(),
        };
        Self {
            cause,
            message,
            code: asked.and_then(|asked| asked.error_code.clone()),
            task_id: open.map(|task| task.id).or_else(|| asked.and_then(|asked| asked.asking.task_id)),
            asked_at: asked.map(|asked| asked.asking.at.into()),
            rejected: asked.map(|asked| asked.asking.rejected).filter(|rejected| *rejected > 0),
            confirmed: None,
        }
    }
}

fn under_way(task: &OpenTask) -> String {
    match (task.status, task.run_after) {
        (TaskStatus::InProgress, _) => "a task is fetching it".to_owned(),
        (_, Some(at)) => format!("a task will fetch it from {} on", at.to_rfc3339()),
        (_, None) => "a task waits in the queue to fetch it".to_owned(),
    }
}

fn before_history(calendar: Calendar) -> String {
    let first = calendar.first_month.map(|first| first.to_string()).unwrap_or_default();
    format!("the upstream has no history before {first}")
}

fn as_text<S: Serializer>(month: &Month, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(month)
}

fn months_as_text<S: Serializer>(months: &[Month], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(months.iter().map(ToString::to_string))
}
