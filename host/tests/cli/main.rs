//! The command line as people meet it: what each command prints, what it refuses, and its exit codes.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests fail like tests")]

#[path = "../support/mod.rs"]
mod support;

mod commands;
mod configuration;
mod disk;
mod kit;
mod queue;
mod registry;
mod schedules;
mod units;

use support::{plugin, work_folder::WorkFolder};

/// Elexon and EIA as configured by default, only that nobody is where they ask.
fn two_sources() -> String {
    format!(
        "[[source]]\nid = \"elexon\"\ncomponent = {:?}\nhosts = [\"data.elexon.co.uk\"]\n\
         [[source]]\nid = \"eia\"\ncomponent = {:?}\nhosts = [\"api.eia.gov\"]\n\
         credential = {{ query = \"api_key\", from = \"env:NOT_SET_ANYWHERE\" }}\n",
        plugin("elexon"),
        plugin("eia")
    )
}

fn two() -> WorkFolder {
    WorkFolder::new(&two_sources())
}
