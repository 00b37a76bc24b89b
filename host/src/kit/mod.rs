//! The source author's kit: what tells an author, or an operator, whether a component is a good source before it meets
//! its upstream.
//!
//! * [`check`] looks at a file: its contract, its imports, what it costs to start, what it says of itself.
//! * [`conformance`] calls it in the real sandbox and through the real gate, over an upstream that fails in every way and
//!   over one that is made up ([`upstream`]), and gives a [`Verdict`](conformance::Verdict).
//! * [`cases`] are answers that were recorded, with what a source made of them.
//! * [`replay`] runs a stored attempt again, and [`shadow`] a candidate beside the component in use, over the archive.
//!
//! Nothing here asks an upstream; only the last two read the database, and none writes to it.

pub mod cases;
pub mod check;
pub mod conformance;
mod described;
mod difference;
mod kept;
mod made;
pub mod replay;
pub mod shadow;
mod stored;
pub mod upstream;

pub use difference::{Difference, Example, Reading, SeriesDifference};
pub use made::Made;
