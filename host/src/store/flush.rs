//! Commits that share one write to disk.
//!
//! In Postgres a transaction holds its locks until its commit is on disk, some milliseconds. Tasks are claimed under the
//! lock of the queue, and those of one job end under the lock of its row, so they would follow each other at most as fast
//! as the disk takes commits. So a step of a task commits at once and gives its locks back, and who ended one then waits
//! for [`Store::flush`], which writes it to disk with those beside it.
//!
//! A server that dies in between has forgotten all of the step. An ending is committed once more by who waits for the
//! disk; with nobody to do so, the task's lease runs out, and it runs again, over the same answers. After a claim, the
//! task is claimed again, maybe under the same fence: so whatever ends a claim says which attempt it is and whose.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::{Store, StoreError, connection::Db, error::Doing};

/// Attempts whose ends are to be on disk.
#[derive(Debug, Default)]
pub(super) struct Flush {
    /// Each with what came of it: none while its turn has not come.
    ends: Mutex<HashMap<i64, Option<Kept>>>,
    turn: tokio::sync::Mutex<()>,
}

/// What a database did with the end of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// It is on disk.
    OnDisk,
    /// The server died before it was, and knows nothing of it.
    Forgotten,
}

/// Somebody who waits; nobody does any more once this is dropped.
struct Waiting<'a> {
    flush: &'a Flush,
    attempt_id: i64,
}

impl Store {
    /// Returns once the end of an attempt, which this host committed, is on disk. One write serves all who wait for it.
    ///
    /// That the server answers does not say that it is the one that heard of the end: it may have died and be back.
    pub async fn flush(&self, attempt_id: i64) -> Result<Kept, StoreError> {
        let Db::Postgres(pool) = &self.db else { return Ok(Kept::OnDisk) };
        let mine = self.flush.wait(attempt_id);
        let _turn = self.flush.turn.lock().await;
        if let Some(kept) = mine.answer() {
            return Ok(kept);
        }
        let waiting = self.flush.waiting();
        // The smallest commit that there is. Postgres writes its log from the front: what came before is there too.
        let (known, _): (Vec<i64>, String) = sqlx::query_as(
            "SELECT ARRAY (SELECT id FROM task_attempts WHERE id = ANY ($1) AND ended_at IS NOT NULL),
                    CAST(pg_logical_emit_message(true, 'backfill', '') AS TEXT)",
        )
        .bind(&waiting)
        .fetch_one(pool)
        .await
        .doing("waiting for the disk")?;
        let kept = |id: &i64| if known.contains(id) { Kept::OnDisk } else { Kept::Forgotten };
        for (id, answer) in self.flush.ends().iter_mut().filter(|(id, _)| waiting.contains(id)) {
            *answer = Some(kept(id));
        }
        Ok(kept(&attempt_id))
    }
}

impl Flush {
    fn wait(&self, attempt_id: i64) -> Waiting<'_> {
        self.ends().insert(attempt_id, None);
        Waiting { flush: self, attempt_id }
    }

    fn waiting(&self) -> Vec<i64> {
        self.ends().iter().filter(|(_, kept)| kept.is_none()).map(|(id, _)| *id).collect()
    }

    fn ends(&self) -> MutexGuard<'_, HashMap<i64, Option<Kept>>> {
        self.ends.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting<'_> {
    fn answer(&self) -> Option<Kept> {
        self.flush.ends().get(&self.attempt_id).copied().flatten()
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.flush.ends().remove(&self.attempt_id);
    }
}
