//! Claims: how a worker comes to hold a task, keeps it, and loses it.
//!
//! A claim is a lease with a fence. The lease ends by itself if its holder dies or stalls; the fence grows with
//! every claim, so that a former holder can be told from the present one for ever.

use std::{collections::HashMap, time::Duration};

use serde_json::json;
use sqlx::FromRow;

use super::{
    Instant, Store, StoreError,
    bulk::bulk,
    circuit,
    connection::Transaction,
    error::Doing,
    events::{self, EventKind, NewEvent, Subject},
    jobs::{self, Job},
    lost,
    pick::{self, Picked, Picks},
    sql,
};
use crate::domain::{JobStatus, Month, Unit, Window};

pub(super) const DOING: &str = "claiming tasks";

/// What a worker asks for.
#[derive(Clone, Copy, Debug)]
pub struct ClaimRequest<'a> {
    /// The worker process: an id that is new with every start.
    pub owner: &'a str,
    /// The source whose tasks are wanted. A worker names it, since it can only run the sources that it has.
    pub source: &'a str,
    /// Only tasks of this job.
    pub job: Option<i64>,
    /// At most so many.
    pub limit: u32,
    /// At most so many tasks of this source under way at once, over all workers.
    pub source_limit: Option<u32>,
    /// At most so many tasks under way at once, over all workers and sources.
    pub total_limit: Option<u32>,
    /// How long the tasks are held unless renewed.
    pub lease: Duration,
    /// Whether nothing is claimed of a source that is paused since its upstream fails.
    pub heeds_circuit: bool,
}

/// A task that a worker holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Claim {
    /// The task.
    pub task_id: i64,
    /// Proof of holding it, together with the owner and the attempt: a server that died may have forgotten this claim,
    /// and given its number to another.
    pub fence: i64,
    /// The worker process.
    pub owner: String,
    /// Its attempt's row.
    pub attempt_id: i64,
    /// Its job.
    pub job_id: i64,
    /// Its unit's row.
    pub unit_id: i64,
    /// The unit as the source sees it.
    pub unit: Unit,
    /// Id of the source.
    pub source: String,
    /// The month to fetch.
    pub month: Month,
    /// The span of UTC that it covers.
    pub window: Window,
    /// Which attempt this is, 1 for the first; waits and lost leases don't count.
    pub attempt: u32,
    /// Attempts in all.
    pub max_attempts: u32,
    /// When the upstream last said to this task that the month is empty, if it did.
    pub empty_at: Option<Instant>,
    /// From when on that is believed once it says so again.
    pub confirm_at: Option<Instant>,
    /// How many leases of this task ran out in a row before this claim. A task that takes its workers down with
    /// it shows here.
    pub lost: u32,
}

/// What there is to do for whoever claims.
#[derive(FromRow)]
struct There {
    /// Tasks of the source are ready.
    ready: bool,
    /// The wait of a task is over.
    due: bool,
    /// The lease of a task has run out.
    lost: bool,
}

impl Store {
    /// Claims tasks that are ready: oldest job first (see [`crate::domain::Priority::head_start`]), in the order in
    /// which they were planned, months that are under way before others. Tasks whose lease ran out are taken back
    /// first, whoever held them. It is committed, but maybe not on disk yet: whatever rests on it says whose it is.
    ///
    /// `now` is asked again once the queue is this claim's: it may have waited for long.
    pub async fn claim<I: Into<Instant>>(
        &self,
        request: ClaimRequest<'_>,
        now: impl Fn() -> I,
    ) -> Result<Vec<Claim>, StoreError> {
        let there = self.there(&request, now().into()).await?;
        if !there.ready && !there.due && !there.lost {
            return Ok(Vec::new());
        }
        let mut tx = self.write_step(DOING).await?;
        // A statement of its own: a connection whose transaction could not even begin would keep the lock.
        tx.lock_queue().await.doing(DOING)?;
        let now = now().into();
        let lost = if there.lost { lost::take_back(&mut tx, now).await? } else { Vec::new() };
        if there.due {
            make_due(&mut tx, now).await.doing(DOING)?;
        }
        let picks = pick::pick(&mut tx, &request, now).await?;
        let claims = start(&mut tx, &request, picks, &lost, now).await?;
        tx.commit().await.doing(DOING)?;
        Ok(claims)
    }

    /// What there is to claim or to take back. Hosts look often, and most often in vain: looking locks nothing.
    async fn there(&self, request: &ClaimRequest<'_>, now: Instant) -> Result<There, StoreError> {
        let mut conn = self.read(DOING).await?;
        sql::query(
            // The smallest is the first of its index. Whether one is small enough, Postgres looks for from row to row
            // where it takes many for small enough.
            "SELECT EXISTS (SELECT 1 FROM backfill_tasks
                            WHERE status = 'pending' AND NOT held AND run_after IS NULL AND source = $1) AS ready,
                    COALESCE((SELECT MIN(run_after) FROM backfill_tasks WHERE run_after IS NOT NULL) <= $2, FALSE) AS due,
                    COALESCE((SELECT MIN(lease_until) FROM backfill_tasks WHERE lease_until IS NOT NULL) <= $2, FALSE)
                        AS lost",
        )
        .bind(request.source)
        .bind(now)
        .one(&mut conn)
        .await
        .doing(DOING)
    }

    /// Extends the leases that `owner` still holds, and returns the ids of the tasks that it has lost: those must
    /// be stopped, for nothing of them can be stored any more.
    pub async fn renew(
        &self,
        owner: &str,
        held: &[(i64, i64)],
        lease: Duration,
        now: impl Into<Instant>,
    ) -> Result<Vec<i64>, StoreError> {
        const DOING: &str = "renewing leases";
        if held.is_empty() {
            return Ok(Vec::new());
        }
        let now = now.into();
        let until = now.after(lease);
        let mut held = held.to_vec();
        held.sort_unstable();
        let mut tx = self.write_own(DOING).await?;
        let mut renewed: Vec<(i64,)> = bulk(
            "WITH held (task_id, held_fence, owner, until, now) AS ({rows})
             UPDATE backfill_tasks SET lease_until = until FROM held
             WHERE id = task_id AND fence = held_fence AND lease_owner = owner AND lease_until > now
             RETURNING id",
        )
        .column(held.iter().map(|(task, _)| *task))
        .column(held.iter().map(|(_, fence)| *fence))
        .column(held.iter().map(|_| Some(owner.to_owned())))
        .column(held.iter().map(|_| Some(until)))
        .column(held.iter().map(|_| Some(now)))
        .all(&mut tx)
        .await
        .doing(DOING)?;
        tx.commit().await.doing(DOING)?;
        renewed.sort_unstable();
        let is_lost = |task: &i64| renewed.binary_search(&(*task,)).is_err();
        Ok(held.into_iter().map(|(task, _)| task).filter(is_lost).collect())
    }

    /// When a task that can't be claimed now can be: the earliest end of a wait or a lease, of one job if one is
    /// given. None if nothing waits.
    pub async fn next_due(&self, job: Option<i64>) -> Result<Option<Instant>, StoreError> {
        const DOING: &str = "looking when the next task is due";
        let mut conn = self.read(DOING).await?;
        sql::query(
            "SELECT MIN(due) FROM (
                 SELECT MIN(run_after) AS due FROM backfill_tasks
                 WHERE run_after IS NOT NULL AND NOT held AND ($1 IS NULL OR job_id = $1)
                 UNION ALL
                 SELECT MIN(lease_until) FROM backfill_tasks
                 WHERE lease_until IS NOT NULL AND ($1 IS NULL OR job_id = $1)
             ) waits",
        )
        .bind(job)
        .scalar(&mut conn)
        .await
        .doing(DOING)
    }
}

/// Lets tasks whose wait is over be claimed.
async fn make_due(tx: &mut Transaction, now: Instant) -> sqlx::Result<()> {
    let text = format!(
        "WITH due (task_id) AS (SELECT id FROM backfill_tasks WHERE run_after <= $1 ORDER BY id {})
         UPDATE backfill_tasks SET run_after = NULL FROM due WHERE id = task_id",
        tx.lock_free_rows()
    );
    sql::query(text).bind(now).execute(tx).await?;
    Ok(())
}

/// Gives the picked tasks to their worker, by id: each with its attempt recorded, its job under way.
async fn start(
    tx: &mut Transaction,
    request: &ClaimRequest<'_>,
    picks: Picks,
    lost: &[lost::Lost],
    now: Instant,
) -> Result<Vec<Claim>, StoreError> {
    let Picks { tasks: mut picked, on_trial } = picks;
    picked.sort_unstable_by_key(|task| task.id);
    let owner = || Some(request.owner.to_owned());
    bulk(
        "WITH picked (task_id, owner, until, now) AS ({rows})
         UPDATE backfill_tasks SET status = 'in_progress', lease_owner = owner, lease_until = until,
                fence = fence + 1, started_at = COALESCE(started_at, now)
         FROM picked WHERE id = task_id",
    )
    .column(picked.iter().map(|task| task.id))
    .column(picked.iter().map(|_| owner()))
    .column(picked.iter().map(|_| Some(now.after(request.lease))))
    .column(picked.iter().map(|_| Some(now)))
    .execute(tx)
    .await
    .doing(DOING)?;
    let attempts: Vec<(i64, i64)> =
        bulk("INSERT INTO task_attempts (task_id, fence, worker, started_at) {rows} RETURNING task_id, id")
            .column(picked.iter().map(|task| task.id))
            .column(picked.iter().map(|task| task.fence + 1))
            .column(picked.iter().map(|_| owner()))
            .column(picked.iter().map(|_| Some(now)))
            .all(tx)
            .await
            .doing(DOING)?;
    let attempts: HashMap<i64, i64> = attempts.into_iter().collect();

    let ids = picked.iter().map(|task| task.job_id).chain(lost.iter().map(|task| task.job_id)).collect();
    let affected = jobs::lock(tx, ids).await?;
    lost::tell(tx, lost, &affected, now).await?;
    if on_trial && !picked.is_empty() {
        circuit::on_trial(tx, request.source, request.lease, now).await?;
    }
    let begins =
        |job: &&Job| job.status == JobStatus::Pending && picked.iter().any(|task| task.job_id == job.id);
    for job in affected.iter().filter(begins) {
        jobs::start(tx, job, now).await.doing(DOING)?;
        let subject = Subject::job(job.id);
        events::append(tx, EventKind::JobStarted, subject, json!({}), job.changed(now)).await?;
    }
    let started = picked.iter().map(|task| {
        let subject = Subject::task(task.job_id, task.id, &task.source);
        let data = json!({ "attempt": task.attempt_count + 1, "worker": request.owner });
        NewEvent::new(EventKind::TaskStarted, subject, data)
    });
    events::append_all(tx, &started.collect::<Vec<_>>(), now).await?;
    // Each has an attempt: they were inserted together.
    let claims = picked.into_iter().filter_map(|task| {
        let attempt_id = *attempts.get(&task.id)?;
        Some(task.claimed(request.owner, attempt_id))
    });
    Ok(claims.collect())
}

impl Picked {
    fn claimed(self, owner: &str, attempt_id: i64) -> Claim {
        Claim {
            task_id: self.id,
            fence: self.fence + 1,
            owner: owner.to_owned(),
            attempt_id,
            job_id: self.job_id,
            unit_id: self.generation_unit_id,
            unit: Unit {
                code: self.code,
                name: self.name,
                capacity_mw: self.capacity_mw,
                attributes: self.attributes,
            },
            source: self.source,
            month: self.month,
            window: Window { start: self.start_date.timestamp(), end: self.end_date.timestamp() },
            attempt: self.attempt_count + 1,
            max_attempts: self.max_attempts,
            empty_at: self.empty_at,
            confirm_at: self.confirm_at,
            lost: self.lost_count,
        }
    }
}
