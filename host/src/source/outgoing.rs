//! Standard `wasi:http`, for a component that was written against it. Its requests take the way of `http.send`:
//! [`egress::Call::send`], with every rule of the gate. Incoming requests, upgrades and trailers are not offered.
//!
//! An answer is whole before the guest sees its first byte, so of the timeouts that a guest may give, the one for the
//! first byte holds for all of it, waiting for the allowance left out; the gate's own hold all the same.

use std::{
    mem,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU32, AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use futures::stream;
use http_body_util::{BodyExt, StreamBody};
use wasmtime_wasi_http::{
    Error, RequestOptions, WasiBody, WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks, WasiHttpView,
};

use super::{
    call::within,
    fault::Fault,
    imports::{MAX_READ, no_requests_here},
    log::{CallLog, LogLevel},
    state::{MAX_RESOURCES, State},
};
use crate::egress::{self, EgressError};

/// Headers that libraries set by themselves and that belong to the host's connection. Whatever else a source may not
/// set, the gate refuses.
const OF_THE_CONNECTION: [&str; 7] =
    ["accept-encoding", "content-length", "expect", "host", "te", "trailer", "user-agent"];

/// What one map of headers may hold. A guest can make many, and the memory is the host's.
const HEADER_BYTES: usize = 4 << 10;

/// What is held of a request's body before the host has taken it.
const BODY_BYTES: usize = 16 << 10;

// All headers that a guest can hold come to about what `caps.memory` gives it by default.
const _: () = assert!(MAX_RESOURCES * HEADER_BYTES <= 64 << 20);

/// Requests of one call that go by `wasi:http`.
#[derive(Clone)]
pub(super) struct Outgoing {
    egress: Option<egress::Call>,
    asked_in_vain: Arc<AtomicU32>,
    log: CallLog,
    /// Bytes of request bodies that are held, of all requests together, and how many may be.
    held: Arc<AtomicUsize>,
    cap: usize,
    fault: Arc<OnceLock<Fault>>,
}

impl Outgoing {
    pub(super) fn new(
        egress: Option<egress::Call>,
        asked_in_vain: Arc<AtomicU32>,
        log: CallLog,
        cap: usize,
    ) -> Self {
        Self { egress, asked_in_vain, log, held: Arc::default(), cap, fault: Arc::default() }
    }

    /// The fault that a request ran into. Requests run beside the guest: it ends the call when the guest next meets
    /// the host.
    pub(super) fn fault(&self) -> Option<&Fault> {
        self.fault.get()
    }

    async fn send(
        &self,
        request: http::Request<WasiBody>,
        options: Option<RequestOptions>,
    ) -> Result<http::Response<WasiBody>, Error> {
        let (head, body) = request.into_parts();
        // First of all, denied or not: a guest whose body is dropped sees a reset in place of what happened. Held
        // until the request has ended.
        let mut held = Held { of: self, bytes: 0 };
        let body = held.collect(body).await?;
        let method = match head.method {
            http::Method::GET => egress::Method::Get,
            http::Method::POST => egress::Method::Post,
            other => {
                let text = format!("denied: a source asks by GET or POST, not by {other}");
                self.log.write(LogLevel::Warn, &text);
                return Err(Error::HttpRequestMethodInvalid);
            }
        };
        let headers = head.headers.iter().filter(|(name, _)| !OF_THE_CONNECTION.contains(&name.as_str()));
        let headers = headers
            .map(|(name, value)| {
                (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
            })
            .collect();
        let request = egress::Request {
            method,
            url: head.uri.to_string(),
            headers,
            body: Some(body).filter(|body| !body.is_empty()),
        };
        let answer = match &self.egress {
            None => Err(no_requests_here(&self.asked_in_vain)),
            Some(egress) => match first_byte(options) {
                None => egress.send(request).await,
                Some(longest) => within(longest, Some(egress), egress.send(request))
                    .await
                    .unwrap_or(Err(EgressError::Timeout)),
            },
        };
        let answer = answer.map_err(|error| self.error(error))?;
        let mut response = http::Response::builder().status(answer.status);
        for (name, value) in answer.headers {
            response = response.header(name, value);
        }
        response
            .body(self.stream(answer.body))
            .map_err(|error| Error::InternalError(Some(format!("the answer's head: {error}"))))
    }

    fn stream(&self, body: egress::Body) -> WasiBody {
        let outgoing = self.clone();
        let pieces = stream::unfold(Some(body), move |body| {
            let outgoing = outgoing.clone();
            async move {
                let mut body = body?;
                match body.read(MAX_READ).await {
                    Ok(piece) if piece.is_empty() => None,
                    Ok(piece) => Some((Ok(http_body::Frame::data(piece)), Some(body))),
                    Err(error) => Some((Err(outgoing.error(error)), None)),
                }
            }
        });
        StreamBody::new(pieces).boxed_unsync()
    }

    /// The error that the guest sees; one that ends the call is left for the guest's next meeting with the host.
    fn error(&self, error: EgressError) -> Error {
        if let Some(fault) = Fault::of_egress(&error) {
            return self.end(fault);
        }
        match error {
            EgressError::Denied(_) => Error::HttpRequestDenied,
            EgressError::Timeout => Error::HttpResponseTimeout,
            EgressError::TooLarge(cap) => Error::HttpResponseBodySize(Some(cap)),
            // The only case that takes the words along.
            other => Error::InternalError(Some(other.to_string())),
        }
    }

    fn end(&self, fault: Fault) -> Error {
        let text = fault.to_string();
        // The first one counts.
        let _ = self.fault.set(fault);
        Error::InternalError(Some(text))
    }
}

/// How long the guest waits for an answer to begin, connection included; by default as long as the gate.
fn first_byte(options: Option<RequestOptions>) -> Option<Duration> {
    let RequestOptions { connect_timeout, first_byte_timeout, .. } = options?;
    Some(first_byte_timeout?.saturating_add(connect_timeout.unwrap_or_default()))
}

/// A request's body that is in memory, counted.
struct Held<'a> {
    of: &'a Outgoing,
    bytes: usize,
}

impl Held<'_> {
    async fn collect(&mut self, mut body: WasiBody) -> Result<Bytes, Error> {
        let mut all = BytesMut::new();
        while let Some(frame) = body.frame().await {
            // What is no data is a trailer, and those are not sent.
            let Ok(data) = frame?.into_data() else { continue };
            self.bytes += data.len();
            if self.of.held.fetch_add(data.len(), Relaxed) + data.len() > self.of.cap {
                return Err(self.of.end(Fault::OutputFlood { cap: self.of.cap }));
            }
            all.extend_from_slice(&data);
        }
        Ok(all.freeze())
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.of.held.fetch_sub(mem::take(&mut self.bytes), Relaxed);
    }
}

type Sent = (http::Response<WasiBody>, Box<dyn Future<Output = Result<(), Error>> + Send>);

impl WasiHttpHooks for Outgoing {
    /// The gate's client says it.
    fn set_host_header(&mut self) -> bool {
        false
    }

    fn p2_outgoing_body_chunk_size(&mut self) -> usize {
        BODY_BYTES
    }

    fn send_request(
        &mut self,
        request: http::Request<WasiBody>,
        options: Option<RequestOptions>,
        _: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = Result<Sent, Error>> + Send> {
        let outgoing = self.clone();
        Box::new(async move {
            let response = outgoing.send(request, options).await?;
            let nothing_left_to_do: Box<dyn Future<Output = _> + Send> = Box::new(std::future::ready(Ok(())));
            Ok((response, nothing_left_to_do))
        })
    }
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { ctx: &mut self.http, table: &mut self.table, hooks: &mut self.outgoing }
    }
}

pub(super) fn context() -> WasiHttpCtx {
    let mut http = WasiHttpCtx::new();
    http.set_field_size_limit(HEADER_BYTES);
    http
}
