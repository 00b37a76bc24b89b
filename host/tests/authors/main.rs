//! What authors of sources are promised: the projects that `source new` makes, in every language, built, tested and run
//! as it says; and the tutorial, command by command. Builds take minutes and need the package registries, so they run
//! by `make test-authors` only.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests fail like tests")]

#[path = "../support/mod.rs"]
mod support;

mod languages;
mod project;
mod refused;
mod tutorial;

/// Whether these tests are wanted; says aloud if not.
fn wanted() -> bool {
    let wanted = std::env::var_os("BACKFILL_TEST_AUTHORS").is_some();
    if !wanted {
        eprintln!("SKIPPED: builds projects in three languages; `make test-authors` does");
    }
    wanted
}
