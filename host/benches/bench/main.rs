//! `make bench`: how fast the host is, each figure beside a reference measured in the same run.
//!
//! Value and reference are measured by turns, so that whatever else the machine does falls on both; of the turns the
//! best counts. `cargo bench -p backfill -- parse store` measures only that, and writes no report. A `ratio` is value ÷ reference: for times, how many times slower than the reference; for rates
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
    let (options, only): (Vec<_>, Vec<_>) =
        std::env::args().skip(1).partition(|argument| argument.starts_with('-'));
    // `cargo test --all-targets` runs this, too, without the option; there is nothing to test here.
    if !options.iter().any(|option| option == "--bench") {
        return Ok(());
    }
    let wanted = |part: &str| only.is_empty() || only.iter().any(|one| one == part);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let mut report = Report::default();
    runtime.block_on(async {
        if wanted("sandbox") {
            sandbox::measure(&mut report).await?;
        }
        if wanted("parse") {
            parse::measure(&mut report).await?;
        }
        if wanted("store") {
            store::measure(&mut report).await?;
            jobs::measure(&mut report).await?;
        }
        if wanted("tasks") {
            tasks::measure(&mut report).await?;
        }
        anyhow::Ok(())
    })?;
    report.print();
    if only.is_empty() { report.write() } else { Ok(()) }
}
