//! The log of one call: what the guest writes through `host.log`, to standard output and standard error.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use tokio::io::AsyncWrite;
use wasmtime_wasi::{
    async_trait,
    cli::{IsTerminal, StdoutStream},
    p2::{OutputStream, Pollable, StreamResult},
};

use crate::egress;

/// How much a line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogLevel {
    /// For the author of the source.
    Debug,
    /// What was done.
    Info,
    /// Something was left out or looks wrong.
    Warn,
    /// Something failed.
    Error,
}

impl LogLevel {
    /// The word as stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

/// One line of a call's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// When it was written.
    pub at: DateTime<Utc>,
    /// How much it matters.
    pub level: LogLevel,
    /// The text, without a line end.
    pub text: String,
}

/// Collects lines up to a budget of bytes; what is over it is counted, not kept. Lines also go to the host's
/// own log, under the span of the task.
#[derive(Clone)]
pub(super) struct CallLog {
    inner: Arc<Mutex<Inner>>,
}

struct Inner {
    lines: Vec<LogLine>,
    left: usize,
    dropped: usize,
    partial: Vec<u8>,
    /// The last lines of standard error: where a panic leaves its text.
    last_stderr: Option<String>,
}

impl CallLog {
    pub(super) fn new(budget: usize) -> Self {
        let inner =
            Inner { lines: Vec::new(), left: budget, dropped: 0, partial: Vec::new(), last_stderr: None };
        Self { inner: Arc::new(Mutex::new(inner)) }
    }

    pub(super) fn write(&self, level: LogLevel, text: &str) {
        self.with(|inner| inner.push(level, text));
    }

    /// Takes the lines of the egress policy: denials, with what would allow them.
    pub(super) fn for_egress(&self) -> egress::Log {
        let log = self.clone();
        Arc::new(move |level, text| {
            let level = match level {
                tracing::Level::ERROR => LogLevel::Error,
                tracing::Level::WARN => LogLevel::Warn,
                tracing::Level::INFO => LogLevel::Info,
                _ => LogLevel::Debug,
            };
            log.write(level, text);
        })
    }

    /// The stream that standard output and standard error of the guest write to.
    pub(super) fn stdio(&self) -> Stdio {
        Stdio { log: self.clone() }
    }

    /// The text of a panic, if the guest left one on standard error.
    pub(super) fn panic_text(&self) -> Option<String> {
        self.with(|inner| {
            inner.flush_partial();
            inner.last_stderr.clone()
        })
    }

    pub(super) fn take(&self) -> Vec<LogLine> {
        self.with(|inner| {
            inner.flush_partial();
            let mut lines = std::mem::take(&mut inner.lines);
            if inner.dropped > 0 {
                lines.push(LogLine {
                    at: crate::clock::now(),
                    level: LogLevel::Warn,
                    text: format!("{} further bytes of log are cut (caps.log)", inner.dropped),
                });
            }
            lines
        })
    }

    fn with<T>(&self, act: impl FnOnce(&mut Inner) -> T) -> T {
        // A panic while the lock was held can only have left a line half pushed: the log stays usable.
        act(&mut self.inner.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Inner {
    fn push(&mut self, level: LogLevel, text: &str) {
        if text.len() > self.left {
            self.dropped += text.len();
            self.left = 0;
            return;
        }
        self.left -= text.len();
        match level {
            LogLevel::Debug => tracing::debug!(target: "source", "{text}"),
            LogLevel::Info => tracing::info!(target: "source", "{text}"),
            LogLevel::Warn => tracing::warn!(target: "source", "{text}"),
            LogLevel::Error => tracing::error!(target: "source", "{text}"),
        }
        self.lines.push(LogLine { at: crate::clock::now(), level, text: text.to_owned() });
    }

    fn append(&mut self, bytes: &[u8]) {
        // One unfinished line may not grow past what the log may hold at all.
        let room = self.left.saturating_sub(self.partial.len());
        self.dropped += bytes.len().saturating_sub(room);
        self.partial.extend_from_slice(&bytes[..bytes.len().min(room)]);
        while let Some(end) = self.partial.iter().position(|&byte| byte == b'\n') {
            let line: Vec<u8> = self.partial.drain(..=end).collect();
            self.line(&line[..end]);
        }
    }

    fn flush_partial(&mut self) {
        let rest = std::mem::take(&mut self.partial);
        if !rest.is_empty() {
            self.line(&rest);
        }
    }

    fn line(&mut self, line: &[u8]) {
        let text = String::from_utf8_lossy(line);
        let text = text.trim_end();
        if text.is_empty() {
            return;
        }
        let follows_panic = self.last_stderr.as_ref().is_some_and(|last| last.ends_with(':'));
        match &mut self.last_stderr {
            Some(last) if follows_panic => {
                last.push(' ');
                last.push_str(text);
            }
            _ if text.contains("panicked at") => self.last_stderr = Some(text.to_owned()),
            _ => {}
        }
        self.push(LogLevel::Info, text);
    }
}

/// Standard output and error of a guest, line by line into its log.
pub(super) struct Stdio {
    log: CallLog,
}

impl IsTerminal for Stdio {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Stdio {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(Stdio { log: self.log.clone() })
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(Stdio { log: self.log.clone() })
    }
}

impl OutputStream for Stdio {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.log.with(|inner| inner.append(&bytes));
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(64 << 10)
    }
}

#[async_trait]
impl Pollable for Stdio {
    async fn ready(&mut self) {}
}

impl AsyncWrite for Stdio {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        self.log.with(|inner| inner.append(bytes));
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_standard_error_are_joined_from_pieces_and_a_panic_is_recognised() {
        let log = CallLog::new(1000);
        log.with(|inner| inner.append(b"\nthread 'main' panicked at src/l"));
        log.with(|inner| inner.append(b"ib.rs:3:5:\nindex out of bounds\nnote: run with"));
        assert_eq!(
            log.panic_text().as_deref(),
            Some("thread 'main' panicked at src/lib.rs:3:5: index out of bounds")
        );
        assert_eq!(log.take().len(), 3);
    }

    #[test]
    fn a_flood_is_cut_at_the_budget_and_the_log_says_so() {
        let log = CallLog::new(10);
        log.write(LogLevel::Info, "12345678");
        for _ in 0..1000 {
            log.write(LogLevel::Info, "abcdefgh");
            log.with(|inner| inner.append(b"no line end"));
        }
        let lines = log.take();
        assert_eq!(lines.first().unwrap().text, "12345678");
        assert!(lines.last().unwrap().text.contains("bytes of log are cut"));
        assert!(lines.iter().map(|line| line.text.len()).sum::<usize>() < 100);
    }
}
