//! The log, on standard error: for people on a terminal, JSON lines otherwise. Every line of a task carries its
//! job, task, unit and source, whether the host wrote it or the source.

use std::io::{self, IsTerminal, Write};

use anyhow::Context;
use indicatif::MultiProgress;
use tracing::Subscriber;
use tracing_subscriber::{
    EnvFilter, Layer, fmt, fmt::MakeWriter, layer::SubscriberExt, registry::LookupSpan,
    util::SubscriberInitExt,
};

use crate::observe::{SPANS, Traces};

/// Bars that a log line must not tear; shared with whoever draws some.
static BARS: std::sync::LazyLock<MultiProgress> = std::sync::LazyLock::new(MultiProgress::new);

pub(super) fn bars() -> &'static MultiProgress {
    &BARS
}

/// Begins to log, and to trace if traces are wanted.
pub(super) fn start(filter: &str, traces: Option<&Traces>) -> anyhow::Result<()> {
    // Libraries log what their own authors need: only their warnings are of use here.
    let directives = match filter {
        "error" | "warn" | "info" | "debug" | "trace" => {
            format!("warn,backfill={filter},source={filter},sqlx=error")
        }
        other => other.to_owned(),
    };
    // A line names the request or the task that it is of; steps of those are for traces.
    let filter = EnvFilter::try_new(format!("{directives},{SPANS}=off"))
        .with_context(|| format!("--log {filter:?} is no filter; expected e.g. info or warn,source=debug"))?;
    tracing_subscriber::registry().with(traces.map(Traces::layer)).with(lines().with_filter(filter)).init();
    Ok(())
}

/// What writes lines.
fn lines<S: Subscriber + for<'a> LookupSpan<'a>>() -> Box<dyn Layer<S> + Send + Sync> {
    if io::stderr().is_terminal() {
        Box::new(fmt::layer().with_writer(AroundBars).with_target(false).compact())
    } else {
        Box::new(fmt::layer().json().flatten_event(true).with_span_list(false).with_writer(io::stderr))
    }
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
