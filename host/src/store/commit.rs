//! How an attempt ends: records, outcome, counters and event together, or nothing.

use std::time::Duration;

use serde_json::{Value, json};
use sqlx::types::Json;

use super::{
    Claim, Instant, Store, StoreError,
    dialect::Connection,
    error::Doing,
    events::{self, EventKind, Subject},
    jobs,
    measurements::{Writer, Written, write_series},
};
use crate::domain::{JobStatus, TaskOutcome, TaskStatus, Validated, job_status};

const DOING: &str = "committing a task";

/// What an attempt came to.
#[derive(Clone, Debug)]
pub enum Ending<'a> {
    /// Records, of which at least one can be stored. The task completes.
    Records(&'a Validated),
    /// The upstream confirmed that there is nothing; its words. The task completes.
    Empty(&'a str),
    /// The task failed for good.
    Failed(TaskError<'a>),
    /// The attempt failed and counts. The task waits until the instant, or has failed if no attempt is left.
    Retry(Instant, TaskError<'a>),
    /// The task is given back and waits until the instant, if one is given. That costs no attempt.
    Release(Option<Instant>, TaskError<'a>),
}

/// Why there are no records.
#[derive(Clone, Copy, Debug)]
pub struct TaskError<'a> {
    /// In a word: a failure's case, or `crash`, `deadline`, `shutdown` …
    pub code: &'a str,
    /// For people.
    pub message: &'a str,
    /// Records that came and were all rejected, if it was that.
    pub rejected: Option<&'a Validated>,
}

/// What an attempt cost, and what it rested on.
#[derive(Clone, Debug, Default)]
pub struct AttemptReport {
    /// SHA-256 of the component that ran.
    pub component_digest: Option<String>,
    /// Requests that went to the upstream.
    pub requests: u64,
    /// Bytes that it read.
    pub response_bytes: u64,
    /// Its CPU time.
    pub cpu: Duration,
    /// Ids of the answers that it used.
    pub answers: Vec<i64>,
}

/// What a task has come to.
#[derive(Clone, Debug, PartialEq)]
pub struct Finished {
    /// Where the task stands now.
    pub status: TaskStatus,
    /// What was found, if it completed.
    pub outcome: Option<TaskOutcome>,
    /// What became of the records.
    pub written: Written,
    /// Where its job stands, if this was its last task.
    pub job_ended: Option<JobStatus>,
}

/// The task's next state, as one update.
struct Transition<'a> {
    finished: Finished,
    attempt_outcome: &'static str,
    counts: bool,
    run_after: Option<Instant>,
    error: Option<(&'a str, &'a str)>,
    rejected: Option<&'a Validated>,
    event: EventKind,
}

impl Store {
    /// Ends the attempt of a claim. [`StoreError::LostLease`] if the claim holds no more; then nothing is
    /// stored. The transaction that ends a job's last task ends the job.
    pub async fn finish(
        &self,
        claim: &Claim,
        ending: Ending<'_>,
        report: &AttemptReport,
        now: impl Into<Instant>,
    ) -> Result<Finished, StoreError> {
        let now = now.into();
        let mut tx = self.write(DOING).await?;
        let held: Option<(u32, u32)> = sqlx::query_as(
            "SELECT attempt_count, max_attempts FROM backfill_tasks
             WHERE id = $1 AND fence = $2 AND status = 'in_progress' AND lease_until > $3",
        )
        .bind(claim.task_id)
        .bind(claim.fence)
        .bind(now)
        .fetch_optional(&mut *tx)
        .await
        .doing(DOING)?;
        let Some((attempts, max_attempts)) = held else {
            return Err(StoreError::LostLease { task_id: claim.task_id });
        };
        let mut written = Written::default();
        if let Ending::Records(validated) = ending {
            if validated.accepted.is_empty() {
                let why = "no record can be stored; a month without records is confirmed empty, or failed";
                return Err(StoreError::refused(DOING, why));
            }
            let writer =
                Writer { unit_id: claim.unit_id, source: &claim.source, attempt_id: claim.attempt_id, now };
            for series in &validated.accepted {
                write_series(&mut tx, writer, series, &mut written).await.doing("storing measurements")?;
            }
        }
        let mut next = transition(ending, written, attempts + 1 >= max_attempts);
        end_attempt(&mut tx, claim, &next, report, now).await.doing(DOING)?;
        update_task(&mut tx, claim, &next, now).await.doing(DOING)?;
        if let Some(rejected) = next.rejected {
            record_rejections(&mut tx, claim.task_id, rejected).await?;
        }
        let subject = Subject::task(claim.job_id, claim.task_id, &claim.source);
        events::append(&mut tx, next.event, subject, event_data(&next), now).await?;
        if next.finished.status.ended() {
            next.finished.job_ended = count_task(&mut tx, claim.job_id, next.finished.status, now).await?;
        }
        tx.commit().await.doing(DOING)?;
        Ok(next.finished)
    }
}

/// Where an ending leads. `last` says that this attempt, if it counts, is the last one: N attempts mean N.
fn transition(ending: Ending<'_>, mut written: Written, last: bool) -> Transition<'_> {
    let (status, outcome, attempt_outcome, event) = match ending {
        Ending::Records(_) if written.inserted + written.updated > 0 => {
            (TaskStatus::Completed, Some(TaskOutcome::Written), "written", EventKind::TaskCompleted)
        }
        Ending::Records(_) => {
            (TaskStatus::Completed, Some(TaskOutcome::Unchanged), "unchanged", EventKind::TaskCompleted)
        }
        Ending::Empty(_) => {
            (TaskStatus::Completed, Some(TaskOutcome::Empty), "empty", EventKind::TaskCompleted)
        }
        Ending::Failed(_) => (TaskStatus::Failed, None, "failed", EventKind::TaskFailed),
        Ending::Retry(..) if last => (TaskStatus::Failed, None, "failed", EventKind::TaskFailed),
        Ending::Retry(..) => (TaskStatus::Pending, None, "failed", EventKind::TaskRetrying),
        Ending::Release(..) => (TaskStatus::Pending, None, "released", EventKind::TaskReleased),
    };
    let (run_after, error, rejected) = match ending {
        Ending::Records(validated) => (None, None, Some(validated)),
        Ending::Empty(message) => (None, Some(("no-data", message)), None),
        Ending::Failed(error) => (None, Some((error.code, error.message)), error.rejected),
        Ending::Retry(at, error) => {
            ((status == TaskStatus::Pending).then_some(at), Some((error.code, error.message)), error.rejected)
        }
        Ending::Release(at, error) => (at, Some((error.code, error.message)), error.rejected),
    };
    written.rejected = rejected.map_or(0, Validated::rejected_rows);
    Transition {
        finished: Finished { status, outcome, written, job_ended: None },
        attempt_outcome,
        counts: !matches!(ending, Ending::Release(..)),
        run_after,
        error,
        rejected,
        event,
    }
}

async fn end_attempt(
    conn: &mut Connection,
    claim: &Claim,
    next: &Transition<'_>,
    report: &AttemptReport,
    now: Instant,
) -> sqlx::Result<()> {
    sqlx::query(
        "UPDATE task_attempts SET ended_at = $2, outcome = $3, component_digest = $4, requests = $5,
                                  response_bytes = $6, cpu_us = $7, error_code = $8, error_message = $9
         WHERE id = $1",
    )
    .bind(claim.attempt_id)
    .bind(now)
    .bind(next.attempt_outcome)
    .bind(&report.component_digest)
    .bind(int(report.requests))
    .bind(int(report.response_bytes))
    .bind(i64::try_from(report.cpu.as_micros()).unwrap_or(i64::MAX))
    .bind(next.error.map(|(code, _)| code))
    .bind(next.error.map(|(_, message)| message))
    .execute(&mut *conn)
    .await?;
    for answer in &report.answers {
        sqlx::query(
            "INSERT INTO attempt_answers (attempt_id, answer_id) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        )
        .bind(claim.attempt_id)
        .bind(answer)
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}

async fn update_task(
    conn: &mut Connection,
    claim: &Claim,
    next: &Transition<'_>,
    now: Instant,
) -> sqlx::Result<()> {
    let Finished { status, outcome, written, .. } = &next.finished;
    // What the upstream said of an empty month is the attempt's; the task has no error.
    let error = next.error.filter(|_| outcome.is_none());
    sqlx::query(
        "UPDATE backfill_tasks SET status = $2, outcome = $3, run_after = $4, attempt_count = attempt_count + $5,
                lease_owner = NULL, lease_until = NULL, lost_count = 0, records_fetched = $6,
                records_inserted = $7, records_updated = $8, records_unchanged = $9, records_rejected = $10,
                error_code = $11, error_message = $12, completed_at = $13
         WHERE id = $1",
    )
    .bind(claim.task_id)
    .bind(status)
    .bind(outcome)
    .bind(next.run_after)
    .bind(i64::from(next.counts))
    .bind(int(written.fetched()))
    .bind(int(written.inserted))
    .bind(int(written.updated))
    .bind(int(written.unchanged))
    .bind(int(written.rejected))
    .bind(error.map(|(code, _)| code))
    .bind(error.map(|(_, message)| message))
    .bind(status.ended().then_some(now))
    .execute(conn)
    .await?;
    Ok(())
}

/// Replaces what earlier attempts rejected.
async fn record_rejections(
    conn: &mut Connection,
    task_id: i64,
    validated: &Validated,
) -> Result<(), StoreError> {
    const DOING: &str = "recording rejected rows";
    sqlx::query("DELETE FROM task_rejections WHERE task_id = $1")
        .bind(task_id)
        .execute(&mut *conn)
        .await
        .doing(DOING)?;
    for (reason, count) in &validated.rejected {
        let sample: Vec<_> = validated.sample.iter().filter(|row| row.reason == *reason).collect();
        sqlx::query("INSERT INTO task_rejections (task_id, reason, count, sample) VALUES ($1, $2, $3, $4)")
            .bind(task_id)
            .bind(reason.as_str())
            .bind(int(*count))
            .bind(Json(sample))
            .execute(&mut *conn)
            .await
            .doing(DOING)?;
    }
    Ok(())
}

/// Counts an ended task in its job; ends the job with its last one.
async fn count_task(
    conn: &mut Connection,
    job_id: i64,
    status: TaskStatus,
    now: Instant,
) -> Result<Option<JobStatus>, StoreError> {
    let counts = jobs::job_in(conn, job_id).await?.counts().with(status);
    let job = job_status(counts, true, false);
    let failed = matches!(job, JobStatus::Failed | JobStatus::PartiallyCompleted);
    sqlx::query(
        "UPDATE backfill_jobs SET status = $2, completed_tasks = $3, failed_tasks = $4, skipped_tasks = $5,
                updated_at = $6, completed_at = $7, reason = $8, error_message = $9
         WHERE id = $1",
    )
    .bind(job_id)
    .bind(job)
    .bind(counts.completed)
    .bind(counts.failed)
    .bind(counts.skipped)
    .bind(now)
    .bind(job.ended().then_some(now))
    .bind(failed.then_some("tasks-failed"))
    .bind(failed.then(|| format!("{} of {} tasks failed", counts.failed, counts.total)))
    .execute(&mut *conn)
    .await
    .doing(DOING)?;
    if !job.ended() {
        return Ok(None);
    }
    let data = json!({ "status": job, "tasks": counts });
    events::append(conn, EventKind::JobEnded, Subject::job(job_id), data, now).await?;
    Ok(Some(job))
}

fn event_data(next: &Transition<'_>) -> Value {
    let mut data = serde_json::Map::new();
    let Finished { outcome, written, .. } = &next.finished;
    if let Some(outcome) = outcome {
        data.insert("outcome".to_owned(), json!(outcome));
    }
    if written.fetched() > 0 {
        data.insert("records".to_owned(), json!(written));
    }
    if let Some((code, message)) = next.error {
        data.insert("code".to_owned(), json!(code));
        data.insert("message".to_owned(), json!(message));
    }
    if let Some(at) = next.run_after {
        data.insert("run_after".to_owned(), json!(at));
    }
    Value::Object(data)
}

/// Databases count in signed numbers.
fn int(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
