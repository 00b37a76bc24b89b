//! `GET /backfill/jobs/{id}/events`: what happens to a job, as it happens.

use std::{
    collections::{BTreeMap, VecDeque, btree_map::Entry},
    convert::Infallible,
    time::{Duration, Instant as Moment},
};

use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, header},
    response::{
        IntoResponse, Response,
        sse::{Event as Sse, KeepAlive},
    },
};
use futures::{Stream, StreamExt, stream};
use serde::Serialize;
use serde_json::{Value, json};

use super::{detail::JobDetail, view::JobView};
use crate::api::{
    auth::Viewer,
    extract::{Id, Params},
    problem::Problem,
    state::Api,
};

/// How often to look: what is committed is told within a second.
const LOOK: Duration = Duration::from_millis(250);

/// Events and lines that are read at once.
const BATCH: u32 = 500;

/// Lines of logs become visible out of the order of their ids, but no later than this: the store ends whoever stalls
/// in the middle of writing them sooner.
const SETTLED: Duration = Duration::from_secs(10);

/// One thing to tell.
#[derive(Serialize)]
struct Told {
    /// Where to go on after it.
    id: String,
    /// `snapshot`, `task`, `job`, `log` or `end`.
    event: &'static str,
    data: Value,
}

/// Whether to tell what sources say.
#[derive(serde::Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Which {
    /// Whether to tell what sources say while they run.
    #[serde(default = "yes")]
    #[param(default = true)]
    logs: bool,
}

const fn yes() -> bool {
    true
}

/// Follow a job: a `snapshot` of it, then every `task` and `job` event and `log` line as it is committed, and `end` when
/// the job has ended. With `Last-Event-ID` it goes on after that place and nothing is lost; lines of the last seconds
/// may come twice, under the same `id` in their data. `Accept: application/x-ndjson` gives a JSON object per line instead.
#[utoipa::path(get, path = "/backfill/jobs/{id}/events", tag = "jobs",
    params(("id" = i64, Path, description = "The job.", minimum = 1), Which,
           ("Last-Event-ID" = Option<String>, Header, description = "The `id` of the last event that the client has.")),
    responses((status = 200, description = "The events.", content(
        (String = "text/event-stream"), (String = "application/x-ndjson")))))]
pub(super) async fn events(
    State(api): State<Api>,
    _: Viewer,
    Id(id): Id,
    headers: HeaderMap,
    Params(which): Params<Which>,
) -> Result<Response, Problem> {
    let place = headers.get("last-event-id").map(|place| {
        let place = place.to_str().unwrap_or_default();
        Place::parse(place).ok_or_else(|| {
            Problem::parameter("Last-Event-ID", format!("{place:?} is no id of an event of this API"))
        })
    });
    let follower = Follower::begin(api, id, place.transpose()?, which.logs).await?;
    let told = follower.stream();
    let accepted = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    if accepted.contains("application/x-ndjson") {
        let lines = told.map(|told| Ok::<_, Infallible>(format!("{}\n", json!(told))));
        let kind = [(header::CONTENT_TYPE, "application/x-ndjson")];
        return Ok((kind, Body::from_stream(lines)).into_response());
    }
    let events = told.map(|told| {
        let event = Sse::default().id(told.id).event(told.event);
        Ok::<_, Infallible>(event.data(told.data.to_string()))
    });
    // A client that goes on where it was has nothing to be told for now, and sees by this that it is followed all the same.
    let begun = stream::once(async { Ok(Sse::default().comment("following")) });
    Ok(axum::response::Sse::new(begun.chain(events)).keep_alive(KeepAlive::default()).into_response())
}

/// Up to where somebody has been told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    event: i64,
    /// All lines up to this one are told; some after it may be.
    line: i64,
}

impl Place {
    fn parse(text: &str) -> Option<Self> {
        let (event, line) = text.split_once('-')?;
        Some(Self { event: event.parse().ok()?, line: line.parse().ok()? })
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.event, self.line)
    }
}

/// Follows a job for one client.
struct Follower {
    api: Api,
    job: i64,
    place: Place,
    with_logs: bool,
    /// Lines after the place that are told already, with when they were seen.
    lines: BTreeMap<i64, Moment>,
    ready: VecDeque<Told>,
    ended: bool,
}

impl Follower {
    async fn begin(api: Api, job: i64, place: Option<Place>, with_logs: bool) -> Result<Self, Problem> {
        let known = place.is_some();
        let place = match place {
            Some(place) => place,
            // Before the snapshot: what happens in between is told once more, and not lost.
            None => Place { event: api.store.last_event(job).await?, line: api.store.last_line().await? },
        };
        let ready = VecDeque::new();
        let mut follower = Self { api, job, place, with_logs, lines: BTreeMap::new(), ready, ended: false };
        let snapshot = JobDetail::read(&follower.api.store, job).await?;
        if !known {
            follower.tell("snapshot", json!(snapshot));
        }
        Ok(follower)
    }

    fn stream(self) -> impl Stream<Item = Told> {
        stream::unfold(self, async |mut follower| {
            loop {
                if let Some(told) = follower.ready.pop_front() {
                    return Some((told, follower));
                }
                if follower.ended {
                    return None;
                }
                if let Err(problem) = follower.look().await {
                    // The client comes again, and goes on where this ended.
                    tracing::warn!(job = follower.job, "a job is not followed any more: {problem:?}");
                    return None;
                }
                if follower.ready.is_empty() {
                    let stop = follower.api.stop.clone();
                    tokio::select! {
                        () = tokio::time::sleep(LOOK) => {}
                        () = stop.cancelled() => return None,
                    }
                }
            }
        })
    }

    /// Reads what is new.
    async fn look(&mut self) -> Result<(), Problem> {
        // Before the events: an end that is seen here has its event, too.
        let job = self.api.store.job(self.job).await?;
        let events = self.api.store.events(Some(self.job), self.place.event, BATCH).await?;
        let all = events.len() < BATCH as usize;
        for event in events {
            self.place.event = event.id;
            let kind = if event.task_id.is_some() { "task" } else { "job" };
            self.tell(kind, json!(event));
        }
        if self.with_logs {
            self.look_at_lines().await?;
        }
        if job.status.ended() && all {
            self.tell("end", json!(JobView::from(job)));
            self.ended = true;
        }
        Ok(())
    }

    async fn look_at_lines(&mut self) -> Result<(), Problem> {
        let limit = BATCH + u32::try_from(self.lines.len()).unwrap_or(u32::MAX - BATCH);
        let lines = self.api.store.job_lines(self.job, self.place.line, limit).await?;
        let now = Moment::now();
        for line in lines {
            if let Entry::Vacant(unseen) = self.lines.entry(line.id) {
                unseen.insert(now);
                self.tell("log", json!(line));
            }
        }
        let settled = self.lines.iter().filter(|(_, seen)| now - **seen >= SETTLED).map(|(id, _)| *id).max();
        if let Some(settled) = settled {
            self.place.line = settled;
            self.lines.retain(|id, _| *id > settled);
        }
        Ok(())
    }

    fn tell(&mut self, event: &'static str, data: Value) {
        self.ready.push_back(Told { id: self.place.to_string(), event, data });
    }
}
