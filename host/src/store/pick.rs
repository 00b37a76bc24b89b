//! Which of the ready tasks a worker gets: limits, order, and no month of a unit twice at once.
//!
//! Statements that look for open tasks of a unit's month say that they are pending or in progress, even where one of the
//! two is meant: SQLite uses an index of part of a table only where a statement repeats what that part is.

use std::collections::{BTreeMap, HashSet};

use chrono::TimeDelta;
use sqlx::FromRow;

use super::{
    Instant, StoreError, circuit, claim::ClaimRequest, claim::DOING, connection::Connection, error::Doing,
    sql,
};
use crate::domain::{Admission, Month};

/// A task of a month whose answers are being fetched, or were just now, may overtake older ones of the queue by so much
/// waiting: 100 units of an area then cost as many requests as one.
const OVERTAKES_BY: TimeDelta = TimeDelta::minutes(10);

/// A month that was fetched no longer ago than this has its answers in the archive; most sources reuse them for longer.
const JUST_FETCHED: TimeDelta = TimeDelta::minutes(10);

/// Among so many of the last attempts, such months are looked for.
const LAST_ATTEMPTS: u32 = 64;

/// Tasks of so many such months are looked at for one claim.
const MONTHS_AT_ONCE: u32 = 8;

/// How many attempts run of each job, and how many of these are of a source: `$1`.
pub(super) const UNDER_WAY: &str = "
    SELECT t.job_id, COUNT(*), COUNT(*) FILTER (WHERE t.source = $1)
    FROM task_attempts a JOIN backfill_tasks t ON t.id = a.task_id
    WHERE a.ended_at IS NULL GROUP BY t.job_id";

/// The job whose ready tasks of a source, `$1`, are first in the queue.
pub(super) const FIRST_IN_LINE: &str = "
    SELECT t.queue_at, t.job_id, j.max_concurrency
    FROM (SELECT queue_at, job_id FROM backfill_tasks
          WHERE status = 'pending' AND NOT held AND run_after IS NULL AND source = $1
          ORDER BY queue_at, job_id LIMIT 1) t
    JOIN backfill_jobs j ON j.id = t.job_id";

/// The one after a place in the queue, `$2` and `$3`.
pub(super) const NEXT_IN_LINE: &str = "
    SELECT t.queue_at, t.job_id, j.max_concurrency
    FROM (SELECT queue_at, job_id FROM backfill_tasks
          WHERE status = 'pending' AND NOT held AND run_after IS NULL AND source = $1
            AND (queue_at, job_id) > ($2, $3)
          ORDER BY queue_at, job_id LIMIT 1) t
    JOIN backfill_jobs j ON j.id = t.job_id";

/// Begins a statement that finds tasks `t`, with all of [`Picked`].
macro_rules! tasks {
    ($rest:expr) => { concat!(
    "
    SELECT t.id, t.fence, t.job_id, t.generation_unit_id, t.source, t.month, t.start_date, t.end_date, t.attempt_count,
           t.max_attempts, t.confirm_at, t.lost_count,
           CASE WHEN t.empty_count > 0 THEN (SELECT MAX(e.ended_at) FROM task_attempts e
                                             WHERE e.task_id = t.id AND e.error_code = 'no-data') END AS empty_at,
           u.code, u.name, u.capacity_mw, u.attributes", $rest) };
}

/// Ready tasks of a source, `$1`, at a job's place in the queue, `$2` and `$3`, as planned: at most `$4`.
pub(super) const OF_JOB: &str = tasks!(
    "
    FROM backfill_tasks t JOIN generation_units u ON u.id = t.generation_unit_id
    WHERE t.status = 'pending' AND NOT t.held AND t.run_after IS NULL AND t.source = $1 AND t.queue_at = $2
      AND t.job_id = $3
      AND NOT EXISTS (SELECT 1 FROM backfill_tasks other
                      WHERE other.generation_unit_id = t.generation_unit_id AND other.month = t.month
                        AND other.status = 'in_progress' AND other.status IN ('pending', 'in_progress'))
    ORDER BY t.id LIMIT $4"
);

/// Months of which a source, `$1`, has ready tasks that stand in the queue until `$2`, and whose answers are being fetched
/// or were since `$3`; at most `$5`, in the order of the queue. They are looked for among the last `$4` attempts of all
/// sources, and each is looked up in the index: a claim costs the same however long history and queue are.
pub(super) const MONTHS_AT_HAND: &str = "
    SELECT month
    FROM (SELECT m.month, (SELECT t.queue_at FROM backfill_tasks t
                           WHERE t.status = 'pending' AND NOT t.held AND t.run_after IS NULL AND t.source = $1
                             AND t.month = m.month AND t.queue_at <= $2
                           ORDER BY t.queue_at LIMIT 1) AS first_at
          FROM (SELECT month FROM backfill_tasks WHERE lease_until IS NOT NULL AND source = $1
                UNION
                SELECT (SELECT f.month FROM backfill_tasks f WHERE f.id = a.task_id AND f.source = $1)
                FROM (SELECT task_id, ended_at, outcome FROM task_attempts ORDER BY id DESC LIMIT $4) a
                WHERE a.ended_at > $3 AND a.outcome IN ('written', 'unchanged', 'empty')) m) at_hand
    WHERE first_at IS NOT NULL ORDER BY first_at, month LIMIT $5";

/// Ready tasks of a month, `$2`, of a source, `$1`, that stand in the queue until `$3`: at most `$4`.
pub(super) const OF_MONTH: &str = tasks!(
    ",
           (SELECT j.max_concurrency FROM backfill_jobs j WHERE j.id = t.job_id) AS max_concurrency
    FROM backfill_tasks t JOIN generation_units u ON u.id = t.generation_unit_id
    WHERE t.status = 'pending' AND NOT t.held AND t.run_after IS NULL AND t.source = $1 AND t.month = $2
      AND t.queue_at <= $3
      AND NOT EXISTS (SELECT 1 FROM backfill_tasks other
                      WHERE other.generation_unit_id = t.generation_unit_id AND other.month = t.month
                        AND other.status = 'in_progress' AND other.status IN ('pending', 'in_progress'))
    ORDER BY t.queue_at, t.job_id, t.id LIMIT $4"
);

/// A task that a worker is about to hold, with all that it needs of it and its unit. The task's row is locked.
#[derive(Clone, Debug, FromRow)]
pub(super) struct Picked {
    pub(super) id: i64,
    /// Of the last claim.
    pub(super) fence: i64,
    pub(super) job_id: i64,
    pub(super) generation_unit_id: i64,
    pub(super) source: String,
    pub(super) month: Month,
    pub(super) start_date: Instant,
    pub(super) end_date: Instant,
    #[sqlx(try_from = "i64")]
    pub(super) attempt_count: u32,
    #[sqlx(try_from = "i64")]
    pub(super) max_attempts: u32,
    pub(super) confirm_at: Option<Instant>,
    #[sqlx(try_from = "i64")]
    pub(super) lost_count: u32,
    pub(super) empty_at: Option<Instant>,
    pub(super) code: String,
    pub(super) name: String,
    pub(super) capacity_mw: Option<f64>,
    #[sqlx(json)]
    pub(super) attributes: BTreeMap<String, String>,
}

/// What a worker gets.
#[derive(Debug, Default)]
pub(super) struct Picks {
    pub(super) tasks: Vec<Picked>,
    /// Whether the one task is let through on trial, since its source is paused.
    pub(super) on_trial: bool,
}

/// What is under way, over all workers: what limits are counted on. An attempt whose task was cancelled is, until its
/// worker has stopped it or is known to be dead: it asks its upstream meanwhile.
#[derive(Debug, Default)]
struct UnderWay {
    all: i64,
    of_source: i64,
    of_jobs: BTreeMap<i64, i64>,
}

/// Where a job's tasks stand in the queue, and how many of them may still be taken.
#[derive(Clone, Copy, Debug, FromRow)]
struct InLine {
    queue_at: Instant,
    job_id: i64,
    max_concurrency: Option<i64>,
}

/// What was picked so far, and how many more may be.
struct Basket {
    free: i64,
    under_way: UnderWay,
    picked: Vec<Picked>,
    months: HashSet<(i64, Month)>,
}

/// Picks and locks tasks of the request's source, as many as every limit leaves.
pub(super) async fn pick(
    conn: &mut Connection,
    request: &ClaimRequest<'_>,
    now: Instant,
) -> Result<Picks, StoreError> {
    let under_way = under_way(conn, request.source).await.doing(DOING)?;
    let admission = if request.heeds_circuit {
        circuit::admission(conn, request.source, now).await?
    } else {
        Admission::Closed
    };
    let admitted = match admission {
        Admission::Closed => i64::MAX,
        Admission::HalfOpen => 1,
        Admission::OpenUntil(_) => 0,
    };
    let left = |limit: Option<u32>, used| limit.map_or(i64::MAX, |limit| i64::from(limit) - used);
    let free = i64::from(request.limit)
        .min(left(request.total_limit, under_way.all))
        .min(left(request.source_limit, under_way.of_source))
        .min(admitted);
    let mut basket = Basket { free, under_way, picked: Vec::new(), months: HashSet::new() };
    let Some(first) = next_in_line(conn, request, None).await.doing(DOING)? else {
        return Ok(Picks::default());
    };
    if basket.free > 0 && request.job.is_none() {
        let ready = of_months_at_hand(conn, request, &basket, first.queue_at, now).await.doing(DOING)?;
        for (task, max_concurrency) in ready {
            basket.take(task, max_concurrency);
        }
    }
    let mut job = Some(first);
    while let Some(in_line) = job
        && basket.free > 0
    {
        for task in of_job(conn, request, &basket, in_line).await.doing(DOING)? {
            basket.take(task, in_line.max_concurrency);
        }
        job = next_in_line(conn, request, Some(in_line)).await.doing(DOING)?;
    }
    Ok(Picks { on_trial: admission == Admission::HalfOpen, tasks: basket.picked })
}

impl Basket {
    /// How many more of a job fit.
    fn fits(&self, job_id: i64, max_concurrency: Option<i64>) -> i64 {
        let used = self.under_way.of_jobs.get(&job_id).copied().unwrap_or(0);
        self.free.min(max_concurrency.map_or(i64::MAX, |limit| limit - used))
    }

    fn take(&mut self, task: Picked, max_concurrency: Option<i64>) {
        let taken = self.picked.iter().any(|other| other.id == task.id);
        let month = (task.generation_unit_id, task.month);
        if taken || self.fits(task.job_id, max_concurrency) <= 0 || !self.months.insert(month) {
            return;
        }
        *self.under_way.of_jobs.entry(task.job_id).or_default() += 1;
        self.free -= 1;
        self.picked.push(task);
    }
}

async fn under_way(conn: &mut Connection, source: &str) -> sqlx::Result<UnderWay> {
    let counted: Vec<(i64, i64, i64)> = sql::query(UNDER_WAY).bind(source).all(conn).await?;
    Ok(counted.into_iter().fold(UnderWay::default(), |mut sum, (job, all, of_source)| {
        sum.all += all;
        sum.of_source += of_source;
        sum.of_jobs.insert(job, all);
        sum
    }))
}

/// The job whose ready tasks of the source come next in the queue: one step along the index, however many tasks it has.
async fn next_in_line(
    conn: &mut Connection,
    request: &ClaimRequest<'_>,
    after: Option<InLine>,
) -> sqlx::Result<Option<InLine>> {
    if let Some(job) = request.job {
        if after.is_some() {
            return Ok(None);
        }
        return sql::query("SELECT queue_at, id AS job_id, max_concurrency FROM backfill_jobs WHERE id = $1")
            .bind(job)
            .optional(conn)
            .await;
    }
    match after {
        None => sql::query(FIRST_IN_LINE).bind(request.source).optional(conn).await,
        Some(after) => {
            sql::query(NEXT_IN_LINE)
                .bind(request.source)
                .bind(after.queue_at)
                .bind(after.job_id)
                .optional(conn)
                .await
        }
    }
}

/// Ready tasks of a job, as planned. One whose month another job is fetching right now waits: it completes with that.
async fn of_job(
    conn: &mut Connection,
    request: &ClaimRequest<'_>,
    basket: &Basket,
    job: InLine,
) -> sqlx::Result<Vec<Picked>> {
    let fits = basket.fits(job.job_id, job.max_concurrency);
    if fits <= 0 {
        return Ok(Vec::new());
    }
    // Those that the basket has already are found again, and passed over.
    let again = basket.picked.iter().filter(|task| task.job_id == job.job_id).count() as i64;
    sql::query(format!("{OF_JOB} {}", conn.lock_free_tasks()))
        .bind(request.source)
        .bind(job.queue_at)
        .bind(job.job_id)
        .bind(fits.saturating_add(again))
        .all(conn)
        .await
}

/// Ready tasks of months that are being fetched from the source right now or were just now, of any job that is not much
/// younger than the first in line.
async fn of_months_at_hand(
    conn: &mut Connection,
    request: &ClaimRequest<'_>,
    basket: &Basket,
    first: Instant,
    now: Instant,
) -> sqlx::Result<Vec<(Picked, Option<i64>)>> {
    #[derive(FromRow)]
    struct Row {
        #[sqlx(flatten)]
        task: Picked,
        max_concurrency: Option<i64>,
    }
    let until = Instant::from(first.utc() + OVERTAKES_BY);
    let months: Vec<String> = sql::query(MONTHS_AT_HAND)
        .bind(request.source)
        .bind(until)
        .bind(Instant::from(now.utc() - JUST_FETCHED))
        .bind(LAST_ATTEMPTS)
        .bind(MONTHS_AT_ONCE)
        .scalars(conn)
        .await?;
    let mut ready = Vec::new();
    for month in months {
        let left = basket.free - ready.len() as i64;
        if left <= 0 {
            break;
        }
        let rows: Vec<Row> = sql::query(format!("{OF_MONTH} {}", conn.lock_free_tasks()))
            .bind(request.source)
            .bind(month)
            .bind(until)
            .bind(left)
            .all(conn)
            .await?;
        ready.extend(rows.into_iter().map(|row| (row.task, row.max_concurrency)));
    }
    Ok(ready)
}
