//! How much may wait: `max_open_tasks`, over all jobs, whoever brings more of them.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::PlanningError;
use crate::store::{Chosen, Retried, Store};

/// What is to run again.
#[derive(Clone, Copy, Debug)]
pub struct Retry<'a> {
    /// The job.
    pub job_id: i64,
    /// Which of its tasks.
    pub chosen: Chosen<'a>,
    /// Also what failed for good.
    pub force: bool,
}

/// Refuses what would bring more tasks than may be open. Who asks at the same moment may be told of the same room: what
/// is exceeded by that is no more than what one may ask for at once.
///
/// # Errors
/// [`PlanningError::QueueFull`], and those of the store.
pub async fn check_room(store: &Store, more: usize, limit: u32) -> Result<(), PlanningError> {
    let open = store.open_tasks().await?;
    let more = i64::try_from(more).unwrap_or(i64::MAX);
    if more > 0 && open.saturating_add(more) > i64::from(limit) {
        return Err(PlanningError::QueueFull { open, more, limit });
    }
    Ok(())
}

/// Lets tasks of a job run again, as [`Store::retry_job`] does, if there is room for them.
///
/// # Errors
/// [`PlanningError::QueueFull`], and those of the store.
pub async fn retry(
    store: &Store,
    what: Retry<'_>,
    by: &str,
    limit: u32,
    now: DateTime<Utc>,
) -> Result<Retried, PlanningError> {
    let job = store.job(what.job_id).await?;
    // Of those that were skipped, only what somebody stopped runs again.
    let stopped = if job.reason.is_some() { job.skipped_tasks } else { 0 };
    let most = usize::try_from(job.failed_tasks + stopped).unwrap_or(0);
    let most = match what.chosen {
        Chosen::Tasks(ids) => ids.iter().collect::<BTreeSet<_>>().len().min(most),
        Chosen::All | Chosen::Cause(_) => most,
    };
    check_room(store, most, limit).await?;
    Ok(store.retry_job(what.job_id, what.chosen, what.force, by, now).await?)
}
