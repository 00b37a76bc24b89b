//! The WebAssembly side: components are loaded, checked, and called, each call in a sandbox of its own.
//!
//! wasmtime's types stay in this folder. The rest of the host sees [`Registry`], [`Source`] and what a call
//! gives back: [`CallReport`] with two layers, an outer [`Fault`] (the sandbox ended the call) and an inner
//! [`Failure`](crate::domain::Failure) (what the source said).

mod admit;
mod again;
mod bindings;
mod call;
mod check;
pub mod contract;
mod convert;
mod describe;
mod engine;
mod entry;
mod examine;
mod fault;
mod imports;
mod inspect;
mod limits;
mod load;
mod log;
mod news;
mod obtain;
mod open;
mod outgoing;
mod registry;
mod renew;
mod state;
mod succession;
mod trial;
mod versions;

pub use crate::egress::Probe;
pub use admit::{Admitted, admit};
pub use call::{CallReport, Collected, EMPTY_SUCCESS, Source};
pub use check::SourceCheck;
pub use contract::CONTRACT;
pub use describe::{Description, Said, Setting};
pub use engine::Engine;
pub use entry::{Entry, Refused};
pub use examine::{Examine, Examined};
pub use fault::Fault;
pub use inspect::{Import, Inspection, Kind, Provided, inspect};
pub use limits::Caps;
pub use load::LoadError;
pub use log::{LogLevel, LogLine};
pub use obtain::{digest_of, sha256};
pub use open::{Unusable, open, open_file};
pub use registry::Registry;
pub use renew::Renewed;
pub use state::World;
pub use trial::Small;
pub use versions::{Version, versions};
