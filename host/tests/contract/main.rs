//! What `wit/CHANGES.md` promises of versions, held against components: the old one that is kept here, and ones of
//! contracts that were edited for the purpose.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests fail like tests")]

#[path = "../support/mod.rs"]
mod support;

mod derived;
mod edits;
mod later;
mod old;
mod released;
