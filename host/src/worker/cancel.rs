//! Cancelling a job so that nothing of it happens once the call returns, on whichever host its tasks run.

use std::time::Duration;

use crate::store::{Cancelled, Store, StoreError};

/// How often to look whether all guests have stopped.
const LOOK: Duration = Duration::from_millis(20);

/// Cancels a job and waits until its guests have stopped: from then on no request is made for it. No row is written
/// from the moment that it is cancelled. A worker that died or stalled can't answer; it is waited for up to `patience`,
/// after which its lease has run out. Returns what was stopped, and how many attempts gave no answer.
pub async fn cancel(
    store: &Store,
    job: i64,
    by: &str,
    patience: Duration,
) -> Result<(Cancelled, i64), StoreError> {
    let cancelled = store.cancel_job(job, by, store.now()).await?;
    let deadline = tokio::time::Instant::now() + patience;
    loop {
        let left = if cancelled.interrupted.is_empty() { 0 } else { store.attempts_to_stop(job).await? };
        if left == 0 || tokio::time::Instant::now() >= deadline {
            return Ok((cancelled, left));
        }
        tokio::time::sleep(LOOK).await;
    }
}
