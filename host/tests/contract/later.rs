//! The component of contract 1.0.0 in a host of contract 1.1.0, which offers and knows more.

use std::collections::VecDeque;

use wasmtime::{
    Config, Engine, Result, Store,
    component::{Component, HasSelf, Linker, Resource, ResourceTable},
};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

use crate::{old::OLD, support::manifest};

mod bindings {
    wasmtime::component::bindgen!({
        path: "tests/contract/later",
        world: "full-source",
        imports: { default: async | trappable },
        exports: { default: async },
        with: { "backfill:source/http.body": super::Rest },
    });
}

use bindings::{
    backfill::source::{clock, host, http, types},
    exports::backfill::source::{adapter, catalog, collector, forecaster},
};

/// What is left of a body. Public, since the bindings name it.
#[allow(unreachable_pub, reason = "the bindings hand it on")]
pub struct Rest(VecDeque<u8>);

/// A host that answers each request with its path's number.
struct State {
    wasi: WasiCtx,
    table: ResourceTable,
    log: Vec<String>,
    asked: Vec<String>,
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl types::Host for State {}

impl clock::Host for State {
    async fn began(&mut self) -> Result<i64> {
        Ok(0)
    }
}

impl host::Host for State {
    async fn log(&mut self, _: host::Level, message: String) -> Result<()> {
        self.log.push(message);
        Ok(())
    }

    async fn setting(&mut self, name: String) -> Result<Option<String>> {
        Ok((name == "base_url").then(|| "http://upstream".to_owned()))
    }

    async fn progress(&mut self, _: f64) -> Result<()> {
        Ok(())
    }
}

impl http::Host for State {
    async fn send(&mut self, request: http::Request) -> Result<Result<http::Response, http::Error>> {
        let body = match request.url.as_str() {
            "http://upstream/units" => "a\nb\n",
            _ => "1.5 2",
        };
        self.asked.push(request.url);
        let body = self.table.push(Rest(body.bytes().collect()))?;
        Ok(Ok(http::Response { status: 200, headers: Vec::new(), body }))
    }

    async fn send_all(
        &mut self,
        requests: Vec<http::Request>,
    ) -> Result<Vec<Result<http::Response, http::Error>>> {
        let mut answers = Vec::new();
        for request in requests {
            answers.push(self.send(request).await?);
        }
        Ok(answers)
    }
}

impl http::HostBody for State {
    async fn read(&mut self, body: Resource<Rest>, max: u32) -> Result<Result<Vec<u8>, http::Error>> {
        let rest = &mut self.table.get_mut(&body)?.0;
        let count = rest.len().min(max as usize);
        Ok(Ok(rest.drain(..count).collect()))
    }

    async fn bytes(&mut self, body: Resource<Rest>) -> Result<Result<Vec<u8>, http::Error>> {
        Ok(Ok(self.table.get_mut(&body)?.0.drain(..).collect()))
    }

    async fn drop(&mut self, body: Resource<Rest>) -> Result<()> {
        self.table.delete(body)?;
        Ok(())
    }
}

#[tokio::test]
async fn an_old_component_loads_and_works_when_the_contract_has_gained_a_version() {
    let engine = Engine::new(&Config::new()).unwrap();
    let component = Component::from_file(&engine, manifest(OLD)).unwrap();
    // As `source/imports.rs` and `source/load.rs` do it.
    let mut linker = Linker::<State>::new(&engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker).unwrap();
    bindings::FullSource::add_to_linker::<_, HasSelf<_>>(&mut linker, |state| state).unwrap();
    let pre = linker.instantiate_pre(&component).unwrap();
    let adapter = adapter::GuestIndices::new(&pre).unwrap();
    let collector = collector::GuestIndices::new(&pre).unwrap();
    let catalog = catalog::GuestIndices::new(&pre).unwrap();
    assert!(forecaster::GuestIndices::new(&pre).is_err(), "what is optional may be lacking");

    let wasi = WasiCtx::builder().build();
    let state = State { wasi, table: ResourceTable::new(), log: Vec::new(), asked: Vec::new() };
    let mut store = Store::new(&engine, state);
    let instance = pre.instantiate_async(&mut store).await.unwrap();
    let adapter = adapter.load(&mut store, &instance).unwrap();
    assert_eq!(adapter.call_describe(&mut store).await.unwrap().name, "old");
    let unit = |code: &str| types::Unit {
        code: code.to_owned(),
        name: code.to_owned(),
        capacity_mw: None,
        attributes: vec![],
    };
    let month = types::Month { year: 2024, number: 2, start: 0, end: 3600 };
    let series = adapter.call_fetch(&mut store, &unit("x"), month).await.unwrap().unwrap();
    let values: Vec<_> = series[0].measurements.iter().map(|m| m.value).collect();
    assert_eq!(values, [1.5, 2.0, 1.5, 2.0, 1.5, 2.0]);
    assert_eq!(store.data().asked.len(), 3);
    assert_eq!(store.data().log, ["x 2024-2"]);
    let failed = adapter.call_fetch(&mut store, &unit("rate-limited"), month).await.unwrap();
    assert!(matches!(failed, Err(types::Failure::RateLimited(Some(7)))), "{failed:?}");

    let collector = collector.load(&mut store, &instance).unwrap();
    let collected = collector.call_collect(&mut store, &[unit("a"), unit("b")]).await.unwrap().unwrap();
    assert_eq!(collected.len(), 2);
    let catalog = catalog.load(&mut store, &instance).unwrap();
    let listed = catalog.call_list_units(&mut store).await.unwrap().unwrap();
    assert_eq!(listed.iter().map(|unit| unit.name.as_str()).collect::<Vec<_>>(), ["A", "B"]);
}
