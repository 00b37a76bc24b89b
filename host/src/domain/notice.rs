//! What a message to the outside tells: one event, and its job as that stood then. As JSON it is the body of a
//! webhook.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{EventKind, JobStatus};

/// One event, for people and programs elsewhere.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Notice {
    /// What happened.
    #[serde(rename = "type")]
    pub kind: EventKind,
    /// When.
    pub timestamp: DateTime<Utc>,
    /// Its place in the order of events.
    pub event_id: i64,
    /// To which job.
    pub job_id: Option<i64>,
    /// That job as the event left it; nothing if it is about none, or the job is gone.
    pub job: Option<JobNotice>,
    /// To which source.
    pub source: Option<String>,
    /// What else the event says, an object.
    pub data: Value,
}

/// A job as it stood at an event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JobNotice {
    /// The wind farms that it fills, by name.
    pub windfarms: Vec<String>,
    /// The first month of its tasks, `2023-01`.
    pub first_month: String,
    /// The last month of its tasks.
    pub last_month: String,
    /// Where it stands.
    pub status: JobStatus,
    /// Why it ended as it did, in a word.
    pub reason: Option<String>,
    /// Why it ended as it did, for people.
    pub error_message: Option<String>,
    /// All tasks.
    pub total_tasks: i64,
    /// Completed tasks.
    pub completed_tasks: i64,
    /// Failed tasks.
    pub failed_tasks: i64,
    /// Skipped tasks.
    pub skipped_tasks: i64,
}
