//! The Backfill host: plans unit × month tasks, runs sources as sandboxed WebAssembly components, and stores
//! what they return without duplicates.
//!
//! One direction of dependency: `cli → worker → store, source`; `source → egress`; `store`, `egress` and
//! `domain` do not know each other. wasmtime types stay in `source`, sqlx types in `store`.

pub mod domain;
