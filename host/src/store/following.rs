//! Following jobs: which of them have something new, in one statement however many are followed.

use super::{Store, StoreError, bulk::bulk, error::Doing};

/// Up to where somebody has been told of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Followed {
    /// Who: their own number.
    pub who: i64,
    /// The job.
    pub job: i64,
    /// The last event that they know.
    pub event: i64,
    /// The last log line; [`i64::MAX`] for who wants none.
    pub line: i64,
}

impl Store {
    /// Who of these has not been told of all events and lines, in no order.
    pub async fn behind(&self, followed: &[Followed]) -> Result<Vec<i64>, StoreError> {
        const DOING: &str = "looking for news of jobs";
        let mut conn = self.read(DOING).await?;
        let behind: Vec<(i64,)> = bulk(
            "WITH followed (who, job, event, line) AS ({rows})
             SELECT f.who FROM followed f
             WHERE EXISTS (SELECT 1 FROM events e WHERE e.job_id = f.job AND e.id > f.event)
                OR EXISTS (SELECT 1 FROM task_logs l WHERE l.job_id = f.job AND l.id > f.line)",
        )
        .column(followed.iter().map(|one| one.who))
        .column(followed.iter().map(|one| one.job))
        .column(followed.iter().map(|one| one.event))
        .column(followed.iter().map(|one| one.line))
        .all(&mut conn)
        .await
        .doing(DOING)?;
        Ok(behind.into_iter().map(|(who,)| who).collect())
    }
}
