//! The source author's kit: what tries a component before it is trusted, with what its upstream once answered.

pub mod cases;
mod difference;
mod kept;
mod made;
pub mod replay;
pub mod shadow;
mod stored;

pub use difference::{Difference, Example, Reading, SeriesDifference};
pub use made::Made;
