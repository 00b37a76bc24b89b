//! Forgetting what has been kept for long enough and nothing else rests on.

use chrono::TimeDelta;

use super::{Instant, Store, StoreError, error::Doing, sql};
use crate::domain::Retention;

/// At most so many rows of a kind at once: a short transaction, while others wait for the write lock.
const AT_ONCE: u32 = 2000;

/// A kind of rows, and which of them to forget at an instant, `$1`. Those that only grow are looked at from their
/// oldest on, by their ids, so that no index by time has to be kept for this.
struct Kind {
    table: &'static str,
    old: &'static str,
}

const MESSAGES: Kind = Kind {
    table: "outbox",
    old: "SELECT id FROM (SELECT id, created_at FROM outbox ORDER BY id LIMIT $2 {lock}) oldest WHERE created_at < $1",
};

/// Messages refer to their events.
const EVENTS: Kind = Kind {
    table: "events",
    old: "SELECT id FROM (SELECT id, at FROM events ORDER BY id LIMIT $2 {lock}) oldest
          WHERE at < $1 AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.event_id = oldest.id)",
};

const LOGS: Kind = Kind {
    table: "task_logs",
    old: "SELECT id FROM (SELECT id, at FROM task_logs ORDER BY id LIMIT $2 {lock}) oldest WHERE at < $1",
};

const WORKERS: Kind = Kind {
    table: "workers",
    old: "SELECT id FROM workers WHERE heartbeat_at < $1 ORDER BY id LIMIT $2 {lock}",
};

/// Those that wrote are where stored values come from.
const RUNS: Kind = Kind {
    table: "collector_runs",
    old: "SELECT id FROM collector_runs WHERE outcome <> 'written' AND ended_at < $1 ORDER BY ended_at LIMIT $2 {lock}",
};

impl Store {
    /// Forgets the oldest of what has been kept for long enough, some thousand rows at once; gives how many. Whoever
    /// calls it now and then, on however many hosts, keeps up with what comes.
    pub async fn forget(&self, retention: &Retention, now: impl Into<Instant>) -> Result<u64, StoreError> {
        const DOING: &str = "forgetting what was kept for long enough";
        let now = now.into();
        let mut forgotten = 0;
        for (kind, kept) in [
            (MESSAGES, retention.messages),
            (EVENTS, retention.events),
            (LOGS, retention.logs),
            (WORKERS, retention.workers),
            (RUNS, retention.runs),
        ] {
            let Some(before) =
                TimeDelta::from_std(kept).ok().and_then(|kept| now.utc().checked_sub_signed(kept))
            else {
                continue;
            };
            let before = Instant::from(before);
            let exists = format!("SELECT EXISTS ({})", kind.old.replace("{lock}", ""));
            // Most often there is nothing, and nobody should queue for the write lock to learn that.
            if !self.any(sql::query(exists).bind(before).bind(AT_ONCE), DOING).await? {
                continue;
            }
            let mut tx = self.write_own(DOING).await?;
            let old = kind.old.replace("{lock}", tx.lock_free_rows());
            forgotten += sql::query(format!("DELETE FROM {} WHERE id IN ({old})", kind.table))
                .bind(before)
                .bind(AT_ONCE)
                .execute(&mut tx)
                .await
                .doing(DOING)?;
            tx.commit().await.doing(DOING)?;
        }
        Ok(forgotten)
    }
}
