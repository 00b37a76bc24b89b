//! How an attempt ends: records, outcome, counters, event and what was heard of the upstream together, or nothing.

use std::time::Duration;

use serde_json::{Value, json};

use super::{
    Claim, Instant, Store, StoreError, Told,
    bulk::bulk,
    circuit,
    connection::Connection,
    error::Doing,
    events::{self, EventKind, NewEvent, Subject},
    jobs,
    measurements::{Writer, Written},
    months, rejections, sql, twins,
};
use crate::domain::{JobStatus, TaskOutcome, TaskStatus, Validated, Window};

pub(super) const DOING: &str = "committing a task";

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
    /// The upstream says that there is nothing, and is to be asked once more at the instant before that is believed.
    /// That costs no attempt.
    AskAgain(Instant, &'a str),
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

/// What an attempt cost, what it rested on, and what it tells of its source's upstream.
#[derive(Clone, Debug, Default)]
pub struct AttemptReport<'a> {
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
    /// The whole month by the source's calendar, where the task covers only a part of it.
    pub month: Option<Window>,
    /// What was heard of the upstream; none where nobody asks how it fares.
    pub told: Option<Told<'a>>,
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
    /// Tasks of other jobs that completed with it.
    pub shared: u64,
    /// Until when its source is paused, if this attempt was what paused it.
    pub source_paused: Option<Instant>,
}

/// The task's next state, as one update.
pub(super) struct Transition<'a> {
    pub(super) finished: Finished,
    attempt_outcome: &'static str,
    counts: bool,
    empties: u32,
    confirm_at: Option<Instant>,
    run_after: Option<Instant>,
    pub(super) error: Option<(&'a str, &'a str)>,
    rejected: Option<&'a Validated>,
    event: EventKind,
}

impl Store {
    /// Ends the attempt of a claim. [`StoreError::LostLease`] if the claim holds no more; then nothing is
    /// stored. The transaction that ends a job's last task ends the job. It is committed, but maybe not on disk before
    /// [`Store::flush`].
    pub async fn finish(
        &self,
        claim: &Claim,
        ending: Ending<'_>,
        report: &AttemptReport<'_>,
        now: impl Into<Instant>,
    ) -> Result<Finished, StoreError> {
        let now = now.into();
        let mut tx = self.write_step(DOING).await?;
        let held = format!(
            "SELECT attempt_count, max_attempts,
                    EXISTS (SELECT 1 FROM backfill_tasks other
                            WHERE other.generation_unit_id = t.generation_unit_id AND other.month = t.month
                              AND other.status IN ('pending', 'in_progress') AND other.id <> t.id)
             FROM backfill_tasks t
             WHERE id = $1 AND fence = $2 AND status = 'in_progress' AND lease_until > $3 AND lease_owner = $4
               AND EXISTS (SELECT 1 FROM task_attempts a WHERE a.id = $5 AND a.task_id = t.id AND a.fence = $2) {}",
            tx.lock_rows()
        );
        let held: Option<(i64, i64, bool)> = sql::query(held)
            .bind(claim.task_id)
            .bind(claim.fence)
            .bind(now)
            .bind(&claim.owner)
            .bind(claim.attempt_id)
            .optional(&mut tx)
            .await
            .doing(DOING)?;
        let Some((attempts, max_attempts, has_twins)) = held else {
            return Err(StoreError::LostLease { task_id: claim.task_id });
        };
        let whole = report.month.unwrap_or(claim.window);
        let mut written = Written::default();
        if let Ending::Records(validated) = ending {
            if validated.accepted.is_empty() {
                let why = "no record can be stored; a month without records is confirmed empty, or failed";
                return Err(StoreError::refused(DOING, why));
            }
            let writer = Writer {
                unit_id: claim.unit_id,
                source: &claim.source,
                attempt_id: claim.attempt_id,
                month: claim.month,
                whole,
                now,
            };
            written = writer.write(&mut tx, &validated.accepted).await.doing("storing measurements")?;
        }
        let mut next = transition(ending, written, attempts + 1 >= max_attempts);
        end_attempt(&mut tx, claim, &next, report, now).await.doing(DOING)?;
        update_task(&mut tx, claim, &next, now).await.doing(DOING)?;
        if let Some(rejected) = next.rejected {
            rejections::record(&mut tx, claim, rejected).await?;
        }
        months::record(&mut tx, claim, &next, whole, now).await.doing(DOING)?;

        let twins =
            if has_twins { twins::complete(&mut tx, claim, &next.finished, now).await? } else { Vec::new() };
        next.finished.shared = twins.len().try_into().unwrap_or(u64::MAX);
        let ids = twins.iter().map(|twin| twin.job_id).chain([claim.job_id]).collect();
        for job in jobs::lock(&mut tx, ids).await? {
            let now = job.changed(now);
            let mut ended = Vec::new();
            let mut news = Vec::new();
            if job.started_at.is_none() {
                // Nothing of it was claimed yet: it begins with what another job has fetched.
                jobs::start(&mut tx, &job, now).await.doing(DOING)?;
                news.push(NewEvent::new(EventKind::JobStarted, Subject::job(job.id), json!({})));
            }
            if job.id == claim.job_id {
                let subject = Subject::task(claim.job_id, claim.task_id, &claim.source);
                news.push(NewEvent::new(next.event, subject, event_data(&next)));
                ended.extend(next.finished.status.ended().then_some(next.finished.status));
            }
            for twin in twins.iter().filter(|twin| twin.job_id == job.id) {
                let subject = Subject::task(twin.job_id, twin.id, &claim.source);
                let data = json!({ "outcome": twin.outcome, "shared_with": claim.task_id });
                news.push(NewEvent::new(EventKind::TaskCompleted, subject, data));
                ended.push(TaskStatus::Completed);
            }
            events::append_all(&mut tx, &news, now).await?;
            if !ended.is_empty() {
                let job_ended = jobs::count(&mut tx, &job, &ended, now).await?;
                if job.id == claim.job_id {
                    next.finished.job_ended = job_ended;
                }
            }
        }
        if let Some(told) = report.told {
            next.finished.source_paused = circuit::hear(&mut tx, &claim.source, told, now).await?;
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
        Ending::AskAgain(..) => (TaskStatus::Pending, None, "released", EventKind::TaskReleased),
        Ending::Release(..) => (TaskStatus::Pending, None, "released", EventKind::TaskReleased),
    };
    let (run_after, error, rejected) = match ending {
        Ending::Records(validated) => (None, None, Some(validated)),
        Ending::Empty(message) => (None, Some(("no-data", message)), None),
        Ending::Failed(error) => (None, Some((error.code, error.message)), error.rejected),
        Ending::Retry(at, error) => {
            ((status == TaskStatus::Pending).then_some(at), Some((error.code, error.message)), error.rejected)
        }
        Ending::AskAgain(at, message) => (Some(at), Some(("no-data", message)), None),
        Ending::Release(at, error) => (at, Some((error.code, error.message)), error.rejected),
    };
    written.rejected = rejected.map_or(0, Validated::rejected_rows);
    Transition {
        finished: Finished { status, outcome, written, job_ended: None, shared: 0, source_paused: None },
        attempt_outcome,
        counts: !matches!(ending, Ending::Release(..) | Ending::AskAgain(..)),
        empties: u32::from(matches!(ending, Ending::Empty(_) | Ending::AskAgain(..))),
        confirm_at: if let Ending::AskAgain(at, _) = ending { Some(at) } else { None },
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
    report: &AttemptReport<'_>,
    now: Instant,
) -> sqlx::Result<()> {
    sql::query(
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
    .execute(conn)
    .await?;
    bulk("INSERT INTO attempt_answers (attempt_id, answer_id) {rows} ON CONFLICT DO NOTHING")
        .column(report.answers.iter().map(|_| claim.attempt_id))
        .column(report.answers.iter().copied())
        .execute(conn)
        .await?;
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
    sql::query(
        "UPDATE backfill_tasks SET status = $2, outcome = $3, run_after = $4, attempt_count = attempt_count + $5,
                lease_owner = NULL, lease_until = NULL, lost_count = 0, records_fetched = $6,
                records_inserted = $7, records_updated = $8, records_unchanged = $9, records_rejected = $10,
                error_code = $11, error_message = $12, completed_at = $13, empty_count = empty_count + $14,
                confirm_at = COALESCE($15, confirm_at)
         WHERE id = $1",
    )
    .bind(claim.task_id)
    .bind(*status)
    .bind(*outcome)
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
    .bind(next.empties)
    .bind(next.confirm_at)
    .execute(conn)
    .await?;
    Ok(())
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
pub(super) fn int(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
