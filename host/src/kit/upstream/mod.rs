//! The made-up upstream: from `upstream.toml` (requests, and templates of what is answered to them) to a stage that
//! plays any month of any unit, whole or with a fault.
//!
//! [`Script`] is the file; [`Scenario`] says what the upstream has for one call; [`Player`] is the stage.

mod pack;
mod pattern;
mod play;
mod rows;
mod scenario;
mod script;
mod template;
mod times;

pub use pack::Pack;
pub use play::{Heard, Player, Trick};
pub use rows::{Row, Step};
pub use scenario::{Oddity, Scenario};
pub use script::{Expected, Plain, Script, UnitCase};

/// The name of the file in a folder of cases.
pub const FILE: &str = "upstream.toml";
