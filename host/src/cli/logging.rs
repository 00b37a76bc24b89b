//! The log, on standard error: for people on a terminal, JSON lines otherwise. Every line of a task carries its
//! job, task, unit and source, whether the host wrote it or the source.

use std::io::{self, IsTerminal, Write};

use anyhow::Context;
use indicatif::MultiProgress;
use tracing_subscriber::{EnvFilter, fmt, fmt::MakeWriter, layer::SubscriberExt, util::SubscriberInitExt};

/// Bars that a log line must not tear; shared with whoever draws some.
static BARS: std::sync::LazyLock<MultiProgress> = std::sync::LazyLock::new(MultiProgress::new);

pub(super) fn bars() -> &'static MultiProgress {
    &BARS
}

pub(super) fn start(filter: &str) -> anyhow::Result<()> {
    // Libraries log what their own authors need: only their warnings are of use here.
    let directives = match filter {
        "error" | "warn" | "info" | "debug" | "trace" => {
            format!("warn,backfill={filter},source={filter},sqlx=error")
        }
        other => other.to_owned(),
    };
    let filter = EnvFilter::try_new(&directives)
        .with_context(|| format!("--log {filter:?} is no filter; expected e.g. info or warn,source=debug"))?;
    let registry = tracing_subscriber::registry().with(filter);
    if io::stderr().is_terminal() {
        registry.with(fmt::layer().with_writer(AroundBars).with_target(false).compact()).init();
    } else {
        registry
            .with(fmt::layer().json().flatten_event(true).with_span_list(false).with_writer(io::stderr))
            .init();
    }
    Ok(())
}

/// Standard error, with the bars taken away while a line is written.
struct AroundBars;

impl<'a> MakeWriter<'a> for AroundBars {
    type Writer = Line;

    fn make_writer(&'a self) -> Line {
        Line(Vec::new())
    }
}

struct Line(Vec<u8>);

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        // A log that can't be written must not end the work it is about.
        let _ = BARS.suspend(|| io::stderr().write_all(&self.0));
    }
}
