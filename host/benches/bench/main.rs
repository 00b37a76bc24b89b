//! `make bench`: how fast the host is, each figure beside a reference measured in the same run.
//!
//! Value and reference are measured by turns, so that whatever else the machine does falls on both; of the turns the
//! best counts. A `ratio` is value ÷ reference: for times, how many times slower than the reference; for rates
//! (units ending in `/s`), what part of the reference's rate. Rows are counted in the database and not by the host's
//! own counters. The report is `target/bench/report.json`.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a benchmark that can't be set up ends at once")]

mod documents;
mod jobs;
mod kept;
mod parse;
mod report;
mod sandbox;
mod sources;
mod store;
mod tasks;
mod turns;

use report::Report;

fn main() -> anyhow::Result<()> {
    // `cargo test --benches` runs this, too, with an argument of its own; there is nothing to test here.
    if std::env::args().any(|argument| argument == "--test") {
        return Ok(());
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let mut report = Report::default();
    runtime.block_on(async {
        sandbox::measure(&mut report).await?;
        parse::measure(&mut report).await?;
        store::measure(&mut report).await?;
        jobs::measure(&mut report).await?;
        tasks::measure(&mut report).await
    })?;
    report.finish()
}
