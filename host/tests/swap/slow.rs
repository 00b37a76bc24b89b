//! Servers that are slow to give a component: nobody else waits for them.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::body::{Body, Bytes};
use backfill::{
    config,
    egress::{LocalAllowance, Shared},
    source::Registry as Sources,
};
use futures::stream;

use crate::{
    Component, World,
    host::Host,
    support::{Upstream, engine, text},
};

/// A server that begins to answer with a component, and sends nothing of it until it may.
struct Slow {
    server: Upstream,
    open: Arc<AtomicBool>,
    component: Component,
}

impl Slow {
    async fn of(component: Component) -> Self {
        let open = Arc::new(AtomicBool::new(false));
        let (may, bytes) = (Arc::clone(&open), component.bytes.clone());
        let server = Upstream::start(move |_| {
            if may.load(Ordering::Relaxed) {
                return text(200, bytes.clone());
            }
            text(200, Body::from_stream(stream::pending::<Result<Bytes, std::io::Error>>()))
        })
        .await;
        Self { server, open, component }
    }

    /// `component` of the configuration.
    fn component(&self) -> String {
        format!("{{ url = \"{}/parks.wasm\", private = true }}", self.server.url())
    }

    fn pin(&self) -> String {
        format!("sha256 = {:?}", self.component.digest)
    }

    /// Waits until somebody downloads.
    async fn is_asked(&self) {
        let begun = std::time::Instant::now();
        while self.server.asked().is_empty() {
            assert!(begun.elapsed().as_secs() < 120, "nobody asks");
            tokio::time::sleep(Duration::from_millis(10)).await; // waits for the host
        }
    }
}

#[tokio::test]
async fn who_is_slow_to_give_a_component_keeps_no_other_source_from_starting() {
    let world = World::new().await;
    let slow = Slow::of(Component::second()).await;
    world.write_config(&slow.component(), &slow.pin(), &world.second_source("parks.wasm"));
    let config = config::load(&world.folder.path("backfill.toml"), &|_| None).unwrap();
    let engine = engine().clone().keeping(&world.folder.path("kept"));
    let shared = Shared::new(Arc::<LocalAllowance>::default());
    let patience = Duration::from_millis(300);
    let sources = Sources::load_within(patience, &config, &|_| None, &engine, &shared).await;
    assert!(sources.get("others").unwrap().is_ok());
    let why = sources.get("parks").unwrap().err().unwrap().to_string();
    assert!(why.contains("has not come within 300ms"), "{why}");
    assert!(sources.wants_another_try());

    slow.open.store(true, Ordering::Relaxed);
    sources.apply(&config, &|_| None, &[]).await;
    assert_eq!(sources.get("parks").unwrap().unwrap().digest(), slow.component.digest);
    assert!(!sources.wants_another_try());
    // What is here is not waited for: no patience at all is enough.
    let again = Sources::load_within(Duration::ZERO, &config, &|_| None, &engine, &shared).await;
    assert!(again.get("parks").unwrap().is_ok());
}

#[tokio::test]
async fn a_host_that_waits_for_a_download_to_start_can_be_stopped() {
    let world = World::new().await;
    let slow = Slow::of(Component::second()).await;
    world.write_config(&slow.component(), &slow.pin(), "");
    let mut host = Host::spawn(&world.folder, &["worker"]);
    slow.is_asked().await;
    host.signal("-TERM");
    host.says("stopped, before it was ready").await;
    assert_eq!(host.ended().await, Some(0));
}

#[tokio::test]
async fn while_one_source_is_downloaded_another_changes_and_the_host_can_be_stopped() {
    let world = World::new().await;
    std::fs::copy(world.component(), world.folder.path("others.wasm")).unwrap();
    world.write_config("parks.wasm", "", &world.second_source("others.wasm"));
    let mut host = Host::start(&world.folder, &["worker"]).await;
    let slow = Slow::of(Component::third()).await;
    world.write_config(&slow.component(), &slow.pin(), &world.second_source("others.wasm"));
    slow.is_asked().await;
    std::fs::write(world.folder.path("others.wasm"), Component::second().bytes).unwrap();
    let said = host.says("new attempts use 0.2.0").await;
    assert!(said.contains("others"), "{said}");
    assert_eq!(slow.server.asked().len(), 1, "the download goes on");
    host.signal("-TERM");
    assert_eq!(host.ended().await, Some(0));
}
