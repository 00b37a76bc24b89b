//! What a job's tasks failed of, cause by cause, however many they are.

use std::collections::{HashMap, hash_map::Entry};

use serde::Serialize;
use sqlx::FromRow;

use super::{Store, StoreError, error::Doing, sql};
use crate::domain::{FailureCase, cause_key};

/// What tasks of a job failed of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct FailureCause {
    /// Names the cause: lists of tasks and retries take it.
    pub cause: String,
    /// Id of the source.
    pub source: String,
    /// Why, in a word.
    pub error_code: String,
    /// Why, for people: what was said of the first of the tasks. Of the others the same was said, but for figures and
    /// addresses.
    pub error_message: String,
    /// How many tasks.
    pub tasks: i64,
    /// Whether asking again can't help until the unit or the source is changed, so that only a forced retry runs them.
    pub permanent: bool,
}

/// Tasks that failed with the very same words.
#[derive(FromRow)]
struct Said {
    source: String,
    error_code: String,
    error_message: String,
    tasks: i64,
}

impl Store {
    /// What a job's tasks failed of, the most frequent cause first, and at most so many causes.
    pub async fn job_causes(&self, id: i64, most: usize) -> Result<Vec<FailureCause>, StoreError> {
        const DOING: &str = "grouping what a job's tasks failed of";
        let mut conn = self.read(DOING).await?;
        let said: Vec<Said> = sql::query(
            "SELECT source, COALESCE(error_code, '') AS error_code, COALESCE(error_message, '') AS error_message,
                    COUNT(*) AS tasks
             FROM backfill_tasks WHERE job_id = $1 AND status = 'failed'
             GROUP BY source, error_code, error_message ORDER BY MIN(id)",
        )
        .bind(id)
        .all(&mut conn)
        .await
        .doing(DOING)?;
        let mut causes = grouped(said);
        causes.truncate(most);
        Ok(causes)
    }
}

fn grouped(said: Vec<Said>) -> Vec<FailureCause> {
    let mut causes: Vec<FailureCause> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    for Said { source, error_code, error_message, tasks } in said {
        match places.entry(cause_key(&source, &error_code, &error_message)) {
            Entry::Occupied(place) => causes[*place.get()].tasks += tasks,
            Entry::Vacant(place) => {
                let (cause, permanent) = (place.key().clone(), is_permanent(&error_code));
                place.insert(causes.len());
                causes.push(FailureCause { cause, source, error_code, error_message, tasks, permanent });
            }
        }
    }
    causes.sort_by_key(|cause| std::cmp::Reverse(cause.tasks));
    causes
}

/// Whether a failure is of a cause.
pub(super) fn is_of(cause: &str, source: &str, code: Option<&str>, message: Option<&str>) -> bool {
    cause_key(source, code.unwrap_or_default(), message.unwrap_or_default()) == cause
}

/// Whether a task that failed with this word failed for good.
pub(super) fn is_permanent(error_code: &str) -> bool {
    error_code.parse::<FailureCase>().is_ok_and(FailureCase::is_permanent)
}
