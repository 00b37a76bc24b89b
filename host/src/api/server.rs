//! Connections: how many there may be, how long each may take to say what it wants, and how they end when the host does.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{Extension, Router, extract::ConnectInfo};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;
use tower::Layer;

/// What connections may take.
#[derive(Clone, Copy)]
pub(super) struct Bounds {
    /// So many at once; others wait in the system's line.
    most: usize,
    /// How long one may take to send the head of a request, from when it could begin: idle ones end after it, too.
    head: Duration,
    /// How long answers may take to end once the host stops.
    last_words: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        // Half of the files that a process may usually have open.
        Self { most: 512, head: Duration::from_secs(30), last_words: Duration::from_secs(10) }
    }
}

/// The pause after a connection could not be taken: most often since too many files are open.
const BREATH: Duration = Duration::from_millis(500);

/// Answers until the host stops; requests under way are finished, if they are soon.
pub(super) async fn run(listener: TcpListener, router: Router, bounds: Bounds, stop: CancellationToken) {
    let places = Arc::new(Semaphore::new(bounds.most));
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &places) => accepted,
            // Those that have ended are let go.
            Some(_) = connections.join_next() => continue,
            () = stop.cancelled() => break,
        };
        if let Some((stream, peer, place)) = accepted {
            let serving = serve(stream, peer, router.clone(), bounds.head, stop.clone());
            connections.spawn(async move {
                serving.await;
                drop(place);
            });
        }
    }
    drop(listener);
    let ended = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(bounds.last_words, ended).await.is_err() {
        tracing::warn!(connections = connections.len(), "answers that did not end in time are cut off");
        connections.shutdown().await;
    }
}

/// The next connection, once there is a place for it.
async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> Option<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    // Nobody closes it.
    let place = Arc::clone(places).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, peer)) => Some((stream, peer, place)),
        Err(error) => {
            tracing::warn!("a connection could not be taken: {error}");
            tokio::time::sleep(BREATH).await;
            None
        }
    }
}

async fn serve(stream: TcpStream, peer: SocketAddr, router: Router, head: Duration, stop: CancellationToken) {
    let service = TowerToHyperService::new(Extension(ConnectInfo(peer)).layer(router));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(head)
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = &mut connection => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::trace!(%peer, "a connection broke: {error}");
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use axum::routing::get;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        sync::Notify,
        task::JoinHandle,
    };

    use super::*;

    const SOON: Duration = Duration::from_millis(200);

    /// What nobody waits for in these tests.
    const LONG: Duration = Duration::from_secs(3600);

    /// Gives where it answers, who stops it, what runs it, and who is told when something is asked that is never answered.
    async fn started(bounds: Bounds) -> (SocketAddr, CancellationToken, JoinHandle<()>, Arc<Notify>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(Notify::new());
        let never = {
            let asked = Arc::clone(&asked);
            async move || {
                asked.notify_one();
                pending::<()>().await;
            }
        };
        let router = Router::new().route("/", get(|| async { "here" })).route("/never", get(never));
        let stop = CancellationToken::new();
        let running = tokio::spawn(run(listener, router, bounds, stop.clone()));
        (address, stop, running, asked)
    }

    /// Sends something, and gives all that comes until the connection ends.
    async fn said(address: SocketAddr, what: &str) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(what.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        // One that is cut off says so in its own way.
        let _ = stream.read_to_end(&mut answer).await;
        String::from_utf8(answer).unwrap()
    }

    const ASKED: &str = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";

    #[tokio::test]
    async fn who_never_says_what_they_want_is_not_waited_for() {
        let (address, ..) = started(Bounds { head: SOON, ..Bounds::default() }).await;
        let silent = said(address, "").await;
        let slow = said(address, "GET / HTTP/1.1\r\nhost:").await;
        assert!(!silent.contains("200 OK") && !slow.contains("200 OK"), "{silent} {slow}");
        // One that has been answered, and wants no more.
        assert!(said(address, ASKED).await.ends_with("here"));
    }

    #[tokio::test]
    async fn a_connection_too_many_waits_until_another_one_ends() {
        let (address, ..) = started(Bounds { most: 1, head: SOON, ..Bounds::default() }).await;
        let first = TcpStream::connect(address).await.unwrap();
        // The first one has the only place, until it is not waited for any more.
        assert!(said(address, ASKED).await.ends_with("here"));
        drop(first);
    }

    #[tokio::test]
    async fn a_host_that_stops_waits_for_answers_and_not_for_ever() {
        let bounds = Bounds { last_words: SOON, head: LONG, ..Bounds::default() };
        let (address, stop, running, asked) = started(bounds).await;
        let unanswered = tokio::spawn(async move { said(address, &ASKED.replace(" / ", " /never ")).await });
        asked.notified().await;
        stop.cancel();
        running.await.unwrap();
        assert_eq!(unanswered.await.unwrap(), "");
    }
}
