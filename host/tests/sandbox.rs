//! Every cap of the sandbox, proved with a component that runs into it. After each fault the next call of the
//! same source works.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests fail like tests")]

mod support;

use std::{cell::Cell, path::Path, time::Duration};

use backfill::{
    domain::{Failure, Series},
    egress::Reuse,
    source::{CallReport, Fault, LoadError, LogLevel, Source, Unusable},
};
use futures::future::join_all;
use support::{Upstream, guest, month, open, text, unit};

const CAPS: &str = r#"memory = "16MiB"
wall = "20s"
cpu = "300ms"
requests = 20
response = "64KiB"
total = "256KiB"
measurements = 10000
log = "64KiB""#;

async fn hostile(hosts: &str, caps: &str) -> Source {
    let toml = format!(
        "[[source]]\nid = \"hostile\"\ncomponent = {:?}\nhosts = [{hosts}]\nrate = \"100000/s burst 1000\"\n[source.caps]\n{caps}\n",
        guest("hostile")
    );
    open(&toml, &[]).await.unwrap()
}

async fn call(source: &Source, what: &str, url: &str) -> CallReport<Vec<Series>> {
    let month = month("2024-01");
    source.fetch(&unit(what, &[("url", url)]), month, source.window(month), Reuse::Fresh).await
}

/// The fault of a call, after making sure that the next call is not affected.
async fn fault(source: &Source, what: &str, url: &str) -> (Fault, CallReport<Vec<Series>>) {
    let report = call(source, what, url).await;
    let fault = report.outcome.clone().expect_err(what);
    assert_next_works(source, what).await;
    (fault, report)
}

async fn assert_next_works(source: &Source, what: &str) {
    let next = call(source, "fine", "").await;
    assert_eq!(next.outcome.unwrap().unwrap()[0].measurements.len(), 1, "the call after {what}");
}

async fn failure(source: &Source, what: &str, url: &str) -> Failure {
    call(source, what, url).await.outcome.unwrap().unwrap_err()
}

#[tokio::test(flavor = "current_thread")]
async fn an_endless_loop_ends_at_the_cpu_cap_and_starves_nobody_meanwhile() {
    let source = hostile("", CAPS).await;
    let came = Cell::new(0);
    let timers = async {
        for _ in 0..20 {
            // waits for a timer: how many come while the loop runs is what is counted
            tokio::time::sleep(Duration::from_millis(5)).await;
            came.set(came.get() + 1);
        }
    };
    let looping = async { (call(&source, "loop", "").await, came.get()) };
    let ((report, meanwhile), ()) = tokio::join!(looping, timers);
    assert!(report.cpu >= Duration::from_millis(300));
    assert_eq!(report.outcome.unwrap_err(), Fault::CpuDeadline { cap: Duration::from_millis(300) });
    // There is time for all. Beside a loop that starves them none comes; on a busy machine, some do.
    assert!(meanwhile >= 5, "{meanwhile} of 20 timers came beside the loop");
    assert_next_works(&source, "loop").await;
}

#[tokio::test(flavor = "current_thread")]
async fn waiting_for_a_processor_is_not_computing() {
    let alone = call(&hostile("", &CAPS.replace("300ms", "20s")).await, "compute", "").await.cpu;
    assert!(alone > Duration::from_millis(20), "{alone:?} is too short to be interrupted");
    // More than a busy machine adds to it.
    let cap = format!("{}us", 10 * alone.as_micros());
    let source = hostile("", &CAPS.replace("20s", "10m").replace("300ms", &cap)).await;
    // Of eight that share one thread, each takes eight times as long by the clock.
    let (mut cpu, mut wall) = (Duration::ZERO, Duration::ZERO);
    for report in join_all((0..8).map(|_| call(&source, "compute", ""))).await {
        assert!(report.outcome.unwrap().is_ok());
        (cpu, wall) = (cpu + report.cpu, wall + report.wall);
    }
    assert!(wall > 4 * cpu, "{cpu:?} of {wall:?}");
}

#[tokio::test]
async fn a_memory_bomb_ends_at_the_memory_cap() {
    let source = hostile("", CAPS).await;
    let (fault, report) = fault(&source, "memory-bomb", "").await;
    let Fault::OutOfMemory { cap, wanted } = fault else { panic!("{fault}") };
    assert_eq!(cap, 16 << 20);
    assert!(wanted > cap);
    assert!(report.peak_memory <= cap);
}

#[tokio::test]
async fn a_panic_is_a_trap_with_its_text_and_a_backtrace_with_symbols() {
    let source = hostile("", CAPS).await;
    let (fault, report) = fault(&source, "panic", "").await;
    let Fault::Trap { reason, backtrace } = fault else { panic!("{fault}") };
    assert!(reason.contains("the canary of panic is dead"), "{reason}");
    assert!(backtrace.contains("deep_inside"), "{backtrace}");
    assert!(report.log.iter().any(|line| line.text.contains("the canary of panic is dead")));
}

#[tokio::test]
async fn a_stack_overflow_is_a_trap() {
    let (fault, _) = fault(&hostile("", CAPS).await, "stack-overflow", "").await;
    let Fault::Trap { reason, .. } = fault else { panic!("{fault}") };
    assert!(reason.contains("stack exhausted") || reason.contains("out of bounds"), "{reason}");
}

#[tokio::test]
async fn a_flood_of_measurements_ends_at_the_cap_before_the_host_holds_them() {
    let caps = CAPS.replace("16MiB", "256MiB").replace("300ms", "20s");
    let (fault, _) = fault(&hostile("", &caps).await, "flood-of-measurements", "").await;
    assert_eq!(fault, Fault::TooManyMeasurements { cap: 10_000 });
}

#[tokio::test]
async fn a_flood_of_log_is_cut_and_the_log_says_so() {
    let report = call(&hostile("", &CAPS.replace("300ms", "20s")).await, "flood-of-log", "").await;
    assert!(report.outcome.unwrap().is_ok(), "too much to say is no reason to lose the data");
    assert!(report.log.iter().map(|line| line.text.len()).sum::<usize>() < 70_000);
    let last = report.log.last().unwrap();
    assert_eq!(last.level, LogLevel::Warn);
    assert!(last.text.contains("caps.log"), "{}", last.text);
}

#[tokio::test]
async fn handing_the_host_more_than_a_call_may_is_a_fault() {
    let caps = CAPS.replace("16MiB", "256MiB").replace("300ms", "20s");
    let (fault, _) = fault(&hostile("", &caps).await, "flood-of-words", "").await;
    assert!(matches!(fault, Fault::OutputFlood { .. }), "{fault}");
}

#[tokio::test]
async fn too_many_requests_end_the_call_one_by_one_and_at_once() {
    let upstream = Upstream::start(|_| text(200, "ok")).await;
    let source = hostile_at(&upstream, CAPS).await;
    for what in ["too-many-requests", "too-many-at-once"] {
        let (fault, _) = fault(&source, what, &upstream.url()).await;
        assert_eq!(fault, Fault::TooManyRequests { cap: 20 }, "{what}");
    }
    assert!(upstream.asked().len() <= 40, "{} requests came through", upstream.asked().len());
}

#[tokio::test]
async fn sleeping_for_ever_ends_at_the_wall_clock() {
    let (fault, report) = fault(&hostile("", &CAPS.replace("20s", "3s")).await, "sleep", "").await;
    assert_eq!(fault, Fault::WallDeadline { cap: Duration::from_secs(3) });
    assert!(report.cpu < Duration::from_millis(300), "sleeping is not computing");
}

#[tokio::test]
async fn an_upstream_that_never_answers_ends_at_the_wall_clock() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let source = hostile_with_host(&url, &CAPS.replace("20s", "3s")).await;
    let (fault, _) = fault(&source, "ask", &url).await;
    assert_eq!(fault, Fault::WallDeadline { cap: Duration::from_secs(3) });
}

#[tokio::test]
async fn a_huge_answer_is_refused_at_the_cap() {
    let upstream = Upstream::start(|_| text(200, vec![b'x'; 1 << 20])).await;
    let failure = failure(&hostile_at(&upstream, CAPS).await, "ask", &upstream.url()).await;
    assert_eq!(failure, Failure::Unavailable("Error::TooLarge(65536)".into()));
}

#[tokio::test]
async fn answers_that_come_to_too_much_together_end_the_call() {
    let upstream = Upstream::start(|_| text(200, vec![b'x'; 60 << 10])).await;
    let (fault, _) = fault(&hostile_at(&upstream, CAPS).await, "too-many-requests", &upstream.url()).await;
    assert_eq!(fault, Fault::TooManyBytes { cap: 256 << 10 });
}

#[tokio::test]
async fn a_host_that_is_not_granted_is_denied_with_the_toml_that_would_grant_it() {
    let source = hostile(r#""upstream.test""#, CAPS).await;
    let report = call(&source, "ask", "https://elsewhere.test/x").await;
    let Ok(Err(Failure::Unavailable(why))) = report.outcome else { panic!("{:?}", report.outcome) };
    assert!(why.contains("Denied") && why.contains("elsewhere.test") && why.contains("hosts ="), "{why}");
    assert!(
        report.log.iter().any(|line| line.level == LogLevel::Warn && line.text.contains("elsewhere.test"))
    );
    assert_eq!(report.usage.requests, 0);
}

#[tokio::test]
async fn loopback_private_and_link_local_addresses_are_denied() {
    let upstream = Upstream::start(|_| text(200, "secret of the machine")).await;
    let source = hostile(r#""upstream.test""#, CAPS).await;
    let port = upstream.addr.port();
    let hosts = [
        "127.0.0.1",
        "localhost",
        "0.0.0.0",
        "0x7f.1",
        "2130706433",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "10.0.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "[fd00:ec2::254]",
        "[fe80::1]",
    ];
    for host in hosts {
        let failure = failure(&source, "ask", &format!("http://{host}:{port}/")).await;
        assert!(failure.message().contains("Denied"), "{host}: {failure}");
    }
    assert!(upstream.asked().is_empty());
}

#[tokio::test]
async fn a_redirect_is_followed_only_where_it_is_granted() {
    let inside = Upstream::start(|_| text(200, "secret of the machine")).await;
    let target = inside.url();
    let upstream = Upstream::start(move |_| {
        axum::response::Response::builder().status(302).header("location", &target).body("".into()).unwrap()
    })
    .await;
    let failure = failure(&hostile_at(&upstream, CAPS).await, "ask", &upstream.url()).await;
    assert!(failure.message().contains("Denied"), "{failure}");
    assert!(inside.asked().is_empty());
}

#[tokio::test]
async fn there_is_no_environment_and_there_are_no_arguments() {
    let failure = failure(&hostile("", CAPS).await, "environment", "").await;
    assert_eq!(failure, Failure::NoData("[] []".into()));
}

#[tokio::test]
async fn there_are_no_files() {
    let failure = failure(&hostile("", CAPS).await, "files", "").await;
    assert_eq!(failure, Failure::NoData("read false write false list false".into()));
}

#[tokio::test]
async fn there_are_no_sockets() {
    let upstream = Upstream::start(|_| text(200, "")).await;
    let failure = failure(&hostile("", CAPS).await, "sockets", &upstream.url()).await;
    assert_eq!(failure, Failure::NoData("tcp false udp false".into()));
}

#[tokio::test]
async fn checking_a_unit_makes_no_request() {
    let source = hostile("", CAPS).await;
    let refused = source.check_unit(&unit("ask-while-checking", &[])).await.unwrap().unwrap_err();
    assert!(refused.contains("Denied"), "{refused}");
}

#[tokio::test]
async fn success_without_a_record_is_no_success() {
    let failure = failure(&hostile("", CAPS).await, "nothing", "").await;
    assert!(matches!(failure, Failure::Malformed(_)), "{failure}");
}

#[tokio::test]
async fn files_that_are_no_source_are_refused_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let whole = std::fs::read(guest("hostile")).unwrap();
    let cases: [(&str, &[u8], &str); 5] = [
        ("cut.wasm", &whole[..whole.len() / 2], "damaged or cut off"),
        ("module.wasm", b"\0asm\x01\0\0\0", "core module"),
        ("text.wasm", b"<html>not found</html>", "not a WebAssembly file"),
        ("empty.wasm", b"", "not a WebAssembly file"),
        ("other-world.wasm", b"\0asm\x0d\0\x01\0", "not a source of the contract backfill:source@1.0.0"),
    ];
    for (name, bytes, expected) in cases {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let error = open_file(&path, "").await;
        assert!(error.to_string().contains(expected), "{name}: {error}");
        assert!(error.to_string().contains(name), "{name}: {error}");
    }
    let missing = open_file(&folder.path().join("gone.wasm"), "").await;
    assert!(matches!(missing, Unusable::Load(LoadError::Unreadable { .. })), "{missing}");
    let pinned = open_file(&guest("hostile"), &format!("sha256 = \"{}\"", "0".repeat(64))).await;
    assert!(matches!(pinned, Unusable::Load(LoadError::DigestMismatch { .. })), "{pinned}");
}

#[tokio::test]
async fn a_setting_that_the_source_does_not_know_is_refused_with_those_it_knows() {
    let toml = format!(
        "[[source]]\nid = \"x\"\ncomponent = {:?}\n[source.settings]\nbse_url = \"http://127.0.0.1:1\"\n",
        support::plugin("elexon")
    );
    let error = open(&toml, &[]).await.err().unwrap().to_string();
    assert!(error.contains("bse_url") && error.contains("base_url"), "{error}");
}

async fn open_file(path: &Path, more: &str) -> Unusable {
    open(&format!("[[source]]\nid = \"x\"\ncomponent = {path:?}\n{more}\n"), &[]).await.err().unwrap()
}

async fn hostile_at(upstream: &Upstream, caps: &str) -> Source {
    hostile_with_host(&upstream.url(), caps).await
}

/// The hostile component asks for `upstream.test`, and for what its setting `base_url` names.
async fn hostile_with_host(url: &str, caps: &str) -> Source {
    hostile(&format!("\"{url}\""), &format!("{caps}\n[source.settings]\nbase_url = \"{url}\"")).await
}
