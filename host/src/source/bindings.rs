//! The generated side of `wit/source.wit`. Nothing outside `source/` names these types.

wasmtime::component::bindgen!({
    path: "../wit",
    world: "full-source",
    imports: { default: async | trappable },
    exports: { default: async },
    with: { "backfill:source/http.body": crate::egress::Body },
});

pub(super) use self::backfill::source::{host, http, types};
pub(super) use self::exports::backfill::source::{adapter, catalog, collector};
