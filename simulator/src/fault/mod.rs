//! Faults on demand: what goes wrong, for which requests, how often.

pub(crate) mod body;
pub(crate) mod effects;
pub(crate) mod schedule;
mod spec;

use serde::{Deserialize, Deserializer, Serialize};

pub use spec::SPEC_HELP;

/// One of the four upstreams.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Api {
    Entsoe,
    Elexon,
    Eia,
    Taipower,
}

impl Api {
    /// The upstream that has this path.
    #[must_use]
    pub fn of_path(path: &str) -> Option<Api> {
        match path.split('/').nth(1)? {
            "api" => Some(Api::Entsoe),
            "bmrs" => Some(Api::Elexon),
            "v2" => Some(Api::Eia),
            "data" => Some(Api::Taipower),
            _ => None,
        }
    }

    /// `entsoe`, `elexon`, `eia` or `taipower`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Api::Entsoe => "entsoe",
            Api::Elexon => "elexon",
            Api::Eia => "eia",
            Api::Taipower => "taipower",
        }
    }
}

/// A fault and the requests that it befalls. Read from JSON (`{"kind": "status", "status": 503,
/// "times": 2}`) or, with [`str::parse`], from `kind=status,status=503,times=2`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fault {
    /// Only this upstream.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api: Option<Api>,
    /// Only requests whose path contains this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Only requests whose `path?query`, decoded and without secrets, contains this.
    #[serde(default, rename = "match", skip_serializing_if = "Option::is_none")]
    pub matching: Option<String>,
    /// Only every k-th of those.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<u64>,
    /// Only the first so many of those.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u64>,
    #[serde(flatten)]
    pub kind: FaultKind,
}

/// What goes wrong. The kinds from `Late` on change what the upstream says, not how it says it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", rename_all_fields = "kebab-case", deny_unknown_fields)]
pub enum FaultKind {
    /// Answers this status, with a small page as body unless one is given.
    Status {
        status: u16,
        /// Seconds or a date.
        #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "seconds_or_date")]
        retry_after: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        body: Option<String>,
    },
    /// Waits before it answers, at most until the faults are replaced.
    Latency { milliseconds: u64 },
    /// Closes the connection without a word.
    CutBeforeHead {},
    /// Closes the connection amid the body, half way or `after` so many bytes.
    CutMidBody {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<u64>,
    },
    /// Ends the body early, half way or `after` so many bytes, as if it were whole.
    TruncatedBody {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<u64>,
    },
    /// Answers bytes that are no document of any kind.
    GarbageBody {},
    /// Begins as it should and never ends.
    EndlessBody {},
    /// Answers 200 with nothing.
    EmptyBody {},
    /// Publishes so many days later than usual.
    Late { days: u32 },
    /// Answers corrected values, see [`crate::values::Revision`].
    Revised {
        #[serde(default = "default_share")]
        share: f64,
        #[serde(default = "default_factor")]
        factor: f64,
    },
    /// Answers, in the upstream's own way, that there is nothing.
    EmptyAnswer {},
    /// ENTSO-E: acknowledges with this text.
    Acknowledgement { text: String },
    /// ENTSO-E: refuses more time series than `allowed` in one answer.
    InstanceLimit { allowed: usize },
    /// ENTSO-E: packs the document into a zip.
    Zip {},
    /// EIA: the order of rows that the sort leaves open differs from page to page.
    UnstableOrder {},
    /// Taipower: the July value of 澎湖湖西 in the monthly file is damaged.
    DamagedCell {},
    /// Taipower: the snapshot is one of those seen in the wild.
    BadSnapshot { mode: SnapshotFault },
}

/// A way in which Taipower's snapshot has been wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SnapshotFault {
    /// Solar a thousand times too high (2026-02-18).
    Thousandfold,
    /// Every wind unit at 1.0 (2026-01-01).
    AllOne,
    /// 王功 and 苗栗大鵬 at 0.0 with a note that communication is down.
    NoContact,
    /// A page of HTML with status 200.
    Html,
}

fn seconds_or_date<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Wait {
        Seconds(u64),
        Text(String),
    }
    Ok(Some(match Wait::deserialize(deserializer)? {
        Wait::Seconds(seconds) => seconds.to_string(),
        Wait::Text(text) => text,
    }))
}

fn default_share() -> f64 {
    0.2
}

fn default_factor() -> f64 {
    0.98
}

impl FaultKind {
    /// The kind's name, as in `kind=`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            FaultKind::Status { .. } => "status",
            FaultKind::Latency { .. } => "latency",
            FaultKind::CutBeforeHead {} => "cut-before-head",
            FaultKind::CutMidBody { .. } => "cut-mid-body",
            FaultKind::TruncatedBody { .. } => "truncated-body",
            FaultKind::GarbageBody {} => "garbage-body",
            FaultKind::EndlessBody {} => "endless-body",
            FaultKind::EmptyBody {} => "empty-body",
            FaultKind::Late { .. } => "late",
            FaultKind::Revised { .. } => "revised",
            FaultKind::EmptyAnswer {} => "empty-answer",
            FaultKind::Acknowledgement { .. } => "acknowledgement",
            FaultKind::InstanceLimit { .. } => "instance-limit",
            FaultKind::Zip {} => "zip",
            FaultKind::UnstableOrder {} => "unstable-order",
            FaultKind::DamagedCell {} => "damaged-cell",
            FaultKind::BadSnapshot { .. } => "bad-snapshot",
        }
    }
}

impl From<FaultKind> for Fault {
    /// The fault that befalls every request.
    fn from(kind: FaultKind) -> Fault {
        Fault { api: None, path: None, matching: None, every: None, times: None, kind }
    }
}
