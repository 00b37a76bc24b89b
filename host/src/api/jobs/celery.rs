//! `GET /backfill/jobs/{id}/celery-status`: what clients of the former system ask for.

use axum::{Json, extract::State};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    api::{auth::Viewer, extract::Id, problem::Problem, state::Api},
    domain::JobStatus,
    store::Job,
};

/// A job in the words of the former system.
#[derive(Serialize, ToSchema)]
pub(super) struct CeleryStatus {
    /// The job.
    job_id: i64,
    /// What the former system called the job's own task.
    task_id: String,
    /// Where it stands.
    state: CeleryState,
    /// How far it is.
    progress: CeleryProgress,
    /// How it ended; none before.
    result: Option<CeleryResult>,
}

/// Where a job stands, in the words of the former system.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
enum CeleryState {
    /// Nobody has begun it.
    Pending,
    /// It was begun, and nothing has ended yet.
    Started,
    /// Some of its tasks have ended.
    Progress,
    /// All of it has ended, at least partly well.
    Success,
    /// It failed, or was cancelled.
    Failure,
}

/// How far a job is.
#[derive(Serialize, ToSchema)]
struct CeleryProgress {
    /// Tasks that have ended.
    current: i64,
    /// All tasks.
    total: i64,
    /// The former in per cent of the latter.
    percent: f64,
}

/// How a job ended.
#[derive(Serialize, ToSchema)]
struct CeleryResult {
    /// Where the job stands, in this system's words.
    status: JobStatus,
    /// Tasks that ended well.
    completed_tasks: i64,
    /// Tasks that failed.
    failed_tasks: i64,
    /// Tasks that did not run.
    skipped_tasks: i64,
    /// What went wrong, for people.
    error: Option<String>,
}

/// Show a job in the words of the former system.
#[utoipa::path(get, path = "/backfill/jobs/{id}/celery-status", tag = "jobs",
    params(("id" = i64, Path, description = "The job.", minimum = 1)),
    responses((status = 200, body = CeleryStatus)))]
pub(super) async fn celery_status(
    State(api): State<Api>,
    _: Viewer,
    Id(id): Id,
) -> Result<Json<CeleryStatus>, Problem> {
    Ok(Json(CeleryStatus::from(api.store.job(id).await?)))
}

impl From<Job> for CeleryStatus {
    fn from(job: Job) -> Self {
        let current = job.completed_tasks + job.failed_tasks + job.skipped_tasks;
        let result = job.status.ended().then(|| CeleryResult {
            status: job.status,
            completed_tasks: job.completed_tasks,
            failed_tasks: job.failed_tasks,
            skipped_tasks: job.skipped_tasks,
            error: job.error_message.clone(),
        });
        Self {
            job_id: job.id,
            task_id: format!("backfill-job-{}", job.id),
            state: state(job.status, current),
            progress: CeleryProgress {
                current,
                total: job.total_tasks,
                percent: 100.0 * current as f64 / job.total_tasks.max(1) as f64,
            },
            result,
        }
    }
}

const fn state(status: JobStatus, ended: i64) -> CeleryState {
    match status {
        JobStatus::Pending => CeleryState::Pending,
        JobStatus::InProgress if ended == 0 => CeleryState::Started,
        JobStatus::InProgress => CeleryState::Progress,
        JobStatus::Completed | JobStatus::PartiallyCompleted => CeleryState::Success,
        JobStatus::Failed => CeleryState::Failure,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_has_a_state_of_the_former_system() {
        let states = JobStatus::ALL.iter().flat_map(|status| [0, 3].map(|ended| state(*status, ended)));
        let expected = [
            CeleryState::Pending,
            CeleryState::Pending,
            CeleryState::Started,
            CeleryState::Progress,
            CeleryState::Success,
            CeleryState::Success,
            CeleryState::Failure,
            CeleryState::Failure,
            CeleryState::Success,
            CeleryState::Success,
        ];
        assert_eq!(states.collect::<Vec<_>>(), expected);
    }
}
