//! The egress policy: the one gate between sandboxed sources and the network.
//!
//! The way of a request ([`Call::send`]): caps → what a source may not set ([`request`]) → grant ([`grant`]) →
//! key ([`key`]) → joined with an identical one under way ([`coalesce`]) → kept answer, if it is fresh → a place
//! and a slot of the rate limit ([`pace`]) → credential → connection to a checked address ([`resolve`]) →
//! redirects, each checked again ([`redirect`]) → download, redacted and capped ([`download`]) → archive and
//! index → the source.
//!
//! A [`Stage`] can play the upstream from the kept answer on, for replays and trials; a [`Recording`] takes down what
//! a call asked and was answered.
//!
//! What must hold: the credential is in a request from [`credential`] on and nowhere else; whatever comes back
//! passes [`redact`] before anything else sees it. Messages of the host itself go out by [`Courier`], which holds
//! them to the same rules for addresses. This module knows neither wasmtime nor the database; the
//! latter stands behind [`Allowance`] and [`AnswerIndex`].

mod address;
mod allowance;
mod archive;
mod body;
mod bucket;
mod client;
mod coalesce;
mod component;
mod content;
mod credential;
mod denial;
mod document;
mod download;
mod error;
mod fetch;
mod gate;
mod grant;
mod index;
mod keep;
mod key;
mod line;
mod pace;
mod policy;
mod post;
mod probe;
mod pull;
mod rate;
mod record;
mod redact;
mod redirect;
mod registry;
mod request;
mod resolve;
mod sink;
mod stage;
#[cfg(test)]
mod tests;
mod wait;

pub use allowance::{Allowance, LocalAllowance};
pub use archive::Archive;
pub use body::Body;
pub use bucket::Bucket;
pub use component::{Missed, download};
pub use credential::{Credential, MIN_SECRET};
pub use document::Documents;
pub use error::{CapExceeded, EgressError};
pub use gate::{Call, Gate, Log, Reuse, Usage};
pub use grant::{Grant, intersect};
pub use index::{AnswerIndex, KeptAnswer, NewAnswer};
pub use policy::{Answers, Policy, Shared};
pub use post::{Courier, Reply};
pub use probe::Probe;
pub use rate::{Rate, Slot};
pub use record::{Exchange, Heard, Recording};
pub use redact::REDACTED;
pub use registry::{ComponentRegistry, published_component};
pub use request::{Method, Request, Response};
pub use resolve::{Lookup, SystemLookup};
pub use stage::{Asked, Played, Stage};
