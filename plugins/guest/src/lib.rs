//! What makes a Backfill source short to write.
//!
//! A source implements [`Source`] and names itself with [`export_source!`]; everything else here is a
//! convenience around the contract `wit/source.wit`: requests ([`http`]), settings ([`setting`]), the log
//! ([`log`]) and times ([`time`]). Nothing here is required: a component generated straight from the WIT is
//! as good to the host.
//!
//! ```ignore
//! use backfill_guest::*;
//! struct Mine;
//! impl Source for Mine {
//!     fn describe() -> Description { … }
//!     fn check_unit(unit: Unit) -> Result<(), String> { Ok(()) }
//!     fn fetch(unit: Unit, month: Month) -> Result<Vec<Series>, Failure> {
//!         let rows: Vec<Row> = http::get(base_url("https://api.example.org"), "/v1/output")
//!             .query("unit", &unit.code)
//!             .send()?
//!             .ok()?
//!             .json()?;
//!         …
//!     }
//! }
//! export_source!(Mine);
//! ```
#![warn(missing_docs)]

/// The generated bindings. Private to this crate's API except through the re-exports below.
#[doc(hidden)]
#[allow(missing_docs, unreachable_pub, clippy::all, clippy::unwrap_used, clippy::expect_used)]
pub mod bindings {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "source",
        pub_export_macro: true,
        export_macro_name: "export_adapter",
        default_bindings_module: "backfill_guest::bindings",
    });
}

/// The optional `collector` interface, for upstreams that keep no history.
#[cfg(feature = "collector")]
#[doc(hidden)]
#[allow(missing_docs, unreachable_pub, clippy::all, clippy::unwrap_used, clippy::expect_used)]
pub mod collector_bindings {
    wit_bindgen::generate!({
        inline: "
            package backfill:guest;
            world collecting { export backfill:source/collector@1.0.0; }
        ",
        path: "../../wit",
        pub_export_macro: true,
        export_macro_name: "export_collector",
        default_bindings_module: "backfill_guest::collector_bindings",
        with: { "backfill:source/types@1.0.0": crate::bindings::backfill::source::types },
    });
}

/// The optional `catalog` interface, for upstreams that tell which units there are.
#[cfg(feature = "catalog")]
#[doc(hidden)]
#[allow(missing_docs, unreachable_pub, clippy::all, clippy::unwrap_used, clippy::expect_used)]
pub mod catalog_bindings {
    wit_bindgen::generate!({
        inline: "
            package backfill:guest;
            world listing { export backfill:source/catalog@1.0.0; }
        ",
        path: "../../wit",
        pub_export_macro: true,
        export_macro_name: "export_catalog",
        default_bindings_module: "backfill_guest::catalog_bindings",
        with: { "backfill:source/types@1.0.0": crate::bindings::backfill::source::types },
    });
}

#[cfg(feature = "catalog")]
pub mod catalog;
mod failure;
pub mod http;
mod series;
pub mod time;

pub use bindings::backfill::source::host::Level;
pub use bindings::backfill::source::types::{
    Description, Failure, Measurement, Month, Quantity, Series, Setting, Unit,
};
pub use bindings::exports::backfill::source::adapter::Guest as Source;
#[cfg(feature = "catalog")]
pub use catalog_bindings::exports::backfill::source::catalog::Guest as Catalog;
#[cfg(feature = "collector")]
pub use collector_bindings::exports::backfill::source::collector::Guest as Collector;

/// Exports a type that implements [`Source`] as this component's adapter. A native build (tests, benches)
/// exports nothing: its linker refuses the names.
#[macro_export]
macro_rules! export_source {
    ($source:ident) => {
        #[cfg(target_family = "wasm")]
        $crate::bindings::export_adapter!($source with_types_in $crate::bindings);
    };
}

/// Exports a type that implements `Collector` beside the adapter (feature `collector`).
#[cfg(feature = "collector")]
#[macro_export]
macro_rules! export_collector {
    ($source:ident) => {
        #[cfg(target_family = "wasm")]
        $crate::collector_bindings::export_collector!($source with_types_in $crate::collector_bindings);
    };
}

/// Exports a type that implements `Catalog` beside the adapter (feature `catalog`).
#[cfg(feature = "catalog")]
#[macro_export]
macro_rules! export_catalog {
    ($source:ident) => {
        #[cfg(target_family = "wasm")]
        $crate::catalog_bindings::export_catalog!($source with_types_in $crate::catalog_bindings);
    };
}

/// Writes a line to the task's log.
pub fn log(level: Level, message: impl AsRef<str>) {
    bindings::backfill::source::host::log(level, message.as_ref());
}

/// A value from `[source.settings]` of `backfill.toml`, or the default that the description names.
pub fn setting(name: &str) -> Option<String> {
    bindings::backfill::source::host::setting(name).filter(|value| !value.is_empty())
}

/// The setting `base_url` without a trailing slash, or the upstream's own address.
pub fn base_url(default: &str) -> String {
    setting("base_url").unwrap_or_else(|| default.to_owned()).trim_end_matches('/').to_owned()
}

impl Unit {
    /// The value of an attribute of the registry, if it is there and not blank.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.trim())
            .filter(|value| !value.is_empty())
    }
}
