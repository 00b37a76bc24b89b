//! What a sandbox costs when nothing is done in it, and what it takes to open the four sources.

use std::time::{Duration, Instant};

use anyhow::ensure;
use backfill::{
    domain::{Month, Unit},
    egress::Reuse,
    source::Engine,
};
use wasmtime::component::{Component, Linker};

use crate::{report::Report, sources, turns};

const CALLS: u32 = 200;
const TURNS: usize = 25;

pub(crate) async fn measure(report: &mut Report) -> anyhow::Result<()> {
    report.progress("a sandbox call without work");
    sandbox_call(report).await?;
    report.progress("opening the four sources, cold and from the cache");
    start(report).await
}

async fn sandbox_call(report: &mut Report) -> anyhow::Result<()> {
    let path = sources::guest("hostile");
    let source =
        sources::open(&sources::entry("idle", &path), &sources::engine()?, &sources::shared()).await?;
    let unit = Unit { code: "fine".into(), name: "idle".into(), capacity_mw: None, attributes: [].into() };
    let month: Month = "2024-01".parse()?;
    let window = source.window(month);

    let bare = wasmtime::Engine::default();
    let component = Component::from_file(&bare, &path)?;
    let mut linker = Linker::<()>::new(&bare);
    linker.define_unknown_imports_as_traps(&component)?;
    let ready = linker.instantiate_pre(&component)?;

    let call = async || {
        let began = Instant::now();
        for _ in 0..CALLS {
            let report = source.fetch(&unit, month, window, Reuse::Fresh).await;
            ensure!(matches!(report.outcome, Ok(Ok(_))), "{:?}", report.outcome);
        }
        Ok(began.elapsed() / CALLS)
    };
    let instantiate = async || {
        let began = Instant::now();
        for _ in 0..CALLS {
            ready.instantiate(wasmtime::Store::new(&bare, ()))?;
        }
        Ok(began.elapsed() / CALLS)
    };
    let (call, instantiate) = turns::best(TURNS, call, instantiate).await?;
    let us = |time: Duration| time.as_secs_f64() * 1e6;
    report.add(
        "sandbox-call",
        "µs",
        us(call),
        us(instantiate),
        "bare wasmtime: the same component instantiated with defaults, never called",
    );
    Ok(())
}

/// Opening is hashing, compiling or reading compiled code, linking, and a trial call of `describe`.
async fn start(report: &mut Report) -> anyhow::Result<()> {
    let kept = tempfile::tempdir()?;
    open_all(&Engine::new(Some(kept.path()))?).await?;
    let cached = async || open_all(&Engine::new(Some(kept.path()))?).await;
    let cold = async || open_all(&Engine::new(None)?).await;
    let (cached, cold) = turns::best(3, cached, cold).await?;
    report.add(
        "start-cached",
        "ms",
        turns::ms(cached),
        turns::ms(cold),
        "the same without compiled code kept",
    );
    report.add("start-cold", "ms", turns::ms(cold), turns::ms(cached), "the same with compiled code kept");
    Ok(())
}

async fn open_all(engine: &Engine) -> anyhow::Result<Duration> {
    let text: String =
        ["entsoe", "elexon", "eia", "taipower"].map(|id| sources::entry(id, &sources::plugin(id))).concat();
    let config = sources::configuration(&text)?;
    let began = Instant::now();
    let registry = backfill::source::Registry::load(&config, &|_| None, engine, &sources::shared()).await;
    let took = began.elapsed();
    for (id, source) in registry.all() {
        ensure!(source.is_ok(), "{id} can't be opened; `make plugins` builds it");
    }
    Ok(took)
}
