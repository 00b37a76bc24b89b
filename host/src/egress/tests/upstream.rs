//! An upstream on loopback that answers byte for byte what a test says.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// What to write before the connection is closed.
pub(super) struct Reply {
    bytes: Vec<u8>,
    /// Written again and again until the other side hangs up.
    endless: Vec<u8>,
    /// After each time.
    pause: Duration,
}

impl Reply {
    pub(super) fn new(status: &str, headers: &[&str], body: impl AsRef<[u8]>) -> Self {
        let body = body.as_ref();
        let length = format!("content-length: {}", body.len());
        let lines = [&[length.as_str(), "connection: close"], headers].concat();
        Self::raw(&[format!("HTTP/1.1 {status}\r\n{}\r\n\r\n", lines.join("\r\n")).as_bytes(), body].concat())
    }

    pub(super) fn ok(body: impl AsRef<[u8]>) -> Self {
        Self::new("200 OK", &[], body)
    }

    pub(super) fn raw(bytes: &[u8]) -> Self {
        Self { bytes: bytes.to_vec(), endless: vec![], pause: Duration::ZERO }
    }

    pub(super) fn endless() -> Self {
        let head = b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n".to_vec();
        Self { bytes: head, endless: vec![b'x'; 1 << 16], pause: Duration::ZERO }
    }

    /// A byte, and after each pause another one.
    pub(super) fn trickling(pause: Duration) -> Self {
        Self { endless: vec![b'x'], pause, ..Self::endless() }
    }
}

/// A running upstream.
pub(super) struct Upstream {
    pub(super) port: u16,
    scheme: &'static str,
    heard: Arc<Mutex<Vec<String>>>,
}

type Answer = dyn Fn(usize, String) -> BoxFuture<'static, Reply> + Send + Sync;

impl Upstream {
    /// Answers the n-th request (from 0) with what `answer` makes of it, head and body as text.
    pub(super) async fn start(answer: impl Fn(usize, &str) -> Reply + Send + Sync + 'static) -> Self {
        Self::held(at_once(answer)).await
    }

    /// The same, for answers that wait for something.
    pub(super) async fn held(
        answer: impl Fn(usize, String) -> BoxFuture<'static, Reply> + Send + Sync + 'static,
    ) -> Self {
        Self::listening(None, Arc::new(answer)).await
    }

    /// One with TLS.
    pub(super) async fn secured(
        tls: TlsAcceptor,
        answer: impl Fn(usize, &str) -> Reply + Send + Sync + 'static,
    ) -> Self {
        Self::listening(Some(tls), Arc::new(at_once(answer))).await
    }

    async fn listening(tls: Option<TlsAcceptor>, answer: Arc<Answer>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let scheme = if tls.is_some() { "https" } else { "http" };
        let upstream = Self { port, scheme, heard: Arc::clone(&heard) };
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let (heard, answer, tls) = (Arc::clone(&heard), Arc::clone(&answer), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        None => serve(socket, &heard, &*answer).await,
                        Some(tls) => {
                            if let Ok(socket) = tls.accept(socket).await {
                                serve(socket, &heard, &*answer).await;
                            }
                        }
                    }
                });
            }
        });
        upstream
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("{}://127.0.0.1:{}{path}", self.scheme, self.port)
    }

    pub(super) fn grant(&self) -> String {
        self.url("")
    }

    /// Every request so far.
    pub(super) fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }
}

fn at_once(
    answer: impl Fn(usize, &str) -> Reply + Send + Sync + 'static,
) -> impl Fn(usize, String) -> BoxFuture<'static, Reply> + Send + Sync + 'static {
    move |number, request| {
        let reply = answer(number, &request);
        async move { reply }.boxed()
    }
}

async fn serve(mut socket: impl AsyncRead + AsyncWrite + Unpin, heard: &Mutex<Vec<String>>, answer: &Answer) {
    let Some(request) = read(&mut socket).await else { return };
    let number = {
        let mut heard = heard.lock().unwrap();
        heard.push(request.clone());
        heard.len() - 1
    };
    let reply = answer(number, request).await;
    let mut written = socket.write_all(&reply.bytes).await;
    while written.is_ok() && !reply.endless.is_empty() {
        written = socket.write_all(&reply.endless).await.and(socket.flush().await);
        tokio::time::sleep(reply.pause).await;
    }
    let _ = socket.shutdown().await;
}

async fn read(socket: &mut (impl AsyncRead + Unpin)) -> Option<String> {
    let mut request = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&request).to_lowercase();
        if let Some(end) = text.find("\r\n\r\n") {
            let length = text.split("content-length: ").nth(1).and_then(|it| it.split("\r\n").next());
            let length: usize = length.map_or(0, |it| it.parse().unwrap());
            if request.len() >= end + 4 + length {
                return Some(String::from_utf8_lossy(&request).into_owned());
            }
        }
        if socket.read_buf(&mut request).await.ok()? == 0 {
            return None;
        }
    }
}
