//! What the host offers to a component: `http`, `host` and the (empty) rest of WASI.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use wasmtime::component::{HasSelf, Linker, Resource};

use super::{
    bindings::{self, host, http, types},
    engine::Engine,
    fault::Fault,
    log::LogLevel,
    state::State,
};
use crate::egress::{self, EgressError};

/// The most that one `body.read` hands over; a guest that asks for more gets it in several reads.
pub(super) const MAX_READ: usize = 8 << 20;

/// A linker with everything that a component of the contract may import. All of WASI 0.2 is there because a
/// Rust guest imports parts of it that it never uses; `wasi:http` only for a source whose configuration says so.
pub(super) fn linker(engine: &Engine, wasi_http: bool) -> wasmtime::Result<Linker<State>> {
    let mut linker = Linker::new(&engine.wasm);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    if wasi_http {
        wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
    }
    bindings::FullSource::add_to_linker::<_, HasSelf<_>>(&mut linker, |state| state)?;
    Ok(linker)
}

impl types::Host for State {}

impl host::Host for State {
    async fn log(&mut self, level: host::Level, message: String) -> wasmtime::Result<()> {
        let level = match level {
            host::Level::Debug => LogLevel::Debug,
            host::Level::Info => LogLevel::Info,
            host::Level::Warn => LogLevel::Warn,
            host::Level::Error => LogLevel::Error,
        };
        self.log.write(level, &message);
        Ok(())
    }

    async fn setting(&mut self, name: String) -> wasmtime::Result<Option<String>> {
        Ok(self.settings.get(&name).cloned())
    }
}

impl http::Host for State {
    async fn send(
        &mut self,
        request: http::Request,
    ) -> wasmtime::Result<Result<http::Response, http::Error>> {
        let answer = match &self.egress {
            Some(egress) => egress.send(into_request(request)).await,
            None => Err(no_requests_here(&self.asked_in_vain)),
        };
        self.answer(answer)
    }

    async fn send_all(
        &mut self,
        requests: Vec<http::Request>,
    ) -> wasmtime::Result<Vec<Result<http::Response, http::Error>>> {
        let answers = match &self.egress {
            Some(egress) => egress.send_all(requests.into_iter().map(into_request).collect()).await,
            None => requests.iter().map(|_| Err(no_requests_here(&self.asked_in_vain))).collect(),
        };
        answers.into_iter().map(|answer| self.answer(answer)).collect()
    }
}

impl http::HostBody for State {
    async fn read(
        &mut self,
        body: Resource<egress::Body>,
        max: u32,
    ) -> wasmtime::Result<Result<Vec<u8>, http::Error>> {
        let max = usize::try_from(max).map_or(MAX_READ, |max| max.min(MAX_READ));
        let piece = self.table.get_mut(&body)?.read(max).await;
        body_piece(piece)
    }

    async fn bytes(
        &mut self,
        body: Resource<egress::Body>,
    ) -> wasmtime::Result<Result<Vec<u8>, http::Error>> {
        let rest = self.table.get_mut(&body)?.rest().await;
        body_piece(rest)
    }

    async fn drop(&mut self, body: Resource<egress::Body>) -> wasmtime::Result<()> {
        self.table.delete(body)?;
        Ok(())
    }
}

impl State {
    fn answer(
        &mut self,
        answer: Result<egress::Response, EgressError>,
    ) -> wasmtime::Result<Result<http::Response, http::Error>> {
        match answer {
            Ok(response) => {
                let body = self.table.push(response.body)?;
                Ok(Ok(http::Response { status: response.status, headers: response.headers, body }))
            }
            Err(error) => Ok(Err(into_error(error)?)),
        }
    }
}

fn body_piece(piece: Result<bytes::Bytes, EgressError>) -> wasmtime::Result<Result<Vec<u8>, http::Error>> {
    match piece {
        Ok(bytes) => Ok(Ok(bytes.into())),
        Err(error) => Ok(Err(into_error(error)?)),
    }
}

fn into_request(request: http::Request) -> egress::Request {
    egress::Request {
        method: match request.method {
            http::Method::Get => egress::Method::Get,
            http::Method::Post => egress::Method::Post,
        },
        url: request.url,
        headers: request.headers,
        body: request.body.map(Into::into),
    }
}

/// The error that the guest sees, or the fault that ends its call.
fn into_error(error: EgressError) -> wasmtime::Result<http::Error> {
    if let Some(fault) = Fault::of_egress(&error) {
        return Err(fault.into());
    }
    Ok(match error {
        EgressError::Denied(why) => http::Error::Denied(why),
        EgressError::Timeout => http::Error::Timeout,
        EgressError::TooLarge(cap) => http::Error::TooLarge(cap),
        other => http::Error::Transport(other.to_string()),
    })
}

/// Counts a request where none may be made, and refuses it.
pub(super) fn no_requests_here(asked_in_vain: &AtomicU32) -> EgressError {
    asked_in_vain.fetch_add(1, Relaxed);
    EgressError::Denied("describe and check-unit may make no request".into())
}
