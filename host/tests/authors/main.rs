//! What authors of sources are promised: the projects that `source new` makes, in every language, built, tested and run
//! as it says; and the tutorial, command by command. Builds take minutes and need the package registries, so what builds
//! is ignored but by `make test-authors`.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests fail like tests")]

#[path = "../support/mod.rs"]
mod support;

mod languages;
mod project;
mod refused;
mod tutorial;
