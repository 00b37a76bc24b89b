//! The units, plants, areas and stations that the simulator knows.
//!
//! A few are real and carry their real codes, so that a demo reads like the field; the rest are made
//! from a number, as many as [`crate::Options`] asks for. What is published of each is in
//! [`crate::values`].

pub mod eia;
pub mod eic;
pub mod elexon;
pub mod entsoe;
pub mod entsoe_areas;
pub mod taipower;
