//! Which of the ready tasks a worker gets: limits, order, and no month of a unit twice at once.

use std::collections::{BTreeMap, HashSet};

use chrono::TimeDelta;
use sqlx::FromRow;

use super::{
    Instant, StoreError, circuit, claim::ClaimRequest, claim::DOING, connection::Connection, error::Doing,
    sql,
};

/// A task of a month that is under way may overtake older ones of the queue by so much waiting, since its answers are
/// being fetched: 100 units of an area then cost as many requests as one.
const OVERTAKES_BY: TimeDelta = TimeDelta::minutes(10);

/// A task that a worker is about to hold; its row is locked.
#[derive(Clone, Debug, FromRow)]
pub(super) struct Picked {
    pub(super) id: i64,
    pub(super) job_id: i64,
    generation_unit_id: i64,
    month: String,
}

/// What is under way, over all workers: what limits are counted on.
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
    months: HashSet<(i64, String)>,
}

/// Picks and locks tasks of the request's source, as many as every limit leaves.
pub(super) async fn pick(
    conn: &mut Connection,
    request: &ClaimRequest<'_>,
    now: Instant,
) -> Result<Vec<Picked>, StoreError> {
    let under_way = under_way(conn, request.source).await.doing(DOING)?;
    let admitted =
        if request.heeds_circuit { circuit::admitted(conn, request.source, now).await? } else { None };
    let left = |limit: Option<u32>, used| limit.map_or(i64::MAX, |limit| i64::from(limit) - used);
    let free = i64::from(request.limit)
        .min(left(request.total_limit, under_way.all))
        .min(left(request.source_limit, under_way.of_source))
        .min(admitted.map_or(i64::MAX, i64::from));
    let mut basket = Basket { free, under_way, picked: Vec::new(), months: HashSet::new() };
    let Some(first) = next_in_line(conn, request, None).await.doing(DOING)? else { return Ok(Vec::new()) };
    if basket.free > 0 && request.job.is_none() {
        let ready = of_months_under_way(conn, request, &basket, first.queue_at).await.doing(DOING)?;
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
    Ok(basket.picked)
}

impl Basket {
    /// How many more of a job fit.
    fn fits(&self, job_id: i64, max_concurrency: Option<i64>) -> i64 {
        let used = self.under_way.of_jobs.get(&job_id).copied().unwrap_or(0);
        self.free.min(max_concurrency.map_or(i64::MAX, |limit| limit - used))
    }

    fn take(&mut self, task: Picked, max_concurrency: Option<i64>) {
        let taken = self.picked.iter().any(|other| other.id == task.id);
        let month = (task.generation_unit_id, task.month.clone());
        if taken || self.fits(task.job_id, max_concurrency) <= 0 || !self.months.insert(month) {
            return;
        }
        *self.under_way.of_jobs.entry(task.job_id).or_default() += 1;
        self.free -= 1;
        self.picked.push(task);
    }
}

async fn under_way(conn: &mut Connection, source: &str) -> sqlx::Result<UnderWay> {
    let counted: Vec<(i64, i64, i64)> = sql::query(
        "SELECT job_id, COUNT(*), COUNT(*) FILTER (WHERE source = $1) FROM backfill_tasks
         WHERE lease_until IS NOT NULL GROUP BY job_id",
    )
    .bind(source)
    .all(conn)
    .await?;
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
        None => {
            sql::query(
                "SELECT t.queue_at, t.job_id, j.max_concurrency
                 FROM (SELECT queue_at, job_id FROM backfill_tasks
                       WHERE status = 'pending' AND NOT held AND run_after IS NULL AND source = $1
                       ORDER BY queue_at, job_id LIMIT 1) t
                 JOIN backfill_jobs j ON j.id = t.job_id",
            )
            .bind(request.source)
            .optional(conn)
            .await
        }
        Some(after) => {
            sql::query(
                "SELECT t.queue_at, t.job_id, j.max_concurrency
                 FROM (SELECT queue_at, job_id FROM backfill_tasks
                       WHERE status = 'pending' AND NOT held AND run_after IS NULL AND source = $1
                         AND (queue_at, job_id) > ($2, $3)
                       ORDER BY queue_at, job_id LIMIT 1) t
                 JOIN backfill_jobs j ON j.id = t.job_id",
            )
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
    let text = format!(
        "SELECT id, job_id, generation_unit_id, month FROM backfill_tasks t
         WHERE status = 'pending' AND NOT held AND run_after IS NULL AND source = $1 AND queue_at = $2 AND job_id = $3
           AND NOT EXISTS (SELECT 1 FROM backfill_tasks other
                           WHERE other.generation_unit_id = t.generation_unit_id AND other.month = t.month
                             AND other.status = 'in_progress')
         ORDER BY id LIMIT $4 {}",
        conn.lock_free_rows()
    );
    // Those that the basket has already are found again, and passed over.
    let again = basket.picked.iter().filter(|task| task.job_id == job.job_id).count() as i64;
    sql::query(text)
        .bind(request.source)
        .bind(job.queue_at)
        .bind(job.job_id)
        .bind(fits.saturating_add(again))
        .all(conn)
        .await
}

/// Ready tasks of months that are being fetched from the source right now, of any job that is not much younger than
/// the first in line.
async fn of_months_under_way(
    conn: &mut Connection,
    request: &ClaimRequest<'_>,
    basket: &Basket,
    first: Instant,
) -> sqlx::Result<Vec<(Picked, Option<i64>)>> {
    #[derive(FromRow)]
    struct Row {
        #[sqlx(flatten)]
        task: Picked,
        max_concurrency: Option<i64>,
    }
    if basket.under_way.of_source == 0 {
        return Ok(Vec::new());
    }
    let text = format!(
        "SELECT t.id, t.job_id, t.generation_unit_id, t.month,
                (SELECT j.max_concurrency FROM backfill_jobs j WHERE j.id = t.job_id) AS max_concurrency
         FROM backfill_tasks t
         WHERE t.status = 'pending' AND NOT t.held AND t.run_after IS NULL AND t.source = $1 AND t.queue_at <= $2
           AND t.month IN (SELECT month FROM backfill_tasks WHERE lease_until IS NOT NULL AND source = $1)
           AND NOT EXISTS (SELECT 1 FROM backfill_tasks other
                           WHERE other.generation_unit_id = t.generation_unit_id AND other.month = t.month
                             AND other.status = 'in_progress')
         ORDER BY t.queue_at, t.job_id, t.id LIMIT $3 {}",
        conn.lock_free_rows()
    );
    let rows: Vec<Row> = sql::query(text)
        .bind(request.source)
        .bind(Instant::from(first.utc() + OVERTAKES_BY))
        .bind(basket.free)
        .all(conn)
        .await?;
    Ok(rows.into_iter().map(|row| (row.task, row.max_concurrency)).collect())
}
