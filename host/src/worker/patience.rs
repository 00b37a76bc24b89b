//! A database that is restarted is back in seconds: what is under way waits for it, and costs nobody an attempt. One that
//! gives no answer at all, since the way to it is cut, is waited for no longer than it may take.

use std::{future::Future, time::Duration};

use crate::store::StoreError;

/// How soon to try again.
const AGAIN: [Duration; 4] =
    [Duration::from_millis(100), Duration::from_millis(500), Duration::from_secs(2), Duration::from_secs(5)];

/// How long one try may take. Longer than the store waits for its locks and connections.
pub(super) const LONGEST_TRY: Duration = Duration::from_secs(60);

/// Does something in the store, again and again while the store fails in passing.
pub(crate) async fn patiently<T, F>(act: impl Fn() -> F) -> Result<T, StoreError>
where
    F: Future<Output = Result<T, StoreError>>,
{
    let mut pauses = AGAIN.into_iter();
    loop {
        match in_time(LONGEST_TRY, "waiting for the database", act()).await {
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

/// Does something in the store, or gives up once it took too long: a connection whose other end is gone without a word
/// says nothing for a quarter of an hour.
pub(super) async fn in_time<T>(
    limit: Duration,
    doing: &'static str,
    act: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    tokio::time::timeout(limit, act).await.unwrap_or(Err(StoreError::Silent { doing, limit }))
}

#[cfg(test)]
mod tests {
    use super::{Duration, StoreError, in_time};

    #[tokio::test]
    async fn a_database_that_says_nothing_is_taken_for_one_that_is_away() {
        let silent = std::future::pending::<Result<(), StoreError>>();
        let error = in_time(Duration::from_millis(1), "renewing leases", silent).await.unwrap_err();
        assert!(error.is_passing(), "{error}");
        assert!(error.to_string().starts_with("renewing leases: the database gave no answer"), "{error}");
    }
}
