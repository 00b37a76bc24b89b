//! Lists of jobs: a page of them, the newest first, and how many there are in all.

use super::{
    Instant, Job, Store, StoreError, conditions::Conditions, connection::Connection, error::Doing, jobs, sql,
};
use crate::domain::JobStatus;

/// The longest page.
pub const LONGEST_PAGE: u32 = 100;

const DOING: &str = "listing jobs";

/// Which jobs, and which page of them.
#[derive(Clone, Debug, Default)]
pub struct JobFilter {
    /// Only those that fill this wind farm, perhaps among others.
    pub windfarm_id: Option<i64>,
    /// Only those that stand in one of these; in any if none is named.
    pub status: Vec<JobStatus>,
    /// Only those with tasks of this source.
    pub source: Option<String>,
    /// Only those that this user asked for.
    pub created_by_id: Option<i64>,
    /// Only those made at this instant or later.
    pub since: Option<Instant>,
    /// Only those made before this instant.
    pub until: Option<Instant>,
    /// Only those older than this one: the last of the page before.
    pub before: Option<i64>,
    /// Passes over so many.
    pub offset: u32,
    /// At most so many; [`LONGEST_PAGE`] if none is given or more are asked for.
    pub limit: Option<u32>,
}

/// A page of jobs.
#[derive(Clone, Debug, PartialEq)]
pub struct JobPage {
    /// The newest first.
    pub jobs: Vec<Job>,
    /// How many the filter lets through, on all pages.
    pub total: i64,
}

impl Store {
    /// How many tasks of all jobs have not ended yet.
    pub async fn open_tasks(&self) -> Result<i64, StoreError> {
        const DOING: &str = "counting open tasks";
        let mut conn = self.read(DOING).await?;
        sql::query(
            "SELECT CAST(COALESCE(SUM(total_tasks - completed_tasks - failed_tasks - skipped_tasks), 0) AS BIGINT)
             FROM backfill_jobs WHERE status IN ('pending', 'in_progress')",
        )
        .scalar(&mut conn)
        .await
        .doing(DOING)
    }

    /// Jobs that a filter lets through, the newest first.
    pub async fn jobs(&self, filter: &JobFilter) -> Result<JobPage, StoreError> {
        let mut conn = self.read(DOING).await?;
        Ok(JobPage {
            jobs: page(&mut conn, filter).await.doing(DOING)?,
            total: total(&mut conn, filter).await.doing(DOING)?,
        })
    }
}

async fn page(conn: &mut Connection, filter: &JobFilter) -> sqlx::Result<Vec<Job>> {
    let mut conditions = conditions(filter);
    conditions.maybe("id < {}", filter.before);
    let limit = filter.limit.unwrap_or(LONGEST_PAGE).min(LONGEST_PAGE);
    // What is passed over is passed over in an index, by id alone.
    let columns = jobs::COLUMNS;
    conditions
        .query(
            &format!("SELECT {columns} FROM backfill_jobs WHERE id IN (SELECT id FROM backfill_jobs j"),
            |next| format!("ORDER BY id DESC LIMIT ${next} OFFSET ${}) ORDER BY id DESC", next + 1),
        )
        .bind(limit)
        .bind(filter.offset)
        .all(conn)
        .await
}

async fn total(conn: &mut Connection, filter: &JobFilter) -> sqlx::Result<i64> {
    conditions(filter).query("SELECT COUNT(*) FROM backfill_jobs j", |_| String::new()).scalar(conn).await
}

/// What a filter lets through.
fn conditions(filter: &JobFilter) -> Conditions {
    let mut conditions = Conditions::default();
    conditions.maybe(
        "id IN (SELECT job_id FROM backfill_job_windfarms WHERE windfarm_id = {})",
        filter.windfarm_id,
    );
    conditions.any_of("status", filter.status.iter().copied());
    conditions
        .maybe("id IN (SELECT job_id FROM backfill_job_sources WHERE source = {})", filter.source.as_ref());
    conditions.maybe("created_by_id = {}", filter.created_by_id);
    conditions.maybe("created_at >= {}", filter.since);
    conditions.maybe("created_at < {}", filter.until);
    conditions
}
