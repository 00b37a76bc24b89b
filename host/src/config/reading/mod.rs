//! Reads TOML that people write: typed, each value with its place in the file, and every problem noted
//! instead of the first one returned. Knows nothing of what the keys mean.

mod document;
mod item;
mod section;
mod suggest;
mod text;

pub(crate) use document::{document, text_of};
pub(crate) use item::Item;
pub(crate) use section::Section;
pub(crate) use suggest::did_you_mean;
pub(crate) use text::{Bounded, FromText};
