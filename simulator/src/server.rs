//! Listening, and what happens to every request before and after its upstream answers it.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tower::ServiceExt;

use crate::fault::effects::{Effects, Instead};
use crate::fault::schedule::Met;
use crate::fault::{Api, Fault, FaultKind, body};
use crate::log::LogEntry;
use crate::options::Options;
use crate::query::Query;
use crate::world::World;
use crate::{admin, clock, eia, elexon, entsoe, taipower};

/// A running simulator. It stops when dropped.
#[derive(Debug)]
pub struct Simulator {
    addr: SocketAddr,
    world: Arc<World>,
    server: JoinHandle<()>,
}

/// Starts a simulator on the current Tokio runtime; it answers as soon as this returns.
///
/// # Errors
/// If the address can't be bound.
pub async fn start(options: Options) -> anyhow::Result<Simulator> {
    let bind = options.bind;
    let listener = TcpListener::bind(bind)
        .await
        .with_context(|| format!("can't listen on {bind}; is the port taken? Port 0 finds a free one"))?;
    let addr = listener.local_addr().context("the listener has no address")?;
    let world = Arc::new(World::new(options));
    let server = tokio::spawn(serve(listener, router(Arc::clone(&world))));
    Ok(Simulator { addr, world, server })
}

impl Simulator {
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// `http://127.0.0.1:PORT`, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Every request answered so far, in the order of the answers.
    #[must_use]
    pub fn log(&self) -> Vec<LogEntry> {
        self.world.log.entries()
    }

    /// How many requests are under way, each from its arrival to its answer's end: those that a latency holds back,
    /// too, of which the log knows nothing yet.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.world.log.in_flight()
    }

    pub fn clear_log(&self) {
        self.world.log.clear();
    }

    /// Replaces all faults; those that count begin anew, and a latency that is being waited for ends.
    pub fn set_faults(&self, faults: Vec<Fault>) {
        self.world.faults.set(faults);
    }

    /// Closes the port and every connection.
    pub async fn stop(mut self) {
        self.server.abort();
        // The only outcome is that it was cancelled.
        let _ = (&mut self.server).await;
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.server.abort();
    }
}

fn router(world: Arc<World>) -> Router {
    let upstreams = Router::new()
        .route("/api", get(entsoe::answer))
        .merge(elexon::routes())
        .route("/v2/{*route}", get(eia::answer))
        .merge(taipower::routes())
        .fallback(async || StatusCode::NOT_FOUND)
        .layer(middleware::from_fn_with_state(Arc::clone(&world), upstream));
    admin::routes().merge(upstreams).with_state(world)
}

async fn serve(listener: TcpListener, app: Router) {
    // Dropped with this task, and every connection with it.
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(connection(stream, app.clone()));
                }
                Err(error) => {
                    // Out of file descriptors, most likely: wait for some to come free.
                    tracing::warn!(%error, "a connection was not accepted");
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            },
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
        }
    }
}

/// Marks a response that must never be sent.
#[derive(Clone)]
struct NeverSent;

async fn connection(stream: TcpStream, app: Router) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "answers may be delayed");
    }
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let app = app.clone();
        async move {
            let response = match app.oneshot(request.map(Body::new)).await {
                Ok(response) => response,
                Err(never) => match never {},
            };
            match response.extensions().get::<NeverSent>() {
                Some(NeverSent) => Err(io::Error::new(io::ErrorKind::ConnectionAborted, "cut by a fault")),
                None => Ok(response),
            }
        }
    });
    let served =
        http1::Builder::new().timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), service);
    if let Err(error) = served.await {
        tracing::debug!(%error, "a connection ended early");
    }
}

/// Meets the faults, asks the upstream, writes the log.
async fn upstream(State(world): State<Arc<World>>, request: Request, next: Next) -> Response {
    let at = clock::now();
    let path = request.uri().path().to_owned();
    let Some(api) = Api::of_path(&path) else {
        return next.run(request).await;
    };
    let query = Query::parse(request.uri().query().unwrap_or_default()).without_secrets();
    let met = world.faults.meet(api, &path, &query);
    let entry = LogEntry {
        at,
        ended: None,
        method: request.method().to_string(),
        path,
        query,
        api: api.name(),
        status: 0,
        fault: (!met.kinds.is_empty())
            .then(|| met.kinds.iter().map(FaultKind::name).collect::<Vec<_>>().join("+")),
        in_flight: 0,
    };
    let in_flight = world.log.enter(entry);
    let response = answer(met, request, next).await;
    let cut = response.extensions().get::<NeverSent>().is_some();
    let status = if cut { 0 } else { response.status().as_u16() };
    in_flight.answer(response, status)
}

async fn answer(mut met: Met, mut request: Request, next: Next) -> Response {
    let effects = Effects::of(&met.kinds);
    if !effects.latency.is_zero() {
        // Elapsed or replaced, it is over either way.
        let _ = tokio::time::timeout(effects.latency, met.replaced()).await;
    }
    if let Some(instead) = effects.instead {
        return replacement(instead);
    }
    request.extensions_mut().insert(effects.content);
    match effects.ending {
        None => next.run(request).await,
        Some(ending) => {
            // Plain bytes break off more visibly than compressed ones.
            request.headers_mut().remove(header::ACCEPT_ENCODING);
            body::break_off(next.run(request).await, ending)
        }
    }
}

fn replacement(instead: Instead) -> Response {
    match instead {
        Instead::Cut => {
            let mut response = Response::default();
            response.extensions_mut().insert(NeverSent);
            response
        }
        Instead::Garbage => body::garbage().into_response(),
        Instead::Nothing => StatusCode::OK.into_response(),
        Instead::Status { status, retry_after, body } => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            let page = format!("<html><head><title>{status}</title></head><body>{status}</body></html>");
            let mut response = (status, body.unwrap_or(page)).into_response();
            let headers = response.headers_mut();
            if let Some(wait) = retry_after.and_then(|wait| HeaderValue::from_str(&wait).ok()) {
                headers.insert(header::RETRY_AFTER, wait);
            }
            response
        }
    }
}
