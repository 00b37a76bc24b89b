//! `make bench`: how fast the host is, each figure beside a reference measured in the same run.
//!
//! Value and reference are measured by turns, so that whatever else the machine does falls on both; of the turns the
//! best counts. A `ratio` is value ÷ reference: for times, how many times slower than the reference; for rates (units
//! ending in `/s`), what part of the reference's rate. Rows are counted in the database and not by the host's own
//! counters. The report is `target/bench/report.json`.
//!
//! What concerns the store is measured on both databases, Postgres with every commit on disk: there, how long the disk
//! takes for one bounds the figures of tasks, and `task-empty-postgres` has it for a reference.
//!
//! `cargo bench -p backfill -p simulator --bench bench -- parse store` measures only these parts, and writes no report:
//! `sandbox`, `parse`, `store`, `tasks`, `decade` (2.1 million rows), `lists` (ten million tasks; some minutes), and on
//! Postgres `pages` (over HTTP, with as many).

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a benchmark that can't be set up ends at once")]

mod availability;
mod databases;
mod decade;
mod documents;
mod history;
mod jobs;
mod kept;
mod lists;
mod pages;
mod parse;
mod planned;
mod raw_rows;
mod report;
mod sandbox;
mod sources;
mod store;
mod targets;
mod tasks;
mod turns;

use databases::Kind;
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
        for kind in Kind::available().await {
            if wanted("store") {
                store::measure(&mut report, kind).await?;
                jobs::measure(&mut report, kind).await?;
            }
            if wanted("tasks") {
                tasks::measure(&mut report, kind).await?;
            }
            if wanted("decade") {
                decade::measure(&mut report, kind).await?;
            }
            let (lists, pages) = (wanted("lists"), wanted("pages") && kind == Kind::Postgres);
            if lists || pages {
                history(&mut report, kind, lists, pages).await?;
            }
        }
        anyhow::Ok(())
    })?;
    report.print();
    if only.is_empty() { report.write() } else { Ok(()) }
}

/// What is read from a database that has the history of years: by the store, and by browsers.
async fn history(report: &mut Report, kind: Kind, lists: bool, pages: bool) -> anyhow::Result<()> {
    let database = kind.database().await?;
    history::fill(&database, report).await?;
    let mut raw = database.beside().await?;
    if lists {
        let store = database.store().await?;
        lists::measure(report, kind, &store, &mut raw).await?;
        availability::measure(report, kind, &store, &mut raw).await?;
        store.close().await;
    }
    if pages {
        pages::measure(report, &database, &mut raw).await?;
    }
    raw.close().await
}
