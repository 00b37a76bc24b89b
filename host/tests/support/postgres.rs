//! A private Postgres for tests: one server for each test process, a database of its own for each test.
//!
//! The library's own tests take it in by its path, so it knows nothing else of the tests. The server ends with the
//! process, however that ends: `postgres.sh` holds it and waits for the end of a pipe.
//!
//! `BACKFILL_TEST_DATABASE_URL` names another server to use instead, as a role that may create databases. Without
//! any server a test is skipped, and says so; with `BACKFILL_TEST_REQUIRE_POSTGRES=1` it fails.
#![allow(dead_code, reason = "every user takes a part of it")]
#![allow(unreachable_pub, reason = "shared by the library's tests and by several test binaries")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests fail like tests")]

use std::{
    collections::HashMap,
    env,
    hash::{BuildHasher, Hasher, RandomState},
    io::{BufRead, BufReader, Write},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::{
        Arc, LazyLock, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection, postgres::PgConnectOptions};

/// What is to be set to use another server.
const OTHER: &str = "BACKFILL_TEST_DATABASE_URL";
/// What is to be set where a skipped test would be a mistake.
const REQUIRED: &str = "BACKFILL_TEST_REQUIRE_POSTGRES";

/// An empty database of its own, or `None` after saying aloud that the test is skipped.
pub async fn database() -> Option<TestDatabase> {
    let (server, url) = server_or_skip()?;
    Some(TestDatabase::create(server, &url, None).await)
}

/// The same on a server that keeps what it committed, as in production: for measurements.
pub async fn durable_database() -> Option<TestDatabase> {
    static SERVER: LazyLock<Result<Server, String>> = LazyLock::new(Server::durable);
    let (server, url) = named_or(&SERVER)?;
    Some(TestDatabase::create(server, &url, None).await)
}

/// A copy of a database that the first caller of this name in the process makes with `init`, which is given its URL
/// and must have left it when it is done. `None` after saying aloud that the test is skipped.
pub async fn database_from(template: &str, init: impl AsyncFnOnce(&str)) -> Option<TestDatabase> {
    static MADE: LazyLock<Mutex<HashMap<String, Arc<tokio::sync::OnceCell<()>>>>> =
        LazyLock::new(Mutex::default);
    let (server, url) = server_or_skip()?;
    if server.is_none() {
        // On a server that outlives the process a template would stay behind.
        let database = TestDatabase::create(None, &url, None).await;
        init(database.url()).await;
        return Some(database);
    }
    let made = Arc::clone(MADE.lock().unwrap().entry(template.to_owned()).or_default());
    let name = format!("template_{template}");
    made.get_or_init(async || {
        execute(&url, format!("DROP DATABASE IF EXISTS \"{name}\"")).await;
        execute(&url, format!("CREATE DATABASE \"{name}\"")).await;
        init(&named(&url, &name)).await;
    })
    .await;
    Some(TestDatabase::create(server, &url, Some(&name)).await)
}

/// The process's own server (`None` if another is named) and the URL of its maintenance database.
fn server_or_skip() -> Option<(Option<&'static Server>, String)> {
    static SERVER: LazyLock<Result<Server, String>> = LazyLock::new(Server::quick);
    named_or(&SERVER)
}

fn named_or(own: &'static LazyLock<Result<Server, String>>) -> Option<(Option<&'static Server>, String)> {
    if let Some(url) = env::var(OTHER).ok().filter(|url| !url.is_empty()) {
        return Some((None, url));
    }
    match &**own {
        Ok(server) => Some((Some(server), server.url("postgres"))),
        Err(why) => skip("Postgres", &format!("apt-get install postgresql, or set {OTHER}"), why),
    }
}

/// A server for one test alone, which may stop and start it, or `None` after saying aloud that the test is skipped.
pub fn own_server() -> Option<Server> {
    Server::forgetful()
        .map_or_else(|why| skip("a Postgres of its own", "apt-get install postgresql", &why), Some)
}

/// Says so past the capture of tests that pass; panics where Postgres is required.
fn skip<T>(what: &str, how: &str, why: &str) -> Option<T> {
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("a test");
    let advice = format!("{test} needs {what}: {how}. There is none: {why}");
    assert!(env::var_os(REQUIRED).is_none_or(|value| value != "1"), "{REQUIRED} is set, and {advice}");
    writeln!(std::io::stderr().lock(), "SKIPPED: {advice}").unwrap();
    None
}

/// A database that goes when this is dropped.
pub struct TestDatabase {
    url: String,
    name: String,
    maintenance: String,
    server: Option<&'static Server>,
}

impl TestDatabase {
    async fn create(server: Option<&'static Server>, maintenance: &str, template: Option<&str>) -> Self {
        let name = format!("test_{}_{}", std::process::id(), unique());
        let template = template.map(|template| format!(" TEMPLATE \"{template}\"")).unwrap_or_default();
        execute(maintenance, format!("CREATE DATABASE \"{name}\"{template}")).await;
        let url = server.map_or_else(|| named(maintenance, &name), |server| server.url(&name));
        Self { url, name, maintenance: maintenance.to_owned(), server }
    }

    /// `postgres://…`, with a password.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The same past the network, which keeps small messages back for a while; of the process's own server.
    pub fn url_of_socket(&self) -> Option<String> {
        let folder = self.server?.folder();
        Some(format!("{}?host={}", self.url, folder.display()))
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let (url, name) = (self.maintenance.clone(), self.name.clone());
        // A runtime may be running in this thread. What can't be dropped goes with the server.
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(try_execute(&url, format!("DROP DATABASE IF EXISTS \"{name}\" WITH (FORCE)")))
        });
        let _ = dropping.join();
    }
}

async fn execute(url: &str, sql: String) {
    let said = sql.clone();
    try_execute(url, sql).await.unwrap_or_else(|error| panic!("{said}: {error}"));
}

async fn try_execute(url: &str, sql: String) -> Result<(), sqlx::Error> {
    let mut connection = PgConnection::connect(url).await?;
    sqlx::query(AssertSqlSafe(sql)).execute(&mut connection).await?;
    connection.close().await
}

/// The URL of another database of the same server.
fn named(url: &str, database: &str) -> String {
    let options: PgConnectOptions = url.parse().unwrap_or_else(|error| panic!("{OTHER}: {error}"));
    options.database(database).to_url_lossy().to_string()
}

fn unique() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// A server with a folder and a port of its own. Dropping it, or the end of the process, stops and removes it.
pub struct Server {
    port: u16,
    password: String,
    folder: PathBuf,
    holder: Mutex<Holder>,
}

/// `postgres.sh` and the pipe that it waits on.
struct Holder {
    process: Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Server {
    /// One that may forget what it committed if it is stopped.
    fn quick() -> Result<Self, String> {
        Self::launch("quick")
    }

    /// One that keeps what it committed, as in production.
    fn durable() -> Result<Self, String> {
        Self::launch("durable")
    }

    /// One that keeps what it committed if somebody waited for that, and if it is stopped as little else as can be.
    fn forgetful() -> Result<Self, String> {
        Self::launch("forgetful")
    }

    fn launch(certainty: &str) -> Result<Self, String> {
        let binaries = binaries().ok_or("no folder has initdb and postgres")?;
        let password = format!("{:016x}", random());
        let mut process = shell()
            .args([binaries.as_os_str(), password.as_ref(), certainty.as_ref()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // What ends a test from the keyboard must not reach the server before its holder.
            .process_group(0)
            .spawn()
            .map_err(|error| format!("postgres.sh can't be run: {error}"))?;
        let orders = process.stdin.take();
        let answers = BufReader::new(process.stdout.take().expect("a pipe"));
        let mut holder = Holder { process, orders, answers };
        let folder = PathBuf::from(holder.answer()?);
        // Below the ports that a system gives to outgoing connections. Somebody else may still have it: then another.
        for _ in 0..20 {
            let port = 20_000 + u16::try_from(random() % 12_000).expect("a small number");
            if holder.order(&format!("start {port}"))? == "ready" {
                return Ok(Self { port, password, folder, holder: Mutex::new(holder) });
            }
        }
        Err(format!("it does not start:\n{}", log(&folder)))
    }

    /// `postgres://…` of one of its databases; `postgres` is always there.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://backfill:{}@127.0.0.1:{}/{database}", self.password, self.port)
    }

    /// The folder that goes with it.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Ends it at once: connections break, transactions are lost, and the next start recovers from the log.
    pub fn stop(&self) {
        assert_eq!(self.holder.lock().unwrap().order("stop").unwrap(), "stopped");
    }

    /// Starts it after a stop, with the same port and data.
    pub fn start(&self) {
        let answer = self.holder.lock().unwrap().order(&format!("start {}", self.port)).unwrap();
        assert_eq!(answer, "ready", "{}", log(&self.folder));
    }
}

impl Holder {
    fn order(&mut self, order: &str) -> Result<String, String> {
        let orders = self.orders.as_mut().expect("it is not dropped yet");
        writeln!(orders, "{order}").map_err(|error| format!("postgres.sh is gone: {error}"))?;
        self.answer()
    }

    fn answer(&mut self) -> Result<String, String> {
        let mut line = String::new();
        match self.answers.read_line(&mut line) {
            Ok(0) => Err("postgres.sh ended by itself".to_owned()),
            Ok(_) => Ok(line.trim().to_owned()),
            Err(error) => Err(format!("postgres.sh can't be heard: {error}")),
        }
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        drop(self.orders.take());
        let _ = self.process.wait();
    }
}

/// The end of a server's log.
fn log(folder: &Path) -> String {
    let text = std::fs::read_to_string(folder.join("log")).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(20)..].join("\n")
}

/// A shell that runs `postgres.sh`; its arguments are to follow. Postgres refuses to run as root, so root becomes
/// the user that Debian's package made.
fn shell() -> Command {
    const SCRIPT: &str = include_str!("postgres.sh");
    let is_root =
        Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.trim_ascii() == b"0");
    let run: &[&str] = if !is_root {
        &["sh", "-c", SCRIPT]
    } else if on_path("setpriv").is_some() {
        &["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "sh", "-c", SCRIPT]
    } else {
        &["su", "postgres", "-s", "/bin/sh", "-c", SCRIPT, "--"]
    };
    let mut command = Command::new(run[0]);
    command.args(&run[1..]).arg("postgres.sh");
    command
}

/// The folder of Postgres's programs: in the path, where `pg_config` says, or the newest of Debian's.
fn binaries() -> Option<PathBuf> {
    // Postgres looks for its other files beside itself, so a link in the path is followed.
    let in_path = on_path("initdb").and_then(|initdb| Some(initdb.canonicalize().ok()?.parent()?.to_owned()));
    let configured = Command::new("pg_config").arg("--bindir").stderr(Stdio::null()).output().ok();
    let configured =
        configured.and_then(|output| Some(PathBuf::from(String::from_utf8(output.stdout).ok()?.trim())));
    let version = |folder: &PathBuf| folder.file_name().and_then(|name| name.to_str()?.parse::<u32>().ok());
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut versions: Vec<PathBuf> = versions.map(|entry| entry.path()).collect();
    versions.sort_by_key(|folder| std::cmp::Reverse(version(folder)));
    let versions = versions.into_iter().map(|folder| folder.join("bin"));
    let has_both = |folder: &PathBuf| ["initdb", "postgres"].iter().all(|name| folder.join(name).is_file());
    in_path.into_iter().chain(configured).chain(versions).find(has_both)
}

fn on_path(program: &str) -> Option<PathBuf> {
    let folders = env::var_os("PATH")?;
    env::split_paths(&folders).map(|folder| folder.join(program)).find(|path| path.is_file())
}
