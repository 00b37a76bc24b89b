//! `[source.caps]`: what one call of a source may use. Past a cap the call ends and the host is unharmed.

use std::time::Duration;

use bytesize::ByteSize;

use super::reading::Section;

/// `[source.caps]`, each per call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caps {
    /// Bytes of linear memory.
    pub memory: u64,
    /// Time by the clock, waiting included.
    pub wall: Duration,
    /// Processor time that the sandbox computes.
    pub cpu: Duration,
    /// Requests to upstream, those served by the archive included.
    pub requests: u32,
    /// Bytes of one answer's body, decompressed.
    pub response: u64,
    /// Bytes of all answers' bodies, decompressed.
    pub total: u64,
    /// Measurements returned.
    pub measurements: u32,
    /// Bytes of log, standard output and error included.
    pub log: u64,
}

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(86_400);

impl Default for Caps {
    fn default() -> Self {
        Self {
            memory: 64 << 20,
            wall: 600 * SECOND,
            cpu: 60 * SECOND,
            requests: 1000,
            response: 64 << 20,
            total: 2 << 30,
            // A month of minutes is 44,640; this leaves room for eleven such series.
            measurements: 500_000,
            log: 1 << 20,
        }
    }
}

impl Caps {
    pub(super) fn read(section: Section<'_>) -> Self {
        let size = |key, default, least, most| section.bounded(key, ByteSize(default), least..=most).as_u64();
        let by_default = Self::default();
        let caps = Self {
            // WebAssembly's own limit is 4 GiB; no guest starts in less than a page or two.
            memory: size("memory", by_default.memory, ByteSize::mib(1), ByteSize::gib(4)),
            wall: section.bounded("wall", by_default.wall, SECOND / 10..=DAY),
            cpu: section.bounded("cpu", by_default.cpu, SECOND / 100..=DAY),
            requests: section.count("requests", by_default.requests, 1..=1_000_000),
            response: size("response", by_default.response, ByteSize::kib(1), ByteSize::gib(16)),
            total: size("total", by_default.total, ByteSize::kib(1), ByteSize::tib(1)),
            measurements: section.count("measurements", by_default.measurements, 1..=100_000_000),
            log: size("log", by_default.log, ByteSize::kib(1), ByteSize::mib(256)),
        };
        if caps.total < caps.response {
            let (total, response) = (ByteSize(caps.total), ByteSize(caps.response));
            section.problem(
                "total",
                format!("{total} is less than response, {response}; expected at least that"),
            );
        }
        section.finish();
        caps
    }
}
