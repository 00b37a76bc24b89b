//! `GET /backfill/jobs/{id}/events`: what happens to a job, as it happens.

use std::{
    collections::VecDeque,
    convert::Infallible,
    time::{Duration, Instant as Moment},
};

use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, HeaderName, header},
    response::{
        IntoResponse, Response,
        sse::{Event as Sse, KeepAlive},
    },
};
use futures::{Stream, StreamExt, stream};
use serde::Serialize;
use serde_json::{Value, json};

use super::{
    detail::JobDetail,
    followers::{self, Seat},
    view::JobView,
};
use crate::api::{
    auth::{Caller, Viewer},
    extract::{Id, Params},
    problem::{Problem, ProblemBody},
    state::Api,
};

/// How often to look whether the client would still be let in.
const CREDENTIAL: Duration = Duration::from_secs(5);

/// Events and lines that are read at once.
const BATCH: u32 = 500;

/// When to come again while too many follow.
const CROWDED_SECONDS: u64 = 10;

/// Tells a proxy of nginx' kind to pass on what it gets, at once.
const UNBUFFERED: (HeaderName, &str) = (HeaderName::from_static("x-accel-buffering"), "no");

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
/// the job has ended. With `Last-Event-ID` it goes on after that place: nothing is lost and nothing comes twice.
/// `Accept: application/x-ndjson` gives a JSON object per line instead.
#[utoipa::path(get, path = "/backfill/jobs/{id}/events", tag = "jobs",
    params(("id" = i64, Path, description = "The job.", minimum = 1), Which,
           ("Last-Event-ID" = Option<String>, Header, description = "The `id` of the last event that the client has.")),
    responses((status = 200, description = "The events.", content(
        (String = "text/event-stream"), (String = "application/x-ndjson"))),
        (status = 429, body = ProblemBody, content_type = "application/problem+json",
         description = "Too many follow jobs already; see `Retry-After`.")))]
pub(super) async fn events(
    State(api): State<Api>,
    Viewer(caller): Viewer,
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
    let follower = Follower::begin(api, caller, id, place.transpose()?, which.logs).await?;
    let told = follower.stream();
    let accepted = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    if accepted.contains("application/x-ndjson") {
        let lines = told.map(|told| Ok::<_, Infallible>(format!("{}\n", json!(told))));
        let kind = [(header::CONTENT_TYPE, "application/x-ndjson"), UNBUFFERED];
        return Ok((kind, Body::from_stream(lines)).into_response());
    }
    let events = told.map(|told| {
        let event = Sse::default().id(told.id).event(told.event);
        Ok::<_, Infallible>(event.data(told.data.to_string()))
    });
    // A client that goes on where it was has nothing to be told for now, and sees by this that it is followed all the same.
    let begun = stream::once(async { Ok(Sse::default().comment("following")) });
    let following = axum::response::Sse::new(begun.chain(events)).keep_alive(KeepAlive::default());
    Ok(([UNBUFFERED], following).into_response())
}

/// Up to where somebody has been told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    event: i64,
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
    caller: Caller,
    /// When it was last known that the caller is let in.
    let_in: Moment,
    seat: Seat,
    job: i64,
    place: Place,
    with_logs: bool,
    ready: VecDeque<Told>,
    ended: bool,
}

impl Follower {
    async fn begin(
        api: Api,
        caller: Caller,
        job: i64,
        place: Option<Place>,
        with_logs: bool,
    ) -> Result<Self, Problem> {
        let seat = api.followers().join().ok_or_else(|| {
            let detail = format!("{} follow jobs through this host already", followers::MOST);
            Problem::crowded(detail, CROWDED_SECONDS)
        })?;
        let store = api.store.clone();
        let known = place.is_some();
        let place = match place {
            Some(place) => place,
            // Before the snapshot: what happens in between is told once more, and not lost.
            None => Place { event: store.last_event(job).await?, line: store.last_line(job).await? },
        };
        let ready = VecDeque::new();
        let mut follower =
            Self { api, caller, let_in: Moment::now(), seat, job, place, with_logs, ready, ended: false };
        if known {
            store.job(job).await?;
        } else {
            let snapshot = JobDetail::read(&store, job).await?;
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
                let all = match follower.look().await {
                    Ok(all) => all,
                    Err(problem) => {
                        // The client comes again, and goes on where this ended.
                        tracing::warn!(job = follower.job, "a job is not followed any more: {problem:?}");
                        return None;
                    }
                };
                if all && follower.ready.is_empty() && !follower.ended {
                    let stop = follower.api.stop.clone();
                    tokio::select! {
                        () = follower.news() => {}
                        // Who waits for news for long may be let in no more meanwhile.
                        () = tokio::time::sleep(CREDENTIAL) => {}
                        () = stop.cancelled() => return None,
                    }
                }
            }
        })
    }

    async fn news(&self) {
        let line = if self.with_logs { self.place.line } else { i64::MAX };
        self.seat.news(self.job, self.place.event, line).await;
    }

    /// Reads what is new; says whether that was all of it.
    async fn look(&mut self) -> Result<bool, Problem> {
        if self.let_in.elapsed() >= CREDENTIAL {
            if !self.caller.still_good(&self.api).await? {
                // Whoever comes again is told so.
                self.ended = true;
                return Ok(true);
            }
            self.let_in = Moment::now();
        }
        // Before the rest: an end that is seen here has its event and its lines, too.
        let job = self.api.store.job(self.job).await?;
        let events = self.api.store.events(Some(self.job), self.place.event, BATCH).await?;
        let lines = match self.with_logs {
            true => self.api.store.job_lines(self.job, self.place.line, BATCH).await?,
            false => Vec::new(),
        };
        let all = events.len().max(lines.len()) < BATCH as usize;
        for event in events {
            self.place.event = event.id;
            let kind = if event.task_id.is_some() { "task" } else { "job" };
            self.tell(kind, json!(event));
        }
        for line in lines {
            self.place.line = line.id;
            self.tell("log", json!(line));
        }
        if job.status.ended() && all {
            self.tell("end", json!(JobView::from(job)));
            self.ended = true;
        }
        Ok(all)
    }

    fn tell(&mut self, event: &'static str, data: Value) {
        self.ready.push_back(Told { id: self.place.to_string(), event, data });
    }
}
