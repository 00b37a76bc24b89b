//! The Backfill host: plans unit × month tasks, runs sources as sandboxed WebAssembly components, and stores
//! what they return without duplicates.
//!
//! One direction of dependency: `cli → worker → store, source`; `cli → notify → store, egress`; `source → egress`;
//! `store`, `egress` and `domain` do not know each other. wasmtime types stay in `source`, sqlx types in `store`.

pub mod api;
pub mod cli;
pub mod clock;
pub mod config;
pub mod domain;
pub mod egress;
pub mod export;
pub mod importing;
pub mod kit;
pub mod notify;
pub mod observe;
pub mod planning;
pub mod registry_file;
pub mod reload;
pub mod schedules;
pub mod source;
pub mod store;
pub mod worker;
