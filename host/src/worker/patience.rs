//! A database that is restarted is back in seconds: what is under way waits for it, and costs nobody an attempt.

use std::{future::Future, time::Duration};

use crate::store::StoreError;

/// How soon to try again.
const AGAIN: [Duration; 4] =
    [Duration::from_millis(100), Duration::from_millis(500), Duration::from_secs(2), Duration::from_secs(5)];

/// Does something in the store, again and again while the store fails in passing.
pub(super) async fn patiently<T, F>(act: impl Fn() -> F) -> Result<T, StoreError>
where
    F: Future<Output = Result<T, StoreError>>,
{
    let mut pauses = AGAIN.into_iter();
    loop {
        match act().await {
            Err(error) if error.is_passing() => match pauses.next() {
                Some(pause) => {
                    tracing::warn!(%error, "the store failed; trying again");
                    tokio::time::sleep(pause).await;
                }
                None => return Err(error),
            },
            done => return done,
        }
    }
}
