//! The source author's kit: what tells an author, or an operator, whether a component is a good source before it meets
//! its upstream.
//!
//! * [`check`] looks at a file: its contract, its imports, what it costs to start, what it says of itself.
//! * [`conformance`] calls it in the real sandbox and through the real gate, over an upstream that fails in every way and
//!   over one that is made up ([`upstream`]), and gives a [`Verdict`](conformance::Verdict).
//!
//! Nothing here touches the network or the database.

pub mod check;
pub mod conformance;
mod described;
pub mod upstream;
