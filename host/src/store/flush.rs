//! Commits that share one write to disk.
//!
//! In Postgres a transaction holds its locks until its commit is on disk, some milliseconds. Tasks are claimed under the
//! lock of the queue, and those of one job end under the lock of its row, so they would follow each other at most as fast
//! as the disk takes commits. So a step of a task commits at once and gives its locks back, and who ended one then waits
//! for [`Store::flush`], which writes it to disk with those beside it.
//!
//! A server that dies in between has forgotten all of the step. An ending is committed once more by who could not wait for
//! the disk; with nobody to do so, the task's lease runs out, and it runs again, over the same answers. After a claim, the task is claimed again, maybe under the same fence: so whatever ends a
//! claim says which attempt it is and whose.

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use tokio::sync::Mutex;

use super::{Store, StoreError, connection::Db, error::Doing};

/// How many have asked for what they committed to be on disk, and how many of them it is on disk for.
#[derive(Debug, Default)]
pub(super) struct Flush {
    asked: AtomicU64,
    served: Mutex<u64>,
}

impl Store {
    /// Returns once everything that this host committed before is on disk. One write serves all who wait for it.
    pub async fn flush(&self) -> Result<(), StoreError> {
        let Db::Postgres(pool) = &self.db else { return Ok(()) };
        let mine = self.flush.asked.fetch_add(1, SeqCst) + 1;
        let mut served = self.flush.served.lock().await;
        if *served < mine {
            let all = self.flush.asked.load(SeqCst);
            // The smallest commit that there is. Postgres writes its log from the front: what came before is there too.
            let smallest = sqlx::query("SELECT pg_logical_emit_message(true, 'backfill', '')");
            smallest.execute(pool).await.doing("waiting for the disk")?;
            *served = all;
        }
        Ok(())
    }
}
