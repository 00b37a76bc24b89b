//! `backfill source check`: what can be told of a component by looking at its file.

use std::{path::PathBuf, process::ExitCode};

use anyhow::Context;
use bytesize::ByteSize;
use clap::{Args, ValueEnum};

use crate::{
    clock,
    kit::check::{self, Mark, Report},
    source::Engine,
};

/// Look at a component: contract, imports, size, start-up, and what it says of itself. No configuration is needed.
///
/// For example:
///   backfill source check target/wasm32-wasip2/release/parks.wasm
///   backfill source check parks.wasm --format json | jq '.points[] | select(.verdict == "bad")'
///
/// Exit code 1 if the host would refuse the component, or rely on something wrong.
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Check {
    /// The component.
    #[arg(value_name = "FILE.wasm")]
    file: PathBuf,

    /// How to print it.
    #[arg(long, value_enum, default_value_t = Form::Text)]
    format: Form,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    /// A line per point, for people.
    Text,
    /// One JSON document.
    Json,
}

impl Check {
    pub(super) async fn act(self) -> anyhow::Result<ExitCode> {
        // Without a cache: how long compiling takes is one of the answers.
        let engine = Engine::new(None)?;
        let report = check::check(&self.file, &engine, clock::now()).await.with_context(|| {
            format!("{}: build the component first, or correct the path", self.file.display())
        })?;
        match self.format {
            Form::Json => say!("{}", serde_json::to_string_pretty(&report)?)?,
            Form::Text => print(&report, &self.file.display().to_string())?,
        }
        Ok(if report.is_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

fn print(report: &Report, file: &str) -> anyhow::Result<()> {
    say!("{file}")?;
    for point in &report.points {
        let sign = match point.verdict {
            Mark::Ok => "✓",
            Mark::Note => "!",
            Mark::Bad => "✗",
        };
        say!("  {sign} {}: {}", point.name, point.found)?;
        if let Some(next) = &point.next {
            say!("      {next}")?;
        }
    }
    if let (Some(compile), Some(start)) = (report.compile_ms, report.start_ms) {
        let memory =
            report.memory.map(|bytes| format!(", {} of memory after describe", ByteSize(bytes as u64)));
        say!(
            "    {}, compiled in {compile:.0} ms, a fresh instance in {start:.2} ms{}",
            ByteSize(report.bytes),
            memory.unwrap_or_default()
        )?;
    }
    if report.is_good() {
        say!("good; next: backfill source test {file} --cases cases")?;
    } else {
        let bad = report.points.iter().filter(|point| point.verdict == Mark::Bad).count();
        say!("{bad} to mend")?;
    }
    Ok(())
}
