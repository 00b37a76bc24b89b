//! The log, on standard error: for people on a terminal, JSON lines otherwise. Every line of a task carries its
//! job, task, unit and source, whether the host wrote it or the source.
//!
//! JSON lines are for a program, and one that does not read them must not stop the work that they are about: a thread of
//! its own writes them, and those that find no room are lost, which it says once it can.

use std::{
    io::{self, IsTerminal, Write},
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use anyhow::Context;
use chrono::SecondsFormat;
use indicatif::MultiProgress;
use serde_json::json;
use tracing::Subscriber;
use tracing_appender::non_blocking::{ErrorCounter, NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::{
    EnvFilter, Layer, fmt, fmt::MakeWriter, layer::SubscriberExt, registry::LookupSpan,
    util::SubscriberInitExt,
};

use crate::{
    clock,
    observe::{SPANS, Traces},
};

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
        Box::new(fmt::layer().json().flatten_event(true).with_span_list(false).with_writer(unhindered()))
    }
}

/// So many lines wait while nobody reads: some megabytes.
const WAITING: usize = 8192;

/// What writes the lines that wait; gone once the log has ended.
static WRITING: Mutex<Option<WorkerGuard>> = Mutex::new(None);

/// Standard error, which nobody waits for.
fn unhindered() -> NonBlocking {
    let lost = Arc::new(OnceLock::new());
    let writer = Telling { writer: io::stderr(), lost: Arc::clone(&lost), told: 0 };
    let (lines, writing) =
        NonBlockingBuilder::default().buffered_lines_limit(WAITING).thread_name("log").finish(writer);
    // It is set this once.
    let _ = lost.set(lines.error_counter());
    *WRITING.lock().unwrap_or_else(PoisonError::into_inner) = Some(writing);
    lines
}

/// Writes what waits, for as long as that takes a reader that reads: to be called before the process ends.
pub(super) fn end() {
    drop(WRITING.lock().unwrap_or_else(PoisonError::into_inner).take());
}

/// Writes lines, and says how many were lost since it last could.
struct Telling<W> {
    writer: W,
    lost: Arc<OnceLock<ErrorCounter>>,
    told: usize,
}

impl<W: Write> Write for Telling<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.writer.write_all(line)?;
        let lost = self.lost.get().map_or(0, ErrorCounter::dropped_lines);
        if lost > self.told {
            let notice = json!({
                "timestamp": clock::now().to_rfc3339_opts(SecondsFormat::Micros, true),
                "level": "WARN",
                "message": "lines of the log are lost, since nobody read them",
                "lines": lost - self.told,
                "target": module_path!(),
            });
            self.told = lost;
            writeln!(self.writer, "{notice}")?;
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_that_is_read_again_says_how_many_lines_were_lost() {
        let (mut lines, _writing) = NonBlockingBuilder::default().buffered_lines_limit(1).finish(io::sink());
        let lost = Arc::new(OnceLock::from(lines.error_counter()));
        let mut telling = Telling { writer: Vec::new(), lost, told: 0 };
        telling.write_all(b"one\n").unwrap();
        assert_eq!(telling.writer, b"one\n");
        // More than fit, however quick the thread is that takes them away.
        while lines.error_counter().dropped_lines() == 0 {
            lines.write_all(b"many\n").unwrap();
        }
        let lost = lines.error_counter().dropped_lines();
        telling.write_all(b"two\n").unwrap();
        telling.write_all(b"three\n").unwrap();
        let text = String::from_utf8(telling.writer).unwrap();
        let [one, two, notice, three] = text.lines().collect::<Vec<_>>()[..] else { panic!("{text}") };
        assert_eq!((one, two, three), ("one", "two", "three"));
        let notice: serde_json::Value = serde_json::from_str(notice).unwrap();
        assert_eq!((notice["level"].as_str(), notice["lines"].as_u64()), (Some("WARN"), Some(lost as u64)));
    }
}
