//! What was asked, for tests to look at.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use hyper::body::{Body as _, Frame, SizeHint};
use serde::Serialize;

use crate::clock;

/// One request to an upstream, from its answer's beginning on, or from when its client went away before that.
/// Requests to the simulator's own pages are not in the log.
#[derive(Clone, Debug, Serialize)]
pub struct LogEntry {
    /// Arrival, by the real clock.
    pub at: DateTime<Utc>,
    /// When the last of the answer was handed to the connection, or the client went away; `None` before that.
    /// Never later than the client could see the end of the answer.
    pub ended: Option<DateTime<Utc>>,
    pub method: String,
    pub path: String,
    /// Decoded; credentials are left out.
    pub query: String,
    /// `entsoe`, `elexon`, `eia` or `taipower`.
    pub api: &'static str,
    /// 0 where the connection ended without an answer.
    pub status: u16,
    /// The kinds of the faults that befell it, joined by `+`.
    pub fault: Option<String>,
    /// Requests being answered when this one arrived, itself included.
    pub in_flight: usize,
}

#[derive(Debug, Default)]
pub(crate) struct Log(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    entries: Vec<(u64, LogEntry)>,
    requests: u64,
    in_flight: usize,
}

/// A request in flight, until its answer ends or it is dropped, as it is when its client goes away.
#[derive(Debug)]
pub(crate) struct InFlight {
    log: Arc<Log>,
    id: u64,
    state: Progress,
}

#[derive(Debug)]
enum Progress {
    Unanswered(LogEntry),
    Answered,
    Ended,
}

impl Log {
    /// Takes in a request that arrived: `entry` says which, its `in_flight` is counted here.
    pub(crate) fn enter(self: &Arc<Self>, mut entry: LogEntry) -> InFlight {
        let id = self.with(|state| {
            state.in_flight += 1;
            state.requests += 1;
            entry.in_flight = state.in_flight;
            state.requests
        });
        InFlight { log: Arc::clone(self), id, state: Progress::Unanswered(entry) }
    }

    pub(crate) fn entries(&self) -> Vec<LogEntry> {
        self.with(|state| state.entries.iter().map(|(_, entry)| entry.clone()).collect())
    }

    pub(crate) fn in_flight(&self) -> usize {
        self.with(|state| state.in_flight)
    }

    pub(crate) fn clear(&self) {
        self.with(|state| state.entries.clear());
    }

    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl InFlight {
    /// Writes the request into the log, and its end once the response is sent.
    pub(crate) fn answer(mut self, response: Response, status: u16) -> Response {
        if let Progress::Unanswered(entry) = std::mem::replace(&mut self.state, Progress::Answered) {
            let entry = LogEntry { status, ..entry };
            self.log.with(|state| state.entries.push((self.id, entry)));
        }
        if response.body().is_end_stream() {
            self.end();
        }
        response.map(|body| Body::new(Watched { body, request: self }))
    }

    fn end(&mut self) {
        let now = clock::now();
        self.log.with(|log| match std::mem::replace(&mut self.state, Progress::Ended) {
            Progress::Ended => {}
            Progress::Unanswered(entry) => {
                log.in_flight -= 1;
                log.entries.push((self.id, LogEntry { ended: Some(now), ..entry }));
            }
            Progress::Answered => {
                log.in_flight -= 1;
                // It is among the last; if it is not there, the log was cleared meanwhile.
                if let Some((_, entry)) = log.entries.iter_mut().rev().find(|(id, _)| *id == self.id) {
                    entry.ended = Some(now);
                }
            }
        });
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.end();
    }
}

/// A body that says when its last frame is handed over.
struct Watched {
    body: Body,
    request: InFlight,
}

impl hyper::body::Body for Watched {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        if matches!(polled, Poll::Ready(None | Some(Err(_)))) || self.body.is_end_stream() {
            self.request.end();
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
