//! Retrying a job: tasks that failed, or that somebody stopped, are to run again.

use serde_json::json;
use sqlx::FromRow;

use super::{
    Instant, Store, StoreError,
    bulk::bulk,
    causes,
    connection::Connection,
    error::Doing,
    events::{self, EventKind, NewEvent, Subject},
    jobs::{self, CANCELLED, Job, PURGED},
    sql,
};
use crate::domain::{JobStatus, TaskCounts, TaskStatus, job_status};

const DOING: &str = "retrying a job";

/// Which of a job's tasks are to run again, of those that can.
#[derive(Clone, Copy, Debug)]
pub enum Chosen<'a> {
    /// All of them.
    All,
    /// Those with these ids.
    Tasks(&'a [i64]),
    /// Those that failed of a cause ([`super::FailureCause::cause`]).
    Cause(&'a str),
}

/// What a retry changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retried {
    /// Tasks that are pending again, by id.
    pub reopened: Vec<i64>,
    /// Tasks that stay failed, since asking again can't help until their unit or source is changed; a forced retry
    /// takes them too.
    pub permanent: Vec<i64>,
    /// Where the job stands now.
    pub status: JobStatus,
    /// Whether the job is paused, so that nothing runs before it is resumed.
    pub paused: bool,
}

/// A task that may be retried.
#[derive(FromRow)]
struct Ended {
    id: i64,
    source: String,
    status: TaskStatus,
    error_code: Option<String>,
    error_message: Option<String>,
}

impl Store {
    /// Lets tasks of a job run again, with all their attempts before them: those chosen, or all that can. Those can
    /// that failed, and those that a cancellation or a purge skipped; what was planned out stays out. A task that
    /// failed for good is passed over, or refused if it is chosen, unless `force` is given. What the attempts so far
    /// came to stays with them.
    ///
    /// A job that has ended is under way again, and no longer paused: who retries wants it to run.
    pub async fn retry_job(
        &self,
        id: i64,
        chosen: Chosen<'_>,
        force: bool,
        by: &str,
        now: impl Into<Instant>,
    ) -> Result<Retried, StoreError> {
        let now = now.into();
        let mut tx = self.change_queue(DOING).await?;
        let mut tasks = retryable(&mut tx, id).await.doing(DOING)?;
        let job = jobs::locked(&mut tx, id).await?;
        match chosen {
            Chosen::All => {}
            Chosen::Tasks(ids) => {
                refuse_others(&mut tx, id, &tasks, ids).await?;
                tasks.retain(|task| ids.contains(&task.id));
            }
            Chosen::Cause(cause) => tasks.retain(|task| task.failed_of(cause)),
        }
        let (permanent, reopened): (Vec<_>, Vec<_>) =
            tasks.into_iter().partition(|task| !force && task.is_permanent());
        if !matches!(chosen, Chosen::All) && !permanent.is_empty() {
            return Err(StoreError::refused(DOING, failed_for_good(&permanent)));
        }
        if reopened.is_empty() {
            let why = match (chosen, permanent.len()) {
                (Chosen::Cause(cause), 0) => {
                    format!("job {id} has no task that failed of the cause {cause:?}")
                }
                (_, 0) => format!("job {id} has no task that failed or was stopped"),
                _ => failed_for_good(&permanent),
            };
            return Err(StoreError::refused(DOING, why));
        }
        let now = job.changed(now);
        let paused = job.paused && !job.status.ended();
        reopen(&mut tx, &reopened, paused, now).await.doing(DOING)?;
        let status = reopen_job(&mut tx, &job, &reopened, now).await.doing(DOING)?;
        let mut news = vec![NewEvent::new(
            EventKind::JobRetried,
            Subject::job(id),
            json!({ "by": by, "tasks": reopened.len(), "force": force }),
        )];
        news.extend(reopened.iter().map(|task| {
            let subject = Subject::task(id, task.id, &task.source);
            NewEvent::new(EventKind::TaskReopened, subject, json!({ "code": task.error_code }))
        }));
        events::append_all(&mut tx, &news, now).await?;
        tx.announce_work().await.doing(DOING)?;
        tx.commit().await.doing(DOING)?;
        let ids = |tasks: Vec<Ended>| tasks.into_iter().map(|task| task.id).collect();
        Ok(Retried { reopened: ids(reopened), permanent: ids(permanent), status, paused })
    }
}

impl Ended {
    fn is_permanent(&self) -> bool {
        self.status == TaskStatus::Failed && self.error_code.as_deref().is_some_and(causes::is_permanent)
    }

    fn failed_of(&self, cause: &str) -> bool {
        self.status == TaskStatus::Failed
            && causes::is_of(cause, &self.source, self.error_code.as_deref(), self.error_message.as_deref())
    }
}

/// The tasks of a job that may be retried, locked, by id.
async fn retryable(conn: &mut Connection, job_id: i64) -> sqlx::Result<Vec<Ended>> {
    let text = format!(
        "SELECT id, source, status, error_code, error_message FROM backfill_tasks
         WHERE job_id = $1 AND (status = 'failed' OR (status = 'skipped' AND error_code IN ($2, $3)))
         ORDER BY id {}",
        conn.lock_rows()
    );
    sql::query(text).bind(job_id).bind(CANCELLED).bind(PURGED).all(conn).await
}

/// Refuses ids that are not among the tasks which may be retried, each with the reason.
async fn refuse_others(
    conn: &mut Connection,
    job_id: i64,
    retryable: &[Ended],
    chosen: &[i64],
) -> Result<(), StoreError> {
    let others: Vec<i64> =
        chosen.iter().copied().filter(|id| retryable.iter().all(|task| task.id != *id)).collect();
    if others.is_empty() && !chosen.is_empty() {
        return Ok(());
    }
    let known: Vec<(i64, i64, TaskStatus)> = bulk(
        "WITH chosen (task_id) AS ({rows})
         SELECT id, job_id, status FROM chosen JOIN backfill_tasks ON id = task_id",
    )
    .column(others.iter().copied())
    .all(conn)
    .await
    .doing(DOING)?;
    let reasons = others.iter().map(|id| match known.iter().find(|(task, ..)| task == id) {
        Some((_, job, status)) if *job == job_id => format!("task {id} is {status}"),
        Some((_, job, _)) => format!("task {id} is of job {job}"),
        None => format!("there is no task {id}"),
    });
    let reasons = reasons.collect::<Vec<_>>().join(", ");
    let why = format!("{reasons}; name failed tasks of job {job_id}, or none for all of them");
    Err(StoreError::refused(DOING, why.trim_start_matches("; ")))
}

fn failed_for_good(tasks: &[Ended]) -> String {
    let list =
        tasks.iter().map(|task| format!("{} ({})", task.id, task.error_code.as_deref().unwrap_or_default()));
    let list: Vec<_> = list.take(20).collect();
    let more = if tasks.len() > list.len() { ", and more" } else { "" };
    format!(
        "{} failed for good: {}{more}; mend the unit or the source, then force the retry",
        if tasks.len() == 1 { "one task" } else { "tasks" },
        list.join(", "),
    )
}

/// All attempts are before them again, and what hindered them is forgotten.
async fn reopen(conn: &mut Connection, tasks: &[Ended], held: bool, now: Instant) -> sqlx::Result<()> {
    bulk(
        "WITH reopened (task_id, hold) AS ({rows})
         UPDATE backfill_tasks SET status = 'pending', held = hold, run_after = NULL, attempt_count = 0, empty_count = 0,
                confirm_at = NULL, lost_count = 0, error_code = NULL, error_message = NULL, completed_at = NULL
         FROM reopened WHERE id = task_id",
    )
    .column(tasks.iter().map(|task| task.id))
    .column(tasks.iter().map(|_| held))
    .execute(conn)
    .await?;
    // A guest that a cancellation has not stopped yet is of no account any more: its fence holds nothing.
    bulk(
        "WITH reopened (reopened_task, now) AS ({rows})
         UPDATE task_attempts SET ended_at = now, outcome = 'cancelled' FROM reopened
         WHERE task_id = reopened_task AND ended_at IS NULL",
    )
    .column(tasks.iter().map(|task| task.id))
    .column(tasks.iter().map(|_| Some(now)))
    .execute(conn)
    .await?;
    Ok(())
}

/// Counts the tasks as open again. A job of which stopped tasks are left keeps the reason of that. A worker that was to
/// run the job alone is forgotten: whoever serves all jobs runs it now.
async fn reopen_job(
    conn: &mut Connection,
    job: &Job,
    reopened: &[Ended],
    now: Instant,
) -> sqlx::Result<JobStatus> {
    let of = |status| reopened.iter().filter(|task| task.status == status).count() as i64;
    let counts = TaskCounts {
        failed: job.failed_tasks - of(TaskStatus::Failed),
        skipped: job.skipped_tasks - of(TaskStatus::Skipped),
        ..job.counts()
    };
    let left_stopped: bool = sql::query(
        "SELECT EXISTS (SELECT 1 FROM backfill_tasks
                        WHERE job_id = $1 AND status = 'skipped' AND error_code IN ($2, $3))",
    )
    .bind(job.id)
    .bind(CANCELLED)
    .bind(PURGED)
    .scalar(conn)
    .await?;
    let status = job_status(counts, job.started_at.is_some(), false);
    sql::query(
        "UPDATE backfill_jobs SET status = $2, failed_tasks = $3, skipped_tasks = $4, reason = $5, error_message = $6,
                paused = $7, job_metadata = $8, updated_at = $9, completed_at = NULL
         WHERE id = $1",
    )
    .bind(job.id)
    .bind(status)
    .bind(counts.failed)
    .bind(counts.skipped)
    .bind(job.reason.as_ref().filter(|_| left_stopped).cloned())
    .bind(job.error_message.as_ref().filter(|_| left_stopped).cloned())
    .bind(job.paused && !job.status.ended())
    .bind(jobs::for_any_worker(&job.job_metadata))
    .bind(now)
    .execute(conn)
    .await?;
    Ok(status)
}
