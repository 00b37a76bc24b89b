//! Lists of jobs: a page of them, the newest first, and how many there are in all.

use super::{
    Instant, Job, Store, StoreError,
    connection::Connection,
    error::Doing,
    jobs,
    sql::{self, Query, Value},
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
    let mut conditions = Conditions::of(filter);
    if let Some(before) = filter.before {
        conditions.add("id < {}", before);
    }
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
    Conditions::of(filter).query("SELECT COUNT(*) FROM backfill_jobs j", |_| String::new()).scalar(conn).await
}

/// The conditions of a filter. Only those that there are are in the statement, so that each finds its index.
#[derive(Default)]
struct Conditions {
    texts: Vec<String>,
    values: Vec<Value>,
}

impl Conditions {
    fn of(filter: &JobFilter) -> Self {
        let mut conditions = Self::default();
        if let Some(windfarm) = filter.windfarm_id {
            conditions
                .add("id IN (SELECT job_id FROM backfill_job_windfarms WHERE windfarm_id = {})", windfarm);
        }
        if !filter.status.is_empty() {
            let places: Vec<_> = filter.status.iter().map(|status| conditions.place(*status)).collect();
            conditions.texts.push(format!("status IN ({})", places.join(", ")));
        }
        if let Some(source) = &filter.source {
            conditions.add("id IN (SELECT job_id FROM backfill_job_sources WHERE source = {})", source);
        }
        if let Some(user) = filter.created_by_id {
            conditions.add("created_by_id = {}", user);
        }
        if let Some(since) = filter.since {
            conditions.add("created_at >= {}", since);
        }
        if let Some(until) = filter.until {
            conditions.add("created_at < {}", until);
        }
        conditions
    }

    /// The place of a value in the statement.
    fn place(&mut self, value: impl Into<Value>) -> String {
        self.values.push(value.into());
        format!("${}", self.values.len())
    }

    /// A condition on a value, whose place `{}` stands for.
    fn add(&mut self, text: &str, value: impl Into<Value>) {
        let place = self.place(value);
        self.texts.push(text.replace("{}", &place));
    }

    /// The statement from its beginning and its end, which is told the next free place.
    fn query(self, begin: &str, end: impl FnOnce(usize) -> String) -> Query {
        let Self { texts, values } = self;
        let end = end(values.len() + 1);
        let filter = if texts.is_empty() { String::new() } else { format!("WHERE {}", texts.join(" AND ")) };
        values.into_iter().fold(sql::query(format!("{begin} {filter} {end}")), Query::bind)
    }
}
