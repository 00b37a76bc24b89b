//! A job as frontends see it.

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::store::{Job, JobSummary};

/// A job in a list.
#[derive(Serialize, ToSchema)]
pub(super) struct JobView {
    #[serde(flatten)]
    job: Job,
    /// The wind farms' names, with commas between.
    windfarm_name: Option<String>,
    /// How much of it has ended, 0 to 100.
    #[schema(minimum = 0, maximum = 100)]
    progress_percentage: f64,
    /// What the former system called the job's own task; the job's id says as much.
    celery_task_id: String,
}

/// A job with its tasks, counted and summed.
#[derive(Serialize, ToSchema)]
pub(super) struct SummedJob {
    #[serde(flatten)]
    job: JobView,
    /// Its tasks.
    tasks_summary: JobSummary,
}

impl From<Job> for JobView {
    fn from(job: Job) -> Self {
        let ended = job.completed_tasks + job.failed_tasks + job.skipped_tasks;
        // Counts of tasks are far below where a float is no longer exact; a tenth of a per cent is enough.
        let progress = (1000.0 * ended as f64 / job.total_tasks.max(1) as f64).floor() / 10.0;
        Self {
            windfarm_name: job.job_metadata.get("windfarm").and_then(Value::as_str).map(str::to_owned),
            progress_percentage: progress,
            celery_task_id: format!("backfill-job-{}", job.id),
            job,
        }
    }
}

impl SummedJob {
    pub(super) fn new(job: Job, tasks_summary: JobSummary) -> Self {
        Self { job: job.into(), tasks_summary }
    }
}
