//! Schedules: what happens by itself, and when. Who made one, or an admin, changes it.

use axum::{
    Json,
    extract::{OriginalUri, State},
    http::StatusCode,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    auth::{Caller, Operator, Viewer},
    created::Created,
    extract::{Body, Id, Params},
    page::{self, Page},
    problem::{Misfit, Problem, ProblemBody, misfit},
    schema,
    state::Api,
};
use crate::{
    domain::{Overlap, ScheduleKind, ScheduleSettings, Timetable, TimetableError, unfit_text},
    planning,
    schedules::Scheduler,
    store::{self, CollectorRun, Fired, Schedule},
};

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(show, change, delete))
        .routes(routes!(fire))
        .routes(routes!(runs))
}

/// A schedule to make.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewSchedule {
    /// Unique name.
    #[schema(schema_with = schema::plain)]
    name: String,
    /// What it does.
    kind: ScheduleKind,
    /// When it fires: minute, hour, day of month, month, day of week.
    #[schema(min_length = 9, max_length = 200, example = "30 2 * * *")]
    cron: String,
    /// The IANA time zone whose clocks the cron expression means.
    #[serde(default = "utc")]
    #[schema(default = "UTC", min_length = 1, max_length = 200, example = "Europe/Berlin")]
    time_zone: String,
    /// What becomes of a firing while the one before is under way.
    #[serde(default = "skip")]
    #[schema(default = "skip")]
    overlap: Overlap,
    /// For whom and how. `windfarm_ids`, `generation_unit_ids`, `sources` (all where none is named); `priority`;
    /// `look_back_months` and `under_way` if it is incremental; `revise_after` if it revises.
    #[serde(default = "empty")]
    #[schema(value_type = Object, example = json!({ "sources": ["elexon"], "look_back_months": 3 }))]
    settings: Value,
    /// Whether it fires.
    #[serde(default = "yes")]
    #[schema(default = true)]
    enabled: bool,
}

fn utc() -> String {
    "UTC".to_owned()
}

const fn skip() -> Overlap {
    Overlap::Skip
}

fn empty() -> Value {
    Value::Object(serde_json::Map::new())
}

const fn yes() -> bool {
    true
}

/// What to change of a schedule; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ScheduleChange)]
struct Change {
    /// Unique name.
    #[schema(schema_with = schema::plain_or_null)]
    name: Option<String>,
    /// When it fires.
    #[schema(min_length = 9, max_length = 200, example = "30 2 * * *")]
    cron: Option<String>,
    /// By the clocks of which IANA time zone.
    #[schema(min_length = 1, max_length = 200, example = "Europe/Berlin")]
    time_zone: Option<String>,
    /// What becomes of a firing while the one before is under way.
    overlap: Option<Overlap>,
    /// All of its settings.
    #[schema(value_type = Option<Object>)]
    settings: Option<Value>,
    /// Whether it fires. What was due while it did not is not made up for.
    enabled: Option<bool>,
}

/// A schedule that was fired, and what came of it.
#[derive(Serialize, ToSchema)]
struct FiredSchedule {
    #[serde(flatten)]
    schedule: Schedule,
    /// The job that it made.
    job_id: Option<i64>,
    /// The collector runs that it made.
    run_ids: Vec<i64>,
}

/// Which page of runs.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Runs {
    /// At most so many.
    #[param(minimum = 1, maximum = 100, default = 100)]
    limit: Option<u32>,
    /// The page after this place.
    #[param(minimum = 1)]
    cursor: Option<i64>,
}

/// List all schedules: when each fires, and what it last did.
#[utoipa::path(get, path = "/schedules", tag = "schedules", responses((status = 200, body = [Schedule])))]
async fn list(State(api): State<Api>, _: Viewer) -> Result<Json<Vec<Schedule>>, Problem> {
    Ok(Json(api.store.schedules().await?))
}

/// Make a schedule. A running host fires it.
#[utoipa::path(post, path = "/schedules", tag = "schedules", request_body = NewSchedule,
    responses((status = 201, body = Schedule, headers(("Location" = String, description = "The schedule.")))))]
async fn create(
    State(api): State<Api>,
    Operator(caller): Operator,
    Body(new): Body<NewSchedule>,
) -> Result<Created<Schedule>, Problem> {
    let mut wrong = misfits_of_name(&new.name);
    wrong.extend(misfit_of_times(&new.cron, &new.time_zone));
    wrong.extend(api.misfit_of_settings(new.kind, &new.settings));
    Problem::unless_fit(wrong)?;
    let new = store::NewSchedule {
        name: new.name,
        kind: new.kind,
        cron: new.cron,
        time_zone: new.time_zone,
        overlap: new.overlap,
        settings: new.settings,
        enabled: new.enabled,
        created_by_id: Some(caller.user_id),
    };
    let body = api.store.create_schedule(&new, api.store.now()).await?;
    Ok(Created { path: format!("/schedules/{}", body.id), body })
}

/// Show a schedule.
#[utoipa::path(get, path = "/schedules/{id}", tag = "schedules",
    params(("id" = i64, Path, description = "The schedule.", minimum = 1)),
    responses((status = 200, body = Schedule)))]
async fn show(State(api): State<Api>, _: Viewer, Id(id): Id) -> Result<Json<Schedule>, Problem> {
    Ok(Json(api.store.schedule(id).await?))
}

/// Change a schedule. With other times, or turned on again, it fires at its next time from now on.
#[utoipa::path(patch, path = "/schedules/{id}", tag = "schedules", request_body = Change,
    params(("id" = i64, Path, description = "The schedule.", minimum = 1)),
    responses((status = 200, body = Schedule)))]
async fn change(
    State(api): State<Api>,
    Operator(caller): Operator,
    Id(id): Id,
    Body(change): Body<Change>,
) -> Result<Json<Schedule>, Problem> {
    let old = api.own_schedule(&caller, id).await?;
    let mut wrong = change.name.as_deref().map(misfits_of_name).unwrap_or_default();
    wrong.extend(misfit_of_times(
        change.cron.as_ref().unwrap_or(&old.cron),
        change.time_zone.as_ref().unwrap_or(&old.time_zone),
    ));
    wrong.extend(change.settings.as_ref().and_then(|settings| api.misfit_of_settings(old.kind, settings)));
    Problem::unless_fit(wrong)?;
    let change = store::ScheduleChange {
        name: change.name,
        cron: change.cron,
        time_zone: change.time_zone,
        overlap: change.overlap,
        settings: change.settings,
        enabled: change.enabled,
    };
    Ok(Json(api.store.change_schedule(id, &change, api.store.now()).await?))
}

/// Remove a schedule. The jobs that it made stay, and everything that was stored.
#[utoipa::path(delete, path = "/schedules/{id}", tag = "schedules",
    params(("id" = i64, Path, description = "The schedule.", minimum = 1)),
    responses((status = 204, description = "It is gone.")))]
async fn delete(
    State(api): State<Api>,
    Operator(caller): Operator,
    Id(id): Id,
) -> Result<StatusCode, Problem> {
    api.own_schedule(&caller, id).await?;
    api.store.delete_schedule(id, api.store.now()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Fire a schedule now, besides its times. A collecting one is tried once before this is answered.
#[utoipa::path(post, path = "/schedules/{id}/fire", tag = "schedules",
    params(("id" = i64, Path, description = "The schedule.", minimum = 1)),
    responses((status = 200, body = FiredSchedule),
              (status = 429, body = ProblemBody, content_type = "application/problem+json",
               description = "Too many tasks wait already; see `Retry-After`.")))]
async fn fire(
    State(api): State<Api>,
    Operator(caller): Operator,
    Id(id): Id,
) -> Result<Json<FiredSchedule>, Problem> {
    let schedule = api.own_schedule(&caller, id).await?;
    let worker = &api.config.worker;
    let registry = std::sync::Arc::clone(&api.registry);
    let limit = api.config.server.max_open_tasks;
    if schedule.kind != ScheduleKind::Collect {
        // How much it brings shows once it is planned; what is too much then is told as its outcome.
        planning::check_room(&api.store, 1, limit).await?;
    }
    let scheduler = Scheduler::new(api.store.clone(), registry, worker.retry.attempts, limit, worker.grace);
    let now = api.store.now();
    let fired = scheduler.fire_now(id, now).await?;
    let schedule = api.store.schedule(id).await?;
    let (job_id, run_ids) = match fired {
        Fired::LeftOut(why) => return Err(Problem::conflict("left-out", why)),
        Fired::Job(job) => (Some(job), Vec::new()),
        Fired::Runs(runs) => (None, runs),
        // A host that looked at the same moment was quicker.
        Fired::Taken => (schedule.last_job_id, Vec::new()),
        Fired::Noted => (None, Vec::new()),
    };
    Ok(Json(FiredSchedule { schedule, job_id, run_ids }))
}

/// List the runs of a collecting schedule, the latest first.
#[utoipa::path(get, path = "/schedules/{id}/runs", tag = "schedules",
    params(("id" = i64, Path, description = "The schedule.", minimum = 1), Runs),
    responses((status = 200, body = [CollectorRun], headers(
        ("X-Next-Cursor" = i64, description = "The `cursor` of the next page, if there is one."),
        ("Link" = String, description = "The next page, `rel=\"next\"`, if there is one.")))))]
async fn runs(
    State(api): State<Api>,
    _: Viewer,
    OriginalUri(uri): OriginalUri,
    Id(id): Id,
    Params(which): Params<Runs>,
) -> Result<Page<CollectorRun>, Problem> {
    let limit = page::limit(which.limit)?;
    api.store.schedule(id).await?;
    let items = api.store.collector_runs(id, which.cursor, limit).await?;
    let next = page::next(&items, limit, |run| run.id);
    Ok(Page { items, total: None, next, uri })
}

impl Api {
    /// A schedule that somebody may change.
    async fn own_schedule(&self, caller: &Caller, id: i64) -> Result<Schedule, Problem> {
        let schedule = self.store.schedule(id).await?;
        caller.owns(schedule.created_by_id, "this schedule")?;
        Ok(schedule)
    }

    fn misfit_of_settings(&self, kind: ScheduleKind, settings: &Value) -> Option<Misfit> {
        let settings = match ScheduleSettings::parse(kind, settings) {
            Ok(settings) => settings,
            Err(error) => {
                let pointer = match error.field.as_str() {
                    "" => "/settings".to_owned(),
                    field => format!("/settings/{}", field.replace('~', "~0").replace('/', "~1")),
                };
                return Some(misfit(pointer, error.why));
            }
        };
        let known = self.registry.ids();
        let unknown = settings.subjects().sources.iter().find(|id| !known.contains(id))?;
        let detail = format!("the configuration has no source {unknown:?}; it has {}", known.join(", "));
        Some(misfit("/settings/sources", detail))
    }
}

fn misfits_of_name(name: &str) -> Vec<Misfit> {
    let unfit = match name.contains(char::is_control) {
        true => Some("expected one line, without control characters".to_owned()),
        false => unfit_text(name, 1),
    };
    unfit.into_iter().map(|why| misfit("/name", why)).collect()
}

fn misfit_of_times(cron: &str, time_zone: &str) -> Option<Misfit> {
    Timetable::parse(cron, time_zone).err().map(|error| {
        let pointer = if matches!(error, TimetableError::Zone { .. }) { "/time_zone" } else { "/cron" };
        misfit(pointer, error.to_string())
    })
}
