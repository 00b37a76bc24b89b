//! What the tests share: components that `make guests` and `make plugins` built, upstreams on loopback, and
//! sources opened from a configuration text.
#![allow(dead_code, reason = "every test binary uses a part of it")]
#![allow(unreachable_pub, reason = "shared by the modules of several test binaries")]

pub mod tls;
pub mod work_folder;

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{Arc, LazyLock, Mutex},
};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    response::Response,
    serve::Listener,
};
use backfill::{
    config,
    domain::{Month, Unit},
    egress::{LocalAllowance, Shared},
    source::{self, Engine, Source, Unusable},
};
use tempfile::TempDir;
use tokio::net::TcpListener;

/// One engine for a test binary; compiled components are kept between runs.
static ENGINE: LazyLock<Engine> =
    LazyLock::new(|| Engine::new(Some(&manifest("../target/test-components"))).expect("an engine"));

pub fn engine() -> &'static Engine {
    &ENGINE
}

pub fn manifest(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

pub fn built(path: PathBuf, how: &str) -> PathBuf {
    assert!(path.is_file(), "{} is missing: run `{how}` first (make test does)", path.display());
    path
}

/// A component of `host/tests/guests`.
pub fn guest(name: &str) -> PathBuf {
    built(manifest(&format!("tests/guests/target/wasm32-wasip2/release/{name}.wasm")), "make guests")
}

/// A component of `plugins`.
pub fn plugin(name: &str) -> PathBuf {
    built(manifest(&format!("../plugins/target/wasm32-wasip2/release/{name}.wasm")), "make plugins")
}

/// The folder of recorded answers, or `None` after saying aloud that the test is skipped.
pub fn fixtures() -> Option<PathBuf> {
    let folder = std::env::var_os("BACKFILL_FIXTURES")
        .map_or_else(|| manifest("../../shared/fixtures"), PathBuf::from);
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("SKIPPED: no recorded answers in {}; set BACKFILL_FIXTURES", folder.display());
    None
}

pub fn month(text: &str) -> Month {
    text.parse().expect("a month")
}

pub fn unit(code: &str, attributes: &[(&str, &str)]) -> Unit {
    let attributes = attributes.iter().map(|(name, value)| ((*name).into(), (*value).into()));
    Unit { code: code.into(), name: code.into(), capacity_mw: None, attributes: attributes.collect() }
}

/// Writes a configuration into a folder of its own.
pub fn configuration(text: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("backfill.toml");
    std::fs::write(&path, text).expect("a configuration");
    (folder, path)
}

/// Opens the only source of a configuration text.
pub async fn open(text: &str, env: &[(&str, &str)]) -> Result<Source, Unusable> {
    let (_folder, path) = configuration(text);
    let env: BTreeMap<String, String> =
        env.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    let env = move |name: &str| env.get(name).cloned();
    let config = config::load(&path, &env).unwrap_or_else(|problems| panic!("{problems}"));
    let shared = Shared::new(Arc::<LocalAllowance>::default());
    source::open(&config.sources[0], &env, engine(), &shared).await
}

/// What an upstream was asked: method, path and query, headers.
#[derive(Clone, Debug)]
pub struct Asked {
    pub path: String,
    pub headers: BTreeMap<String, String>,
}

/// An upstream on loopback that answers as a closure says and remembers what it was asked.
pub struct Upstream {
    pub addr: SocketAddr,
    scheme: &'static str,
    asked: Arc<Mutex<Vec<Asked>>>,
    server: tokio::task::JoinHandle<()>,
}

type Answer = Arc<dyn Fn(&Asked) -> Response + Send + Sync>;

impl Upstream {
    pub async fn start(answer: impl Fn(&Asked) -> Response + Send + Sync + 'static) -> Self {
        Self::listening("http", answer, |tcp| tcp).await
    }

    /// One with TLS, certified by this authority.
    pub async fn secured(
        authority: &tls::Authority,
        answer: impl Fn(&Asked) -> Response + Send + Sync + 'static,
    ) -> Self {
        let acceptor = authority.acceptor();
        Self::listening("https", answer, |tcp| tls::TlsListener { tcp, acceptor }).await
    }

    async fn listening<L: Listener<Addr: std::fmt::Debug>>(
        scheme: &'static str,
        answer: impl Fn(&Asked) -> Response + Send + Sync + 'static,
        listener: impl FnOnce(TcpListener) -> L,
    ) -> Self {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let state: (Answer, _) = (Arc::new(answer), Arc::clone(&asked));
        let app = Router::new().fallback(serve).with_state(state);
        let tcp = TcpListener::bind("127.0.0.1:0").await.expect("a loopback port");
        let addr = tcp.local_addr().expect("its address");
        let listener = listener(tcp);
        let server = tokio::spawn(async move {
            axum::serve(listener, app).await.expect("serving");
        });
        Self { addr, scheme, asked, server }
    }

    pub fn url(&self) -> String {
        format!("{}://{}", self.scheme, self.addr)
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().expect("the list").clone()
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn serve(State((answer, list)): State<(Answer, Arc<Mutex<Vec<Asked>>>)>, request: Request) -> Response {
    let asked = Asked {
        path: request.uri().path_and_query().map(ToString::to_string).unwrap_or_default(),
        headers: request
            .headers()
            .iter()
            .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect(),
    };
    list.lock().expect("the list").push(asked.clone());
    answer(&asked)
}

pub fn text(status: u16, body: impl Into<Body>) -> Response {
    Response::builder().status(status).body(body.into()).expect("a response")
}
